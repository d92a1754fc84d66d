//! Convolution (cross-correlation, as PyTorch's `Conv2d`).

use super::window::Window;
use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Tensor, Work};
use crate::error::Problem;
use crate::kernel::conv::{self, Geometry};
use crate::model::Shape;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "conv",
    about: "Slides learned kernels over the image: one output channel a kernel",
    example: "layer = \"conv\"\nout = 32\nkernel = 5\npadding = 2",
    build: |fields| {
        let out = fields.key("out", "number of output channels").count(1, 1 << 16).required();
        let window = Window::read(fields, None, Some(1), true);
        let bias = fields.key("bias", "whether each output channel has a bias").flag().or(true);
        Box::new(Conv { out, window, bias })
    },
};

/// Weight `[out, in, kernel, kernel]` as PyTorch has it, bias `[out]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Number of output channels.
    pub out: usize,
    /// Kernel, stride, padding.
    pub window: Window,
    /// Whether there is a bias.
    pub bias: bool,
}

impl LayerSpec for Conv {
    fn kind(&self) -> &'static str {
        "conv"
    }

    fn about(&self) -> String {
        let bias = if self.bias { "" } else { ", no bias" };
        format!("{}, {} channels{bias}", self.window.about(), self.out)
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let ([height, width], padding) = self.window.fit(input)?;
        let (kernel, stride) = ([self.window.kernel; 2], [self.window.stride; 2]);
        let shape = Shape::new(self.out, height, width);
        let from = [input.channels, input.height, input.width];
        let plan = conv::Conv::new(Geometry { input: from, output: [self.out, height, width], kernel, stride, padding });
        let area = kernel[0] * kernel[1];
        let sizes = vec![self.out, input.channels, kernel[0], kernel[1]];
        Ok(Built {
            shape,
            tensors: Tensor::weight_and_bias(sizes, input.channels * area, self.out * area, self.bias),
            multiply_adds: (shape.len() * input.channels * area) as u64,
            work: Work::PerImage(Box::new(Fitted { weights: self.out * input.channels * area, bias: self.bias, plan })),
        })
    }
}

struct Fitted {
    plan: conv::Conv,
    weights: usize,
    bias: bool,
}

impl PerImage for Fitted {
    fn prepared_len(&self) -> usize {
        self.plan.packed_len() + self.plan.flipped_len()
    }

    fn prepare(&self, parameters: &[f32], prepared: &mut [f32]) {
        let (weights, bias) = parameters.split_at(self.weights);
        let (packed, flipped) = prepared.split_at_mut(self.plan.packed_len());
        self.plan.pack(weights, self.bias.then_some(bias), packed);
        self.plan.pack_flipped(weights, flipped);
    }

    fn forward(&self, prepared: &[f32], input: &[f32], output: &mut [f32]) {
        self.plan.forward(&prepared[..self.plan.packed_len()], input, output);
    }

    fn sums_len(&self) -> usize {
        self.plan.sums_len()
    }

    fn backward(&self, prepared: &[f32], pass: ImageGradient<'_>, sums: &mut [f32]) {
        self.plan.weight_gradient(pass.input, pass.output, sums);
        if let Some(to) = pass.to {
            self.plan.image_gradient(&prepared[self.plan.packed_len()..], pass.output, to);
        }
    }

    fn collect(&self, sums: &[f32], gradient: &mut [f32]) {
        let (weights, bias) = gradient.split_at_mut(self.weights);
        self.plan.collect(sums, weights, self.bias.then_some(bias));
    }
}
