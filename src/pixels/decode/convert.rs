//! Pixels as files store them → gray or RGB bytes. Knows no format.

use crate::sample::{Image, Size};

/// Pixels as a format's reader found them: interleaved, rows from the top.
pub(super) struct Pixels {
    /// Height and width.
    pub size: Size,
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
    pub channels: usize,
    /// Values 0–255, height · width · channels of them.
    pub values: Vec<u8>,
}

/// `round(v · 255 / 65535)` for values in big-endian pairs of bytes.
pub(super) fn to_8_bits(pairs: &[u8]) -> Vec<u8> {
    pairs.chunks_exact(2).map(|pair| narrow(u16::from_be_bytes([pair[0], pair[1]]))).collect()
}

fn narrow(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32895) >> 16) as u8
}

/// Luma of ITU-R BT.601 in 16-bit fixed point, rounded, as Pillow converts to "L".
pub(super) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 32768) >> 16) as u8
}

/// The pixels with 1 or 3 channels; alpha is dropped.
pub(super) fn to_channels(pixels: Pixels, channels: usize) -> Image {
    let Pixels { size, channels: stored, values } = pixels;
    let values = match (stored, channels) {
        (1, 1) | (3, 3) => values,
        (2, 1) => values.chunks_exact(stored).map(|pixel| pixel[0]).collect(),
        (1 | 2, _) => values.chunks_exact(stored).flat_map(|pixel| [pixel[0]; 3]).collect(),
        (_, 1) => values.chunks_exact(stored).map(|pixel| luma(pixel[0], pixel[1], pixel[2])).collect(),
        _ => drop_alpha(values),
    };
    Image::new(size, channels, values)
}

fn drop_alpha(mut values: Vec<u8>) -> Vec<u8> {
    let count = values.len() / 4;
    for pixel in 0..count {
        values.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    values.truncate(3 * count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_rounded_to_the_nearest() {
        for value in 0..=u16::MAX {
            let nearest = (f64::from(value) * 255.0 / 65535.0).round() as u8;
            assert_eq!(narrow(value), nearest, "{value}");
        }
    }

    #[test]
    fn gray_and_colour_convert_by_the_stated_rule() {
        let size = Size::new(1, 2);
        let pixels = |channels, values: &[u8]| Pixels { size, channels, values: values.to_vec() };
        assert_eq!(to_channels(pixels(2, &[7, 0, 9, 255]), 3).pixels(), [7, 7, 7, 9, 9, 9]);
        assert_eq!(to_channels(pixels(2, &[7, 0, 9, 255]), 1).pixels(), [7, 9]);
        assert_eq!(to_channels(pixels(4, &[1, 2, 3, 0, 4, 5, 6, 9]), 3).pixels(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(to_channels(pixels(3, &[255, 0, 0, 0, 0, 255]), 1).pixels(), [76, 29]);
        assert_eq!(to_channels(pixels(4, &[255, 0, 0, 0, 0, 255, 0, 0]), 1).pixels(), [76, 150]);
        assert!((0..=255).all(|v| luma(v, v, v) == v), "gray stays gray");
    }
}
