//! Samples that are records of equal size, held in memory as stored bytes. Knows no file format.

use super::{Census, Read, Source};
use crate::pixels::decode::Turn;
use crate::pixels::decode::with_channels;
use crate::sample::{BadSample, Identity, Image, Sample, Size};

/// How a record's bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One value a pixel.
    Gray,
    /// All red, then all green, then all blue.
    Planes,
}

/// Pictures of one size, in memory.
pub(super) struct HeldSource {
    pub classes: Vec<String>,
    pub size: Size,
    pub layout: Layout,
    pub channels: usize,
    pub labels: Vec<u32>,
    /// Record after record.
    pub pixels: Vec<u8>,
    /// Names of the files, each with its first record's number.
    pub files: Vec<(String, usize)>,
    pub census: Census,
}

impl HeldSource {
    fn record(&self, index: usize) -> &[u8] {
        let length = self.pixels.len() / self.labels.len();
        &self.pixels[index * length..][..length]
    }

    fn image(&self, index: usize) -> Image {
        let record = self.record(index);
        let stored = match self.layout {
            Layout::Gray => Image::new(self.size, 1, record.to_vec()),
            Layout::Planes => {
                let area = self.size.area() as usize;
                let pixels = (0..area).flat_map(|pixel| [record[pixel], record[area + pixel], record[2 * area + pixel]]);
                Image::new(self.size, 3, pixels.collect())
            }
        };
        with_channels(stored, self.channels)
    }
}

impl Source for HeldSource {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn fixed_size(&self) -> Option<Size> {
        Some(self.size)
    }

    /// `FILE/NUMBER`, counted from 0 in that file.
    fn identity(&self, index: usize) -> Identity {
        let place = self.files.partition_point(|&(_, first)| first <= index) - 1;
        let (file, first) = &self.files[place];
        Identity(format!("{file}/{}", index - first).into())
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    fn stored_bytes(&self, index: usize) -> u64 {
        self.record(index).len() as u64
    }

    fn read(&self, index: usize) -> Result<Read, BadSample> {
        let sample = Sample { identity: self.identity(index), label: self.labels[index], image: self.image(index) };
        Ok(Read { sample, notes: Vec::new(), part_of: None, turn: Turn::default() })
    }

    fn digest(&self, index: usize) -> Result<[u8; 32], BadSample> {
        Ok(*blake3::hash(self.record(index)).as_bytes())
    }

    fn census(&self) -> &Census {
        &self.census
    }

    /// The records themselves count too, because their sizes say nothing.
    fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for text in self.classes.iter().chain(self.files.iter().map(|(name, _)| name)) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        self.labels.iter().for_each(|label| {
            hasher.update(&label.to_le_bytes());
        });
        hasher.update(&self.pixels);
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(layout: Layout, channels: usize, pixels: Vec<u8>) -> HeldSource {
        let files = vec![("a".to_owned(), 0), ("b".to_owned(), 2)];
        let classes = vec!["0".to_owned(), "1".to_owned()];
        let (size, labels) = (Size::new(1, 2), vec![0, 1, 0]);
        HeldSource { classes, size, layout, channels, labels, pixels, files, census: Census::default() }
    }

    #[test]
    fn records_become_pictures_of_the_asked_channels() {
        let gray = source(Layout::Gray, 3, (0..6).collect());
        assert_eq!(gray.read(1).unwrap().sample.image.pixels(), [2, 2, 2, 3, 3, 3]);
        let colour = source(Layout::Planes, 3, (0..18).collect());
        assert_eq!(colour.read(2).unwrap().sample.image.pixels(), [12, 14, 16, 13, 15, 17]);
        assert_eq!(source(Layout::Planes, 1, vec![9; 18]).read(0).unwrap().sample.image.pixels(), [9, 9]);
    }

    #[test]
    fn identities_count_within_their_file() {
        let source = source(Layout::Gray, 1, vec![0; 6]);
        assert_eq!([0, 1, 2].map(|index| source.identity(index).to_string()), ["a/0", "a/1", "b/0"]);
    }
}
