//! Gradients compared with differences of outputs. Knows layers only as functions.

mod sampled;

pub use sampled::{Sampling, Slope, Trust, sampled};

use super::layer::LayerSpec;
use super::loss::Noise;
use super::network::Network;
use super::{Shape, Workspace};
use crate::error::Problem;
use crate::key::Key;

/// Where a gradient and the difference quotient are farthest apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// `input`, or the name of a tensor of parameters.
    pub name: String,
    /// |gradient − quotient| / max(1, the greatest |gradient| of that tensor).
    pub error: f64,
    /// Partial derivatives that were compared.
    pub compared: usize,
}

/// Half of the step between the inner two of the four points at which outputs are taken.
const H: f32 = 1.0 / 16.0;
const IMAGES: usize = 3;
const NOISE: Noise = Noise { seed: 5, step: 3 };

/// Checks every partial derivative of Σ r · output with respect to every input and parameter, r fixed random numbers, for
/// `layers` on three images of shape `input`, in training mode. Differences are taken over four points, in f64 of f32 outputs.
///
/// Inputs and parameters stand on a grid so wide that no step crosses a kink of `relu` or changes the winner of `max_pool`,
/// where those come first; behind other layers kinks may be crossed and show as errors.
///
/// # Errors
/// Layers that do not fit each other.
pub fn check(layers: &[Box<dyn LayerSpec>], input: Shape) -> Result<Worst, Problem> {
    let network = Network::of_any_output(layers, input, 3)?;
    let mut workspace = network.workspace(IMAGES);
    let mut dice = Key::of_run(1, "gradient check").dice();
    let outputs = IMAGES * network.classes();
    let mut probe = Probe {
        images: (0..IMAGES * input.len()).map(on_grid).collect(),
        parameters: (0..network.arena_len()).map(|_| dice.uniform(-1.0, 1.0) as f32).collect(),
        weights: (0..outputs).map(|_| dice.uniform(-1.0, 1.0) as f32).collect(),
    };
    network.training_outputs(&mut workspace, &probe.parameters, &probe.images, NOISE);
    let (gradient, image_gradient) = network.pull_back(&mut workspace, &probe.parameters, &probe.images, &probe.weights);
    let mut worst = Worst { name: String::new(), error: 0.0, compared: 0 };
    let spans = network
        .spans()
        .iter()
        .filter(|span| span.trained)
        .map(|span| (span.name.as_str(), &gradient[span.range()], Some(span.start)));
    for (name, gradient, start) in spans.chain([("input", image_gradient.as_slice(), None)]) {
        let scale = gradient.iter().fold(1.0f64, |scale, value| scale.max(f64::from(value.abs())));
        for (index, &claimed) in gradient.iter().enumerate() {
            let quotient = probe.quotient(&network, &mut workspace, start.map(|start| start + index).ok_or(index));
            let error = (f64::from(claimed) - quotient).abs() / scale;
            // A NaN counts as the worst error.
            if !matches!(error.partial_cmp(&worst.error), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)) {
                worst = Worst { name: name.to_owned(), error, ..worst };
            }
            worst.compared += 1;
        }
    }
    Ok(worst)
}

/// Numbers 0.27 apart, none nearer than 0.135 to 0; equal ones are at least 23 places apart.
fn on_grid(index: usize) -> f32 {
    ((index * 7 % 23) as f32 - 10.5) * 0.27
}

struct Probe {
    images: Vec<f32>,
    parameters: Vec<f32>,
    weights: Vec<f32>,
}

impl Probe {
    /// (−f(2h) + 8 f(h) − 8 f(−h) + f(−2h)) / 12 h, for a parameter (`Ok`) or an input (`Err`).
    fn quotient(&mut self, network: &Network, workspace: &mut Workspace, which: Result<usize, usize>) -> f64 {
        let mut sum = 0.0;
        for (by, factor) in [(2.0, -1.0), (1.0, 8.0), (-1.0, -8.0), (-2.0, 1.0)] {
            let value = match which {
                Ok(index) => &mut self.parameters[index],
                Err(index) => &mut self.images[index],
            };
            let old = std::mem::replace(value, *value + by * H);
            let outputs = network.training_outputs(workspace, &self.parameters, &self.images, NOISE);
            let products = outputs.iter().zip(&self.weights).map(|(&output, &weight)| f64::from(output) * f64::from(weight));
            sum += factor * products.sum::<f64>();
            match which {
                Ok(index) => self.parameters[index] = old,
                Err(index) => self.images[index] = old,
            }
        }
        sum / (12.0 * f64::from(H))
    }
}

/// A layer whose gradient is wrong, for tests of what finds it.
#[cfg(test)]
pub(crate) mod wrong {
    use crate::error::Problem;
    use crate::model::Shape;
    use crate::model::layer::{Built, Draw, InPlace, LayerSpec, Work};

    /// Doubles its input and says that it trebled it.
    #[derive(Debug)]
    pub(crate) struct Wrong;

    impl LayerSpec for Wrong {
        fn kind(&self) -> &'static str {
            "wrong"
        }
        fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
            Ok(Built::plain(input, Work::InPlace(Box::new(Wrong))))
        }
        fn onnx(&self, _: &mut crate::onnx::Graph<'_>, input: crate::onnx::Wire) -> crate::onnx::Wire {
            input
        }
    }

    impl InPlace for Wrong {
        fn forward(&self, values: &mut [f32], _: Option<Draw>) {
            values.iter_mut().for_each(|value| *value *= 2.0);
        }
        fn backward(&self, _: &[f32], gradient: &mut [f32], _: Draw) {
            gradient.iter_mut().for_each(|value| *value *= 3.0);
        }
        fn reads_output(&self) -> bool {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wrong::Wrong;
    use super::*;
    use crate::config::{Fields, Problems};
    use crate::model::LAYERS;
    use crate::model::layer::Linear;
    use crate::model::{Convolution, Numerics};

    fn build(text: &str) -> Box<dyn LayerSpec> {
        let problems = Problems::default();
        let fields = Fields::parse(text, &problems).unwrap();
        let name = fields.key("layer", "").text().required();
        let layer = (LAYERS.iter().find(|entry| entry.name == name).unwrap().build)(&fields);
        fields.finish();
        assert!(problems.take().is_empty(), "{text}");
        layer
    }

    /// Cases for each layer of the catalogue beside its own example.
    fn cases(name: &str) -> &'static [&'static str] {
        match name {
            "avg_pool" => &["kernel = 3\nstride = 2\npadding = 1", "kernel = 2\nstride = 3", "kernel = 5\nstride = 1"],
            "max_pool" => &["kernel = 3\nstride = 2\npadding = 1", "kernel = 3\nstride = 1"],
            "batch_norm" => &["eps = 0.1", "scale = false", "bias = false", "scale = false\nbias = false\nmomentum = 1"],
            "gelu" => &["approximate = \"tanh\""],
            "leaky_relu" => &["slope = 0", "slope = 0.5"],
            "whiten" => &["kernel = 1\nbias = false", "kernel = 3"],
            // A large eps keeps curves flat enough for the difference quotient.
            "residual" => &[
                "branch = [\"relu\", { layer = \"conv\", out = 2, kernel = 3, padding = 1 }]",
                "branch = [{ layer = \"conv\", out = 3, kernel = 3, padding = 1 }, { layer = \"batch_norm\", eps = 1 }]\n\
                 shortcut = [{ layer = \"conv\", out = 3, kernel = 1 }, { layer = \"batch_norm\", eps = 1 }]",
                "branch = [{ layer = \"conv\", out = 3, kernel = 3, padding = 1, stride = 2 }, { layer = \"batch_norm\", eps = 1 }, \"silu\"]\n\
                 shortcut = [{ layer = \"conv\", out = 3, kernel = 1, stride = 2 }]",
                // One in the branch of another, and one in its shortcut.
                "branch = [{ layer = \"residual\", branch = [{ layer = \"batch_norm\", eps = 1 }] }, \"gelu\"]\n\
                 shortcut = [{ layer = \"residual\", branch = [\"tanh\", { layer = \"batch_norm\", eps = 1 }], shortcut = [\"sigmoid\"] }]",
                "branch = [{ layer = \"linear\", out = 4 }, { layer = \"batch_norm\", eps = 1 }]\nshortcut = [\"flatten\", { layer = \"linear\", out = 4 }]",
                "branch = [\"flatten\"]\nshortcut = [{ layer = \"scale\", factor = 0.5 }, \"flatten\"]",
            ],
            "conv" => &[
                "out = 3\nkernel = 3\nstride = 2\npadding = 1",
                "out = 17\nkernel = 1",
                "out = 2\nkernel = 4\npadding = \"same\"\nbias = false",
                "out = 2\nkernel = 2\nstride = 3\npadding = 3",
                "out = 3\nkernel = 1\nstride = 2",
                "out = 4\nkernel = 3\nstride = 2\ngroups = 2\npadding = 1",
                "out = 2\nkernel = 3\ngroups = 2\npadding = 1\nbias = false",
                "out = 6\nkernel = 4\ngroups = 2\nstride = 3\npadding = 2",
            ],
            "linear" => &["out = 33", "out = 1\nbias = false"],
            "dropout" => &["keep = 0.3", "keep = 1"],
            _ => &[],
        }
    }

    #[test]
    fn every_layer_of_the_catalogue_has_the_gradient_of_its_outputs() {
        for entry in LAYERS {
            let own = [entry.example.to_owned()];
            let more = cases(entry.name).iter().map(|keys| format!("layer = \"{}\"\n{keys}", entry.name));
            for text in own.into_iter().chain(more) {
                // Of a whole plane, only so many values are different.
                let shape = if entry.name == "global_max_pool" { Shape::new(2, 3, 7) } else { Shape::new(2, 5, 7) };
                let worst = check(&[build(&text)], shape).unwrap();
                assert!(worst.error < 2e-4, "{text}: {worst:?}");
                assert!(worst.compared >= IMAGES * shape.len(), "{text}: {worst:?}");
            }
        }
    }

    #[test]
    fn minimal_filtering_has_the_gradient_of_its_outputs() {
        for (kernel, padding) in [(3, 1), (3, 0), (5, 2), (5, 4)] {
            let mut layer = build(&format!("layer = \"conv\"\nout = 5\nkernel = {kernel}\npadding = {padding}"));
            layer.compute_by(Numerics { convolution: Convolution::Winograd, ..Numerics::default() });
            let worst = check(&[layer], Shape::new(9, 6, 7)).unwrap();
            assert!(worst.error < 2e-4, "{kernel} {padding}: {worst:?}");
        }
    }

    #[test]
    fn layers_after_each_other_pass_gradients_on() {
        let words = [
            "layer = \"conv\"\nout = 3\nkernel = 3\npadding = 1",
            "layer = \"tanh\"",
            "layer = \"avg_pool\"",
            "layer = \"flatten\"",
        ];
        let more = ["layer = \"linear\"\nout = 5", "layer = \"sigmoid\"", "layer = \"dropout\"\nkeep = 0.7", "layer = \"linear\""];
        let layers: Vec<_> = words.into_iter().chain(more).map(build).collect();
        let worst = check(&layers, Shape::new(2, 5, 4)).unwrap();
        assert!(worst.error < 2e-4, "{worst:?}");
    }

    #[test]
    fn a_wrong_gradient_is_found() {
        let layers: Vec<Box<dyn LayerSpec>> = vec![Box::new(Linear::new(Some(4), true)), Box::new(Wrong)];
        assert!(check(&layers, Shape::vector(5)).unwrap().error > 0.1);
    }
}
