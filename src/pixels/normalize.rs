//! From 8-bit pixels to the numbers that a model reads. Knows no batch.

use crate::sample::{FloatImage, Image};

/// (x/255 − mean)/std for each channel, fused to one product and one difference: x·(1/(255·std)) − mean/std.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Normalize {
    /// For images whose channels have `mean` and `std` (more than 0) on the scale 0 to 1, one of each a channel.
    ///
    /// # Panics
    /// If there are not as many means as deviations: a bug in the caller.
    pub fn new(mean: &[f32], std: &[f32]) -> Self {
        assert_eq!(mean.len(), std.len(), "one mean and one deviation a channel");
        let scale = std.iter().map(|&std| (1.0 / (255.0 * f64::from(std))) as f32).collect();
        let shift = mean.iter().zip(std).map(|(&mean, &std)| (f64::from(mean) / f64::from(std)) as f32).collect();
        Self { scale, shift }
    }

    /// All that it depends on: a factor a channel, and what is then taken off.
    pub fn numbers(&self) -> impl Iterator<Item = f32> {
        self.scale.iter().chain(&self.shift).copied()
    }

    /// Channels that it is for.
    pub fn channels(&self) -> usize {
        self.scale.len()
    }

    /// Writes `image` to `out`, one plane of rows a channel (CHW); `out` has as many numbers as the image has bytes.
    ///
    /// # Panics
    /// If lengths or channels do not agree: a bug in the caller.
    pub fn write(&self, image: &Image, out: &mut [f32]) {
        assert_eq!((image.channels(), image.pixels().len()), (self.channels(), out.len()), "channels and values of an image");
        self.planes(image.pixels(), out);
    }

    /// The same past the caches: for an image of a batch that is so large that none of them holds it until it is read. Memory that is
    /// written line by line is otherwise read first.
    ///
    /// # Panics
    /// As [`Normalize::write`].
    pub fn write_past_caches(&self, image: &Image, out: &mut [f32]) {
        assert_eq!((image.channels(), image.pixels().len()), (self.channels(), out.len()), "channels and values of an image");
        let (channels, plane) = (self.channels(), out.len() / self.channels());
        let mut scratch = [0.0; AT_ONCE];
        let each = AT_ONCE / channels;
        for (index, pixels) in image.pixels().chunks(each * channels).enumerate() {
            let scratch = &mut scratch[..pixels.len()];
            self.planes(pixels, scratch);
            let count = pixels.len() / channels;
            for (channel, values) in scratch.chunks_exact(count).enumerate() {
                past::copy(values, &mut out[channel * plane + index * each..][..count]);
            }
        }
        past::finish();
    }

    /// Pixels, all or some, to as many numbers, plane by plane.
    fn planes(&self, pixels: &[u8], out: &mut [f32]) {
        let plane = out.len() / self.channels();
        match self.channels() {
            3 => planes_of_three(pixels, &self.scale, &self.shift, out),
            channels => {
                for (channel, out) in out.chunks_exact_mut(plane).enumerate() {
                    plane_of(&pixels[channel..], channels, self.scale[channel], self.shift[channel], out);
                }
            }
        }
    }
}

/// Numbers that are on their way past the caches at once; they stay in the first of these.
const AT_ONCE: usize = 3 * 1024;

/// Stores past the caches.
#[cfg(target_arch = "x86_64")]
mod past {
    use std::arch::x86_64::{_mm_loadu_ps, _mm_sfence, _mm_stream_ps};

    /// Copies numbers; both slices are of one length.
    pub fn copy(from: &[f32], to: &mut [f32]) {
        let head = to.as_ptr().align_offset(16).min(to.len());
        let ((first, from), (to_first, to)) = (from.split_at(head), to.split_at_mut(head));
        to_first.copy_from_slice(first);
        let ((blocks, rest), (to_blocks, to_rest)) = (from.as_chunks::<4>(), to.as_chunks_mut::<4>());
        for (from, to) in blocks.iter().zip(to_blocks) {
            // SAFETY: both are four numbers; behind the head, every fourth number lies at a multiple of 16 bytes; every x86-64 has SSE.
            unsafe { _mm_stream_ps(to.as_mut_ptr(), _mm_loadu_ps(from.as_ptr())) };
        }
        to_rest.copy_from_slice(rest);
    }

    /// Such stores may come late: waits until others see them.
    pub fn finish() {
        // SAFETY: every x86-64 has SSE.
        unsafe { _mm_sfence() };
    }
}

/// Where there are no such stores.
#[cfg(not(target_arch = "x86_64"))]
mod past {
    pub fn copy(from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
    }

    pub fn finish() {}
}

/// Writes the numbers of `image` as they are to `out`, one plane of rows a channel (CHW).
///
/// # Panics
/// If lengths do not agree: a bug in the caller.
pub fn write_planes(image: &FloatImage, out: &mut [f32]) {
    assert_eq!(image.values().len(), out.len(), "values of a picture");
    let channels = image.channels();
    for (channel, out) in out.chunks_exact_mut(image.size().area() as usize).enumerate() {
        out.iter_mut().zip(image.values()[channel..].iter().step_by(channels)).for_each(|(out, &value)| *out = value);
    }
}

wide! {
    fn plane_of / plane_of_plain(pixels: &[u8], step: usize, scale: f32, shift: f32, out: &mut [f32]) {
        match step {
            1 => out.iter_mut().zip(pixels).for_each(|(out, &value)| *out = f32::from(value) * scale - shift),
            _ => out.iter_mut().zip(pixels.iter().step_by(step)).for_each(|(out, &value)| *out = f32::from(value) * scale - shift),
        }
    }
}

wide! {
    fn planes_of_three / planes_of_three_plain(pixels: &[u8], scale: &[f32], shift: &[f32], out: &mut [f32]) {
        let [scale_r, scale_g, scale_b] = [scale[0], scale[1], scale[2]];
        let [shift_r, shift_g, shift_b] = [shift[0], shift[1], shift[2]];
        let plane = out.len() / 3;
        let (reds, rest) = out.split_at_mut(plane);
        let (greens, blues) = rest.split_at_mut(plane);
        for (((pixel, red), green), blue) in pixels.as_chunks::<3>().0.iter().zip(reds).zip(greens).zip(blues) {
            *red = f32::from(pixel[0]) * scale_r - shift_r;
            *green = f32::from(pixel[1]) * scale_g - shift_g;
            *blue = f32::from(pixel[2]) * scale_b - shift_b;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_is_that_of_the_formula(
            pixels in prop::collection::vec(any::<u8>(), 24),
            mean in prop::array::uniform3(0.0f32..1.0),
            std in prop::array::uniform3(0.05f32..2.0),
            channels in prop::sample::select(vec![1usize, 3]),
        ) {
            let image = Image::new(Size::new(4, (6 / channels) as u32), channels, pixels);
            let mut out = vec![0f32; 24];
            Normalize::new(&mean[..channels], &std[..channels]).write(&image, &mut out);
            let area = image.size().area() as usize;
            for (index, &value) in out.iter().enumerate() {
                let (channel, place) = (index / area, index % area);
                let x = f64::from(image.pixels()[place * channels + channel]) / 255.0;
                let expected = (x - f64::from(mean[channel])) / f64::from(std[channel]);
                prop_assert!((f64::from(value) - expected).abs() <= 4e-7 * (1.0 + expected.abs() + 1.0 / f64::from(std[channel])));
            }
        }
    }

    #[test]
    fn past_the_caches_the_same_numbers_come_wherever_they_lie() {
        for (channels, height, width) in [(1, 1, 1), (3, 1, 2), (1, 70, 61), (3, 37, 91), (3, 32, 32), (3, 32, 64)] {
            let pixels: Vec<u8> = (0..height * width * channels).map(|i| (i * 37 + i / 91) as u8).collect();
            let image = Image::new(Size::new(height as u32, width as u32), channels, pixels);
            let normalize = Normalize::new(&[0.4, 0.5, 0.6][..channels], &[0.2, 0.25, 0.3][..channels]);
            let len = image.pixels().len();
            let mut expected = vec![0f32; len];
            normalize.write(&image, &mut expected);
            for start in 0..5 {
                let mut out = vec![7f32; len + 5];
                normalize.write_past_caches(&image, &mut out[start..start + len]);
                assert_eq!(out[start..start + len], expected, "{channels} channels, {height}x{width} from {start}");
                assert!(out[..start].iter().chain(&out[start + len..]).all(|&value| value == 7.0), "beside it");
            }
        }
    }

    #[test]
    fn numbers_are_copied_channel_by_channel() {
        let image = FloatImage::new(Size::new(1, 2), 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
        let mut out = vec![0.0; 6];
        write_planes(&image, &mut out);
        assert_eq!(out, [1.0, 4.0, 2.0, 5.0, 3.0, 6.5]);
    }

    #[test]
    fn wide_loops_give_the_numbers_of_the_plain_ones() {
        let pixels: Vec<u8> = (0..3_003u32).map(|i| (i * 37) as u8).collect();
        let (mut wide, mut plain) = (vec![0f32; 3_003], vec![0f32; 3_003]);
        planes_of_three(&pixels, &[0.017, 0.018, 0.019], &[2.1, 2.0, 1.8], &mut wide);
        planes_of_three_plain(&pixels, &[0.017, 0.018, 0.019], &[2.1, 2.0, 1.8], &mut plain);
        assert_eq!(wide, plain);
        plane_of(&pixels, 1, 0.017, 2.1, &mut wide);
        plane_of_plain(&pixels, 1, 0.017, 2.1, &mut plain);
        assert_eq!(wide, plain);
    }
}
