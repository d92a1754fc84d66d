//! One look at one picture: what its file says of itself, whether it can be used, and what is in it. Counts nothing.

use crate::job::data::input::{Input, Place};
use crate::pixels::decode::header::{Header, format_name, header};
use crate::sample::{BadSample, Image, Note, Size};

/// The first 16 bytes of a BLAKE3 hash: enough to tell any two pictures apart.
pub type Sum = [u8; 16];

/// What one look has shown.
pub struct Fact {
    /// Which picture.
    pub place: Place,
    /// Bytes that it takes where it is stored.
    pub bytes: u64,
    /// Its format by its first bytes; none where it is no picture, or no file of its own.
    pub format: Option<String>,
    /// What its file says of itself.
    pub header: Option<Header>,
    /// Hash of the stored bytes, where it is a file or record of its own.
    pub stored: Option<Sum>,
    /// What is in it, or why it cannot be used.
    pub seen: Result<Seen, Box<BadSample>>,
}

/// A picture as the loader hands it on.
pub struct Seen {
    /// Upright height and width.
    pub size: Size,
    /// Channels, as they are handed on.
    pub channels: usize,
    /// Hash of size and pixels.
    pub pixels: Sum,
    /// Oddities.
    pub notes: Vec<Note>,
}

/// Reads and decodes a picture as a run would.
pub fn look(input: &Input, place: Place) -> Fact {
    let (source, index) = (input.source(place), place.entry as usize);
    let (mut format, mut head, mut stored) = (None, None, None);
    if let Some(Ok(bytes)) = source.stored(index) {
        // What NumPy stores begins so.
        let array = bytes.starts_with(b"\x93NUMPY").then(|| "NPY".to_owned());
        (format, head, stored) = (array.or_else(|| format_name(&bytes)), header(&bytes), Some(short(&blake3::hash(&bytes))));
    }
    let seen = source.read(index).map_err(Box::new).map(|read| {
        let image = &read.sample.image;
        Seen { size: image.size(), channels: image.channels(), pixels: sum_of(image), notes: read.notes }
    });
    let bytes = match source.stored_bytes(index) {
        // A link that leads nowhere.
        u64::MAX => 0,
        bytes => bytes,
    };
    Fact { place, bytes, format, header: head, stored, seen }
}

fn sum_of(image: &Image) -> Sum {
    let Size { height, width } = image.size();
    let mut hasher = blake3::Hasher::new();
    for number in [height, width, image.channels() as u32] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(image.pixels());
    short(&hasher.finalize())
}

fn short(hash: &blake3::Hash) -> Sum {
    let mut sum = [0; 16];
    sum.copy_from_slice(&hash.as_bytes()[..16]);
    sum
}
