//! Rows that are numbers instead of bytes. One line a row.

use super::row::{Check, Row};
use crate::pixels::normalize::Normalize;
use crate::pixels::tf::colour::{contrast, hue, saturation};
use crate::pixels::tf::resize::{Centres, Method, Resize, resize};
use crate::sample::{FloatImage, Image, Size};

const GROUP: &str = "numbers, as far as the reference writes them out (TensorFlow; normalising as torchvision)";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("bilinear to 24x30, legacy: sum", &[269056.400049], 5e-7, |image| sum(&resized(image, Centres::Legacy))),
        row("bilinear to 24x30, legacy: last pixel", &[113.733063, 177.266907, 56.733063], 1e-6, |image| {
            pixel(&resized(image, Centres::Legacy), 24 * 30 - 1)
        }),
        row("bilinear to 24x30, half pixel: sum", &[268951.679407], 5e-7, |image| sum(&resized(image, Centres::HalfPixel))),
        row("bilinear to 24x30, half pixel: first pixel", &[37.950005, 134.949997, 160.833328], 1e-6, |image| {
            pixel(&resized(image, Centres::HalfPixel), 0)
        }),
        row("bilinear to 24x30, antialias: sum", &[270241.729727], 5e-7, |image| sum(&resized(image, Centres::Antialias))),
        row("contrast 1.5: first pixel", &[-0.244731, 0.322463, 0.898148], 1e-6, |image| {
            coloured(image, |image| contrast(image, 1.5))
        }),
        row("saturation 0.5: first pixel", &[0.380392, 0.570588, 0.760784], 1e-6, |image| {
            coloured(image, |image| saturation(image, 0.5))
        }),
        row("hue +0.15: first pixel", &[0.304314, 0.0, 0.760784], 1e-6, |image| coloured(image, |image| hue(image, 0.15))),
        row("hue -0.2: first pixel", &[0.0, 0.760784, 0.228235], 1e-6, |image| coloured(image, |image| hue(image, -0.2))),
        row("a pixel of (0, 83, 166), normalised", &[-2.1179, -0.58263, 1.0888], 1e-5, |_| imagenet()),
    ]
}

/// Numbers within the last place that the reference writes.
fn row(name: &str, expected: &[f64], within: f64, ours: fn(&Image) -> Vec<f64>) -> Row {
    Row { group: GROUP, name: name.to_owned(), check: Check::Numbers { expected: expected.to_vec(), within, ours: Box::new(ours) } }
}

fn resized(image: &Image, centres: Centres) -> FloatImage {
    resize(image, Resize { centres, ..Resize::whole(image.size(), 1.0, Size::new(24, 30)) }, Method::Bilinear)
}

fn sum(image: &FloatImage) -> Vec<f64> {
    vec![image.values().iter().map(|&value| f64::from(value)).sum()]
}

fn pixel(image: &FloatImage, place: usize) -> Vec<f64> {
    image.values()[place * 3..][..3].iter().map(|&value| f64::from(value)).collect()
}

/// The first pixel, on the scale 0 to 1, after `change`.
fn coloured(image: &Image, change: impl Fn(&mut FloatImage)) -> Vec<f64> {
    let values = image.pixels().iter().map(|&value| f32::from(value) * (1.0 / 255.0)).collect();
    let mut floats = FloatImage::new(image.size(), 3, values);
    change(&mut floats);
    pixel(&floats, 0)
}

fn imagenet() -> Vec<f64> {
    let mut out = [0f32; 3];
    let pixel = Image::new(Size::new(1, 1), 3, vec![0, 83, 166]);
    Normalize::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]).write(&pixel, &mut out);
    out.map(f64::from).to_vec()
}
