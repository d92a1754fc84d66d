//! Stretches and evens out the levels of each channel: autocontrast and equalize. Knows no neighbour and no chance.

use super::bytes::look_up;
use super::planes::{LANES, Planes};
use super::truncated;
use crate::sample::Image;

/// Values handled together: a whole number of pixels with 1 or 3 channels, so many that loops over them stay loops.
const BLOCK: usize = 192;

/// Maps the lowest value of each channel to 0 and its highest to 255, linearly: trunc((x − low)/((high − low)/255)), as
/// torchvision does. A channel of one value stays as it is.
pub fn autocontrast(image: &mut Image) {
    let channels = image.channels();
    let (mut lows, mut highs) = ([u8::MAX; BLOCK], [0; BLOCK]);
    extremes(image.pixels(), &mut lows, &mut highs);
    let (mut starts, mut steps) = ([0.0; BLOCK], [1.0; BLOCK]);
    for channel in 0..channels {
        let low = lows.iter().skip(channel).step_by(channels).min();
        let high = highs.iter().skip(channel).step_by(channels).max();
        let (Some(&low), Some(&high)) = (low, high) else { continue };
        if low < high {
            starts.iter_mut().skip(channel).step_by(channels).for_each(|start| *start = f32::from(low));
            let step = (f32::from(high) - f32::from(low)) * (1.0 / 255.0) as f32;
            steps.iter_mut().skip(channel).step_by(channels).for_each(|place| *place = step);
        }
    }
    stretch(image.pixels_mut(), &starts, &steps);
}

wide! {
    fn extremes / extremes_plain(values: &[u8], lows: &mut [u8; BLOCK], highs: &mut [u8; BLOCK]) {
        for block in values.chunks(BLOCK) {
            for ((low, high), &value) in lows.iter_mut().zip(highs.iter_mut()).zip(block) {
                *low = (*low).min(value);
                *high = (*high).max(value);
            }
        }
    }
}

wide! {
    fn stretch / stretch_plain(values: &mut [u8], starts: &[f32; BLOCK], steps: &[f32; BLOCK]) {
        for block in values.chunks_mut(BLOCK) {
            for ((value, start), step) in block.iter_mut().zip(starts).zip(steps) {
                *value = truncated((f32::from(*value) - start) / step);
            }
        }
    }
}

/// Spreads the values of each channel so that all levels are about equally frequent, with Pillow's arithmetic: with
/// step = (count − count of the highest value) div 255, a value becomes (pixels below it + step div 2) div step, at most 255.
/// A channel whose step is 0 stays as it is.
pub fn equalize(image: &mut Image) {
    if image.channels() == 3 {
        let tables = histograms::<3>(image.pixels()).map(|counts| even_table(&counts));
        for block in image.pixels_mut().as_chunks_mut::<3>().0.chunks_mut(LANES) {
            let mut planes = Planes::split(block);
            look_up(&mut planes.red, &tables[0]);
            look_up(&mut planes.green, &tables[1]);
            look_up(&mut planes.blue, &tables[2]);
            planes.join(block);
        }
    } else {
        let [table] = histograms::<1>(image.pixels()).map(|counts| even_table(&counts));
        look_up(image.pixels_mut(), &table);
    }
}

/// How often each value occurs in each of C channels. Neighbours count in two books, so that equal ones need not wait.
fn histograms<const C: usize>(values: &[u8]) -> [[u32; 256]; C] {
    let mut books = [[[0u32; 256]; C]; 2];
    let (pixels, _) = values.as_chunks::<C>();
    for pair in pixels.chunks(2) {
        for (pixel, book) in pair.iter().zip(&mut books) {
            for channel in 0..C {
                book[channel][usize::from(pixel[channel])] += 1;
            }
        }
    }
    std::array::from_fn(|channel| std::array::from_fn(|value| books[0][channel][value] + books[1][channel][value]))
}

fn even_table(counts: &[u32; 256]) -> [u8; 256] {
    let total: u32 = counts.iter().sum();
    let last = counts.iter().rev().find(|&&count| count > 0).copied().unwrap_or(0);
    let step = (total - last) / 255;
    if step == 0 {
        return std::array::from_fn(|value| value as u8);
    }
    let mut below = step / 2;
    counts.map(|count| {
        let level = (below / step).min(255) as u8;
        below += count;
        level
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;
    use proptest::prelude::*;

    fn after(image: &Image, change: fn(&mut Image)) -> Image {
        let mut image = image.clone();
        change(&mut image);
        image
    }

    proptest! {
        #[test]
        fn autocontrast_reaches_both_ends_linearly(
            pixels in prop::collection::vec(any::<u8>(), 3 * 70), channels in prop::sample::select(vec![1usize, 3])
        ) {
            let image = Image::new(Size::new(1, (210 / channels) as u32), channels, pixels);
            let stretched = after(&image, autocontrast);
            for channel in 0..channels {
                let of = |image: &Image| image.pixels().iter().skip(channel).step_by(channels).copied().collect::<Vec<u8>>();
                let (old, new) = (of(&image), of(&stretched));
                // The rounded step may cut the highest level to 254, in torchvision too.
                prop_assert!(new.contains(&0) && new.iter().any(|&value| value >= 254));
                let (low, high) = (f64::from(*old.iter().min().unwrap()), f64::from(*old.iter().max().unwrap()));
                for (&old, &new) in old.iter().zip(&new) {
                    prop_assert!((f64::from(new) - (f64::from(old) - low) / (high - low) * 255.0).abs() <= 1.0);
                }
            }
        }

        #[test]
        fn equalizing_counts_the_pixels_below(
            pixels in prop::collection::vec(prop::sample::select(vec![0u8, 3, 7, 90, 200, 255]), 3 * 701),
            channels in prop::sample::select(vec![1usize, 3]),
        ) {
            let image = Image::new(Size::new(1, (2103 / channels) as u32), channels, pixels);
            let even = after(&image, equalize);
            for channel in 0..channels {
                let of = |image: &Image| image.pixels().iter().skip(channel).step_by(channels).copied().collect::<Vec<u8>>();
                let (old, new) = (of(&image), of(&even));
                let highest = *old.iter().max().unwrap();
                let step = old.iter().filter(|&&value| value < highest).count() / 255;
                for (&from, &to) in old.iter().zip(&new) {
                    let below = old.iter().filter(|&&value| value < from).count();
                    prop_assert_eq!(usize::from(to), ((below + step / 2) / step).min(255));
                }
            }
        }
    }

    #[test]
    fn flat_channels_stay() {
        let image = Image::new(Size::new(2, 2), 3, [9, 0, 255].repeat(4));
        assert_eq!(after(&image, autocontrast), image);
        assert_eq!(after(&image, equalize), image);
    }
}
