//! Inverted dropout (Srivastava et al. 2014), for units or, as the first layer, for inputs.

use super::{Build, Built, Draw, InPlace, LayerSpec, Work};
use crate::config::Limits;
use crate::error::Problem;
use crate::kernel::dropout::drop_out;
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "dropout",
    about: "In training, sets units to 0 at random and divides the kept ones by the chance of being kept",
    example: "layer = \"dropout\"\nkeep = 0.8",
    build: |fields| {
        let keep = fields.key("keep", "chance of a unit to be kept").number(Limits::above(0.0, 1.0)).or(0.5);
        Box::new(Dropout::new(keep as f32))
    },
};

/// Keeps each unit with probability `keep` and divides it by `keep`; does nothing when evaluating.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    keep: f32,
    mask: Option<Vec<bool>>,
}

impl Dropout {
    /// Draws which units are kept: from the run's seed, the step, the layer, the image's number in the batch and the unit's.
    pub fn new(keep: f32) -> Self {
        Self { keep, mask: None }
    }

    /// Keeps the units that `mask` says instead of drawing, row after row of a batch: for comparison with other programs.
    pub fn with_mask(keep: f32, mask: Vec<bool>) -> Self {
        Self { keep, mask: Some(mask) }
    }

    fn apply(&self, values: &mut [f32], draw: Draw) {
        let Some(mask) = &self.mask else { return drop_out(draw.key, draw.row, self.keep, values) };
        let row = mask.chunks_exact(values.len()).nth(draw.row as usize);
        for (value, kept) in values.iter_mut().zip(row.unwrap_or(&[])) {
            *value = if *kept { *value / self.keep } else { 0.0 };
        }
    }
}

impl LayerSpec for Dropout {
    fn kind(&self) -> &'static str {
        "dropout"
    }

    fn about(&self) -> String {
        format!("keep {}", self.keep)
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::InPlace(Box::new(self.clone()))))
    }

    fn onnx(&self, _: &mut Graph<'_>, input: Wire) -> Wire {
        input
    }
}

impl InPlace for Dropout {
    fn forward(&self, values: &mut [f32], draw: Option<Draw>) {
        if let Some(draw) = draw {
            self.apply(values, draw);
        }
    }

    fn backward(&self, _: &[f32], gradient: &mut [f32], draw: Draw) {
        self.apply(gradient, draw);
    }

    fn reads_output(&self) -> bool {
        false
    }
}
