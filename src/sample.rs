//! The image and the labelled sample in flight. Knows no file format, no operation and no batch.

mod note;

pub use note::{Note, NoteCounts};

use std::sync::Arc;

/// Height and width of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Size {
    /// `height` rows of `width` columns, in torchvision's order.
    pub const fn new(height: u32, width: u32) -> Self {
        Self { height, width }
    }

    /// Number of pixels.
    pub const fn area(self) -> u64 {
        self.height as u64 * self.width as u64
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

/// An 8-bit image: rows from top to bottom, columns from left to right, channels interleaved (HWC), values 0–255.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    size: Size,
    channels: usize,
    pixels: Vec<u8>,
}

impl Image {
    /// An image of `channels` (1 = gray, 3 = RGB) whose bytes are `pixels` in row, column, channel order.
    ///
    /// # Panics
    /// If the buffer's length is not height · width · channels: a bug in the caller, never a property of user data.
    pub fn new(size: Size, channels: usize, pixels: Vec<u8>) -> Self {
        assert_eq!(pixels.len() as u64, size.area() * channels as u64, "pixel buffer of a {size} image with {channels} channels");
        Self { size, channels, pixels }
    }

    /// An image with every byte equal to `value`.
    pub fn filled(size: Size, channels: usize, value: u8) -> Self {
        Self::new(size, channels, vec![value; size.area() as usize * channels])
    }

    /// Height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.size.height as usize
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.size.width as usize
    }

    /// Values a pixel: 1 (gray) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All bytes in row, column, channel order.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All bytes, to be changed in place.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Gives up the buffer, to be reused.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The bytes of row `y`.
    pub fn row(&self, y: usize) -> &[u8] {
        let stride = self.width() * self.channels;
        &self.pixels[y * stride..][..stride]
    }

    /// The channels of the pixel in row `y` and column `x`.
    pub fn pixel(&self, y: usize, x: usize) -> &[u8] {
        &self.pixels[(y * self.width() + x) * self.channels..][..self.channels]
    }
}

/// A picture of numbers: rows from top to bottom, columns from left to right, channels interleaved (HWC), any finite value.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatImage {
    size: Size,
    channels: usize,
    values: Vec<f32>,
}

impl FloatImage {
    /// A picture of `channels` (1 = gray, 3 = RGB) whose numbers are `values` in row, column, channel order.
    ///
    /// # Panics
    /// If there are not height · width · channels of them: a bug in the caller, never a property of user data.
    pub fn new(size: Size, channels: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len() as u64, size.area() * channels as u64, "numbers of a {size} picture with {channels} channels");
        Self { size, channels, values }
    }

    /// Height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Values a pixel: 1 (gray) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All numbers in row, column, channel order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All numbers, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

/// A picture as a batch takes it.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// 8 bits a value, still to be normalised.
    Bytes(Image),
    /// Numbers for the model as they are: what made them has normalised them.
    Floats(FloatImage),
}

impl View {
    /// Height and width.
    pub fn size(&self) -> Size {
        match self {
            View::Bytes(image) => image.size(),
            View::Floats(image) => image.size(),
        }
    }
}

/// Asks the allocator to keep the memory of dropped pictures for the next ones; for the start of a program.
///
/// glibc hands pieces of a picture's size back to the system as soon as they are dropped, and the system's zeroing and mapping
/// of new ones then takes longer than many an operation. It stops doing so for pieces up to the largest that it has seen
/// dropped, 32 MiB at most. Elsewhere this does nothing of note.
pub fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(32_000_000)));
}

/// A sample's stable identity: its path relative to the data set's root (or a record number, written out), as raw text.
/// Randomness, splits and quarantine rows refer to it, so they survive files being added or moved in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(pub Arc<str>);

impl Identity {
    /// The number that stands for the identity wherever randomness is looked up: the first 8 bytes (little endian) of the
    /// BLAKE3 hash of its text.
    pub fn number(&self) -> u64 {
        crate::key::hash_name(&self.0)
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One labelled image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Who it is, wherever it stands in a list.
    pub identity: Identity,
    /// Class number, an index into the source's class names.
    pub label: u32,
    /// Its pixels, as they are at this point of the chain.
    pub image: Image,
}

/// One labelled sample after all operations.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Who it is.
    pub identity: Identity,
    /// Class number.
    pub label: u32,
    /// One picture, or several where an operation of the evaluation chain makes more of one; all of one size.
    pub views: Vec<View>,
}

/// Why a sample was set aside instead of being used; one row of `bad_samples.tsv`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BadSample {
    /// Identity (relative path), escaped for printing by whoever prints it.
    pub path: String,
    /// Class name.
    pub class: String,
    /// The stage that refused it: `read`, `decode`, `augment`.
    pub stage: &'static str,
    /// Our short reason: "truncated", "empty file", "unsupported: …".
    pub reason: String,
    /// The decoder's or the system's own words; may be empty.
    pub words: String,
}
