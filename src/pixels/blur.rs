//! Gaussian blur. Knows no chance.

use super::pad::{PadMode, places};
use super::rounded;
use super::series::exp;
use crate::sample::Image;

/// Values handled together: so many that loops over them stay loops, which compilers make wide.
const LANES: usize = 128;

/// Averages every pixel with its neighbours, `kernel_size` (odd) along each axis, weighted by exp(−d²/(2·`sigma`²)) at the
/// distance d; the image is mirrored at its border pixels. Sums are made in `f32`, columns first, and rounded to the nearest.
///
/// An even `kernel_size` counts as the next odd one, and a `sigma` that is not above 0 leaves the image as it is.
pub fn gaussian_blur(image: &mut Image, kernel_size: u32, sigma: f32) {
    let weights = weights(kernel_size as usize / 2, f64::from(sigma));
    let reach = weights.len() - 1;
    if reach == 0 {
        return;
    }
    let (height, channels) = (image.height(), image.channels());
    let (stride, margin) = (image.width() * channels, reach * channels);
    let rows: Vec<usize> = places(reach as u32, height, reach as u32, PadMode::Reflect).into_iter().flatten().collect();
    let columns: Vec<usize> = places(reach as u32, image.width(), reach as u32, PadMode::Reflect).into_iter().flatten().collect();
    // Rows that are blurred already, as they were: as many as later rows may look back at.
    let mut kept = vec![0; reach * stride];
    let mut sums = vec![0f32; stride + 2 * margin];
    for y in 0..height {
        let pixels = image.pixels_mut();
        {
            let row = |place: usize| match place < y {
                true => &kept[place % reach * stride..][..stride],
                false => &pixels[place * stride..][..stride],
            };
            let pair = |distance: usize| (row(rows[y + reach - distance]), row(rows[y + reach + distance]));
            let middle = &mut sums[margin..margin + stride];
            start(row(y), pair(1).0, pair(1).1, &weights, middle);
            for (distance, &weight) in weights.iter().enumerate().skip(2) {
                add(pair(distance).0, pair(distance).1, weight, middle);
            }
        }
        mirror(&mut sums, &columns, reach, channels);
        let row = &mut pixels[y * stride..][..stride];
        kept[y % reach * stride..][..stride].copy_from_slice(row);
        match reach {
            1 => across_near::<1>(&sums, &weights, channels, row),
            2 => across_near::<2>(&sums, &weights, channels, row),
            3 => across_near::<3>(&sums, &weights, channels, row),
            _ => across(&sums, &weights, channels, row),
        }
    }
}

/// The weights at the distances 0 … `reach`; of all 2·`reach` + 1 places they sum to 1.
fn weights(reach: usize, sigma: f64) -> Vec<f32> {
    if sigma.is_nan() || sigma <= 0.0 {
        return vec![1.0];
    }
    let bell: Vec<f64> = (0..=reach).map(|distance| (distance as f64 / sigma).powi(2)).map(|t| exp(-0.5 * t)).collect();
    let sum = bell[0] + 2.0 * bell[1..].iter().sum::<f64>();
    bell.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// Fills both margins of `sums` with the pixels of its middle that `columns` name.
fn mirror(sums: &mut [f32], columns: &[usize], reach: usize, channels: usize) {
    let width = columns.len() - 2 * reach;
    for x in (0..reach).chain(reach + width..columns.len()) {
        for channel in 0..channels {
            sums[x * channels + channel] = sums[(reach + columns[x]) * channels + channel];
        }
    }
}

wide! {
    fn start / start_plain(row: &[u8], above: &[u8], below: &[u8], weights: &[f32], sums: &mut [f32]) {
        let (weight, next) = (weights[0], weights[1]);
        for (((sum, &value), &a), &b) in sums.iter_mut().zip(row).zip(above).zip(below) {
            *sum = f32::from(value) * weight + f32::from(u16::from(a) + u16::from(b)) * next;
        }
    }
}

wide! {
    fn add / add_plain(above: &[u8], below: &[u8], weight: f32, sums: &mut [f32]) {
        for ((sum, &a), &b) in sums.iter_mut().zip(above).zip(below) {
            *sum += f32::from(u16::from(a) + u16::from(b)) * weight;
        }
    }
}

wide! {
    /// [`across`] for few neighbours, whose sums stay in registers.
    fn across_near / across_near_plain<const REACH: usize>(sums: &[f32], weights: &[f32], channels: usize, row: &mut [u8]) {
        let count = row.len();
        let (mut left, mut right, mut factors) = ([sums; REACH], [sums; REACH], [0.0; REACH]);
        for distance in 0..REACH {
            left[distance] = &sums[(REACH - 1 - distance) * channels..][..count];
            right[distance] = &sums[(REACH + 1 + distance) * channels..][..count];
            factors[distance] = weights[distance + 1];
        }
        for (place, (value, sum)) in row.iter_mut().zip(&sums[REACH * channels..][..count]).enumerate() {
            let mut result = sum * weights[0];
            for distance in 0..REACH {
                result += (left[distance][place] + right[distance][place]) * factors[distance];
            }
            *value = rounded(result);
        }
    }
}

wide! {
    fn across / across_plain(sums: &[f32], weights: &[f32], channels: usize, row: &mut [u8]) {
        let reach = weights.len() - 1;
        let mut results = [0f32; LANES];
        for (block, values) in row.chunks_mut(LANES).enumerate() {
            let (middle, count) = (block * LANES + reach * channels, values.len());
            let results = &mut results[..count];
            for (result, sum) in results.iter_mut().zip(&sums[middle..][..count]) {
                *result = sum * weights[0];
            }
            for (distance, weight) in weights.iter().enumerate().skip(1) {
                let left = &sums[middle - distance * channels..][..count];
                let right = &sums[middle + distance * channels..][..count];
                for ((result, a), b) in results.iter_mut().zip(left).zip(right) {
                    *result += (a + b) * weight;
                }
            }
            for (value, &result) in values.iter_mut().zip(&*results) {
                *value = rounded(result);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;
    use proptest::prelude::*;

    /// The definition: all pixels of the square at once, in `f64`.
    fn exact(image: &Image, reach: i64, sigma: f64, y: usize, x: usize, c: usize) -> f64 {
        let mirrored = |place: i64, length: usize| {
            let (period, length) = ((2 * length as i64 - 2).max(1), length as i64);
            let place = place.rem_euclid(period);
            (if place < length { place } else { period - place }) as usize
        };
        let (mut sum, mut all) = (0.0, 0.0);
        for (dy, dx) in (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx))) {
            let weight = (-((dy * dy + dx * dx) as f64) / (2.0 * sigma * sigma)).exp();
            let (y, x) = (mirrored(y as i64 + dy, image.height()), mirrored(x as i64 + dx, image.width()));
            sum += weight * f64::from(image.pixel(y, x)[c]);
            all += weight;
        }
        sum / all
    }

    proptest! {
        #[test]
        fn every_value_is_the_weighted_mean_of_its_surroundings(
            seed in any::<u32>(), height in 1u32..9, width in 1u32..60, reach in 1u32..6, sigma in 0.1f32..4.0,
            channels in prop::sample::select(vec![1usize, 3]),
        ) {
            let count = height * width * channels as u32;
            let pixels = (0..count).map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let image = Image::new(Size::new(height, width), channels, pixels);
            let mut blurred = image.clone();
            gaussian_blur(&mut blurred, 2 * reach + 1, sigma);
            for (y, x) in (0..height as usize).flat_map(|y| (0..width as usize).map(move |x| (y, x))) {
                for c in 0..channels {
                    let expected = exact(&image, i64::from(reach), f64::from(sigma), y, x, c);
                    prop_assert!((f64::from(blurred.pixel(y, x)[c]) - expected).abs() < 0.5 + 1e-3);
                }
            }
        }
    }

    #[test]
    fn flat_images_stay_flat_and_odd_numbers_do_no_harm() {
        for (kernel_size, sigma) in
            [(0, 1.0), (1, 1.0), (4, 0.7), (101, 50.0), (3, 0.0), (3, -1.0), (3, f32::NAN), (3, 1e-30), (3, f32::MAX)]
        {
            for value in [0, 77, 255] {
                let flat = Image::filled(Size::new(5, 7), 3, value);
                let mut blurred = flat.clone();
                gaussian_blur(&mut blurred, kernel_size, sigma);
                assert_eq!(blurred, flat, "{kernel_size} {sigma}");
            }
        }
    }
}
