//! What a batch of inputs must be before anything can be learned from it. Knows numbers, names and shapes.

use crate::batch::Batch;
use crate::event::self_check::{Check, Level};
use crate::model::Shape;

/// Values of a channel that are normalised have a mean no farther from 0 than this, and a deviation within these.
const MEAN: f64 = 3.0;
const DEVIATION: (f64, f64) = (0.02, 5.0);

/// Looks at batches as the trainer would get them, and keeps sums only.
#[derive(Debug)]
pub struct InputAudit {
    input: Shape,
    classes: usize,
    samples: u64,
    wrong_shape: Option<[usize; 3]>,
    wrong_label: Option<String>,
    not_finite: Option<String>,
    blank: Vec<String>,
    first: Option<Vec<f32>>,
    all_alike: bool,
    channels: Vec<(f64, f64)>,
}

impl InputAudit {
    /// Nothing seen yet of a model that takes images of shape `input` and tells `classes` apart.
    pub fn new(input: Shape, classes: usize) -> Self {
        Self {
            input,
            classes,
            samples: 0,
            wrong_shape: None,
            wrong_label: None,
            not_finite: None,
            blank: Vec::new(),
            first: None,
            all_alike: true,
            channels: vec![(0.0, 0.0); input.channels],
        }
    }

    /// Takes note of a batch with one image a sample.
    pub fn look(&mut self, batch: &Batch) {
        let Shape { channels, height, width } = self.input;
        if batch.shape != [channels, height, width] {
            self.wrong_shape.get_or_insert(batch.shape);
            return;
        }
        let plane = (height * width).max(1);
        for ((image, label), name) in batch.images.chunks_exact(plane * channels).zip(&batch.labels).zip(&batch.identities) {
            self.samples += 1;
            if *label as usize >= self.classes {
                self.wrong_label.get_or_insert_with(|| name.to_string());
            }
            self.look_at(image, plane, || name.to_string());
        }
    }

    fn look_at(&mut self, image: &[f32], plane: usize, name: impl Fn() -> String) {
        if !image.iter().all(|value| value.is_finite()) {
            self.not_finite.get_or_insert_with(name);
            return;
        }
        if image.chunks_exact(plane).all(|values| values.iter().all(|value| *value == values[0])) && plane > 1 {
            self.blank.push(name());
        }
        match &self.first {
            None => self.first = Some(image.to_vec()),
            Some(first) => self.all_alike &= first == image,
        }
        for (values, (sum, squares)) in image.chunks_exact(plane).zip(&mut self.channels) {
            *sum += values.iter().map(|&value| f64::from(value)).sum::<f64>();
            *squares += values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>();
        }
    }

    /// Mean and standard deviation of every channel.
    fn moments(&self) -> Vec<(f64, f64)> {
        let values = (self.samples as f64 * (self.input.height * self.input.width) as f64).max(1.0);
        let moments = |&(sum, squares): &(f64, f64)| {
            let mean = sum / values;
            (mean, (squares / values - mean * mean).max(0.0).sqrt())
        };
        self.channels.iter().map(moments).collect()
    }

    /// The check `inputs`.
    pub fn conclude(&self) -> Check {
        let check = |level, words: String| Check::new("inputs", level, words);
        if let Some([channels, height, width]) = self.wrong_shape {
            let input = self.input;
            return check(Level::Failed, format!("inputs of shape {channels}×{height}×{width} for a model that takes {input}"));
        }
        if let Some(name) = &self.wrong_label {
            return check(
                Level::Failed,
                format!("the label of {name} is none of the {} classes; look at the source's labels", self.classes),
            );
        }
        if let Some(name) = &self.not_finite {
            let help = "look at [normalize] (a standard deviation near 0?) and at the operations before it";
            return check(Level::Failed, format!("{name} has values that are no finite numbers; {help}"));
        }
        if self.samples == 0 {
            return check(Level::Skipped, "none of the first training samples could be read".to_owned());
        }
        let moments = self.moments();
        let shown: Vec<String> = moments.iter().map(|(mean, std)| format!("{mean:.2} ± {std:.2}")).collect();
        let moments_words = format!("mean ± deviation {}", shown.join(", "));
        match self.oddity(&moments) {
            Some(help) => check(Level::Warning, format!("inputs {}, {moments_words}; {help}", self.input)),
            None => check(Level::Passed, format!("inputs {}; {moments_words}", self.input)),
        }
    }

    fn oddity(&self, moments: &[(f64, f64)]) -> Option<String> {
        if self.samples > 1 && self.all_alike {
            return Some(format!("the first {} pictures are all the same: look at the source and at the operations", self.samples));
        }
        if !self.blank.is_empty() {
            let (number, first) = (self.blank.len(), &self.blank[0]);
            return Some(format!("{number} of {} pictures are blank after all operations, {first} among them", self.samples));
        }
        let wild = |(mean, std): &(f64, f64)| mean.abs() > MEAN || *std < DEVIATION.0 || *std > DEVIATION.1;
        moments.iter().any(wild).then(|| {
            "they are not normalised: give [normalize] mean = \"auto\" and std = \"auto\", or those of the data on the scale 0 to 1".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Part, Pass};
    use crate::sample::{Identity, NoteCounts};

    fn batch(images: Vec<f32>, labels: Vec<u32>) -> Batch {
        let identities = (0..labels.len()).map(|number| Identity(format!("{number}.png").into())).collect();
        Batch {
            pass: Pass { part: Part::Train, epoch: 0 },
            index: 0,
            shape: [1, 2, 3],
            images: images.into(),
            views: 1,
            labels,
            soft_targets: None,
            identities,
            consumed: 0,
            left_out: 0,
            bad: Vec::new(),
            notes: NoteCounts::default(),
            last: true,
            digest: [0; 32],
        }
    }

    fn good() -> Batch {
        batch((0..24).map(|n| (n * 7 % 11) as f32 / 4.0 - 1.2).collect(), vec![0, 1, 2, 1])
    }

    fn found(batch: &Batch) -> Check {
        let mut audit = InputAudit::new(Shape::new(1, 2, 3), 3);
        audit.look(batch);
        audit.conclude()
    }

    #[test]
    fn what_can_be_learned_from_passes() {
        let check = found(&good());
        assert_eq!(check.level, Level::Passed, "{}", check.words);
        assert!(check.words.starts_with("inputs 1×2×3; mean"), "{}", check.words);
    }

    #[test]
    fn every_fault_is_found_and_named() {
        type Fault<'f> = (&'f str, Level, fn(&mut Batch));
        let faults: [Fault<'_>; 7] = [
            ("takes 1×2×3", Level::Failed, |batch| batch.shape = [1, 3, 2]),
            ("label of 2.png", Level::Failed, |batch| batch.labels[2] = 3),
            ("1.png has values", Level::Failed, |batch| batch.images[6] = f32::NAN),
            ("1.png has values", Level::Failed, |batch| batch.images[7] = f32::INFINITY),
            ("3.png among", Level::Warning, |batch| batch.images[18..].fill(0.25)),
            ("not normalised", Level::Warning, |batch| batch.images.iter_mut().for_each(|value| *value = 100.0 * *value + 127.0)),
            ("all the same", Level::Warning, |batch| (6..24).for_each(|place| batch.images[place] = batch.images[place % 6])),
        ];
        for (words, level, plant) in faults {
            let mut batch = good();
            plant(&mut batch);
            let check = found(&batch);
            assert!(check.level == level && check.words.contains(words), "{words}: {check:?}");
        }
        assert_eq!(found(&batch(Vec::new(), Vec::new())).level, Level::Skipped);
    }
}
