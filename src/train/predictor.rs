//! A network with its weights, to be used: probabilities of classes for images that have been prepared. Knows no file.

use crate::error::{Error, Result};
use crate::kernel::softmax::{Score, cross_entropy, mean_cross_entropy, softmax};
use crate::model::{Network, Workspace};
use rayon::prelude::*;

/// A trained network.
pub struct Predictor<'n> {
    network: &'n Network,
    params: &'n [f32],
    workspace: Workspace,
    pool: rayon::ThreadPool,
}

/// What a network says of some samples, each seen in one or several views.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    classes: usize,
    views: usize,
    /// A row a view.
    logits: Vec<f32>,
    /// Softmax of each.
    shares: Vec<f64>,
    /// A row a sample.
    means: Vec<f64>,
}

impl<'n> Predictor<'n> {
    /// Takes up to `batch_size` images at once, on `threads` threads; results depend on neither. `params` are the network's weights
    /// and state.
    ///
    /// # Errors
    /// [`Error::Refused`] where the system does not give so many threads.
    pub fn new(network: &'n Network, params: &'n [f32], batch_size: usize, threads: usize) -> Result<Self> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1));
        let pool = builder.thread_name(|number| format!("network-{number}")).build().map_err(|error| {
            let help = "lower --workers, or raise the limit on processes (ulimit -u)";
            Error::refused(format!("cannot start {threads} threads: {error}"), help)
        })?;
        Ok(Self { network, params, workspace: network.workspace(batch_size.max(1)), pool })
    }

    /// What the network says of the samples whose images, `views` of each and one after the other, are in `images`, of shape
    /// `[samples · views, channels, height, width]`.
    ///
    /// # Panics
    /// Where that is no whole number of images.
    pub fn predict(&mut self, images: &[f32], views: usize) -> Predictions {
        let Self { network, params, workspace, pool } = self;
        let (classes, each) = (network.classes(), network.input().len());
        let mut logits = Vec::with_capacity(images.len() / each * classes);
        let mut shares = vec![0.0; images.len() / each * classes];
        pool.install(|| {
            for part in images.chunks(workspace.capacity() * each) {
                logits.extend_from_slice(network.logits(workspace, params, part, part.len() / each));
            }
            let rows = logits.par_chunks_exact(classes).zip(shares.par_chunks_exact_mut(classes));
            rows.with_min_len(64).for_each(|(logits, out)| softmax(logits, out));
        });
        Predictions::of(classes, views, logits, shares)
    }
}

impl Predictions {
    fn of(classes: usize, views: usize, logits: Vec<f32>, shares: Vec<f64>) -> Self {
        let mean = |rows: &[f64], class: usize| rows.chunks_exact(classes).map(|row| row[class]).sum::<f64>() / views as f64;
        let samples = shares.chunks_exact(views * classes);
        let means = samples.flat_map(|rows| (0..classes).map(move |class| mean(rows, class))).collect();
        Self { classes, views, logits, shares, means }
    }

    /// What several networks say of the same samples together: the others' answers count as more views of each. An ensemble as in
    /// Lakshminarayanan et al. 2017 (arXiv:1612.01474), whose probabilities are averaged; of one network, what it says.
    ///
    /// # Panics
    /// Where there is no network, or where they do not speak of the same samples, classes and views.
    pub fn together(mut all: Vec<Self>) -> Self {
        if all.len() == 1 {
            return all.remove(0);
        }
        let (classes, views, samples) = (all[0].classes, all[0].views, all[0].len());
        assert!(all.iter().all(|one| (one.classes, one.views, one.len()) == (classes, views, samples)));
        let rows = |sample: usize| sample * views * classes..(sample + 1) * views * classes;
        let each = || (0..samples).flat_map(|sample| all.iter().map(move |one| (one, rows(sample))));
        let logits = each().flat_map(|(one, rows)| one.logits[rows].iter().copied()).collect();
        let shares = each().flat_map(|(one, rows)| one.shares[rows].iter().copied()).collect();
        Self::of(classes, all.len() * views, logits, shares)
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.means.len() / self.classes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.means.is_empty()
    }

    /// Probability of every class for a sample: the mean of its views' softmax.
    pub fn probabilities(&self, sample: usize) -> &[f64] {
        &self.means[sample * self.classes..][..self.classes]
    }

    /// Whether all of them are numbers.
    pub fn is_finite(&self, sample: usize) -> bool {
        self.probabilities(sample).iter().all(|probability| probability.is_finite())
    }

    /// The `most` likeliest classes of a sample, the likeliest first; of equal ones the first first.
    pub fn ranked(&self, sample: usize, most: usize) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.classes).collect();
        let key = |class: &usize| self.key(sample, *class);
        // Keys that are no numbers have no order; what it is then does not matter, since such samples are refused.
        classes.sort_by(|one, other| key(other).total_cmp(&key(one)));
        classes.truncate(most);
        classes
    }

    /// How many classes are likelier than `class`: 0 for the one that is predicted.
    pub fn rank(&self, sample: usize, class: usize) -> usize {
        let own = self.key(sample, class);
        let before = |other: usize| self.key(sample, other) > own || (other < class && self.key(sample, other) == own);
        (0..self.classes).filter(|&other| before(other)).count()
    }

    /// What a sample of class `label` is worth, exactly as when a run is tested.
    pub fn score(&self, sample: usize, label: usize) -> Score {
        let rows = sample * self.views * self.classes..(sample + 1) * self.views * self.classes;
        match self.views {
            1 => cross_entropy(&self.logits[rows], label, 0.0, 1.0, None),
            _ => mean_cross_entropy(&self.shares[rows], self.classes, label),
        }
    }

    /// What classes are ordered by: logits tell apart what rounding makes equal.
    fn key(&self, sample: usize, class: usize) -> f64 {
        match self.views {
            1 => f64::from(self.logits[sample * self.classes + class]),
            _ => self.means[sample * self.classes + class],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::model::preset::Lenet;
    use crate::model::{Shape, Tally};

    const CLASSES: usize = 7;

    fn network() -> (Network, Vec<f32>) {
        let preset = Lenet { channels: [5, 19], hidden: 21, keep_hidden: 0.6 };
        let network = Network::new(preset.layers(), Shape::new(2, 11, 13), CLASSES).unwrap();
        let params = network.initialise(3);
        (network, params)
    }

    fn samples(network: &Network, images: usize) -> Vec<f32> {
        let mut dice = Key::of_run(5, "images").dice();
        (0..images * network.input().len()).map(|_| dice.uniform(-1.0, 1.0) as f32).collect()
    }

    #[test]
    fn scores_are_those_of_an_evaluation_bit_for_bit() {
        let (network, params) = network();
        for views in [1, 3] {
            let (images, labels) = (samples(&network, 10 * views), [0u32, 1, 2, 3, 4, 5, 6, 0, 1, 2]);
            let mut workspace = network.workspace(10);
            let expected: Tally = match views {
                1 => network.evaluate(&mut workspace, &params, &images, &labels),
                _ => network.evaluate_views(&mut workspace, &params, &images, &labels, views),
            };
            for (batch_size, threads) in [(10, 1), (4, 2), (1, 3)] {
                let found = Predictor::new(&network, &params, batch_size, threads).unwrap().predict(&images, views);
                let scores: Vec<Score> = labels.iter().enumerate().map(|(i, &label)| found.score(i, label as usize)).collect();
                let correct = scores.iter().filter(|score| score.correct).count() as u64;
                let loss_sum = scores.iter().map(|score| score.loss).sum();
                assert_eq!(Tally { loss_sum, correct, count: 10 }, expected, "{views} views in batches of {batch_size}");
            }
        }
    }

    #[test]
    fn networks_speak_together_as_views_do() {
        let (network, params) = network();
        let (images, other) = (samples(&network, 12), network.initialise(4));
        let of = |params: &[f32], views| Predictor::new(&network, params, 5, 1).unwrap().predict(&images, views);
        assert_eq!(Predictions::together(vec![of(&params, 3)]), of(&params, 3));
        for views in [1, 3] {
            let (one, two) = (of(&params, views), of(&other, views));
            let both = Predictions::together(vec![one.clone(), two.clone()]);
            assert_eq!(both.len(), one.len());
            for (sample, class) in (0..one.len()).flat_map(|sample| (0..CLASSES).map(move |class| (sample, class))) {
                let mean = (one.probabilities(sample)[class] + two.probabilities(sample)[class]) / 2.0;
                assert!((both.probabilities(sample)[class] - mean).abs() < 1e-15);
                assert!((both.score(sample, class).loss + mean.ln()).abs() < 1e-12);
                assert_eq!(both.ranked(sample, CLASSES)[both.rank(sample, class)], class);
            }
        }
    }

    #[test]
    fn classes_are_ranked_by_their_probability_and_the_first_of_equals_first() {
        let logits = vec![1.0f32, 3.0, 3.0, -2.0];
        let mut shares = vec![0.0; 4];
        softmax(&logits, &mut shares);
        let found = Predictions { classes: 4, views: 1, means: shares.clone(), logits, shares };
        assert_eq!((found.len(), found.is_empty(), found.is_finite(0)), (1, false, true));
        assert_eq!(found.ranked(0, 3), [1, 2, 0]);
        assert_eq!([0, 1, 2, 3].map(|class| found.rank(0, class)), [2, 0, 1, 3]);
        assert!((found.probabilities(0).iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!(found.score(0, 1).correct && !found.score(0, 2).correct);
    }

    #[test]
    fn rank_and_order_agree_and_views_are_averaged() {
        let (network, params) = network();
        let images = samples(&network, 12);
        let found = Predictor::new(&network, &params, 5, 1).unwrap().predict(&images, 3);
        let alone = Predictor::new(&network, &params, 5, 1).unwrap().predict(&images, 1);
        for sample in 0..found.len() {
            for (place, class) in found.ranked(sample, CLASSES).into_iter().enumerate() {
                assert_eq!(found.rank(sample, class), place);
                let mean = (0..3).map(|view| alone.probabilities(3 * sample + view)[class]).sum::<f64>() / 3.0;
                assert_eq!(found.probabilities(sample)[class], mean);
            }
        }
    }
}
