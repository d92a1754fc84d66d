//! A chain as its reader wants to see it: every step with those inside it, what sizes become, and how often each is applied.

use super::chain::{Chain, Step};
use crate::sample::Size;
use serde::Serialize;

/// A step, and the steps inside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Branch {
    /// The step's name where it stands.
    pub name: String,
    /// Its operation.
    pub op: &'static str,
    /// Its own chance, each time it has its turn.
    pub p: f64,
    /// Whether it is applied to a sample in every other epoch, and its chance is that of beginning with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alternate: bool,
    /// Chance that it is applied to a sample at all, with everything around it counted in.
    pub probability: f64,
    /// The size of an image after its turn; none where that varies.
    pub size: Option<Size>,
    /// What it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Branch>,
}

impl Chain {
    /// Every step, for images of `size`, or of any size.
    pub fn tree(&self, size: Option<Size>) -> Vec<Branch> {
        let mut size = size;
        let grow = |step: &Step| {
            let branch = branch(step, size, &|p| p);
            size = branch.size;
            branch
        };
        self.steps().iter().map(grow).collect()
    }
}

/// `overall` makes a chance over all samples of a chance that holds each time when `step` has its turn.
fn branch(step: &Step, size: Option<Size>, overall: &dyn Fn(f64) -> f64) -> Branch {
    let inner = |(index, inner): (usize, &Step)| {
        let overall = |p| overall(step.p() * step.op().chance_inside(index, p));
        branch(inner, step.op().size_inside(index, size), &overall)
    };
    Branch {
        name: step.name().to_owned(),
        op: step.op_name(),
        p: step.p(),
        alternate: step.alternates(),
        probability: overall(step.p()),
        size: step.out_size(size),
        steps: step.steps().iter().enumerate().map(inner).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fields, Problems};

    fn chain(text: &str) -> Chain {
        let problems = Problems::default();
        let fields = Fields::parse(text, &problems).expect("TOML");
        let chain = Chain::build(&fields.tables("augment", "op", ""));
        assert_eq!(problems.take(), []);
        chain
    }

    fn leaves(branches: &[Branch]) -> Vec<(String, f64)> {
        let of = |branch: &Branch| match branch.steps.is_empty() {
            true => vec![(branch.name.clone(), branch.probability)],
            false => leaves(&branch.steps),
        };
        branches.iter().flat_map(of).collect()
    }

    const NESTED: &str = "
        [[augment]]
        op = 'sometimes'
        p = 0.5
        [[augment.ops]]
        op = 'one_of'
        weights = [3, 1]
        p = 0.8
        [[augment.ops.ops]]
        op = 'some_of'
        count = [1, 2]
        ops = ['rotate90', { op = 'vertical_flip', p = 0.5 }, { op = 'random_order', ops = ['horizontal_flip'] }]
        [[augment.ops.ops]]
        op = 'some_of'
        count = 2
        replace = true
        ops = [{ op = 'sometimes', p = 0.5, ops = [{ op = 'rotate90', p = 0.5 }] }, 'vertical_flip']
    ";

    #[test]
    fn the_chance_of_every_leaf_is_the_product_of_what_lies_around_it() {
        let got = leaves(&chain(NESTED).tree(None));
        // 0.5 · 0.8 · 3/4 · (mean of 1 and 2 of three), and twice one of two.
        let (three, two) = (0.5 * 0.8 * 0.75 * 0.5, 0.5 * 0.8 * 0.25);
        let expected = [
            ("rotate90", three),
            ("vertical_flip", three * 0.5),
            ("horizontal_flip", three * 0.5),
            ("rotate90", two * (1.0 - 0.875f64.powi(2))),
            ("vertical_flip", two * (1.0 - 0.75f64.powi(2))),
        ];
        assert_eq!(got.len(), expected.len());
        for ((name, p), (expected_name, expected)) in got.iter().zip(expected) {
            assert!(name == expected_name && (p - expected).abs() < 1e-12, "{name}: {p}, not {expected}");
        }
    }

    #[test]
    fn sizes_are_told_where_they_are_sure() {
        let (small, large) = (Size::new(8, 8), Size::new(20, 30));
        let resize = "{ op = 'resize', size = 8 }";
        let turn = "{ op = 'rotate', degrees = 9, expand = true }";
        let size = |text: &str| chain(&format!("augment = [{text}]")).out_size(Some(large));
        assert_eq!(size(&format!("{{ op = 'sometimes', p = 1, ops = [{turn}, {resize}] }}")), Some(small));
        assert_eq!(size(&format!("{{ op = 'sometimes', ops = [{resize}] }}")), None);
        assert_eq!(size(&format!("{{ op = 'one_of', ops = [{resize}, {{ op = 'crop', size = 8 }}] }}")), Some(small));
        assert_eq!(size(&format!("{{ op = 'one_of', ops = [{resize}, 'vertical_flip'] }}")), None);
        assert_eq!(size("{ op = 'one_of', ops = ['horizontal_flip', 'vertical_flip'] }"), Some(large));
        assert_eq!(size(&format!("{{ op = 'random_order', ops = ['vertical_flip', {resize}] }}")), Some(small));
        assert_eq!(size(&format!("{{ op = 'random_order', ops = [{turn}, {resize}] }}")), None);
        assert_eq!(size(&format!("{{ op = 'some_of', count = [0, 1], ops = [{resize}] }}")), None);
        assert_eq!(size(&format!("{{ op = 'some_of', ops = [{resize}, {{ op = 'crop', size = 8 }}] }}")), Some(small));
        assert_eq!(size(&format!("{{ op = 'some_of', count = 2, ops = [{turn}, {resize}] }}")), Some(small));
        let tree =
            chain(&format!("augment = [{{ op = 'sometimes', p = 1, ops = [{resize}, 'vertical_flip'] }}]")).tree(Some(large));
        assert_eq!(tree[0].steps.iter().map(|branch| branch.size).collect::<Vec<_>>(), [Some(small); 2]);
    }
}
