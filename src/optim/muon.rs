//! Muon: momentum, made orthogonal, for matrices; another update rule for everything else.

use super::newton_schulz::{orthogonalise, scratch};
use super::{BuildOptimizer, MatrixRule, Moment, Optimizer, Part, PartKind, SLOTS, build_optimizer};
use crate::config::{Fields, Limits};
use crate::kernel::reduce::{all_finite, sum_of_squares};
use crate::registry::Entry;

/// See [`Muon`].
pub const ENTRY: Entry<BuildOptimizer> = Entry {
    name: "muon",
    about: "Momentum of matrices and filters, made orthogonal by Newton and Schulz's iteration; another rule for the rest. Its \
            weight decay shrinks the weights directly",
    example: "name = \"muon\"\nmomentum = 0.95\nothers = { name = \"adamw\" }",
    build,
};

/// For a matrix of r rows and c columns (filters `[out, in, h, w]` are out × in·h·w): v ← μv + (1−μ)g; d = v, or with Nesterov's
/// μv + (1−μ)g of the new v; w ← w − rate · adjust · orthogonal(d) (Jordan et al. 2024; torch.optim.Muon). Everything else is
/// updated by the rule `others`. Row 0 of the slots holds v for matrices, and for the rest what `others` keeps first.
#[derive(Debug)]
struct Muon {
    momentum: f32,
    nesterov: bool,
    steps: u64,
    adjust: Adjust,
    on: On,
    normalize: bool,
    others: Box<dyn Optimizer>,
}

/// What the rate of a matrix is multiplied by.
#[derive(Clone, Copy, Debug)]
enum Adjust {
    /// √max(1, r/c), as Jordan has it.
    Original,
    /// 0.2·√max(r, c), so that steps are as long as AdamW's (Liu et al. 2025).
    MatchRmsAdamw,
    /// 1.
    Nothing,
}

/// Which tensors are updated as matrices.
#[derive(Clone, Copy, Debug)]
enum On {
    Weights,
    Filters,
}

fn build(fields: &Fields) -> Box<dyn Optimizer> {
    let about = "share of the velocity that is kept each step";
    let momentum = fields.key("momentum", about).number(Limits::below(0.0, 1.0)).or(0.95) as f32;
    let nesterov = fields.key("nesterov", "whether to look ahead along the velocity").flag().or(true);
    let steps = fields.key("ns_steps", "steps of Newton and Schulz's iteration").integer(1, 100).or(5) as u64;
    let about = "what the rate of a matrix of r rows and c columns is multiplied by: sqrt(max(1, r/c)), 0.2·sqrt(max(r, c)), or 1";
    let words = [("original", Adjust::Original), ("match_rms_adamw", Adjust::MatchRmsAdamw), ("none", Adjust::Nothing)];
    let adjust = fields.key("adjust", about).choice(&words).or_shown(Adjust::Original, "original");
    let about = "what is updated as matrices: all weight matrices and filters, or filters only";
    let on = fields.key("on", about).choice(&[("weights", On::Weights), ("filters", On::Filters)]).or_shown(On::Weights, "weights");
    let about = "whether each matrix is first brought to the Frobenius norm sqrt(r)";
    let normalize = fields.key("normalize", about).flag().or(false);
    let others = fields.tagged("others", "name", "the update rule of everything else; adamw if not given");
    let others = match others {
        Some(table) => build_optimizer(&table).1,
        None => (super::adamw::ENTRY.build)(&Fields::empty("`others`", fields.problems())),
    };
    if others.matrices().is_some() {
        fields.complain("others", "`others` cannot be muon itself: it is the rule of what is no matrix", "others = \"adamw\"");
    }
    Box::new(Muon { momentum, nesterov, steps, adjust, on, normalize, others })
}

impl Optimizer for Muon {
    fn slots(&self) -> &'static [&'static str] {
        if self.others.slots().len() < 2 { &["first"] } else { &["first", "second"] }
    }

    fn update(&self, at: Moment, params: &mut [f32], grads: &[f32], slots: [&mut [f32]; SLOTS]) {
        self.others.update(at, params, grads, slots);
    }

    fn matrices(&self) -> Option<&dyn MatrixRule> {
        Some(self)
    }

    fn decoupled_decay(&self) -> bool {
        true
    }
}

impl MatrixRule for Muon {
    fn takes(&self, part: &Part) -> bool {
        match self.on {
            On::Weights => part.kind != PartKind::Other,
            On::Filters => part.kind == PartKind::Filters,
        }
    }

    fn gather(&self, grads: &mut [f32], velocity: &mut [f32]) {
        let (keep, rest) = (self.momentum, 1.0 - self.momentum);
        for (g, v) in grads.iter_mut().zip(velocity) {
            *v = keep * *v + rest * *g;
            *g = if self.nesterov { keep * *v + rest * *g } else { *v };
        }
    }

    fn scratch(&self, part: &Part) -> usize {
        scratch(part.units, part.range.len() / part.units)
    }

    fn update(&self, at: Moment, part: &Part, params: &mut [f32], direction: &mut [f32], scratch: &mut [f32]) -> bool {
        let (rows, columns) = (part.units, params.len() / part.units);
        orthogonalise(direction, rows, columns, self.steps, scratch);
        let (tall, wide) = (rows as f64, columns as f64);
        let adjust = match self.adjust {
            Adjust::Original => (tall / wide).max(1.0).sqrt(),
            Adjust::MatchRmsAdamw => 0.2 * tall.max(wide).sqrt(),
            Adjust::Nothing => 1.0,
        };
        let norm = sum_of_squares(params).sqrt();
        let scale = if self.normalize && norm > 0.0 { (tall.sqrt() / norm) as f32 } else { 1.0 };
        let rate = (at.learning_rate * adjust) as f32;
        params.iter_mut().zip(&*direction).for_each(|(w, d)| *w = scale * *w - rate * d);
        all_finite(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;

    fn muon(text: &str) -> Box<dyn Optimizer> {
        let problems = Problems::default();
        let rule = build(&Fields::parse(text, &problems).unwrap());
        assert_eq!(problems.take(), []);
        rule
    }

    fn moved(rule: &dyn Optimizer, units: usize, params: &mut [f32], grads: &[f32], velocity: &mut [f32]) {
        let part = Part::new(0..params.len(), units, PartKind::Filters);
        let matrices = rule.matrices().unwrap();
        let (mut direction, mut scratch) = (grads.to_vec(), vec![0.0; matrices.scratch(&part)]);
        matrices.gather(&mut direction, velocity);
        assert!(matrices.update(Moment { step: 1, learning_rate: 0.1 }, &part, params, &mut direction, &mut scratch));
    }

    #[test]
    fn a_step_has_the_same_length_whatever_the_gradients() {
        for size in [1e-3, 1.0, 1e3f32] {
            let (mut params, grads) = ([0.0; 6], [2.0, -1.0, 0.5, 0.3, 1.0, -2.0].map(|g| g * size));
            moved(&*muon(""), 2, &mut params, &grads, &mut [0.0; 6]);
            let norm = params.iter().map(|w| w * w).sum::<f32>().sqrt();
            assert!((0.09..0.18).contains(&norm), "{size}: two singular values of about 0.1 each: {norm}");
            assert!(params.iter().zip(grads).all(|(w, g)| w * g < 0.0 || w.abs() < 0.03));
        }
    }

    #[test]
    fn momentum_is_pytorchs() {
        let (mut velocity, mut plain) = ([0.5f32], [0.5f32]);
        let (mut ahead, mut behind) = ([2.0f32], [2.0f32]);
        muon("momentum = 0.75").matrices().unwrap().gather(&mut ahead, &mut velocity);
        muon("momentum = 0.75\nnesterov = false").matrices().unwrap().gather(&mut behind, &mut plain);
        assert_eq!((velocity, plain), ([0.875], [0.875]));
        assert_eq!((ahead, behind), ([0.75 * 0.875 + 0.25 * 2.0], [0.875]));
    }

    #[test]
    fn rates_are_adjusted_to_the_shape_and_weights_to_their_norm() {
        let step = |text: &str, units: usize| {
            let mut params = [0.0; 8];
            moved(&*muon(text), units, &mut params, &[1.0, 2.0, 3.0, -4.0, 5.0, 6.0, -7.0, 8.0], &mut [0.0; 8]);
            params[0]
        };
        assert!((step("", 8) / step("adjust = 'none'", 8) - 8f32.sqrt()).abs() < 1e-4);
        assert_eq!(step("", 2), step("adjust = 'none'", 2));
        assert!((step("adjust = 'match_rms_adamw'", 2) / step("", 2) - 0.2 * 2.0).abs() < 1e-4);
        let mut params = [3.0; 8];
        moved(&*muon("normalize = true"), 2, &mut params, &[0.0; 8], &mut [0.0; 8]);
        assert!(params.iter().all(|w| (w - (2.0f32 / 8.0).sqrt()).abs() < 1e-6), "{params:?}");
    }
}
