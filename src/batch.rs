//! Dense batches, as a trainer takes them. Knows no image and no network.

use crate::sample::{BadSample, Identity};
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
    pub images: Vec<f32>,
    /// Images of each sample: 1, or more where evaluation averages over several.
    pub views: usize,
    /// Class numbers, one a sample.
    pub labels: Vec<u32>,
    /// Who is in it, in order.
    pub identities: Vec<Identity>,
    /// Entries of the pass consumed up to and including this batch, bad ones too: where a resumed run starts reading.
    pub consumed: u64,
    /// Good samples left out because the pass ends in a smaller batch than is kept.
    pub left_out: u64,
    /// Samples set aside since the batch before.
    pub bad: Vec<Arc<BadSample>>,
    /// Whether the pass ends here. A pass without a single good sample ends in a batch of none.
    pub last: bool,
    /// [`Batch::compute_digest`] of it.
    pub digest: [u8; 32],
}

impl Batch {
    /// Number of samples.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The images as an array of shape `[count · views, channels, height, width]`.
    pub fn view(&self) -> ndarray::ArrayView4<'_, f32> {
        let [channels, height, width] = self.shape;
        let shape = (self.count() * self.views, channels, height, width);
        ndarray::ArrayView4::from_shape(shape, &self.images).expect("a batch's buffer has its shape: built so by the batcher")
    }

    /// BLAKE3 over labels and image bytes (little endian): two batches are the same to a trainer exactly if this is equal.
    pub fn compute_digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for label in &self.labels {
            hasher.update(&label.to_le_bytes());
        }
        let mut bytes = [0u8; 4096];
        for values in self.images.chunks(bytes.len() / 4) {
            for (place, value) in bytes.chunks_exact_mut(4).zip(values) {
                place.copy_from_slice(&value.to_le_bytes());
            }
            hasher.update(&bytes[..values.len() * 4]);
        }
        *hasher.finalize().as_bytes()
    }
}
