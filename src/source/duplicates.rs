//! Samples with the same bytes. Knows no format.

use super::Source;
use std::collections::HashMap;

/// Samples that have the same stored bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicates {
    /// Their places in the source, in order; two or more.
    pub samples: Vec<usize>,
    /// Whether they have different labels: then one of them is wrong.
    pub contradict: bool,
}

/// All groups of samples with the same bytes, in the order of their first members. Only samples of equal size are read; those
/// that cannot be are passed over.
pub fn duplicates(source: &dyn Source) -> Vec<Duplicates> {
    let mut by_size: HashMap<u64, Vec<usize>> = HashMap::new();
    for index in 0..source.len() {
        by_size.entry(source.stored_bytes(index)).or_default().push(index);
    }
    let mut by_content: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    for index in by_size.into_values().filter(|group| group.len() > 1).flatten() {
        if let Ok(digest) = source.digest(index) {
            by_content.entry(digest).or_default().push(index);
        }
    }
    let groups = by_content.into_values().filter(|group| group.len() > 1);
    let mut groups: Vec<Duplicates> = groups
        .map(|mut samples| {
            samples.sort_unstable();
            let contradict = samples.iter().any(|&index| source.label(index) != source.label(samples[0]));
            Duplicates { samples, contradict }
        })
        .collect();
    groups.sort_by_key(|group| group.samples[0]);
    groups
}
