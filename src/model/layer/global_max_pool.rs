//! The greatest value of each whole channel.

use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Work};
use crate::error::Problem;
use crate::kernel::pool::{whole_max, whole_max_gradient};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "global_max_pool",
    about: "Keeps the greatest value of each whole channel",
    example: "layer = \"global_max_pool\"",
    build: |_| Box::new(GlobalMaxPool),
};

/// As PyTorch's `AdaptiveMaxPool2d(1)`, flattened: gradients go to the first greatest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalMaxPool;

impl LayerSpec for GlobalMaxPool {
    fn kind(&self) -> &'static str {
        "global_max_pool"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let area = input.height * input.width;
        Ok(Built::plain(Shape::vector(input.channels), Work::PerImage(Box::new(Fitted { area }))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let image = graph.image(&input);
        let pooled = graph.reshaping("GlobalMaxPool", &image, &[], Vec::new(), [image.shape[0], 1, 1]);
        graph.vector(&pooled)
    }
}

struct Fitted {
    area: usize,
}

impl PerImage for Fitted {
    fn forward(&self, _: &[f32], input: &[f32], output: &mut [f32]) {
        whole_max(self.area, input, output);
    }

    fn backward(&self, _: &[f32], pass: ImageGradient<'_>, _: &mut [f32]) {
        if let Some(to) = pass.to {
            whole_max_gradient(self.area, pass.input, pass.output, to);
        }
    }
}
