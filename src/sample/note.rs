//! What may be odd about a file that is used all the same. Knows no format.

use std::collections::BTreeMap;

/// Something odd about a file whose picture was taken all the same; to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// Its name ends as those of another format do.
    Misnamed,
    /// Only the first of several pictures was taken.
    Animated,
    /// Bytes that belong to nothing, between or after its parts.
    ExtraneousBytes,
    /// Its end is missing: what there was of the picture was taken, as `allow_truncated` asks for.
    Truncated,
}

impl Note {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Misnamed, Self::Animated, Self::ExtraneousBytes, Self::Truncated];

    /// `misnamed`, `animated`, `extraneous_bytes` or `truncated`.
    pub const fn name(self) -> &'static str {
        match self {
            Note::Misnamed => "misnamed",
            Note::Animated => "animated",
            Note::ExtraneousBytes => "extraneous_bytes",
            Note::Truncated => "truncated",
        }
    }

    /// The same for people.
    pub const fn words(self) -> &'static str {
        match self {
            Note::Misnamed => "named as another format",
            Note::Animated => "with several pictures, of which the first was taken",
            Note::ExtraneousBytes => "with extraneous bytes",
            Note::Truncated => "truncated",
        }
    }
}

/// How many files each [`Note`] was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "BTreeMap<String, u64>", from = "BTreeMap<String, u64>")]
pub struct NoteCounts([u64; Note::ALL.len()]);

impl NoteCounts {
    /// Counts one file.
    pub fn add(&mut self, notes: &[Note]) {
        notes.iter().for_each(|&note| self.0[note as usize] += 1);
    }

    /// Adds what was counted elsewhere.
    pub fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    /// Notes that were made at all, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Note, u64)> {
        Note::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl From<NoteCounts> for BTreeMap<String, u64> {
    fn from(counts: NoteCounts) -> Self {
        counts.iter().map(|(note, count)| (note.name().to_owned(), count)).collect()
    }
}

impl From<BTreeMap<String, u64>> for NoteCounts {
    fn from(named: BTreeMap<String, u64>) -> Self {
        Self(Note::ALL.map(|note| named.get(note.name()).copied().unwrap_or(0)))
    }
}
