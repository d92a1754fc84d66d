//! The mean of each whole channel.

use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Work};
use crate::error::Problem;
use crate::kernel::pool::{mean, spread_mean};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "global_avg_pool",
    about: "Takes the mean of each whole channel",
    example: "layer = \"global_avg_pool\"",
    build: |_| Box::new(GlobalAvgPool),
};

/// As PyTorch's `AdaptiveAvgPool2d(1)`, flattened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAvgPool;

impl LayerSpec for GlobalAvgPool {
    fn kind(&self) -> &'static str {
        "global_avg_pool"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let area = input.height * input.width;
        Ok(Built::plain(Shape::vector(input.channels), Work::PerImage(Box::new(Fitted { area }))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let image = graph.image(&input);
        let pooled = graph.reshaping("GlobalAveragePool", &image, &[], Vec::new(), [image.shape[0], 1, 1]);
        graph.vector(&pooled)
    }
}

struct Fitted {
    area: usize,
}

impl PerImage for Fitted {
    fn forward(&self, _: &[f32], input: &[f32], output: &mut [f32]) {
        input.chunks_exact(self.area).zip(output).for_each(|(plane, output)| *output = mean(plane));
    }

    fn backward(&self, _: &[f32], pass: ImageGradient<'_>, _: &mut [f32]) {
        if let Some(to) = pass.to {
            to.chunks_exact_mut(self.area).zip(pass.output).for_each(|(plane, gradient)| spread_mean(*gradient, plane));
        }
    }
}
