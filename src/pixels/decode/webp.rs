//! WebP → pixels. Checks the container itself before the decoder sees it.

use super::convert::Pixels;
use super::{Limits, Note, Raw, Refusal, orientation};
use image::codecs::webp::WebPDecoder;
use image::{ImageDecoder, ImageError};
use std::io::Cursor;

/// What the walk over the chunks finds.
struct Found<'b> {
    /// The first frame of an animation.
    frame: Option<&'b [u8]>,
    orientation: u8,
    rest: bool,
}

/// The picture in `bytes`, which begin with a RIFF header of the kind WEBP.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Raw, Refusal> {
    let found = walk(bytes)?;
    let pixels = match found.frame {
        Some(frame) => read_frame(bytes, frame, limits)?,
        None => read_still(bytes, limits)?,
    };
    let mut notes = Vec::new();
    notes.extend(found.frame.map(|_| Note::Animated));
    notes.extend(found.rest.then_some(Note::ExtraneousBytes));
    Ok(Raw { pixels, orientation: found.orientation, notes, part_of: None })
}

fn read_still(bytes: &[u8], limits: &Limits) -> Result<Pixels, Refusal> {
    let refuse = |error: ImageError| Refusal::damaged("WebP data").with_words(error);
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refuse)?;
    let (width, height) = decoder.dimensions();
    let size = limits.admit(height, width)?;
    let channels = usize::from(decoder.color_type().channel_count());
    let mut values = vec![0; size.area() as usize * channels];
    decoder.read_image(&mut values).map_err(refuse)?;
    Ok(Pixels { size, channels, values })
}

/// Decodes a frame as a still file of its own and lays it on a black canvas. Blending is what alpha is for, and alpha is
/// dropped everywhere.
fn read_frame(bytes: &[u8], frame: &[u8], limits: &Limits) -> Result<Pixels, Refusal> {
    let short = || Refusal::damaged("a short animation frame");
    let number = |from: &[u8], at: usize| Some(u32::from_le_bytes([*from.get(at)?, *from.get(at + 1)?, *from.get(at + 2)?, 0]));
    let header = bytes.get(12..30).filter(|header| header.starts_with(b"VP8X")).ok_or_else(short)?;
    let (width, height) = (number(header, 12).ok_or_else(short)? + 1, number(header, 15).ok_or_else(short)? + 1);
    let canvas = limits.admit(height, width)?;
    let [left, top, wide, high] = [0, 3, 6, 9].map(|at| number(frame, at));
    let (left, top) = (2 * left.ok_or_else(short)?, 2 * top.ok_or_else(short)?);
    let (wide, high) = (wide.ok_or_else(short)? + 1, high.ok_or_else(short)? + 1);
    if left + wide > width || top + high > height {
        return Err(Refusal::damaged("an animation frame beyond its canvas"));
    }
    let picture = read_still(&still(frame, wide, high), limits)?;
    if (picture.size.width, picture.size.height) != (wide, high) {
        return Err(Refusal::damaged("an animation frame of another size than announced"));
    }
    let channels = picture.channels;
    let mut values = vec![0; canvas.area() as usize * channels];
    for (y, row) in picture.values.chunks_exact(wide as usize * channels).enumerate() {
        let start = ((top as usize + y) * width as usize + left as usize) * channels;
        values[start..start + row.len()].copy_from_slice(row);
    }
    Ok(Pixels { size: canvas, channels, values })
}

/// The file that holds nothing but `frame`.
fn still(frame: &[u8], width: u32, height: u32) -> Vec<u8> {
    let chunks = frame.get(16..).unwrap_or(&[]);
    let has_alpha = chunks.starts_with(b"ALPH") || chunks.starts_with(b"VP8L");
    let mut file = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
    file.extend([if has_alpha { 0x10 } else { 0 }, 0, 0, 0]);
    file.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    file.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    file.extend_from_slice(chunks);
    let length = file.len() as u32 - 8;
    file[4..8].copy_from_slice(&length.to_le_bytes());
    file
}

/// Holds the announced lengths against the bytes that are there.
fn walk(bytes: &[u8]) -> Result<Found<'_>, Refusal> {
    let cut = || Refusal::truncated(bytes);
    let length_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let end = length_at(4).ok_or_else(cut)?.saturating_add(8);
    // A last chunk of odd length may lack its padding byte.
    if bytes.len().saturating_add(end & 1) < end {
        return Err(cut());
    }
    let mut found = Found { frame: None, orientation: 1, rest: bytes.len() > end };
    let mut at = 12;
    while at + 8 <= end.min(bytes.len()) {
        let length = length_at(at + 4).ok_or_else(cut)?;
        let data = bytes.get(at + 8..(at + 8).saturating_add(length)).ok_or_else(cut)?;
        match &bytes[at..at + 4] {
            b"ANMF" => found.frame = found.frame.or(Some(data)),
            b"EXIF" => found.orientation = orientation::of_exif(data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
            _ => {}
        }
        at += 8 + length + (length & 1);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::{DecodeOptions, decode};
    use super::*;

    fn file() -> Vec<u8> {
        let pixels: Vec<u8> = (0..12 * 10 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mut bytes = Vec::new();
        let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
        encoder.encode(&pixels, 12, 10, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn a_lossless_file_is_exact_and_every_cut_is_found() {
        let bytes = file();
        let decoded = decode(&bytes, &DecodeOptions::default()).unwrap();
        assert!(decoded.image.pixels().iter().enumerate().all(|(i, &v)| usize::from(v) == i * 37 % 251));
        for cut in 1..bytes.len() {
            let refusal = decode(&bytes[..cut], &DecodeOptions::default()).unwrap_err();
            assert!(refusal.reason.starts_with("truncated"), "{cut}: {refusal}");
        }
    }

    #[test]
    fn exif_orientation_and_trailing_bytes_are_seen() {
        let mut bytes = file();
        bytes.extend(b"EXIF\x1a\0\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
        let length = bytes.len() as u32 - 8;
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(walk(&bytes).unwrap().orientation, 6);
        bytes.push(0);
        assert!(walk(&bytes).unwrap().rest);
    }
}
