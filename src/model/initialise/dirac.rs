//! Kernels that pass channels on as they are (Zagoruyko & Komodakis 2017), as airbench starts (Jordan 2024).

use super::{Build, Distribution, Initialiser};
use crate::key::Dice;
use crate::model::Span;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "dirac",
    about: "The first kernels of a convolution pass one channel each on as it is; all else uniform with variance 1 / 3 fan in",
    example: "name = \"dirac\"",
    build: |_| Box::new(Dirac),
};

/// Of every convolution, as many kernels as it has input channels are 0 but for a 1 in the middle of their own channel; other
/// kernels, and linear layers, are uniform between ± 1/√fan in, as PyTorch's layers start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirac;

impl Initialiser for Dirac {
    fn fill(&self, span: &Span, dice: &mut Dice, weights: &mut [f32]) {
        Distribution::Uniform.fill(1.0 / (3.0 * span.fan_in as f64), dice, weights);
        let [_, channels, height, width] = span.shape[..] else { return };
        let area = height * width;
        for (channel, kernel) in weights.chunks_exact_mut(channels * area).take(channels).enumerate() {
            kernel.fill(0.0);
            kernel[channel * area + height / 2 * width + width / 2] = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn the_first_kernels_pick_their_own_channel() {
        let shape = vec![5, 3, 3, 3];
        let span = Span {
            name: "0.weight".into(),
            start: 0,
            len: 135,
            shape,
            trained: true,
            decay: true,
            initial: None,
            fan_in: 27,
            fan_out: 45,
        };
        let mut weights = vec![7.0; 135];
        Dirac.fill(&span, &mut Key::of_run(1, "dirac").dice(), &mut weights);
        for (out, kernel) in weights.chunks(27).enumerate() {
            let ones = kernel.iter().enumerate().filter(|(_, weight)| **weight != 0.0).map(|(place, _)| place);
            match out {
                0..3 => assert_eq!(ones.collect::<Vec<_>>(), [out * 9 + 4]),
                _ => assert!(ones.count() > 20 && kernel.iter().all(|weight| weight.abs() <= 1.0 / 27f32.sqrt())),
            }
        }
    }
}
