//! Batch normalisation (Ioffe & Szegedy 2015), as PyTorch's `BatchNorm1d` and `BatchNorm2d`.

use super::{Build, Built, LayerSpec, Normalise, Tensor, Work};
use crate::config::Limits;
use crate::error::Problem;
use crate::kernel::normalise::{centre_and_scale, combine, gradient_moments, moments};
use crate::model::Shape;
use crate::onnx::{Attribute, Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "batch_norm",
    about: "Brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it as learned",
    example: "layer = \"batch_norm\"",
    build: |fields| {
        let usual = BatchNorm::default();
        let eps = fields.key("eps", "added to the variance").number(Limits::above(0.0, 1.0));
        let momentum = fields.key("momentum", "share of each batch in the running statistics, which evaluation uses");
        Box::new(BatchNorm {
            eps: eps.or(usual.eps),
            momentum: momentum.number(Limits::UNIT).or(usual.momentum),
            scale: fields.key("scale", "whether each channel has a learned factor").flag().or(true),
            bias: fields.key("bias", "whether each channel has a learned shift").flag().or(true),
        })
    },
};

/// y = (x − mean) / √(variance + eps) · weight + bias for each channel: in training mean and variance (over n values, divided by
/// n) of the batch, in evaluation running ones. Weight `[channels]` and bias `[channels]` are trained; `running_mean` and
/// `running_var` move by `momentum` · (batch − running), the variance divided by n − 1; a batch of a single value a channel
/// leaves `running_var` as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance; more than 0.
    pub eps: f64,
    /// 0 to 1.
    pub momentum: f64,
    /// Whether there is a weight.
    pub scale: bool,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1, scale: true, bias: true }
    }
}

impl LayerSpec for BatchNorm {
    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn about(&self) -> String {
        let usual = Self::default();
        let mut words = Vec::new();
        let mut note = |differs: bool, text: String| words.extend(differs.then_some(text));
        note(self.eps != usual.eps, format!("eps {}", self.eps));
        note(self.momentum != usual.momentum, format!("momentum {}", self.momentum));
        note(!self.scale, "no scale".to_owned());
        note(!self.bias, "no bias".to_owned());
        words.join(", ")
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let channels = input.channels;
        let trained =
            [self.scale.then(|| Tensor::vector("weight", channels, 1.0)), self.bias.then(|| Tensor::vector("bias", channels, 0.0))];
        let state =
            [("running_mean", 0.0), ("running_var", 1.0)].map(|(name, start)| Tensor::vector(name, channels, start).state());
        Ok(Built {
            shape: input,
            tensors: trained.into_iter().flatten().chain(state).collect(),
            multiply_adds: input.len() as u64,
            work: Work::Normalise(Box::new(Fitted { spec: *self, channels, area: input.height * input.width })),
        })
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let channels = input.shape[0];
        let given = |graph: &mut Graph<'_>, has: bool, word: &str, value: f32| match has {
            true => graph.tensor(word),
            false => graph.constant(word, &[channels], &vec![value; channels]),
        };
        let (scale, bias) = (given(graph, self.scale, "weight", 1.0), given(graph, self.bias, "bias", 0.0));
        let tensors = [scale, bias, graph.tensor("running_mean"), graph.tensor("running_var")];
        graph.keeping(
            "BatchNormalization",
            &input,
            &tensors.each_ref().map(String::as_str),
            vec![Attribute::float("epsilon", self.eps as f32)],
        )
    }
}

/// One number a channel each.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Saved {
    Mean,
    /// 1 / √(variance + eps).
    Spread,
    /// Spread times weight.
    Scale,
    Shift,
    /// Variance divided by n − 1; NaN for n = 1, and [`NOTHING_MEASURED`] in evaluation.
    Variance,
    /// Factors of the backward pass.
    OfGradient,
    OfValue,
    Constant,
}

/// No variance.
const NOTHING_MEASURED: f64 = -1.0;
const ALL_SAVED: usize = Saved::Constant as usize + 1;

struct Fitted {
    spec: BatchNorm,
    channels: usize,
    area: usize,
}

impl Fitted {
    fn of(&self, saved: &[f32], what: Saved, channel: usize) -> f32 {
        saved[what as usize * self.channels + channel]
    }

    fn put(&self, saved: &mut [f32], what: Saved, channel: usize, value: f64) {
        saved[what as usize * self.channels + channel] = value as f32;
    }

    fn weight(&self, parameters: &[f32], channel: usize) -> f64 {
        if self.spec.scale { f64::from(parameters[channel]) } else { 1.0 }
    }

    fn bias<'p>(&self, parameters: &'p [f32]) -> &'p [f32] {
        &parameters[if self.spec.scale { self.channels } else { 0 }..]
    }
}

impl Normalise for Fitted {
    fn sums_len(&self) -> usize {
        2 * self.channels
    }

    fn saved_len(&self) -> usize {
        ALL_SAVED * self.channels
    }

    fn measure(&self, input: &[f32], sums: &mut [f64]) {
        for (plane, sums) in input.chunks_exact(self.area).zip(sums.chunks_exact_mut(2)) {
            let [sum, squares] = moments(plane);
            sums[0] += sum;
            sums[1] += squares;
        }
    }

    fn settle(&self, parameters: &[f32], state: &[f32], sums: Option<(&[f64], usize)>, saved: &mut [f32]) {
        for channel in 0..self.channels {
            let (mean, variance) = match sums {
                None => {
                    self.put(saved, Saved::Variance, channel, NOTHING_MEASURED);
                    (f64::from(state[channel]), f64::from(state[self.channels + channel]))
                }
                Some((sums, images)) => {
                    let count = (images * self.area) as f64;
                    let mean = sums[2 * channel] / count;
                    let variance = (sums[2 * channel + 1] / count - mean * mean).max(0.0);
                    let unbiased = if count > 1.0 { variance * count / (count - 1.0) } else { f64::NAN };
                    self.put(saved, Saved::Variance, channel, unbiased);
                    (mean, variance)
                }
            };
            let spread = 1.0 / (variance + self.spec.eps).sqrt();
            self.put(saved, Saved::Mean, channel, mean);
            self.put(saved, Saved::Spread, channel, spread);
            self.put(saved, Saved::Scale, channel, spread * self.weight(parameters, channel));
            let shift = self.bias(parameters).get(channel).copied().unwrap_or(0.0);
            self.put(saved, Saved::Shift, channel, f64::from(shift));
        }
    }

    fn forward(&self, saved: &[f32], input: &[f32], output: &mut [f32]) {
        let planes = input.chunks_exact(self.area).zip(output.chunks_exact_mut(self.area));
        for (channel, (plane, output)) in planes.enumerate() {
            let [mean, scale, shift] = [Saved::Mean, Saved::Scale, Saved::Shift].map(|what| self.of(saved, what, channel));
            centre_and_scale(plane, mean, scale, shift, output);
        }
    }

    fn measure_gradient(&self, saved: &[f32], input: &[f32], gradient: &[f32], sums: &mut [f64]) {
        let planes = input.chunks_exact(self.area).zip(gradient.chunks_exact(self.area));
        for (channel, ((plane, gradient), sums)) in planes.zip(sums.chunks_exact_mut(2)).enumerate() {
            let [sum, products] = gradient_moments(plane, gradient, self.of(saved, Saved::Mean, channel));
            sums[0] += sum;
            sums[1] += products;
        }
    }

    fn settle_gradient(&self, parameters: &[f32], (sums, images): (&[f64], usize), saved: &mut [f32], gradient: &mut [f32]) {
        let count = (images * self.area) as f64;
        let (weights, biases) = gradient.split_at_mut(if self.spec.scale { self.channels } else { 0 });
        for channel in 0..self.channels {
            let spread = f64::from(self.of(saved, Saved::Spread, channel));
            let [sum, products] = [sums[2 * channel], sums[2 * channel + 1]];
            weights.iter_mut().skip(channel).take(1).for_each(|weight| *weight = (products * spread) as f32);
            biases.iter_mut().skip(channel).take(1).for_each(|bias| *bias = sum as f32);
            let scale = spread * self.weight(parameters, channel);
            self.put(saved, Saved::OfGradient, channel, scale);
            self.put(saved, Saved::OfValue, channel, -scale * spread * spread * products / count);
            self.put(saved, Saved::Constant, channel, -scale * sum / count);
        }
    }

    fn backward(&self, saved: &[f32], input: &[f32], gradient: &mut [f32]) {
        let planes = input.chunks_exact(self.area).zip(gradient.chunks_exact_mut(self.area));
        for (channel, (plane, gradient)) in planes.enumerate() {
            let of = |what| self.of(saved, what, channel);
            combine(plane, of(Saved::Mean), [of(Saved::OfGradient), of(Saved::OfValue), of(Saved::Constant)], gradient);
        }
    }

    fn remember(&self, saved: &[f32], state: &mut [f32]) {
        let (means, variances) = state.split_at_mut(self.channels);
        let share = self.spec.momentum;
        let moved = |running: f32, batch: f32| (f64::from(running) * (1.0 - share) + f64::from(batch) * share) as f32;
        for (channel, (mean, variance)) in means.iter_mut().zip(variances).enumerate() {
            let batch = self.of(saved, Saved::Variance, channel);
            if batch == NOTHING_MEASURED as f32 {
                return;
            }
            *mean = moved(*mean, self.of(saved, Saved::Mean, channel));
            if !batch.is_nan() {
                *variance = moved(*variance, batch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layer::{Flatten, Linear};
    use crate::model::{Network, Noise};

    const NOISE: Noise = Noise { seed: 0, step: 0 };

    fn network(momentum: f64, input: Shape) -> Network {
        let norm = BatchNorm { momentum, ..BatchNorm::default() };
        Network::new(vec![Box::new(norm), Box::new(Flatten), Box::new(Linear::new(None, true))], input, 2).unwrap()
    }

    fn statistics(network: &Network, arena: &[f32]) -> Vec<Vec<f32>> {
        network.spans().iter().filter(|span| !span.trained).map(|span| arena[span.range()].to_vec()).collect()
    }

    #[test]
    fn running_statistics_are_those_of_the_batch_when_they_follow_it_at_once() {
        let network = network(1.0, Shape::new(2, 1, 2));
        let (mut arena, mut workspace) = (network.initialise(1), network.workspace(2));
        assert_eq!(statistics(&network, &arena), [[0.0, 0.0], [1.0, 1.0]]);
        let mut gradient = vec![0.0; network.parameter_count()];
        let images = [1.0, 2.0, -5.0, -5.0, 3.0, 6.0, -5.0, -5.0];
        network.loss_and_gradient(&mut workspace, &arena, &images, &[0u32, 1], NOISE, &mut gradient);
        assert_eq!(statistics(&network, &arena), [[0.0, 0.0], [1.0, 1.0]], "nothing moves before it is asked to");
        network.remember(&workspace, &mut arena);
        // Squares of the distances from 3 sum up to 14; of 4 values, 3 are free.
        assert_eq!(statistics(&network, &arena), [[3.0, -5.0], [14.0 / 3.0, 0.0]]);
    }

    #[test]
    fn a_single_value_has_a_mean_and_no_variance() {
        let network = network(0.5, Shape::vector(3));
        let (mut arena, mut workspace) = (network.initialise(1), network.workspace(1));
        let mut gradient = vec![f32::NAN; network.parameter_count()];
        let tally = network.loss_and_gradient(&mut workspace, &arena, &[4.0, 0.0, -2.0], &[1u32], NOISE, &mut gradient);
        network.remember(&workspace, &mut arena);
        assert_eq!(statistics(&network, &arena), [[2.0, 0.0, -1.0], [1.0, 1.0, 1.0]]);
        assert!(tally.loss_sum.is_finite() && gradient.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn evaluation_sees_each_image_alone() {
        let network = network(0.5, Shape::new(2, 3, 3));
        let (mut arena, mut workspace) = (network.initialise(1), network.workspace(4));
        let images: Vec<f32> = (0..4 * 18).map(|i| (i * 7 % 23) as f32 * 0.3).collect();
        let mut gradient = vec![0.0; network.parameter_count()];
        network.loss_and_gradient(&mut workspace, &arena, &images, &[0u32, 1, 1, 0], NOISE, &mut gradient);
        network.remember(&workspace, &mut arena);
        let together = network.logits(&mut workspace, &arena, &images, 4).to_vec();
        let alone: Vec<f32> =
            images.chunks(18).flat_map(|image| network.logits(&mut workspace, &arena, image, 1).to_vec()).collect();
        assert_eq!(together, alone);
        let before = arena.clone();
        network.remember(&workspace, &mut arena);
        assert_eq!(arena, before, "evaluation leaves nothing to remember");
    }
}
