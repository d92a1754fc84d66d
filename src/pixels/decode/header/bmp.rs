//! The information header of a Windows bitmap.

use super::super::Format;
use super::{Color, Header};

/// Reads depth and compression.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let old = u32::from_le_bytes(*bytes.get(14..)?.first_chunk()?) == 12;
    let bits = u16::from_le_bytes(*bytes.get(if old { 24 } else { 28 }..)?.first_chunk()?);
    let compression = bytes.get(30..).and_then(|rest| rest.first_chunk()).map_or(0, |field| u32::from_le_bytes(*field));
    let (color, depth) = match bits {
        0..=8 => (Color::Palette, bits as u8),
        16 => (Color::Rgb, 5),
        _ => (Color::Rgb, 8),
    };
    // 3 and 6 only say where the bits of a colour stand.
    let coding = if old || [0, 3, 6].contains(&compression) { "plain" } else { "compressed" };
    Some(Header { format: Format::Bmp, color, bits: depth, coding, orientation: None })
}
