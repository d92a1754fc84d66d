//! Clipping by the norm of the whole gradient.

/// What to multiply every gradient by so that their common Euclidean norm, `norm` before, is at most `limit`; 1 where it
/// already is, or where there is no limit. Pascanu et al. 2013; the 10⁻⁶ is PyTorch's guard against a norm of 0.
pub fn clip_factor(norm: f64, limit: Option<f64>) -> f32 {
    limit.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_shortened() {
        assert_eq!(clip_factor(3.0, None), 1.0);
        assert_eq!(clip_factor(3.0, Some(4.0)), 1.0);
        assert_eq!(clip_factor(0.0, Some(4.0)), 1.0);
        assert!((clip_factor(8.0, Some(4.0)) - 0.5).abs() < 1e-6);
    }
}
