//! What there is of each class, kind of file and size, as data. Counts nothing.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a look at the data found before anything was read in full.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Census {
    /// Training, validation and test samples of every class, bad ones included.
    pub classes: Vec<[u64; 3]>,
    /// How many samples come from files of such an ending; `records` where a file holds many samples.
    pub formats: BTreeMap<String, u64>,
    /// Sizes of a few pictures, height times width, and how many of those have it.
    pub sizes: BTreeMap<String, u64>,
    /// Channels of every picture.
    pub channels: usize,
}
