//! Covers a rectangle with one colour or with random values. Knows no generator: the pattern is drawn elsewhere.

use super::colour::grey;
use super::crop::Region;
use super::noise::{LANES, philox};
use crate::sample::Image;
use std::ops::Range;

/// Covers `region`, as far as it lies inside, with an RGB colour, of which a gray image takes the grey.
pub fn cover(image: &mut Image, region: Region, colour: [u8; 3]) {
    let gray = match colour {
        [red, green, blue] if red == green && green == blue => red,
        [red, green, blue] => grey(red, green, blue),
    };
    let is_flat = image.channels() == 1 || colour == [gray; 3];
    for part in rows(image, region) {
        let row = &mut image.pixels_mut()[part];
        if is_flat {
            row.fill(gray);
        } else {
            row.as_chunks_mut::<3>().0.fill(colour);
        }
    }
}

/// Covers `region`, as far as it lies inside, with independent values, uniform over 0–255: the bytes, lowest first, of the words
/// of the Philox pattern `seed`, row after row.
pub fn cover_randomly(image: &mut Image, region: Region, seed: u64) {
    let (mut group, mut bytes, mut taken) = (0, [0; 16 * LANES], 16 * LANES);
    for part in rows(image, region) {
        let mut row = &mut image.pixels_mut()[part];
        while !row.is_empty() {
            if taken == bytes.len() {
                random_bytes(seed, group, &mut bytes);
                (group, taken) = (group + 1, 0);
            }
            let count = row.len().min(bytes.len() - taken);
            let (now, later) = row.split_at_mut(count);
            now.copy_from_slice(&bytes[taken..taken + count]);
            (row, taken) = (later, taken + count);
        }
    }
}

/// The bytes of `image` that each row of `region` covers.
fn rows(image: &Image, region: Region) -> impl Iterator<Item = Range<usize>> + use<> {
    let (size, channels) = (image.size(), image.channels());
    let (top, left) = (region.top.min(size.height), region.left.min(size.width));
    let (bottom, right) = (region.top.saturating_add(region.height), region.left.saturating_add(region.width));
    let (bottom, right) = (bottom.min(size.height), right.min(size.width));
    let place = move |y: u32, x: u32| (y as usize * size.width as usize + x as usize) * channels;
    (top..bottom).map(move |y| place(y, left)..place(y, right))
}

wide! {
    fn random_bytes / random_bytes_plain(seed: u64, group: u64, bytes: &mut [u8; 16 * LANES]) {
        let mut words = [[0; LANES]; 4];
        philox(seed, group * LANES as u64, &mut words);
        for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words.as_flattened()) {
            *bytes = word.to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn what_lies_in_the_region_is_covered_and_nothing_else() {
        let size = Size::new(6, 7);
        let regions = [
            (1, 2, 3, 3),
            (0, 0, 6, 7),
            (5, 6, 9, 9),
            (9, 9, 1, 1),
            (2, 2, 0, 3),
            (0, 3, u32::MAX, u32::MAX),
            (u32::MAX, 0, u32::MAX, 1),
        ];
        for (top, left, height, width) in regions {
            let region = Region { top, left, height, width };
            for channels in [1, 3] {
                let (mut flat, mut random) = (Image::filled(size, channels, 9), Image::filled(size, channels, 9));
                cover(&mut flat, region, [200, 100, 50]);
                cover_randomly(&mut random, region, 4);
                for (y, x) in (0..6u32).flat_map(|y| (0..7u32).map(move |x| (y, x))) {
                    let inside = y >= top && y - top < height && x >= left && x - left < width;
                    let pixel = flat.pixel(y as usize, x as usize);
                    let expected = if channels == 3 { vec![200, 100, 50] } else { vec![grey(200, 100, 50)] };
                    assert_eq!(pixel, if inside { expected } else { vec![9; channels] });
                    assert!(inside || random.pixel(y as usize, x as usize).iter().all(|&value| value == 9));
                }
            }
        }
    }

    #[test]
    fn random_values_are_uniform_and_do_not_repeat_along_rows() {
        let mut image = Image::filled(Size::new(256, 256), 3, 0);
        cover_randomly(&mut image, Region::whole(Size::new(256, 256)), 4);
        let mut counts = [0u32; 256];
        image.pixels().iter().for_each(|&value| counts[usize::from(value)] += 1);
        let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - 768.0).powi(2) / 768.0).sum();
        // 255 degrees of freedom: mean 255, deviation 22.6.
        assert!((chi_square - 255.0).abs() < 100.0, "{chi_square}");
        assert!((1..256).all(|y| image.row(y) != image.row(y - 1)));
    }
}
