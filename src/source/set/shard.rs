//! What is in a shard of a prepared set, and where: its samples, those set aside, and the place of every record. Knows no picture.

use crate::sample::BadSample;
use serde::{Deserialize, Serialize};

/// `000007.json`: what is in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The set's `export`.
    pub export: String,
    /// Which shard, from 0.
    pub shard: u64,
    /// How many there are.
    pub of: u64,
    /// BLAKE3 of `000007.index`.
    pub index_blake3: String,
    /// Bytes of each series' archive; none in an image folder.
    pub archives: Vec<u64>,
    /// Samples in their order.
    pub samples: Vec<Entered>,
    /// Samples that were set aside.
    pub bad: Vec<SetAside>,
}

/// A sample of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// Its place in the source.
    pub sample: u64,
    /// Class number.
    pub label: u32,
    /// Identity.
    pub identity: String,
}

/// A sample that is not in the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Its place in the source.
    pub sample: u64,
    /// Class number.
    pub label: u32,
    /// Identity.
    pub path: String,
    /// Class name.
    pub class: String,
    /// The stage that refused it.
    pub stage: String,
    /// Why.
    pub reason: String,
    /// In whose words.
    pub words: String,
}

impl SetAside {
    /// `bad`, a sample with its place in the source and its class number.
    pub fn new(sample: u64, label: u32, bad: &BadSample) -> Self {
        let BadSample { path, class, stage, reason, words } = bad.clone();
        Self { sample, label, path, class, stage: stage.to_owned(), reason, words }
    }

    /// As the run that wrote the set told it.
    pub fn bad(&self) -> BadSample {
        let stage = ["read", "decode", "augment"].into_iter().find(|known| *known == self.stage).unwrap_or("read");
        let Self { path, class, reason, words, .. } = self.clone();
        BadSample { path, class, stage, reason, words }
    }
}

impl Shard {
    /// `000007.json`.
    pub fn name(shard: u64) -> String {
        format!("{shard:06}.json")
    }

    /// `000007.index`.
    pub fn index_name(shard: u64) -> String {
        format!("{shard:06}.index")
    }

    /// As it stands in its file: a line, and a line with its BLAKE3.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default() + "\n";
        let sum = blake3::hash(text.as_bytes()).to_hex();
        format!("{text}{sum}\n")
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// Bytes that were not written so.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        const SUM: usize = 65;
        let split = bytes.len().checked_sub(SUM).ok_or("it is too short")?;
        let (text, sum) = bytes.split_at(split);
        if format!("{}\n", blake3::hash(text).to_hex()).as_bytes() != sum {
            return Err("it is not what was written: its checksum is another".to_owned());
        }
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }
}

/// An entry of `000007.index`: sample after sample, and for each the series in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the record begins in its archive; 0 for a file of its own.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// BLAKE3 of these bytes.
    pub blake3: [u8; 32],
}

impl Place {
    /// Bytes of an entry.
    pub const BYTES: usize = 48;

    /// As it is stored: little endian.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.length.to_le_bytes());
        bytes[16..].copy_from_slice(&self.blake3);
        bytes
    }

    /// From what is stored.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = |at: usize| std::array::from_fn(|byte| bytes[at + byte]);
        let blake3 = std::array::from_fn(|byte| bytes[16 + byte]);
        Self { offset: u64::from_le_bytes(number(0)), length: u64::from_le_bytes(number(8)), blake3 }
    }
}
