//! Rows of bilinear resizing. The reference's checksums are those of its floating-point path; ours follows its `uint8` path, which
//! works in whole numbers and may differ by one level. So the floating-point result is computed here, too, by the formulas alone,
//! held against the checksum, and ours against it.

use super::row::{Check, Row};
use crate::pixels::crop::{Region, crop};
use crate::pixels::resize::{Interpolation, resize, short_side_size};
use crate::sample::{Image, Size};

const GROUP: &str = "bilinear resizing (torchvision 0.21, tensor path in f32)";

pub(super) fn rows() -> Vec<Row> {
    let odd = Size::new(17, 23);
    vec![
        row("to 24x32", 0x3c2d_da0f, Size::new(24, 32), true),
        row("to 17x23", 0xa79d_5059, odd, true),
        row("to 100x120", 0x2e6f_8d6a, Size::new(100, 120), true),
        row("to 17x23 without antialias", 0xbd6f_99dc, odd, false),
        row("short side to 32", 0xd736_0d70, short_side_size(Size::new(48, 64), 32, None), true),
        of_part(row("part of 30x41 at (5, 7) to 24x24", 0x5275_d19e, Size::new(24, 24), true)),
    ]
}

/// For each new pixel of an axis, the first old one and the weights from there on.
type Taps = Vec<(usize, Vec<f32>)>;

fn row(name: &str, crc32: u32, size: Size, antialias: bool) -> Row {
    let taps = if antialias { triangles } else { pairs };
    let ours = move |image: &Image| resize(image, size, Interpolation::Bilinear, antialias);
    let yardstick = move |image: &Image| by_formula(image, size, taps);
    let check = Check::Level { crc32, ours: Box::new(ours), yardstick: Box::new(yardstick) };
    Row { group: GROUP, name: name.to_owned(), check }
}

/// The same on a part of the picture.
fn of_part(row: Row) -> Row {
    let part = |image: &Image| crop(image, Region { top: 5, left: 7, height: 30, width: 41 });
    let check = match row.check {
        Check::Level { crc32, ours, yardstick } => {
            let ours = move |image: &Image| ours(&part(image));
            Check::Level { crc32, ours: Box::new(ours), yardstick: Box::new(move |image| yardstick(&part(image))) }
        }
        other => other,
    };
    Row { check, ..row }
}

/// Resizing in floating point: slow.
fn by_formula(image: &Image, size: Size, taps: fn(usize, usize) -> Taps) -> Image {
    let channels = image.channels();
    let (columns, rows) = (taps(image.width(), size.width as usize), taps(image.height(), size.height as usize));
    let mut wide = Vec::new();
    for (y, (low, weights)) in (0..image.height()).flat_map(|y| columns.iter().map(move |taps| (y, taps))) {
        for c in 0..channels {
            let values = (*low..).map(|x| f32::from(image.pixel(y, x)[c]));
            wide.push(blend(weights, values));
        }
    }
    let stride = size.width as usize * channels;
    let mut pixels = Vec::new();
    for (low, weights) in rows {
        for x in 0..stride {
            let values = (low..).map(|y| wide[y * stride + x]);
            pixels.push(blend(&weights, values).round_ties_even() as u8);
        }
    }
    Image::new(size, channels, pixels)
}

/// The sum of weights times values, each product added with one rounding, as the reference's compiled loops do it.
fn blend(weights: &[f32], values: impl Iterator<Item = f32>) -> f32 {
    weights.iter().zip(values).fold(0.0, |sum, (weight, value)| weight.mul_add(value, sum))
}

/// A triangle over all pixels that the new one covers; the weights' own roundings to `f32` decide a few ties.
fn triangles(from: usize, to: usize) -> Taps {
    let scale = from as f32 / to as f32;
    let wide = scale.max(1.0);
    let of = |index: usize| {
        let centre = (index as f32 + 0.5) * scale;
        let low = (centre - wide + 0.5).max(0.0) as usize;
        let high = ((centre + wide + 0.5) as usize).min(from);
        let weights: Vec<f32> = (low..high).map(|tap| (1.0 - ((tap as f32 - centre + 0.5) / wide).abs()).max(0.0)).collect();
        let sum: f32 = weights.iter().sum();
        (low, weights.iter().map(|weight| weight / sum).collect())
    };
    (0..to).map(of).collect()
}

/// The two pixels around each centre, without antialias.
fn pairs(from: usize, to: usize) -> Taps {
    let of = |index: usize| {
        let place = ((index as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0);
        let low = place as usize;
        if low + 1 < from { (low, vec![1.0 - place.fract(), place.fract()]) } else { (from - 1, vec![1.0]) }
    };
    (0..to).map(of).collect()
}
