//! JPEG (ITU-T T.81) → pixels: baseline, extended sequential and progressive with Huffman codes and 8 bits.
//!
//! A file is taken apart into its segments first ([`structure`]). The common kind (one scan; gray or 4:4:4, 4:2:2, 4:2:0
//! colour) is walked through bit by bit, which proves that every block is there, and then handed to a fast decoder, stripped of
//! everything but what it needs. All other kinds, whose fast decoding is less well trodden, are decoded by plain code of our
//! own, which proves the same as it goes.

mod blocks;
mod color;
mod fast;
mod huffman;
mod plain;
mod planes;
mod progressive;
mod structure;
mod walk;

use super::convert::Pixels;
use super::{Limits, Raw, Refusal};
use structure::Structure;

/// The picture in `bytes`, which begin with a start-of-image marker.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Raw, Refusal> {
    let mut structure = Structure::parse(bytes, limits)?;
    let color = color::Color::of(&structure)?;
    let (values, surplus) = match fast::fits(&structure, color) {
        true => {
            let surplus = walk::walk(bytes, &structure)?;
            // The walk has proved the file whole: if the fast decoder stumbles, the plain one must not.
            match fast::decode(bytes, &structure) {
                Ok(values) => (values, surplus),
                Err(_) => plain::decode(bytes, &structure, color)?,
            }
        }
        false => plain::decode(bytes, &structure, color)?,
    };
    if surplus {
        structure.notes.push(super::Note::ExtraneousBytes);
    }
    let pixels = Pixels { size: structure.size, channels: color.channels(), values };
    Ok(Raw { pixels, orientation: structure.orientation.unwrap_or(1), notes: structure.notes })
}
