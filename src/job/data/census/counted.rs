//! How often something was met. Knows not what.

use serde::Serialize;
use std::collections::BTreeMap;

/// A name, how many files bear it, and the bytes of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What was counted.
    pub name: String,
    /// How often.
    pub count: u64,
    /// Bytes of these files.
    pub bytes: u64,
}

/// Counts `items`, names with bytes: the most frequent first, equals by name.
pub fn counted(items: impl Iterator<Item = (String, u64)>) -> Vec<Counted> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (name, bytes) in items {
        let sum = sums.entry(name).or_default();
        *sum = (sum.0 + 1, sum.1 + bytes);
    }
    let mut all: Vec<Counted> = sums.into_iter().map(|(name, (count, bytes))| Counted { name, count, bytes }).collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    all
}
