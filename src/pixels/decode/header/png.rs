//! The header and the EXIF chunk of a PNG (ISO/IEC 15948).

use super::super::{Format, orientation};
use super::{Color, Header};

/// Walks the chunks by their lengths.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let ihdr = chunks(bytes).next().filter(|(name, _)| *name == b"IHDR")?.1;
    let color = match ihdr.get(9)? {
        0 => Color::Gray,
        3 => Color::Palette,
        4 => Color::GrayAlpha,
        6 => Color::Rgba,
        _ => Color::Rgb,
    };
    let coding = if *ihdr.get(12)? == 0 { "plain" } else { "interlaced" };
    let exif = chunks(bytes).find(|(name, _)| *name == b"eXIf");
    let turned = exif.and_then(|(_, data)| orientation::find(data));
    Some(Header { format: Format::Png, color, bits: *ihdr.get(8)?, coding, orientation: turned })
}

/// Names and data of the chunks that are there whole.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or(&[]);
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let (name, data) = (rest.get(4..8)?, rest.get(8..length.checked_add(8)?)?);
        rest = rest.get(length.checked_add(12)?..)?;
        Some((name, data))
    })
}
