//! Makes small patches of the images uncorrelated: the fixed first layer of airbench (Jordan 2024, after Page 2018).

use super::window::{Padding, Window};
use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Survey, Tensor, Work};
use crate::config::Limits;
use crate::error::Problem;
use crate::kernel::bf16::Precision;
use crate::kernel::conv::{self, Geometry};
use crate::kernel::reduce;
use crate::kernel::whitening::{add_products, kernels};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "whiten",
    about: "As first layer: a fixed convolution that makes patches uncorrelated, measured on training images; its bias is learned",
    example: "layer = \"whiten\"\nkernel = 2\neps = 0.0005",
    build: |fields| {
        let usual = Whiten::default();
        Box::new(Whiten {
            kernel: fields.key("kernel", "rows and columns of a patch").count(1, 8).or(usual.kernel),
            eps: fields.key("eps", "added to the variance along each direction").number(Limits::above(0.0, 1.0)).or(usual.eps),
            bias: fields.key("bias", "whether each output channel has a learned bias").flag().or(true),
        })
    },
};

/// Numbers in the largest patch.
const LARGEST: usize = 192;

/// A convolution of stride 1 without padding to twice as many channels as a patch has numbers: its weight `[out, in, kernel, kernel]`
/// holds v / √(λ + eps) for eigenvectors v and eigenvalues λ of the mean products of patches of training images, and their
/// negatives. It is measured before the first step and then stays; until then it is drawn as any weight is. Bias `[out]`, trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whiten {
    /// Rows and columns of a patch.
    pub kernel: usize,
    /// Added to eigenvalues; more than 0.
    pub eps: f64,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Default for Whiten {
    fn default() -> Self {
        Self { kernel: 2, eps: 5e-4, bias: true }
    }
}

impl LayerSpec for Whiten {
    fn kind(&self) -> &'static str {
        "whiten"
    }

    fn about(&self) -> String {
        format!("{0}×{0} patches, eps {1}", self.kernel, self.eps)
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let (kernel, side) = (self.kernel, input.channels * self.kernel * self.kernel);
        if input.height < kernel || input.width < kernel || side > LARGEST {
            let message = format!("patches of {kernel}×{kernel} do not suit an input of {input}");
            return Err(Problem::new(message, format!("use a smaller kernel; patches have at most {LARGEST} numbers")));
        }
        let shape = Shape::new(2 * side, input.height + 1 - kernel, input.width + 1 - kernel);
        let [from, output] = [input, shape].map(|shape| [shape.channels, shape.height, shape.width]);
        let geometry = Geometry { input: from, output, kernel: [kernel; 2], stride: [1, 1], padding: [0, 0] };
        // Patches are evened out with all the digits that there are.
        let plan = conv::Conv::new(geometry, Precision::F32);
        let mut tensors = Tensor::weight_and_bias(vec![shape.channels, input.channels, kernel, kernel], side, 2 * side, self.bias);
        tensors[0] = tensors[0].clone().state();
        let multiply_adds = (shape.len() * side) as u64;
        Ok(Built { shape, tensors, multiply_adds, work: Work::PerImage(Box::new(Fitted { spec: *self, input, side, plan })) })
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let window = Window { kernel: self.kernel, stride: 1, padding: Padding::Sides(0) };
        let out = 2 * input.shape[0] * self.kernel * self.kernel;
        window.onnx_conv(graph, &input, out, self.bias, 1)
    }
}

struct Fitted {
    spec: Whiten,
    input: Shape,
    side: usize,
    plan: conv::Conv,
}

impl PerImage for Fitted {
    fn prepared_len(&self) -> usize {
        self.plan.packed_len() + self.plan.flipped_len()
    }

    fn prepare(&self, bias: &[f32], weights: &[f32], prepared: &mut [f32]) {
        let (packed, flipped) = prepared.split_at_mut(self.plan.packed_len());
        self.plan.pack(weights, self.spec.bias.then_some(bias), packed);
        self.plan.pack_flipped(weights, flipped);
    }

    fn forward(&self, prepared: &[f32], input: &[f32], output: &mut [f32]) {
        self.plan.forward(&prepared[..self.plan.packed_len()], input, output);
    }

    fn sums_len(&self) -> usize {
        if self.spec.bias { 2 * self.side } else { 0 }
    }

    fn backward(&self, prepared: &[f32], pass: ImageGradient<'_>, sums: &mut [f32]) {
        let area = pass.output.len() / (2 * self.side);
        sums.iter_mut().zip(pass.output.chunks_exact(area)).for_each(|(sum, plane)| *sum += reduce::sum(plane));
        if let Some(to) = pass.to {
            self.plan.image_gradient(&prepared[self.plan.packed_len()..], pass.output, to);
        }
    }

    fn collect(&self, sums: &[f32], gradient: &mut [f32]) {
        gradient.copy_from_slice(sums);
    }

    fn survey(&self) -> Option<&dyn Survey> {
        Some(self)
    }
}

impl Survey for Fitted {
    fn sums_len(&self) -> usize {
        self.side * self.side
    }

    fn look(&self, image: &[f32], sums: &mut [f64]) {
        let Shape { channels, height, width } = self.input;
        add_products(image, [channels, height, width], self.spec.kernel, sums);
    }

    fn conclude(&self, sums: &[f64], images: usize, state: &mut [f32]) {
        let patches = images * (self.input.height + 1 - self.spec.kernel) * (self.input.width + 1 - self.spec.kernel);
        let mean: Vec<f64> = sums.iter().map(|sum| sum / patches as f64).collect();
        kernels(&mean, self.side, self.spec.eps, state);
    }
}
