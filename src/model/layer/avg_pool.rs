//! The mean of each window.

use super::max_pool::windows;
use super::window::Window;
use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Work};
use crate::error::Problem;
use crate::kernel::pool::Pool;
use crate::model::Shape;
use crate::onnx::{Attribute, Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "avg_pool",
    about: "Takes the mean of each window of each channel",
    example: "layer = \"avg_pool\"\nkernel = 2",
    build: |fields| Box::new(AvgPool { window: Window::read(fields, Some(2), None, false) }),
};

/// As PyTorch's `AvgPool2d`: padding counts as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool {
    /// Kernel, stride, padding.
    pub window: Window,
}

impl LayerSpec for AvgPool {
    fn kind(&self) -> &'static str {
        "avg_pool"
    }

    fn about(&self) -> String {
        self.window.about()
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let windows = windows(&self.window, input)?;
        let shape = Shape::new(input.channels, windows.out_height, windows.out_width);
        Ok(Built::plain(shape, Work::PerImage(Box::new(Fitted(Pool::new(windows))))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        self.window.onnx_pool(graph, "AveragePool", &input, vec![Attribute::int("count_include_pad", 1)])
    }
}

struct Fitted(Pool);

impl PerImage for Fitted {
    fn forward(&self, _: &[f32], input: &[f32], output: &mut [f32]) {
        self.0.average(input, output);
    }

    fn backward(&self, _: &[f32], pass: ImageGradient<'_>, _: &mut [f32]) {
        if let Some(to) = pass.to {
            self.0.average_gradient(pass.output, to);
        }
    }
}
