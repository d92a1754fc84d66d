//! Convolution (cross-correlation, as PyTorch's `Conv2d`).

use super::window::Window;
use super::winograd::Filtering;
use super::{Build, Built, ImageGradient, LayerSpec, PerImage, Tensor, Work};
use crate::error::Problem;
use crate::kernel::bf16::Precision;
use crate::kernel::conv::{self, Geometry};
use crate::kernel::conv_sparse::SparseGradients;
use crate::kernel::depthwise::Depthwise;
use crate::kernel::winograd::Winograd;
use crate::model::{Convolution, Numerics, Shape};
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "conv",
    about: "Slides learned kernels over the image: one output channel a kernel",
    example: "layer = \"conv\"\nout = 32\nkernel = 5\npadding = 2",
    build: |fields| {
        let out = fields.key("out", "number of output channels").count(1, 1 << 16).required();
        let window = Window::read(fields, None, Some(1), true);
        let about = "groups of channels that do not see each other; as many as input channels is a depthwise convolution";
        let groups = fields.key("groups", about).count(1, 1 << 16).or(1);
        let bias = fields.key("bias", "whether each output channel has a bias").flag().or(true);
        Box::new(Conv { out, window, groups, bias, numerics: Numerics::default() })
    },
};

/// Weight `[out, in / groups, kernel, kernel]` as PyTorch has it, bias `[out]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Number of output channels.
    pub out: usize,
    /// Kernel, stride, padding.
    pub window: Window,
    /// Groups: output channels of one see input channels of the same one only.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// How it is computed.
    pub numerics: Numerics,
}

impl Conv {
    /// All channels see all channels; stride 1, no bias.
    pub fn plain(out: usize, kernel: usize, padding: usize) -> Self {
        let window = Window { kernel, stride: 1, padding: super::Padding::Sides(padding) };
        Self { out, window, groups: 1, bias: false, numerics: Numerics::default() }
    }
}

impl Conv {
    /// Whether minimal filtering is wanted, and pays.
    fn filters(&self, channels: usize) -> bool {
        self.numerics.convolution == Convolution::Winograd && self.groups == 1 && channels >= Numerics::FEWEST
    }
}

impl LayerSpec for Conv {
    fn kind(&self) -> &'static str {
        "conv"
    }

    fn about(&self) -> String {
        let groups = if self.groups == 1 { String::new() } else { format!(", {} groups", self.groups) };
        let bias = if self.bias { "" } else { ", no bias" };
        format!("{}, {} channels{groups}{bias}", self.window.about(), self.out)
    }

    fn compute_by(&mut self, numerics: Numerics) {
        self.numerics = numerics;
    }

    fn rounds_factors(&self) -> bool {
        self.numerics.precision != Precision::F32
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let groups = self.groups;
        if !(input.channels.is_multiple_of(groups) && self.out.is_multiple_of(groups)) {
            let message = format!("{groups} groups do not divide {} input and {} output channels", input.channels, self.out);
            return Err(Problem::new(message, "groups must divide both numbers of channels"));
        }
        let ([height, width], padding) = self.window.fit(input)?;
        let (kernel, stride) = ([self.window.kernel; 2], [self.window.stride; 2]);
        let shape = Shape::new(self.out, height, width);
        let (area, channels) = (kernel[0] * kernel[1], input.channels / groups);
        let weights = self.out * channels * area;
        let geometry =
            |from, to| Geometry { input: [from, input.height, input.width], output: [to, height, width], kernel, stride, padding };
        let filtering = Some(geometry(channels, self.out))
            .filter(|_| self.filters(channels))
            .and_then(|geometry| Winograd::new(geometry, self.numerics.precision));
        let work = if let Some(plan) = filtering {
            let (geometry, precision) = (geometry(channels, self.out), self.numerics.precision);
            Work::PerBatch(Box::new(Filtering { plan, sparse: None, geometry, precision, weights }))
        } else if channels == 1 && groups > 1 {
            Work::PerImage(Box::new(Each { plan: Depthwise::new(geometry(groups, self.out)), weights, bias: self.bias }))
        } else {
            let plan = conv::Conv::new(geometry(channels, self.out / groups), self.numerics.precision);
            Work::PerImage(Box::new(Fitted { plan, sparse: None, groups, weights }))
        };
        Ok(Built {
            shape,
            tensors: Tensor::weight_and_bias(
                vec![self.out, channels, kernel[0], kernel[1]],
                channels * area,
                self.out / groups * area,
                self.bias,
            ),
            multiply_adds: (shape.len() * channels * area) as u64,
            work,
        })
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        self.window.onnx_conv(graph, &input, self.out, self.bias, self.groups)
    }
}

/// Groups of several channels, or one group: each is a convolution by itself.
struct Fitted {
    plan: conv::Conv,
    /// The gradients of a single group, where the output's is mostly zeros.
    sparse: Option<SparseGradients>,
    groups: usize,
    weights: usize,
}

impl Fitted {
    fn prepared_each(&self) -> usize {
        self.plan.packed_len() + self.sparse.as_ref().map_or(self.plan.flipped_len(), SparseGradients::packed_len)
    }

    /// Floats of a group's weights, and of its biases.
    fn lens(&self) -> [usize; 2] {
        [self.weights / self.groups, self.plan.geometry().output[0]]
    }
}

/// As many floats of every group.
fn split(values: &[f32], groups: usize) -> std::slice::ChunksExact<'_, f32> {
    values.chunks_exact(values.len() / groups)
}

fn split_mut(values: &mut [f32], groups: usize) -> std::slice::ChunksExactMut<'_, f32> {
    let len = values.len() / groups;
    values.chunks_exact_mut(len)
}

impl PerImage for Fitted {
    fn prepared_len(&self) -> usize {
        self.groups * self.prepared_each()
    }

    fn prepare(&self, parameters: &[f32], _: &[f32], prepared: &mut [f32]) {
        let ((weights, biases), [_, out]) = (parameters.split_at(self.weights), self.lens());
        for (group, (weights, prepared)) in split(weights, self.groups).zip(split_mut(prepared, self.groups)).enumerate() {
            let (packed, flipped) = prepared.split_at_mut(self.plan.packed_len());
            self.plan.pack(weights, biases.get(group * out..(group + 1) * out), packed);
            match &self.sparse {
                Some(sparse) => sparse.pack(weights, flipped),
                None => self.plan.pack_flipped(weights, flipped),
            }
        }
    }

    fn forward(&self, prepared: &[f32], input: &[f32], output: &mut [f32]) {
        let groups = split(prepared, self.groups).zip(split(input, self.groups)).zip(split_mut(output, self.groups));
        groups.for_each(|((prepared, input), output)| self.plan.forward(&prepared[..self.plan.packed_len()], input, output));
    }

    fn sums_len(&self) -> usize {
        self.sparse.as_ref().map_or(self.groups * self.plan.sums_len(), SparseGradients::sums_len)
    }

    fn backward(&self, prepared: &[f32], pass: ImageGradient<'_>, sums: &mut [f32]) {
        if let Some(sparse) = &self.sparse {
            return sparse.add(&prepared[self.plan.packed_len()..], (pass.input, pass.output), pass.to, sums);
        }
        let gradients = split(pass.input, self.groups).zip(split(pass.output, self.groups));
        for ((input, output), sums) in gradients.zip(split_mut(sums, self.groups)) {
            self.plan.weight_gradient(input, output, sums);
        }
        if let Some(to) = pass.to {
            let groups = split(prepared, self.groups).zip(split(pass.output, self.groups)).zip(split_mut(to, self.groups));
            groups.for_each(|((prepared, output), to)| self.plan.image_gradient(&prepared[self.plan.packed_len()..], output, to));
        }
    }

    fn collect(&self, sums: &[f32], gradient: &mut [f32]) {
        let ((weights, biases), [_, out]) = (gradient.split_at_mut(self.weights), self.lens());
        if let Some(sparse) = &self.sparse {
            return sparse.collect(sums, weights, Some(biases).filter(|biases| !biases.is_empty()));
        }
        for (group, (sums, weights)) in split(sums, self.groups).zip(split_mut(weights, self.groups)).enumerate() {
            self.plan.collect(sums, weights, biases.get_mut(group * out..(group + 1) * out));
        }
    }

    fn expect_zeros(&mut self) {
        self.sparse = SparseGradients::new(self.plan.geometry()).filter(|_| self.groups == 1);
    }
}

/// Groups of one channel.
struct Each {
    plan: Depthwise,
    weights: usize,
    bias: bool,
}

impl PerImage for Each {
    fn prepared_len(&self) -> usize {
        self.weights + if self.bias { self.plan.geometry().output[0] } else { 0 }
    }

    fn prepare(&self, parameters: &[f32], _: &[f32], prepared: &mut [f32]) {
        prepared.copy_from_slice(parameters);
    }

    fn forward(&self, prepared: &[f32], input: &[f32], output: &mut [f32]) {
        let (weights, bias) = prepared.split_at(self.weights);
        self.plan.forward(weights, self.bias.then_some(bias), input, output);
    }

    fn sums_len(&self) -> usize {
        self.plan.sums_len()
    }

    fn backward(&self, prepared: &[f32], pass: ImageGradient<'_>, sums: &mut [f32]) {
        self.plan.weight_gradient(pass.input, pass.output, sums);
        if let Some(to) = pass.to {
            self.plan.image_gradient(&prepared[..self.weights], pass.output, to);
        }
    }

    fn collect(&self, sums: &[f32], gradient: &mut [f32]) {
        gradient.copy_from_slice(&sums[..gradient.len()]);
    }
}
