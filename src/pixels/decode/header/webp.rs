//! The chunks of a WebP (RFC 9649).

use super::super::{Format, orientation};
use super::{Color, Header};

/// Walks the chunks by their lengths.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let (mut coding, mut alpha, mut turned) = (None, false, None);
    let mut rest = bytes.get(12..)?;
    while let Some((name, data, after)) = next(rest) {
        match name {
            b"VP8X" => alpha |= data.first().is_some_and(|flags| flags & 0x10 != 0),
            b"VP8 " => coding = coding.or(Some("lossy")),
            b"VP8L" => {
                coding = coding.or(Some("lossless"));
                alpha |= data.get(4).is_some_and(|last| last & 0x10 != 0);
            }
            b"ANMF" => coding = Some("animated"),
            b"EXIF" => turned = turned.or_else(|| orientation::find(data.strip_prefix(b"Exif\0\0").unwrap_or(data))),
            _ => {}
        }
        rest = after;
    }
    let color = if alpha { Color::Rgba } else { Color::Rgb };
    Some(Header { format: Format::WebP, color, bits: 8, coding: coding?, orientation: turned })
}

/// The next chunk: its name, what there is of its data, and what follows.
fn next(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, length) = (bytes.get(..4)?, u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?) as usize);
    let data = &bytes[8..];
    let after = data.get(length.checked_add(length & 1)?..).unwrap_or(&[]);
    Some((name, &data[..length.min(data.len())], after))
}
