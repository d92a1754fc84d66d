//! Which layers are given gradients that are mostly zeros. Knows layers by how they work, and computes nothing.

use super::layer::{Part, Work};

/// Tells every layer of a row, the last first, whether the gradient that it will be given is mostly zeros; `zeros` says it of the
/// last. Answers it of what the first hands back.
pub(super) fn announce(row: &mut [Part], zeros: bool) -> bool {
    row.iter_mut().rev().fold(zeros, |zeros, part| match &mut part.built.work {
        // Element by element: where nothing comes in, nothing goes out.
        Work::View | Work::InPlace(_) => zeros,
        Work::PerImage(work) => {
            if zeros {
                work.expect_zeros();
            }
            work.leaves_zeros()
        }
        Work::PerBatch(work) => {
            if zeros {
                work.expect_zeros();
            }
            false
        }
        Work::Normalise(_) => false,
        Work::Residual { branch, shortcut } => {
            let [branch, shortcut] = [branch, shortcut].map(|row| announce(row, zeros));
            branch && shortcut
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;
    use crate::model::layer::{BatchNorm, Conv, LayerSpec, MaxPool, Padding, Relu, Window};

    fn pool(kernel: usize, stride: usize) -> Box<dyn LayerSpec> {
        Box::new(MaxPool { window: Window { kernel, stride, padding: Padding::Sides(0) } })
    }

    /// Floats in which a first convolution, of 24 channels from 16, sums its gradients, with these layers behind it.
    fn sums(behind: Vec<Box<dyn LayerSpec>>) -> usize {
        let first: Box<dyn LayerSpec> = Box::new(Conv::plain(24, 3, 1));
        let (mut parts, mut shape) = (Vec::new(), Shape::new(16, 12, 12));
        for layer in std::iter::once(first).chain(behind) {
            let built = layer.build(shape, 10).unwrap();
            shape = built.shape;
            parts.push(Part { kind: "", about: String::new(), built });
        }
        assert!(!announce(&mut parts, false));
        match &parts[0].built.work {
            Work::PerImage(work) => work.sums_len(),
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_convolution_hears_of_pooling_behind_it_but_not_through_what_mixes_images() {
        // With zeros left out, kernels lie one after the other; with all terms, in panels of 32.
        let [all, without_zeros] = [32 * (9 * 16 + 1), 24 * (9 * 16 + 1)];
        assert_eq!(sums(Vec::new()), all);
        assert_eq!(sums(vec![pool(2, 2)]), without_zeros);
        assert_eq!(sums(vec![Box::new(Relu), pool(3, 2), Box::new(BatchNorm::default())]), without_zeros);
        assert_eq!(sums(vec![pool(3, 1)]), all, "every pixel may win a window");
        assert_eq!(sums(vec![Box::new(BatchNorm::default()), pool(2, 2)]), all);
        assert_eq!(sums(vec![Box::new(Conv::plain(8, 3, 1)), pool(2, 2)]), all);
    }
}
