//! The picture that the table is computed from, and its checksum. Knows no operation.

use crate::sample::{Image, Size};

/// 48 rows of 64 columns, RGB: the value at row y, column x, channel c is (7x² + 13y² + 5xy + 97c + 31x + 17y) mod 251.
pub fn formula_image() -> Image {
    let mut pixels = Vec::new();
    for (y, x) in (0..48u32).flat_map(|y| (0..64u32).map(move |x| (y, x))) {
        pixels.extend((0..3).map(|c| ((7 * x * x + 13 * y * y + 5 * x * y + 97 * c + 31 * x + 17 * y) % 251) as u8));
    }
    Image::new(Size::new(48, 64), 3, pixels)
}

/// CRC-32 as zlib computes it, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_checksum_is_zlibs() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
