//! What runs leave that train nothing: a set that was written, or a measurement of what was delivered. Plain data.

use serde::{Deserialize, Serialize};

/// A set, or a machine's share of one, as it lay there at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WrittenSet {
    /// Its folder.
    pub path: String,
    /// `shards` or `image_folder`.
    pub layout: String,
    /// The ending of its pictures' names.
    pub encoding: String,
    /// Variants of each sample, beside the rendition for evaluation.
    pub variants: u32,
    /// Pictures of it that are stored.
    pub pictures: u64,
    /// Bytes of these, records around them included.
    pub bytes: u64,
    /// Shards that are whole.
    pub shards: u64,
    /// Of these, how many an earlier run had written.
    pub kept: u64,
    /// Shards of the whole set.
    pub of: u64,
    /// Which share of it the run was asked for, `I/N`; none for all.
    pub share: Option<String>,
    /// What every shard repeats: it stands for pipeline and data.
    pub export: String,
    /// Samples of each class that are stored, and that were set aside.
    pub classes: Vec<[u64; 2]>,
    /// What storing pictures after each step costs and saves; none where nobody asked.
    pub costs: Option<Costs>,
}

/// The price of every prefix of the chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// From pictures as they are decoded to the whole chain.
    pub prefixes: Vec<Prefix>,
    /// What to do.
    pub advice: String,
    /// Samples that were measured.
    pub measured: usize,
}

/// What storing the pictures after some steps takes and saves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prefix {
    /// The last step that is stored; none where pictures are stored as decoded.
    pub after: Option<String>,
    /// Variants that are needed: one where nothing random has happened yet.
    pub variants: u32,
    /// Bytes on disk, for all samples; the rendition for evaluation included.
    pub disk_bytes: u64,
    /// CPU seconds of an epoch that are spent up to there today: reading, decoding, the steps.
    pub online_seconds: f64,
    /// CPU seconds that reading the stored pictures would take instead.
    pub stored_seconds: f64,
}

/// An epoch that was delivered to nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivered {
    /// Samples in batches.
    pub samples: u64,
    /// Batches.
    pub batches: u64,
    /// Samples in a batch.
    pub batch_size: u64,
    /// How pictures were decoded: `exact` or `scaled`.
    pub decode: String,
}
