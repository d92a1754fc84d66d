//! Sharpens or softens: a blend of an image with its own blur. Knows no chance.

use super::truncated;
use crate::sample::Image;

/// Moves every pixel away from the blurred image (`factor` above 1) or towards it (below 1), as torchvision does: the blur is
/// the rounded mean of the 3×3 pixels around, the middle one counting five times; the result is clamped to 0–255 and truncated.
/// The outermost pixels stay, and so do images less than 3 pixels high or wide.
pub fn sharpness(image: &mut Image, factor: f32) {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    if height < 3 || width < 3 {
        return;
    }
    let stride = width * channels;
    let rest = (1.0 - f64::from(factor)) as f32;
    let (mut above, mut sums) = (image.row(0).to_vec(), vec![0; stride]);
    for y in 1..height - 1 {
        let (row, rows_below) = image.pixels_mut()[y * stride..].split_at_mut(stride);
        add_rows(&above, row, &rows_below[..stride], &mut sums);
        above.copy_from_slice(row);
        blend(&mut row[channels..stride - channels], &sums, channels, rest);
    }
}

wide! {
    fn add_rows / add_rows_plain(above: &[u8], row: &[u8], below: &[u8], sums: &mut [u16]) {
        for (((sum, &a), &b), &c) in sums.iter_mut().zip(above).zip(row).zip(below) {
            *sum = u16::from(a) + u16::from(b) + u16::from(c);
        }
    }
}

wide! {
    fn blend / blend_plain(values: &mut [u8], sums: &[u16], channels: usize, rest: f32) {
        let neighbours = sums.iter().zip(&sums[channels..]).zip(&sums[2 * channels..]);
        for (value, ((&left, &middle), &right)) in values.iter_mut().zip(neighbours) {
            let sum = left + middle + right + 4 * u16::from(*value);
            // The nearest whole number to sum/13, which is never halfway between two; exact for sums up to 13·255.
            let blur = ((u32::from(sum) * 2 + 13) * 10_083) >> 18;
            let value_now = f32::from(*value);
            *value = truncated(rest.mul_add(blur as f32 - value_now, value_now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn the_quotient_is_the_nearest_for_every_sum() {
        for sum in 0..=13 * 255u32 {
            assert_eq!(((sum * 2 + 13) * 10_083) >> 18, (f64::from(sum) / 13.0).round() as u32, "{sum}");
        }
    }

    #[test]
    fn every_inner_value_is_that_of_the_formula_and_the_frame_stays() {
        for (height, width, channels) in [(3, 3, 1), (5, 40, 3), (17, 9, 3), (2, 9, 3), (9, 2, 1), (1, 1, 3)] {
            let count = (height * width * channels) as u32;
            let pixels: Vec<u8> = (0..count).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
            let image = Image::new(Size::new(height as u32, width as u32), channels, pixels);
            for factor in [0.0f32, 0.5, 1.0, 1.9] {
                let mut sharp = image.clone();
                sharpness(&mut sharp, factor);
                for (y, x, c) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| (y, x, c)))) {
                    let old = f64::from(image.pixel(y, x)[c]);
                    let inner = y > 0 && x > 0 && y + 1 < height && x + 1 < width;
                    let expected = if inner {
                        let around = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| (y, x)));
                        let sum: f64 = around.map(|(y, x)| f64::from(image.pixel(y, x)[c])).sum::<f64>() + 4.0 * old;
                        old * f64::from(factor) + (1.0 - f64::from(factor)) * (sum / 13.0).round()
                    } else {
                        old
                    };
                    let got = f64::from(sharp.pixel(y, x)[c]);
                    let nearly = expected.clamp(0.0, 255.0);
                    assert!(got <= nearly + 1e-3 && got > nearly - 1.001, "{got} for {nearly} at {y}, {x}");
                }
            }
        }
    }
}
