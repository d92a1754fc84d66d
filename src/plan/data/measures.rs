//! What the data amounts to: sizes, bytes, hashes, an account of its samples. Knows no key of a pipeline file.

use super::{Cache, Data};
use crate::batch::Part;
use crate::pixels::decode::GIANT_PIXELS;
use crate::sample::Size;
use crate::source::{Source, cached, known};
use crate::stage::ledger::Ledger;

impl Data {
    /// Sizes of a few pictures, or the one that all have.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    /// Height and width of the first readable picture.
    pub fn first_size(&self) -> Option<Size> {
        self.sizes.first().copied()
    }

    /// Pixels of a picture as they come: the mean of a few.
    pub fn typical_pixels(&self) -> u64 {
        self.sizes.iter().map(|size| size.area()).sum::<u64>() / self.sizes.len().max(1) as u64
    }

    /// The largest stored file in bytes.
    pub fn largest_file(&self) -> u64 {
        let largest = |source: &dyn Source| (0..source.len()).map(|index| source.stored_bytes(index)).max().unwrap_or(0);
        largest(&*self.source).max(self.test.as_deref().map_or(0, largest))
    }

    /// Pictures with more pixels than this are augmented where they are decoded, instead of waiting in a channel at their full
    /// size: four times what one look at the data has shown.
    pub fn early_pixels(&self) -> u64 {
        let largest = self.sizes.iter().map(|size| size.area()).max().unwrap_or(1);
        (4 * largest).clamp(1 << 14, GIANT_PIXELS)
    }

    /// The most pixels that a picture may have.
    pub fn most_pixels(&self) -> u64 {
        self.source.fixed_size().map_or(self.max_pixels, Size::area)
    }

    /// Files that a rule left out.
    pub fn filtered(&self) -> u64 {
        let sources = [Some(&self.source), self.test.as_ref()];
        sources.iter().flatten().flat_map(|source| &source.census().filtered).map(|(_, count)| count).sum()
    }

    /// Bytes that the listing takes, and that sources hold in memory.
    pub fn held_bytes(&self) -> u64 {
        let of = |source: &dyn Source| {
            let listing = source.len() as u64 * 320;
            let held = source.fixed_size().map_or(0, |size| source.len() as u64 * size.area() * source.channels() as u64);
            let known = source.parts().map_or(0, |_| known::most_bytes(source.len()) as u64);
            listing + held + known
        };
        let cells = (self.source.len() * cached::renditions(&*self.source)) as u64 * cached::BESIDE;
        let kept = self.cache.map_or(0, |(cache, room)| cells + if cache == Cache::Memory { room } else { 0 });
        of(&*self.source) + self.test.as_deref().map_or(0, of) + kept
    }

    fn found(&self) -> &[[u8; 32]] {
        let sources = || [Some(&*self.source), self.test.as_deref()];
        self.found.get_or_init(|| sources().into_iter().flatten().map(Source::fingerprint).collect())
    }

    /// Hash of the data itself: class names, samples by their paths below the data's folder, labels and stored sizes. Wherever it
    /// lies, however it is split and whatever the seed, the same data has the same.
    pub fn blake3(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        self.found().iter().for_each(|found| {
            hasher.update(found);
        });
        hasher.finalize().to_hex().to_string()
    }

    /// Hash of everything that was found and of how it was split: a resumed run must find the same.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        self.found().iter().for_each(|found| {
            hasher.update(found);
        });
        for part in [&self.parts.train, &self.parts.validation, &self.parts.test] {
            for index in part {
                hasher.update(&index.to_le_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// An account over the samples of `parts`.
    pub fn ledger(&self, parts: &[Part]) -> Ledger {
        let mut per_class = vec![0; self.source.classes().len()];
        let mut entries = 0;
        for &part in parts {
            let source = match part {
                Part::Test => self.test.as_deref().unwrap_or(&*self.source),
                _ => &*self.source,
            };
            for &index in self.parts.of(part) {
                per_class[source.label(index as usize) as usize] += 1;
                entries += 1;
            }
        }
        Ledger::new(entries, per_class, self.source.classes().to_vec(), self.max_bad)
    }
}
