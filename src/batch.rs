//! Dense batches, as a trainer takes them. Knows no image and no network.

mod buffer;
mod digest;

pub use buffer::{Buffer, Pool};
pub use digest::Digest;

use crate::sample::{BadSample, Identity, NoteCounts};
use std::sync::Arc;

/// Which part of the data a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Augmented, shuffled each epoch.
    Train,
    /// Deterministic, after each epoch.
    Validation,
    /// Deterministic, once at the end.
    Test,
}

impl Part {
    /// `train`, `validation` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }
}

/// One walk over one part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Pass {
    /// What is read.
    pub part: Part,
    /// In which epoch, from 0.
    pub epoch: u32,
}

/// Normalised images and their labels: f32, shape `[count · views, channels, height, width]` (NCHW), contiguous, row-major; the views
/// of a sample follow each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The pass that it belongs to.
    pub pass: Pass,
    /// Place in the pass, from 0.
    pub index: u32,
    /// Channels, height, width of every image.
    pub shape: [usize; 3],
    /// Values, `count · views · channels · height · width` of them.
    pub images: Buffer,
    /// Images of each sample: 1, or more where evaluation averages over several.
    pub views: usize,
    /// Class numbers, one a sample; of a mixed image, its own.
    pub labels: Vec<u32>,
    /// Where images have been mixed: what they are of, shape `[count, classes]`, each row of sum 1.
    pub soft_targets: Option<Vec<f32>>,
    /// Who is in it, in order.
    pub identities: Vec<Identity>,
    /// Entries of the pass consumed up to and including this batch, bad ones too: where a resumed run starts reading.
    pub consumed: u64,
    /// Good samples left out because the pass ends in a smaller batch than is kept.
    pub left_out: u64,
    /// Samples set aside since the batch before.
    pub bad: Vec<Arc<BadSample>>,
    /// What was odd about the files read since the batch before; told in epoch 0 only, so that each file counts once.
    pub notes: NoteCounts,
    /// Whether the pass ends here. A pass without a single good sample ends in a batch of none.
    pub last: bool,
    /// [`Digest`] of what it was made of: each sample's label and the pixels of its views, and how pixels become numbers. Of a mixed batch, of
    /// that and [`Batch::digest_of_numbers`]. Two batches of a run are the same to a trainer exactly if this is equal.
    pub digest: [u8; 32],
}

impl Batch {
    /// Number of samples.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// What is to be learned from the images.
    pub fn targets(&self) -> Targets<'_> {
        self.soft_targets.as_deref().map_or(Targets::Labels(&self.labels), Targets::Soft)
    }

    /// The images as an array of shape `[count · views, channels, height, width]`.
    pub fn view(&self) -> ndarray::ArrayView4<'_, f32> {
        let [channels, height, width] = self.shape;
        let shape = (self.count() * self.views, channels, height, width);
        ndarray::ArrayView4::from_shape(shape, &self.images).expect("a batch's buffer has its shape: built so by the batcher")
    }

    /// [`Digest`] of labels, images and, where there are any, soft targets.
    pub fn digest_of_numbers(&self) -> [u8; 32] {
        let mut digest = Digest::default();
        self.labels.iter().for_each(|label| digest.bytes(&label.to_le_bytes()));
        digest.floats(&self.images);
        if let Some(targets) = &self.soft_targets {
            digest.bytes(b"soft targets");
            digest.floats(targets);
        }
        digest.finish()
    }
}

/// What is to be learned from the images of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Targets<'a> {
    /// One class each.
    Labels(&'a [u32]),
    /// Shares of classes: shape `[count, classes]`, each row of sum 1.
    Soft(&'a [f32]),
}

impl Targets<'_> {
    /// Number of images, where there are so many classes.
    pub fn count(self, classes: usize) -> usize {
        match self {
            Targets::Labels(labels) => labels.len(),
            Targets::Soft(shares) => shares.len() / classes.max(1),
        }
    }
}

impl<'a> From<&'a [u32]> for Targets<'a> {
    fn from(labels: &'a [u32]) -> Self {
        Targets::Labels(labels)
    }
}

impl<'a> From<&'a Vec<u32>> for Targets<'a> {
    fn from(labels: &'a Vec<u32>) -> Self {
        Targets::Labels(labels)
    }
}

impl<'a, const N: usize> From<&'a [u32; N]> for Targets<'a> {
    fn from(labels: &'a [u32; N]) -> Self {
        Targets::Labels(labels)
    }
}
