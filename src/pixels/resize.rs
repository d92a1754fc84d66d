//! Brings an image, or a part of it, to another size. Knows no chance.

use super::crop::{Region, crop};
#[cfg(target_arch = "x86_64")]
use super::resample::Plan;
use super::taps::{self, Axis};
use crate::sample::{Image, Size};

/// How pixels between pixels are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The source pixel whose area holds the centre of the new one: floor((o + 1/2)·in/out), as Pillow's nearest and
    /// torchvision's `NEAREST_EXACT`.
    Nearest,
    /// A triangle over two pixels.
    Bilinear,
    /// Keys' cubic over four pixels; a = −0.5 with antialias, −0.75 without, as torchvision's.
    Bicubic,
}

/// Height and width where the short side becomes `side` and the long one follows, truncated; but where the long side would exceed
/// `longest`, that is what it becomes and the short one follows.
pub fn short_side_size(size: Size, side: u32, longest: Option<u32>) -> Size {
    let (short, long) = (u64::from(size.height.min(size.width)), u64::from(size.height.max(size.width)));
    let scaled = u64::from(side) * long / short;
    let (short, long) = match longest.map(u64::from).filter(|&longest| scaled > longest) {
        Some(longest) => (longest * u64::from(side) / scaled, longest),
        None => (u64::from(side), scaled),
    };
    let (short, long) = (short.clamp(1, LONGEST) as u32, long.clamp(1, LONGEST) as u32);
    if size.height <= size.width { Size::new(short, long) } else { Size::new(long, short) }
}

/// Longest side that an image can have.
const LONGEST: u64 = 65_535;

/// All of `image` at `size`. With `antialias`, a smaller size averages over all pixels that it covers.
pub fn resize(image: &Image, size: Size, interpolation: Interpolation, antialias: bool) -> Image {
    resize_region(image, Region::whole(image.size()), size, interpolation, antialias)
}

/// The part of `image` in `region` (brought [within](Region::within) it) at `size`; nothing outside the region plays a part.
pub fn resize_region(image: &Image, region: Region, size: Size, interpolation: Interpolation, antialias: bool) -> Image {
    let region = region.within(image.size());
    if region.size() == size {
        return crop(image, region);
    }
    match (interpolation, antialias) {
        (Interpolation::Nearest, _) => nearest(image, region, size),
        (Interpolation::Bilinear, true) => convolved(image, region, size, |from, to| taps::covering(from, to, 1.0, taps::triangle)),
        (Interpolation::Bicubic, true) => convolved(image, region, size, |from, to| taps::covering(from, to, 2.0, taps::cubic)),
        (Interpolation::Bilinear, false) => convolved(image, region, size, taps::two),
        (Interpolation::Bicubic, false) => convolved(image, region, size, taps::four),
    }
}

fn nearest(image: &Image, region: Region, size: Size) -> Image {
    let columns = nearest_places(region.left, region.width, size.width);
    let mut pixels = Vec::with_capacity(size.area() as usize * image.channels());
    for y in nearest_places(region.top, region.height, size.height) {
        let row = image.row(y);
        match image.channels() {
            1 => pixels.extend(columns.iter().map(|&x| row[x])),
            _ => columns.iter().for_each(|&x| pixels.extend_from_slice(&row.as_chunks::<3>().0[x])),
        }
    }
    Image::new(size, image.channels(), pixels)
}

/// Steps are added up in `f64`, not multiplied, because that decides ties in Pillow.
fn nearest_places(start: u32, length: u32, count: u32) -> Vec<usize> {
    let step = f64::from(length) / f64::from(count);
    let places = std::iter::successors(Some(0.5 * step), |place| Some(place + step)).take(count as usize);
    places.map(|place| start as usize + (place as usize).min(length as usize - 1)).collect()
}

fn convolved(image: &Image, region: Region, size: Size, axis: impl Fn(usize, usize) -> Axis) -> Image {
    let columns = axis(region.width as usize, size.width as usize);
    let rows = axis(region.height as usize, size.height as usize);
    #[cfg(target_arch = "x86_64")]
    if let Some(plan) = Plan::new(&columns, image.channels(), region.width as usize * image.channels()) {
        return gathered(image, region, &plan, &columns, &rows);
    }
    match image.channels() {
        1 => two_passes::<1, 1>(image, region, &columns, &rows),
        _ => two_passes::<3, 4>(image, region, &columns, &rows),
    }
}

/// The same sums as of [`two_passes`], from more of a register.
#[cfg(target_arch = "x86_64")]
fn gathered(image: &Image, region: Region, plan: &Plan, columns: &Axis, rows: &Axis) -> Image {
    let channels = image.channels();
    let (left, stride) = (region.left as usize * channels, columns.len() * channels);
    let mut narrowed = vec![0; region.height as usize * stride];
    let image_stride = image.width() * channels;
    plan.sum_along(&image.pixels()[region.top as usize * image_stride + left..], image_stride, stride, &mut narrowed);
    let mut pixels = vec![0; rows.len() * stride];
    for (out, (first, weights)) in pixels.chunks_exact_mut(stride).zip(rows.taps()) {
        Plan::sum_across(&narrowed[first * stride..], weights, rows.precision, out);
    }
    Image::new(Size::new(rows.len() as u32, columns.len() as u32), channels, pixels)
}

/// Bytes of one column that are summed together, from several rows: so many that loops over them stay loops, which compilers make
/// wide, and few enough for a strip of a photograph to stay in the nearest cache.
const LANES: usize = 64;

/// Weighted sums along the rows, stored in 8 bits, then along the columns: the arithmetic of torch's `uint8` kernels. A pixel of
/// `C` channels takes up `P` bytes on the way, a power of two.
fn two_passes<const C: usize, const P: usize>(image: &Image, region: Region, columns: &Axis, rows: &Axis) -> Image {
    let size = Size::new(rows.len() as u32, columns.len() as u32);
    let image_stride = image.width() * C;
    let stride = columns.len() * P;
    let strip_rows = LANES / P;
    let mut narrowed = vec![0; region.height as usize * stride];
    let mut strip = vec![[0; LANES]; region.width as usize];
    for (index, out) in narrowed.chunks_mut(strip_rows * stride).enumerate() {
        let top = region.top as usize + index * strip_rows;
        let pixels = &image.pixels()[top * image_stride + region.left as usize * C..];
        narrow_rows::<C, P>(pixels, image_stride, columns, &mut strip, out);
    }
    let mut pixels = vec![0; rows.len() * columns.len() * C];
    let mut row = vec![0; stride];
    for (out, (first, weights)) in pixels.chunks_exact_mut(columns.len() * C).zip(rows.taps()) {
        sum_rows(&narrowed[first * stride..], weights, rows.precision, &mut row);
        for (out, pixel) in out.as_chunks_mut::<C>().0.iter_mut().zip(row.as_chunks::<P>().0) {
            out.copy_from_slice(&pixel[..C]);
        }
    }
    Image::new(size, C, pixels)
}

#[inline(always)]
fn rounded(sum: i32, precision: u32) -> u8 {
    ((sum + (1 << precision >> 1)) >> precision).clamp(0, 255) as u8
}

wide! {
    /// Up to `LANES / P` rows, `stride` apart in `pixels`, at their new width, one after the other in `out`. `strip` is scratch: the
    /// pixels of each column in all of these rows.
    fn narrow_rows / narrow_rows_plain<const C: usize, const P: usize>(
        pixels: &[u8], stride: usize, columns: &Axis, strip: &mut [[u8; LANES]], out: &mut [u8],
    ) {
        let width = columns.len() * P;
        let count = out.len() / width;
        for row in 0..count {
            for (column, pixel) in strip.iter_mut().zip(pixels[row * stride..].as_chunks::<C>().0) {
                column[row * P..][..C].copy_from_slice(pixel);
            }
        }
        for (index, (first, weights)) in columns.taps().enumerate() {
            let mut sums = [0; LANES];
            for (column, &weight) in strip[first..first + weights.len()].iter().zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(column) {
                    *sum += i32::from(value) * weight;
                }
            }
            let mut bytes = [0; LANES];
            for (byte, sum) in bytes.iter_mut().zip(&sums) {
                *byte = rounded(*sum, columns.precision);
            }
            for (out, bytes) in out.chunks_exact_mut(width).zip(bytes.as_chunks::<P>().0) {
                out[index * P..][..P].copy_from_slice(bytes);
            }
        }
    }
}

/// Columns that are summed together, few enough to stay in registers.
const BLOCK: usize = 32;

wide! {
    /// One row of the result from as many rows, `out.len()` apart, as there are weights.
    fn sum_rows / sum_rows_plain(rows: &[u8], weights: &[i32], precision: u32, out: &mut [u8]) {
        let stride = out.len();
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        let end = blocks.len() * BLOCK;
        for (index, out) in blocks.iter_mut().enumerate() {
            let mut sums = [0; BLOCK];
            for (row, &weight) in rows.chunks_exact(stride).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(&row[index * BLOCK..][..BLOCK]) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (out, sum) in out.iter_mut().zip(&sums) {
                *out = rounded(*sum, precision);
            }
        }
        for (x, out) in rest.iter_mut().enumerate() {
            let mut sum = 0;
            for (row, &weight) in rows.chunks_exact(stride).zip(weights) {
                sum += i32::from(row[end + x]) * weight;
            }
            *out = rounded(sum, precision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_side_rule_truncates_and_respects_the_longest() {
        assert_eq!(short_side_size(Size::new(48, 64), 32, None), Size::new(32, 42));
        assert_eq!(short_side_size(Size::new(64, 48), 32, None), Size::new(42, 32));
        assert_eq!(short_side_size(Size::new(48, 64), 32, Some(40)), Size::new(30, 40));
        assert_eq!(short_side_size(Size::new(1, 5000), 256, Some(512)), Size::new(1, 512));
        assert_eq!(short_side_size(Size::new(1, 5000), 256, None), Size::new(256, 65_535));
    }

    #[test]
    fn a_region_is_resized_as_if_cut_out_first() {
        let image = Image::new(Size::new(40, 50), 3, (0..6000u32).map(|i| (i * i % 251) as u8).collect());
        let region = Region { top: 5, left: 7, height: 30, width: 41 };
        for (how, antialias) in [(Interpolation::Bilinear, true), (Interpolation::Bicubic, true), (Interpolation::Bilinear, false)]
        {
            let whole = resize(&crop(&image, region), Size::new(16, 16), how, antialias);
            assert_eq!(resize_region(&image, region, Size::new(16, 16), how, antialias), whole);
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bytes_near_and_far() {
        use crate::isa::{Isa, only};
        // Shrunk so much that sixteen sums need more than one register, or more than two, and less, and enlarged; with rests.
        for (from, to) in
            [((57, 300), (31, 48)), ((9, 300), (7, 25)), ((30, 300), (30, 9)), ((41, 71), (26, 64)), ((23, 29), (50, 90))]
        {
            for channels in [1, 3] {
                let (size, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
                let bytes =
                    (0..size.area() as u32 * channels as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
                let image = Image::new(size, channels, bytes);
                let region = Region { top: 1, left: 2, height: size.height - 1, width: size.width - 3 };
                for how in [Interpolation::Bilinear, Interpolation::Bicubic] {
                    for antialias in [true, false] {
                        let plain = only(Isa::Plain, || resize_region(&image, region, to, how, antialias));
                        for isa in Isa::available() {
                            let wide = only(isa, || resize_region(&image, region, to, how, antialias));
                            assert!(wide == plain, "{size} to {to}, {channels} channels, {how:?}, {antialias}, {isa:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn wide_loops_give_the_bytes_of_the_plain_ones() {
        let row: Vec<u8> = (0..3000u32).map(|i| (i * i % 251) as u8).collect();
        let axis = taps::covering(250, 111, 2.0, taps::cubic);
        let (mut wide, mut plain, mut scratch) = (vec![0; 1332], vec![0; 1332], vec![[0; LANES]; 250]);
        narrow_rows::<3, 4>(&row, 750, &axis, &mut scratch, &mut wide);
        narrow_rows_plain::<3, 4>(&row, 750, &axis, &mut scratch, &mut plain);
        assert_eq!(wide, plain);
        let (mut wide, mut plain) = (vec![0; 999], vec![0; 999]);
        sum_rows(&row, &[5000, 12_000, -616], 14, &mut wide);
        sum_rows_plain(&row, &[5000, 12_000, -616], 14, &mut plain);
        assert_eq!(wide, plain);
    }
}
