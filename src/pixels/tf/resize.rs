//! TensorFlow's resizes, from bytes to numbers. Knows no chance.
//!
//! Only a window of the result is computed, so that a crop of an enormous picture costs what the crop costs. Every number is the one
//! that it is in the whole result.

use super::places::{around, between, covered, nearest, ratio, under_triangle};
use crate::pixels::crop::Region;
use crate::sample::{FloatImage, Image, Size};

pub use super::places::Centres;

/// How pixels between pixels are made: the methods of `tf.compat.v1.image.resize`, none with antialias but `Area`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Two pixels an axis, by distance.
    Bilinear,
    /// The pixel at or before the place.
    Nearest,
    /// Four pixels an axis, Keys' cubic with a = −0.75 in steps of 1/1024.
    Bicubic,
    /// The mean of all that a new pixel covers.
    Area,
}

/// What is resized to what.
#[derive(Clone, Copy, Debug)]
pub struct Resize {
    /// The part of the picture; nothing outside it plays a part.
    pub region: Region,
    /// What a byte of 1 is worth.
    pub unit: f32,
    /// The size that the part is brought to.
    pub size: Size,
    /// The part of that size which is made.
    pub window: Region,
    /// How pixels are counted; only [`Method::Bilinear`] has a choice.
    pub centres: Centres,
}

impl Resize {
    /// All of a picture of `from`, whole.
    pub fn whole(from: Size, unit: f32, size: Size) -> Self {
        Self { region: Region::whole(from), unit, size, window: Region::whole(size), centres: Centres::Legacy }
    }
}

/// Height and width where the short side becomes `side`, as TF-slim computes them: the quotient of the sides is an `f32` and the
/// products are truncated, so that the short side itself is `side` − 1 in some draws (375 pixels to 379, for one).
pub fn short_side_size(size: Size, side: u32) -> Size {
    let scale = side as f32 / size.height.min(size.width) as f32;
    let scaled = |length: u32| ((length as f32 * scale) as u32).max(1);
    Size::new(scaled(size.height), scaled(size.width))
}

/// The window of `image` resized. Regions that do not lie inside are brought [within](Region::within).
pub fn resize(image: &Image, of: Resize, method: Method) -> FloatImage {
    let of = Resize { region: of.region.within(image.size()), window: of.window.within(of.size), ..of };
    let channels = image.channels();
    let mut out = vec![0.0; of.window.size().area() as usize * channels];
    match (method, channels) {
        (Method::Bilinear, _) if of.centres == Centres::Antialias => antialiased(image, &of, &mut out),
        (Method::Bilinear, 1) => bilinear::<1>(image, &of, &mut out),
        (Method::Bilinear, _) => bilinear::<3>(image, &of, &mut out),
        (Method::Nearest, _) => pick(image, &of, &mut out),
        (Method::Bicubic, _) => bicubic(image, &of, &mut out),
        (Method::Area, _) => area(image, &of, &mut out),
    }
    FloatImage::new(of.window.size(), channels, out)
}

impl Resize {
    fn rows(&self) -> (u32, u32, std::ops::Range<u32>) {
        (self.region.height, self.size.height, self.window.top..self.window.top + self.window.height)
    }

    fn columns(&self) -> (u32, u32, std::ops::Range<u32>) {
        (self.region.width, self.size.width, self.window.left..self.window.left + self.window.width)
    }

    /// Row `y` of the region, in bytes.
    fn row<'i>(&self, image: &'i Image, y: usize) -> &'i [u8] {
        let (left, width) = (self.region.left as usize * image.channels(), self.region.width as usize * image.channels());
        &image.row(self.region.top as usize + y)[left..left + width]
    }
}

fn bilinear<const C: usize>(image: &Image, of: &Resize, out: &mut [f32]) {
    let ((from, to, rows), (wide_from, wide_to, columns)) = (of.rows(), of.columns());
    let rows = between(from, to, rows, of.centres);
    let columns = between(wide_from, wide_to, columns, of.centres);
    for (row, out) in rows.iter().zip(out.chunks_exact_mut(columns.len() * C)) {
        let upper = of.row(image, row.low).as_chunks::<C>().0;
        let lower = of.row(image, row.high).as_chunks::<C>().0;
        for (column, out) in columns.iter().zip(out.as_chunks_mut::<C>().0) {
            let at = |pixels: &[[u8; C]], channel: usize| {
                let (left, right) = (f32::from(pixels[column.low][channel]), f32::from(pixels[column.high][channel]));
                let (left, right) = (left * of.unit, right * of.unit);
                left + (right - left) * column.part
            };
            for (channel, out) in out.iter_mut().enumerate() {
                let (top, bottom) = (at(upper, channel), at(lower, channel));
                *out = top + (bottom - top) * row.part;
            }
        }
    }
}

fn pick(image: &Image, of: &Resize, out: &mut [f32]) {
    let ((from, to, rows), (wide_from, wide_to, columns)) = (of.rows(), of.columns());
    let columns = nearest(wide_from, wide_to, columns);
    let channels = image.channels();
    let places = nearest(from, to, rows).into_iter().flat_map(|y| columns.iter().map(move |&x| (y, x)));
    for ((y, x), out) in places.zip(out.chunks_exact_mut(channels)) {
        let pixel = &of.row(image, y)[x * channels..][..channels];
        out.iter_mut().zip(pixel).for_each(|(out, &byte)| *out = f32::from(byte) * of.unit);
    }
}

/// Along the columns first, then along the rows, each sum from its first pixel to its last.
fn bicubic(image: &Image, of: &Resize, out: &mut [f32]) {
    let ((from, to, rows), (wide_from, wide_to, columns)) = (of.rows(), of.columns());
    let columns = around(wide_from, wide_to, columns);
    let channels = image.channels();
    let mut narrow = vec![0.0; of.region.width as usize * channels];
    for (row, out) in around(from, to, rows).iter().zip(out.chunks_exact_mut(columns.len() * channels)) {
        narrow.fill(0.0);
        for (&place, &weight) in row.places.iter().zip(&row.weights) {
            add_row(of.row(image, place), of.unit, weight, &mut narrow);
        }
        for (column, out) in columns.iter().zip(out.chunks_exact_mut(channels)) {
            for (channel, out) in out.iter_mut().enumerate() {
                let taps = column.places.iter().zip(&column.weights);
                *out = taps.map(|(&place, &weight)| narrow[place * channels + channel] * weight).sum();
            }
        }
    }
}

/// Along the columns first, then along the rows, as [`bicubic`].
fn antialiased(image: &Image, of: &Resize, out: &mut [f32]) {
    let ((from, to, rows), (wide_from, wide_to, columns)) = (of.rows(), of.columns());
    let columns = under_triangle(wide_from, wide_to, columns);
    let channels = image.channels();
    let mut narrow = vec![0.0; of.region.width as usize * channels];
    for (row, out) in under_triangle(from, to, rows).iter().zip(out.chunks_exact_mut(columns.len() * channels)) {
        narrow.fill(0.0);
        for (place, &weight) in (row.first..).zip(&row.weights) {
            add_row(of.row(image, place), of.unit, weight, &mut narrow);
        }
        for (column, out) in columns.iter().zip(out.chunks_exact_mut(channels)) {
            for (place, &weight) in (column.first..).zip(&column.weights) {
                for (channel, out) in out.iter_mut().enumerate() {
                    *out += narrow[place * channels + channel] * weight;
                }
            }
        }
    }
}

wide! {
    fn add_row / add_row_plain(row: &[u8], unit: f32, weight: f32, sums: &mut [f32]) {
        for (sum, &byte) in sums.iter_mut().zip(row) {
            *sum += f32::from(byte) * unit * weight;
        }
    }
}

/// Along the rows first, then along the columns.
fn area(image: &Image, of: &Resize, out: &mut [f32]) {
    let ((from, to, rows), (wide_from, wide_to, columns)) = (of.rows(), of.columns());
    let scale = 1.0 / (ratio(from, to) * ratio(wide_from, wide_to));
    let columns = covered(wide_from, wide_to, columns);
    let channels = image.channels();
    for (row, out) in covered(from, to, rows).iter().zip(out.chunks_exact_mut(columns.len() * channels)) {
        for (y, &weight) in (row.first..).zip(&row.weights) {
            let pixels = of.row(image, y);
            for (column, out) in columns.iter().zip(out.chunks_exact_mut(channels)) {
                for (channel, out) in out.iter_mut().enumerate() {
                    let taps = (column.first..).zip(&column.weights);
                    let value = |x: usize| f32::from(pixels[x * channels + channel]) * of.unit;
                    *out += taps.map(|(x, &share)| value(x) * share).sum::<f32>() * weight;
                }
            }
        }
        out.iter_mut().for_each(|value| *value *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::crop::crop;

    const METHODS: [Method; 4] = [Method::Bilinear, Method::Nearest, Method::Bicubic, Method::Area];

    /// The picture that the golden values are of.
    fn golden() -> Image {
        let value = |y: u32, x: u32, c: u32| ((7 * x * x + 13 * y * y + 5 * x * y + 97 * c + 31 * x + 17 * y) % 251) as u8;
        let pixels = (0..48).flat_map(|y| (0..64).flat_map(move |x| (0..3).map(move |c| value(y, x, c))));
        Image::new(Size::new(48, 64), 3, pixels.collect())
    }

    fn sum(image: &FloatImage) -> f64 {
        image.values().iter().map(|&value| f64::from(value)).sum()
    }

    fn close(found: &[f32], expected: [f64; 3]) -> bool {
        found.iter().zip(expected).all(|(&found, expected)| (f64::from(found) - expected).abs() < 1e-6 * (1.0 + expected))
    }

    #[test]
    fn golden_legacy_bilinear() {
        let image = golden();
        let out = resize(&image, Resize::whole(image.size(), 1.0, Size::new(24, 30)), Method::Bilinear);
        assert_eq!(format!("{:.6}", sum(&out)), "269056.400049");
        assert!(close(&out.values()[24 * 30 * 3 - 3..], [113.733063, 177.266907, 56.733063]), "{:?}", out.values());
    }

    #[test]
    fn golden_half_pixel_bilinear() {
        let image = golden();
        let of = Resize { centres: Centres::HalfPixel, ..Resize::whole(image.size(), 1.0, Size::new(24, 30)) };
        let out = resize(&image, of, Method::Bilinear);
        assert_eq!(format!("{:.6}", sum(&out)), "268951.679407");
        assert!(close(&out.values()[..3], [37.950005, 134.949997, 160.833328]), "{:?}", &out.values()[..3]);
    }

    #[test]
    fn golden_antialiased_bilinear() {
        let image = golden();
        let of = Resize { centres: Centres::Antialias, ..Resize::whole(image.size(), 1.0, Size::new(24, 30)) };
        let out = resize(&image, of, Method::Bilinear);
        assert_eq!(format!("{:.6}", sum(&out)), "270241.729727");
    }

    #[test]
    fn golden_short_sides_that_lose_a_pixel() {
        let short = |side| short_side_size(Size::new(500, 375), side).width;
        let lost: Vec<u32> = (256..=416).filter(|&side| short(side) == side - 1).collect();
        assert_eq!(lost, [379, 382, 387, 395, 403, 411, 416]);
        assert!((256..=512).all(|side| [side, side - 1].contains(&short(side))));
        for short in [224, 299, 333, 375, 480, 500, 640, 768] {
            assert_eq!(short_side_size(Size::new(short, 2 * short), 256).height, 256, "{short}");
        }
        assert_eq!((100..=1200).filter(|&short| short_side_size(Size::new(short, short), 256).height == 255).count(), 134);
        let pairs = (100..=1200).flat_map(|short| (256..=512).map(move |side| (short, side)));
        let lost = pairs.filter(|&(short, side)| short_side_size(Size::new(short, short), side).height == side - 1).count();
        assert!((lost as f64 / (1101.0 * 257.0) - 0.05).abs() < 0.001, "{lost}");
    }

    #[test]
    fn a_window_is_cut_out_of_the_whole_result_and_a_region_out_of_the_picture() {
        let image = golden();
        let region = Region { top: 3, left: 5, height: 40, width: 50 };
        let window = Region { top: 6, left: 1, height: 9, width: 17 };
        for method in METHODS {
            let cut = crop(&image, region);
            let whole = resize(&cut, Resize::whole(cut.size(), 0.5, Size::new(20, 60)), method);
            let of = Resize { region, window, ..Resize::whole(image.size(), 0.5, Size::new(20, 60)) };
            let part = resize(&image, of, method);
            let smooth = Resize { centres: Centres::Antialias, ..of };
            let cut_smooth = Resize { centres: Centres::Antialias, ..Resize::whole(cut.size(), 0.5, Size::new(20, 60)) };
            let (whole_smooth, part_smooth) = (resize(&cut, cut_smooth, method), resize(&image, smooth, method));
            for y in 0..9 {
                let row = &whole_smooth.values()[((y + 6) * 60 + 1) * 3..][..51];
                assert_eq!(&part_smooth.values()[y * 51..][..51], row, "{method:?}, antialiased");
                let row = &whole.values()[((y + 6) * 60 + 1) * 3..][..51];
                assert_eq!(&part.values()[y * 51..][..51], row, "{method:?}");
            }
        }
    }

    #[test]
    fn flat_pictures_stay_flat_and_the_same_size_changes_nothing() {
        let (flat, image) = (Image::filled(Size::new(7, 11), 1, 200), golden());
        for method in METHODS {
            let out = resize(&flat, Resize::whole(flat.size(), 1.0, Size::new(16, 5)), method);
            assert!(out.values().iter().all(|&value| (value - 200.0).abs() < 1e-3), "{method:?}");
            let smooth = Resize { centres: Centres::Antialias, ..Resize::whole(flat.size(), 1.0, Size::new(16, 5)) };
            assert!(resize(&flat, smooth, method).values().iter().all(|&value| (value - 200.0).abs() < 1e-3), "{method:?}");
            let same = resize(&image, Resize::whole(image.size(), 1.0, image.size()), method);
            assert!(same.values().iter().zip(image.pixels()).all(|(&value, &byte)| value == f32::from(byte)), "{method:?}");
        }
    }

    #[test]
    fn halving_by_area_is_the_mean_of_four() {
        let image = Image::new(Size::new(2, 4), 1, vec![1, 2, 3, 4, 5, 6, 7, 8]);
        let out = resize(&image, Resize::whole(image.size(), 1.0, Size::new(1, 2)), Method::Area);
        assert_eq!(out.values(), [3.5, 5.5]);
    }

    #[test]
    fn wide_loops_give_the_numbers_of_the_plain_ones() {
        let (mut wide, mut plain) = (vec![0.25f32; 999], vec![0.25f32; 999]);
        let row: Vec<u8> = (0..999u32).map(|i| (i * i % 251) as u8).collect();
        add_row(&row, 1.0 / 255.0, -0.07, &mut wide);
        add_row_plain(&row, 1.0 / 255.0, -0.07, &mut plain);
        assert_eq!(wide, plain);
    }
}
