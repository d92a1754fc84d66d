//! The frame header and the EXIF segment of a JPEG (ITU-T T.81, annex B).

use super::super::{Format, orientation};
use super::{Color, Header};

/// Reads the segments up to the first scan.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let (mut frame, mut turned) = (None, None);
    let mut rest = bytes.get(2..)?;
    while let Some((marker, segment, after)) = next(rest) {
        match marker {
            0xda => break,
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => frame = frame.or(Some((marker, segment))),
            0xe1 => turned = turned.or_else(|| segment.strip_prefix(b"Exif\0\0").and_then(orientation::find)),
            _ => {}
        }
        rest = after;
    }
    let (marker, frame): (u8, &[u8]) = frame?;
    let color = match frame.get(5)? {
        1 => Color::Gray,
        4 => Color::Cmyk,
        _ => Color::Rgb,
    };
    Some(Header { format: Format::Jpeg, color, bits: *frame.first()?, coding: coding(marker), orientation: turned })
}

/// The next marker, what stands in its segment, and what follows.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let mark = bytes.iter().position(|&byte| byte == 0xff)?;
    let code = mark + bytes[mark..].iter().position(|&byte| byte != 0xff)?;
    let (marker, rest) = (bytes[code], &bytes[code + 1..]);
    match marker {
        0xd9 => None,
        0x00 | 0x01 | 0xd0..=0xd8 => Some((marker, &[], rest)),
        _ => {
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            Some((marker, rest.get(2..length)?, rest.get(length..)?))
        }
    }
}

fn coding(marker: u8) -> &'static str {
    match marker {
        0xc0 => "baseline",
        0xc1 => "extended",
        0xc2 => "progressive",
        0xc3 => "lossless",
        0xc5..=0xc7 => "hierarchical",
        _ => "arithmetic",
    }
}
