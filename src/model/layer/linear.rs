//! Fully connected: y = W x + b.

use super::{Build, Built, LayerSpec, PerBatch, Tensor, ToRows, Work};
use crate::error::Problem;
use crate::kernel::bf16::Precision;
use crate::kernel::gemm::{Start, gemm};
use crate::kernel::matrix::Matrix;
use crate::kernel::reduce::{add_rows, greatest_size};
use crate::kernel::rows::{self, Rows, Then};
use crate::model::{Numerics, Shape};
use crate::onnx::{Attribute, Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "linear",
    about: "Every output is a weighted sum of every input, plus a bias",
    example: "layer = \"linear\"\nout = 128",
    build: |fields| {
        let out = fields.key("out", "number of outputs; the number of classes where left out").count(1, 1 << 20);
        let bias = fields.key("bias", "whether each output has a bias").flag();
        Box::new(Linear::new(out.optional(), bias.or(true)))
    },
};

/// Weight `[out, in]` as PyTorch has it, bias `[out]`. Images are taken as vectors in the order channel, row, column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Number of outputs; none for the number of classes.
    pub out: Option<usize>,
    /// Whether there is a bias.
    pub bias: bool,
    /// How wide factors are.
    pub precision: Precision,
}

impl Linear {
    /// To so many outputs, or where none are given to the classes.
    pub fn new(out: Option<usize>, bias: bool) -> Self {
        Self { out, bias, precision: Precision::default() }
    }
}

impl LayerSpec for Linear {
    fn kind(&self) -> &'static str {
        "linear"
    }

    fn about(&self) -> String {
        let out = self.out.map_or("to the classes".to_owned(), |out| format!("to {out}"));
        if self.bias { out } else { format!("{out}, no bias") }
    }

    fn compute_by(&mut self, numerics: Numerics) {
        self.precision = numerics.precision;
    }

    fn rounds_factors(&self) -> bool {
        self.precision != Precision::F32
    }

    fn build(&self, input: Shape, classes: usize) -> Result<Built, Problem> {
        let (inputs, outputs) = (input.len(), self.out.unwrap_or(classes));
        Ok(Built {
            shape: Shape::vector(outputs),
            tensors: Tensor::weight_and_bias(vec![outputs, inputs], inputs, outputs, self.bias),
            multiply_adds: (inputs * outputs) as u64,
            work: Work::PerBatch(Box::new(Fitted { inputs, outputs, bias: self.bias, precision: self.precision })),
        })
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let (vector, weight) = (graph.vector(&input), graph.tensor("weight"));
        let bias = self.bias.then(|| graph.tensor("bias"));
        let outputs = graph.sizes("weight").first().copied().unwrap_or(0);
        let tensors: Vec<&str> = std::iter::once(&weight).chain(&bias).map(String::as_str).collect();
        graph.reshaping("Gemm", &vector, &tensors, vec![Attribute::int("transB", 1)], [outputs, 1, 1])
    }
}

struct Fitted {
    inputs: usize,
    outputs: usize,
    bias: bool,
    precision: Precision,
}

impl Fitted {
    fn weights<'p>(&self, parameters: &'p [f32]) -> Matrix<'p> {
        Matrix::new(parameters, self.outputs, self.inputs, self.inputs)
    }
}

/// Whether sums of as many products as there are rows, and of as many outputs' gradients, are finite in any order: the greatest of
/// each side say so. A tenth of the range is left for rounding.
fn stay_finite(input: (Rows<'_>, usize), output: (Rows<'_>, usize)) -> bool {
    let greatest = |(rows, len): (Rows<'_>, usize)| {
        let size = |row: usize| greatest_size(&rows.data[row * rows.stride..][..len]);
        // By their bits, which put infinity and what is not a number above all others.
        f64::from(f32::from_bits((0..rows.count).map(|row| size(row).to_bits()).fold(1.0f32.to_bits(), u32::max)))
    };
    let (of_input, of_output) = rayon::join(|| greatest(input), || greatest(output));
    of_input * of_output * input.0.count as f64 <= 0.1 * f64::from(f32::MAX)
}

impl PerBatch for Fitted {
    fn forward(&self, parameters: &[f32], input: Rows<'_>, (output, stride): (&mut [f32], usize), then: &Then<'_>) {
        let start = if self.bias { Start::Row(&parameters[self.inputs * self.outputs..]) } else { Start::Zero };
        let input = Matrix::new(input.data, input.count, self.inputs, input.stride);
        gemm(self.precision, input, self.weights(parameters).transposed(), start, output, stride);
        rows::each(output, stride, then);
    }

    fn backward(
        &self,
        parameters: &[f32],
        input: Rows<'_>,
        output: Rows<'_>,
        to: Option<ToRows<'_>>,
        gradient: &mut [f32],
    ) -> bool {
        let (weights, bias) = gradient.split_at_mut(self.inputs * self.outputs);
        if self.bias {
            bias.fill(0.0);
            add_rows(output.data, output.stride, output.count, bias);
        }
        let out = Matrix::new(output.data, output.count, self.outputs, output.stride);
        let images = Matrix::new(input.data, input.count, self.inputs, input.stride);
        gemm(self.precision, out.transposed(), images, Start::Zero, weights, self.inputs);
        if let Some((to, then)) = to {
            gemm(self.precision, out, self.weights(parameters), Start::Zero, to, self.inputs);
            rows::each(to, self.inputs, then);
        }
        stay_finite((input, self.inputs), (output, self.outputs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_products_that_cannot_overflow_are_taken_to_be_finite() {
        let plain = [0.5f32; 12];
        for (large, other, expected) in [
            (-1e10, 1e10, true),
            (1e19, -1e18, true),
            (1e19, 1e19, false),
            (0.0, 1e38, false),
            (f32::INFINITY, 0.0, false),
            (f32::NAN, 0.0, false),
            (0.0, -f32::NAN, false),
        ] {
            for place in [0, 4, 10] {
                let (mut input, mut output) = (plain, plain);
                (input[place], output[place]) = (large, other);
                let found = stay_finite((Rows::kept(&input, 4, 3), 4), (Rows::kept(&output, 6, 2), 5));
                assert_eq!(found, expected, "{large} and {other} at {place}");
            }
            let beyond = [0.5, 0.5, large];
            assert!(stay_finite((Rows::kept(&beyond, 2, 1), 2), (Rows::kept(&plain, 2, 2), 2)), "not a value of any row");
        }
    }
}
