//! Clipping: of every element of the gradient by itself, and of the whole gradient by its norm.

use crate::config::{Fields, Limits};

/// How large a gradient may be. Elements are clipped first, then the norm of what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clip {
    /// The largest norm of the whole gradient, penalties included (Pascanu et al. 2013).
    pub norm: Option<f64>,
    /// The largest size of any element of it.
    pub value: Option<f64>,
}

impl Clip {
    /// Reads the keys `clip_norm` and `clip_value`.
    pub fn read(fields: &Fields) -> Self {
        let about = "the gradient of a step is shortened to this norm where it is longer";
        let norm = fields.key("clip_norm", about).number(Limits::POSITIVE).optional();
        let about = "every element of the gradient is brought to between minus this and this, before clip_norm";
        let value = fields.key("clip_value", about).number(Limits::POSITIVE).optional();
        Self { norm, value }
    }

    /// What to multiply every gradient by so that their common Euclidean norm, `norm` before, is at most the limit; 1 where it
    /// already is, or where there is none. The 10⁻⁶ is PyTorch's guard against a norm of 0.
    pub(super) fn factor(&self, norm: f64) -> f32 {
        self.norm.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0) as f32)
    }

    /// Brings every element to within the limit.
    pub(super) fn values(&self, grads: &mut [f32]) {
        if let Some(limit) = self.value.map(|limit| limit as f32) {
            grads.iter_mut().for_each(|g| *g = g.clamp(-limit, limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_shortened() {
        let clip = Clip { norm: Some(4.0), value: None };
        assert_eq!(Clip::default().factor(3.0), 1.0);
        assert_eq!((clip.factor(3.0), clip.factor(0.0)), (1.0, 1.0));
        assert!((clip.factor(8.0) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn elements_are_clipped_on_both_sides() {
        let mut grads = [-3.0, -0.5, 0.0, 0.5, 3.0];
        Clip::default().values(&mut grads);
        assert_eq!(grads, [-3.0, -0.5, 0.0, 0.5, 3.0]);
        Clip { norm: None, value: Some(1.0) }.values(&mut grads);
        assert_eq!(grads, [-1.0, -0.5, 0.0, 0.5, 1.0]);
    }
}
