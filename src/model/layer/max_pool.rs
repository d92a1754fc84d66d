//! The greatest value in each window.

use super::window::{Padding, Window};
use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Work};
use crate::error::Problem;
use crate::kernel::pool::{Pool, Windows};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "max_pool",
    about: "Keeps the greatest value in each window of each channel",
    example: "layer = \"max_pool\"\nkernel = 2",
    build: |fields| Box::new(MaxPool { window: Window::read(fields, Some(2), None, false) }),
};

/// As PyTorch's `MaxPool2d`: gradients go to the first greatest value; padding never wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Kernel, stride, padding.
    pub window: Window,
}

impl LayerSpec for MaxPool {
    fn kind(&self) -> &'static str {
        "max_pool"
    }

    fn about(&self) -> String {
        self.window.about()
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let windows = windows(&self.window, input)?;
        let shape = Shape::new(input.channels, windows.out_height, windows.out_width);
        Ok(Built::plain(shape, Work::PerImage(Box::new(Fitted { pool: Pool::new(windows), shares: [input.len(), shape.len()] }))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        self.window.onnx_pool(graph, "MaxPool", &input, Vec::new())
    }
}

/// The windows of a pooling layer over `input`.
///
/// # Errors
/// Where none fits, or a window could lie in the padding alone.
pub(super) fn windows(window: &Window, input: Shape) -> Result<Windows, Problem> {
    if let Padding::Sides(sides) = window.padding
        && 2 * sides > window.kernel
    {
        let message = format!("padding {sides} is more than half of the pooling window of {}", window.kernel);
        return Err(Problem::new(message, format!("at most {}", window.kernel / 2)));
    }
    let ([out_height, out_width], padding) = window.fit(input)?;
    let Shape { channels, height, width } = input;
    let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
    Ok(Windows { channels, height, width, out_height, out_width, kernel, stride, padding })
}

struct Fitted {
    pool: Pool,
    /// Numbers of an input and of an output.
    shares: [usize; 2],
}

impl PerImage for Fitted {
    fn forward(&self, _: &[f32], input: &[f32], output: &mut [f32]) {
        self.pool.max(input, output);
    }

    fn backward(&self, _: &[f32], pass: ImageGradient<'_>, _: &mut [f32]) {
        if let Some(to) = pass.to {
            self.pool.max_gradient(pass.input, pass.output, to);
        }
    }

    /// Every window hands its gradient to one of its inputs.
    fn leaves_zeros(&self) -> bool {
        4 * self.shares[1] <= self.shares[0]
    }
}
