//! The files of a data set in little memory: 32 bytes each and the bytes of their names. Knows no class name and opens nothing.

use rayon::prelude::*;
use std::cmp::Ordering;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Size and time of change, by which a file that was replaced is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes; the largest number where nothing is known.
    pub size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
}

impl Stamp {
    /// Of a file that could not be looked at.
    pub const UNKNOWN: Stamp = Stamp { size: u64::MAX, modified: 0 };

    pub fn of(metadata: &Metadata) -> Self {
        let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Self { size: metadata.len(), modified }
    }

    /// The same, as the system tells it.
    pub fn of_stat(stat: &rustix::fs::Stat) -> Self {
        let modified = stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(stat.st_mtime_nsec as i64);
        Self { size: stat.st_size as u64, modified }
    }
}

struct Entry {
    start: u64,
    length: u32,
    label: u32,
    stamp: Stamp,
}

/// Files by their paths relative to the data set's root, as raw bytes.
#[derive(Default)]
pub(super) struct Listing {
    names: Vec<u8>,
    entries: Vec<Entry>,
}

impl Listing {
    pub fn push(&mut self, name: &[u8], label: u32, stamp: Stamp) {
        self.entries.push(Entry { start: self.names.len() as u64, length: name.len() as u32, label, stamp });
        self.names.extend_from_slice(name);
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Puts the files in the order of their names' bytes, and gives back what memory is not needed.
    pub fn sort(&mut self) {
        let names = &self.names;
        let name = |entry: &Entry| &names[entry.start as usize..][..entry.length as usize];
        let by_name = |a: &Entry, b: &Entry| -> Ordering { name(a).cmp(name(b)) };
        self.entries.par_sort_unstable_by(by_name);
        self.entries.shrink_to_fit();
        self.names.shrink_to_fit();
    }

    pub fn name(&self, index: usize) -> &[u8] {
        let entry = &self.entries[index];
        &self.names[entry.start as usize..][..entry.length as usize]
    }

    pub fn label(&self, index: usize) -> u32 {
        self.entries[index].label
    }

    pub fn stamp(&self, index: usize) -> Stamp {
        self.entries[index].stamp
    }

    /// Files of each of `classes` labels.
    pub fn counts(&self, classes: usize) -> Vec<u64> {
        let mut counts = vec![0; classes];
        for entry in &self.entries {
            counts[entry.label as usize] += 1;
        }
        counts
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_files_take_32_bytes_each_and_their_names() {
        let mut listing = Listing::default();
        for number in 0..1_000_000u32 {
            let name = format!("{:04}/{:08x}.jpg", number % 10_000, number.wrapping_mul(2_654_435_761));
            listing.push(name.as_bytes(), number % 10_000, Stamp::UNKNOWN);
        }
        listing.sort();
        assert_eq!(listing.bytes(), 1_000_000 * (32 + "0000/00000000.jpg".len()));
        assert!((1..listing.len()).all(|index| listing.name(index - 1) < listing.name(index)));
        assert_eq!(listing.counts(10_000), [100; 10_000]);
    }
}
