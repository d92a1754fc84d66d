//! BMP → pixels. Checks header and file size itself before the decoder sees them.

use super::convert::Pixels;
use super::{Limits, Note, Raw, Refusal};
use image::codecs::bmp::BmpDecoder;
use image::{ImageDecoder, ImageError};
use std::io::Cursor;

/// The picture in `bytes`, which begin with BM.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Raw, Refusal> {
    let rest = check(bytes, limits)?;
    let refuse = |error: ImageError| match error {
        ImageError::Unsupported(_) => Refusal::unsupported("this kind of BMP").with_words(error),
        _ => Refusal::damaged("BMP data").with_words(error),
    };
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(refuse)?;
    let (width, height) = decoder.dimensions();
    let size = limits.admit(height, width)?;
    let channels = usize::from(decoder.color_type().channel_count());
    let mut values = vec![0; size.area() as usize * channels];
    decoder.read_image(&mut values).map_err(refuse)?;
    let notes = rest.then_some(Note::ExtraneousBytes).into_iter().collect();
    Ok(Raw { pixels: Pixels { size, channels, values }, orientation: 1, notes, part_of: None })
}

/// Holds the header's numbers against the limits and the bytes that are there. Whether bytes are left over.
fn check(bytes: &[u8], limits: &Limits) -> Result<bool, Refusal> {
    let cut = || Refusal::truncated(bytes);
    let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (start, header) = (long(10).ok_or_else(cut)?, long(14).ok_or_else(cut)?);
    if header == 12 {
        let (width, height) = (short(18).ok_or_else(cut)?, short(20).ok_or_else(cut)?);
        let depth = short(24).ok_or_else(cut)?;
        limits.admit(u32::from(height), u32::from(width))?;
        return rest(bytes, start, u64::from(width), u64::from(height), depth);
    }
    if !(40..=124).contains(&header) {
        return Err(Refusal::unsupported(&format!("BMP with a header of {header} bytes")));
    }
    let (width, height) = (long(18).ok_or_else(cut)? as i32, long(22).ok_or_else(cut)? as i32);
    let (depth, coding) = (short(28).ok_or_else(cut)?, long(30).ok_or_else(cut)?);
    if width < 0 {
        return Err(Refusal::damaged("a negative width"));
    }
    limits.admit(height.unsigned_abs(), width.unsigned_abs())?;
    match coding {
        // Plain, or with masks.
        0 | 3 => rest(bytes, start, u64::from(width.unsigned_abs()), u64::from(height.unsigned_abs()), depth),
        // Run-length coded: the decoder finds the end.
        1 | 2 => Ok(false),
        _ => Err(Refusal::unsupported(&format!("BMP coding {coding}"))),
    }
}

/// Whether bytes are left over behind plain rows, which are padded to 4 bytes.
fn rest(bytes: &[u8], start: u32, width: u64, height: u64, depth: u16) -> Result<bool, Refusal> {
    if !matches!(depth, 1 | 2 | 4 | 8 | 16 | 24 | 32) {
        return Err(Refusal::damaged(&format!("{depth} bits a pixel")));
    }
    let row = (width * u64::from(depth)).div_ceil(32) * 4;
    let end = u64::from(start) + row * height;
    if (bytes.len() as u64) < end { Err(Refusal::truncated(bytes)) } else { Ok(bytes.len() as u64 > end + 4) }
}

#[cfg(test)]
mod tests {
    use super::super::{DecodeOptions, decode};
    use super::*;

    fn file() -> Vec<u8> {
        let pixels: Vec<u8> = (0..5 * 4 * 3).collect();
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::bmp::BmpEncoder::new(&mut bytes);
        encoder.encode(&pixels, 5, 4, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn rows_are_exact_and_every_cut_is_found() {
        let bytes = file();
        let decoded = decode(&bytes, &DecodeOptions::default()).unwrap();
        assert!(decoded.image.pixels().iter().enumerate().all(|(i, &v)| usize::from(v) == i));
        for cut in 1..bytes.len() {
            let refusal = decode(&bytes[..cut], &DecodeOptions::default()).unwrap_err();
            assert!(refusal.reason.starts_with("truncated"), "{cut}: {refusal}");
        }
    }

    #[test]
    fn hostile_headers_are_refused_before_memory_is_taken() {
        let mut bytes = file();
        bytes[18..26].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
        assert!(check(&bytes, &Limits::default()).unwrap_err().reason.contains("too large"));
        bytes[18..26].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0]);
        assert!(check(&bytes, &Limits::default()).unwrap_err().reason.contains("negative"));
    }
}
