//! Pictures as NumPy's `.npy` files: bytes in height, width, channel order, not compressed. Knows no other number type.
//!
//! The format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::decode::{Limits, Refusal};
use crate::sample::{Image, Size};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that is looked at; NumPy's own have 118 bytes.
const LONGEST: usize = 1024;

/// `image` as a version 1.0 file of type `|u1` and shape (height, width, channels).
pub fn encode_npy(image: &Image) -> Vec<u8> {
    let size = image.size();
    let shape = format!("({}, {}, {})", size.height, size.width, image.channels());
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    // Data begins at a multiple of 64 bytes, and the header ends in a line break.
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + image.pixels().len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(image.pixels());
    bytes
}

/// Whether `bytes` begin as such a file does.
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The picture in `bytes`, a whole file of unsigned bytes of shape (height, width) or (height, width, 1 or 3), rows first.
///
/// # Errors
/// `truncated`, `damaged`, `unsupported` and `too large`, as for every other format.
pub fn decode_npy(bytes: &[u8], limits: &Limits) -> Result<Image, Refusal> {
    let (header, data) = split(bytes)?;
    if !["'|u1'", "'u1'", "'<u1'"].contains(&value(header, "descr")?) {
        return Err(Refusal::unsupported("an .npy file of another type than u1"));
    }
    if value(header, "fortran_order")? != "False" {
        return Err(Refusal::unsupported("an .npy file in column order"));
    }
    let (height, width, channels) = shape(header)?;
    let size = admitted(height, width, limits)?;
    match size.area() * channels as u64 {
        wanted if wanted == data.len() as u64 => Ok(Image::new(size, channels, data.to_vec())),
        wanted if wanted > data.len() as u64 => Err(Refusal::truncated(bytes)),
        _ => Err(Refusal::damaged("more bytes than its shape has")),
    }
}

/// The size, within the limits. No giant waits for its turn here: its pixels are in memory already.
fn admitted(height: u32, width: u32, limits: &Limits) -> Result<Size, Refusal> {
    let size = Size::new(height, width);
    match (size.area(), height.max(width)) {
        (0, _) => Err(Refusal::damaged("a picture without a pixel")),
        (_, side) if side > limits.max_side => {
            Err(Refusal::new(format!("too large: {size}, longer than max_side = {}", limits.max_side)))
        }
        (area, _) if area > limits.max_pixels => {
            Err(Refusal::new(format!("too large: {size} = {area} pixels, more than max_pixels = {}", limits.max_pixels)))
        }
        _ => Ok(size),
    }
}

/// The header's text and what follows it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), Refusal> {
    let begun = bytes.strip_prefix(MAGIC).ok_or_else(|| Refusal::damaged("no .npy file"))?;
    let (length, rest) = match *begun {
        [1, _, low, high, ref rest @ ..] => (usize::from(u16::from_le_bytes([low, high])), rest),
        [2 | 3, _, a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]) as usize, rest),
        [version, ..] if version > 3 => return Err(Refusal::unsupported("a later .npy version")),
        _ => return Err(Refusal::truncated(bytes)),
    };
    if length > LONGEST {
        return Err(Refusal::damaged("a header that is too long"));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(|| Refusal::truncated(bytes))?;
    let header = std::str::from_utf8(header).map_err(|_| Refusal::damaged("a header that is no text"))?;
    Ok((header, data))
}

/// What stands for `key` in the header, a literal of Python.
fn value<'h>(header: &'h str, key: &str) -> Result<&'h str, Refusal> {
    let quoted = format!("'{key}':");
    let found = header.split_once(quoted.as_str()).map(|(_, rest)| rest.trim_start());
    let rest = found.ok_or_else(|| Refusal::damaged("a header without type, order and shape"))?;
    let end = if rest.starts_with('(') { rest.find(')').map(|end| end + 1) } else { rest.find([',', '}']) };
    end.and_then(|end| rest.get(..end)).map(str::trim).ok_or_else(|| Refusal::damaged("a header without an end"))
}

fn shape(header: &str) -> Result<(u32, u32, usize), Refusal> {
    let text = value(header, "shape")?;
    let inside = text.trim_start_matches('(').trim_end_matches(')');
    let parts: Option<Vec<u32>> =
        inside.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some(&[height, width]) => Ok((height, width, 1)),
        Some(&[height, width, channels @ (1 | 3)]) => Ok((height, width, channels as usize)),
        _ => Err(Refusal::unsupported("an .npy shape that is no picture of 1 or 3 channels")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(channels: usize) -> Image {
        let (height, width) = (3, 5);
        Image::new(Size::new(height, width), channels, (0..15 * channels as u32).map(|v| (v * 37 % 256) as u8).collect())
    }

    #[test]
    fn what_was_written_is_read_and_data_is_aligned() {
        for channels in [1, 3] {
            let bytes = encode_npy(&image(channels));
            assert_eq!((bytes.len() - 15 * channels) % 64, 0);
            assert_eq!(decode_npy(&bytes, &Limits::default()).unwrap(), image(channels));
        }
    }

    #[test]
    fn a_matrix_is_gray_and_later_versions_have_longer_lengths() {
        let header = b"{'shape': (2, 3), 'fortran_order': False, 'descr': '<u1'}\n";
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(&[1, 2, 3, 4, 5, 6]);
        let read = decode_npy(&bytes, &Limits::default()).unwrap();
        assert_eq!((read.size(), read.channels(), read.pixels()), (Size::new(2, 3), 1, &[1, 2, 3, 4, 5, 6][..]));
    }

    #[test]
    fn every_cut_is_found_and_no_change_of_the_header_is_trusted() {
        let bytes = encode_npy(&image(3));
        for end in 0..bytes.len() {
            assert!(decode_npy(&bytes[..end], &Limits::default()).is_err(), "{end}");
        }
        for (place, bit) in (0..128).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            // A change that means nothing may be read; it must not become another picture of the same size.
            if let Ok(read) = decode_npy(&flipped, &Limits::default()) {
                assert!(read.pixels().len() == 45);
            }
        }
        let huge = String::from_utf8_lossy(&bytes[..128]).replace("(3, 5, 3)", "(99999999, 99999999, 3)");
        assert!(decode_npy(huge.as_bytes(), &Limits::default()).is_err());
    }
}
