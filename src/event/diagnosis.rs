//! What the predictions of finished weights show, as data. Knows no prediction: these numbers are made in `report`.

use serde::{Deserialize, Serialize};

/// How good finished weights are, what kind of error remains, and what may help. Shares and errors are 0–1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The error that training error is held against: that of people, or of a baseline.
    pub reference_error: f64,
    /// Whether the pipeline file gives it; 0 stands in where it does not.
    pub reference_given: bool,
    /// `high bias`, `high variance`, both, or neither, and what else was found; in words.
    pub verdict: String,
    /// What was found, in the order in which it is to be dealt with; empty where no gap is worth it.
    pub findings: Vec<Finding>,
    /// What to keep in mind with these numbers.
    pub warnings: Vec<String>,
    /// A keyed choice of training samples, prepared as for evaluation and seen without dropout.
    pub train: Option<PartDiagnosis>,
    /// All validation samples.
    pub validation: Option<PartDiagnosis>,
    /// All test samples.
    pub test: Option<PartDiagnosis>,
}

impl Diagnosis {
    /// The part by which a run is judged, with its name: test samples, or validation samples where there are none of those.
    pub fn judged(&self) -> Option<(&'static str, &PartDiagnosis)> {
        let test = self.test.as_ref().map(|part| ("test", part));
        test.or(self.validation.as_ref().map(|part| ("validation", part)))
    }
}

/// What kind of error a gap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Training error above the reference.
    Bias,
    /// Error on held-out samples above training error.
    Variance,
    /// Test error above validation error, both of the same data.
    ValidationOverfit,
    /// Test error above validation error, where the test samples come from elsewhere.
    Mismatch,
}

/// A gap between two errors that is worth dealing with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// How much error.
    pub gap: f64,
    /// Whether so few samples can show it: the 95 % interval of the gap lies above 0.
    pub certain: bool,
    /// The same in words.
    pub words: String,
    /// What may help, in the order in which to try it; nothing where the gap may be chance.
    pub remedies: Vec<String>,
}

/// What the predictions for one part of the data show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartDiagnosis {
    /// Samples that were predicted.
    pub samples: u64,
    /// Those whose predicted class is their label.
    pub correct: u64,
    /// Share of samples whose predicted class is not their label.
    pub error: f64,
    /// Mean softmax cross-entropy in nats.
    pub loss: f64,
    /// How well so few samples tell the accuracy.
    pub accuracy: Accuracy,
    /// How often the label is among several classes; none where there are only two classes.
    pub top_k: Option<TopK>,
    /// Whether confidence can be believed.
    pub calibration: Calibration,
    /// Unweighted means over the classes that have samples. A precision that is not defined counts as 0.
    pub macro_average: Averages,
    /// Means over the same classes, weighted by their samples.
    pub weighted_average: Averages,
    /// Every class, in the order of the class numbers.
    pub classes: Vec<ClassScore>,
    /// Samples by label (rows) and predicted class (columns); none where there are more than a hundred classes.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The most frequent mistakes, most frequent first.
    pub confused: Vec<Confused>,
    /// The samples with the greatest losses, greatest first.
    pub top_losses: Vec<Loss>,
}

/// An accuracy with its 95 % interval after Wilson (1927).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Share of samples whose predicted class is their label.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Half of its width.
    pub half_width: f64,
    /// The step in which accuracies are shown to people: a tenth of a per cent.
    pub shown: f64,
    /// Whether half the interval is no wider than that.
    pub enough: bool,
    /// Samples that would make it so, at this accuracy.
    pub samples_needed: u64,
}

/// How often the label is among the `k` most probable classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    /// How many classes: 5, or all but one where there are no more.
    pub k: usize,
    /// Share of samples.
    pub accuracy: f64,
}

/// Confidence held against accuracy; confidence is the probability of the predicted class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How `expected_error` and `greatest_error` are defined.
    pub definition: String,
    /// Expected calibration error.
    pub expected_error: f64,
    /// Maximum calibration error.
    pub greatest_error: f64,
    /// Mean over all samples.
    pub mean_confidence: f64,
    /// Bins of equal width, from confidence 0 to 1.
    pub bins: Vec<Bin>,
}

/// Samples whose confidence is above `above` and at most `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end, excluded; of the first bin, included.
    pub above: f64,
    /// Upper end, included.
    pub to: f64,
    /// Samples in it.
    pub samples: u64,
    /// Their mean confidence; none where there are none.
    pub confidence: Option<f64>,
    /// The share of them that is correct; none where there are none.
    pub accuracy: Option<f64>,
}

/// Precision, recall and F1 of several classes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1, of the classes' F1.
    pub f1: f64,
}

/// What one class comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Its name.
    pub class: String,
    /// Samples with this label.
    pub support: u64,
    /// Samples predicted to be of it.
    pub predicted: u64,
    /// Share of those predicted to be of it that are; none where nothing was.
    pub precision: Option<f64>,
    /// Share of its samples that were found; none where it has none.
    pub recall: Option<f64>,
    /// Harmonic mean of both, 2·correct / (support + predicted); none where both are none.
    pub f1: Option<f64>,
}

/// A mistake and how often it was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confused {
    /// What the samples are.
    pub label: String,
    /// What they were taken for.
    pub predicted: String,
    /// How many.
    pub samples: u64,
}

/// A sample and what was made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Its identity.
    pub path: String,
    /// What it is.
    pub label: String,
    /// What it was taken for.
    pub predicted: String,
    /// With which probability.
    pub confidence: f64,
    /// Cross-entropy in nats.
    pub loss: f64,
}
