//! What layers want to know of training images before the first step. Knows no training.

use super::layer::Survey as Wish;
use super::plan::{Node, Step};
use std::ops::Range;

/// How many training images are looked at, where there are as many.
pub const SURVEY_IMAGES: usize = 5000;

/// Sums over images for the layers of a network that start from data.
pub struct Survey<'n> {
    wishes: Vec<(&'n dyn Wish, Range<usize>, Vec<f64>)>,
    each: usize,
    images: usize,
}

impl<'n> Survey<'n> {
    /// None where no layer asks for it.
    pub(super) fn new(nodes: &'n [Node], each: usize) -> Option<Self> {
        let wish = |node: &'n Node| match &node.step {
            Step::PerImage(work) => work.survey().map(|wish| (wish, node.state.clone(), vec![0.0; wish.sums_len()])),
            _ => None,
        };
        let wishes: Vec<_> = nodes.iter().filter_map(wish).collect();
        (!wishes.is_empty()).then_some(Self { wishes, each, images: 0 })
    }

    /// Looks at images, row after row, as the network would get them; at no more than [`SURVEY_IMAGES`] in all. Answers whether
    /// it wants more.
    pub fn look(&mut self, images: &[f32]) -> bool {
        let rows = images.chunks_exact(self.each).take(SURVEY_IMAGES - self.images);
        self.images += rows.len();
        for image in rows {
            self.wishes.iter_mut().for_each(|(wish, _, sums)| wish.look(image, sums));
        }
        self.images < SURVEY_IMAGES
    }

    /// Writes what was found to the state in the arena; nothing where no image was seen, or where it is not finite.
    pub fn conclude(self, arena: &mut [f32]) {
        for (wish, state, sums) in self.wishes {
            if self.images > 0 && sums.iter().all(|sum| sum.is_finite()) {
                wish.conclude(&sums, self.images, &mut arena[state]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::layer::{Flatten, LayerSpec, Linear, Relu, Whiten};
    use crate::model::{Network, Noise, Shape};

    fn network() -> Network {
        let layers: Vec<Box<dyn LayerSpec>> =
            vec![Box::new(Whiten::default()), Box::new(Flatten), Box::new(Linear::new(None, true))];
        Network::new(layers, Shape::new(2, 6, 5), 3).unwrap()
    }

    #[test]
    fn a_survey_changes_the_fixed_kernels_alone_and_training_leaves_them() {
        let network = network();
        let (fresh, mut workspace) = (network.initialise(3), network.workspace(4));
        let images: Vec<f32> = (0..4 * 60).map(|i| (i * i % 83) as f32 / 40.0 - 1.0).collect();
        let mut survey = network.survey().unwrap();
        assert!(survey.look(&images[..120]) && survey.look(&images[120..]));
        let mut arena = fresh.clone();
        survey.conclude(&mut arena);
        let (trained, state) = arena.split_at(network.parameter_count());
        assert!(trained == &fresh[..trained.len()] && state != &fresh[trained.len()..]);
        let mut gradient = vec![0.0; network.parameter_count()];
        network.loss_and_gradient(&mut workspace, &arena, &images, &[0u32, 1, 2, 0], Noise { seed: 0, step: 0 }, &mut gradient);
        let before = arena.clone();
        network.remember(&workspace, &mut arena);
        assert_eq!(arena, before);
    }

    #[test]
    fn no_images_change_nothing_and_most_networks_ask_for_none() {
        let network = network();
        let mut arena = network.initialise(3);
        network.survey().unwrap().conclude(&mut arena);
        assert_eq!(arena, network.initialise(3));
        assert!(Network::new(crate::model::preset::softmax(), Shape::new(1, 2, 2), 2).unwrap().survey().is_none());
        let behind: Vec<Box<dyn LayerSpec>> = vec![Box::new(Relu), Box::new(Whiten::default())];
        let problems = Network::new(behind, Shape::new(2, 6, 5), 3).err().unwrap();
        assert!(problems[0].message.contains("layer 1 (whiten)"), "{problems:?}");
    }
}
