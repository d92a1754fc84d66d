//! Rows that are numbers instead of bytes. One line a row.

use super::row::{Check, Row};
use crate::pixels::normalize::Normalize;
use crate::sample::{Image, Size};

const GROUP: &str = "numbers, as far as they are written out";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("red 0, normalised as for ImageNet", -2.1179, 1e-4, |_| imagenet(0)),
        row("green 83, normalised as for ImageNet", -0.58263, 1e-5, |_| imagenet(1)),
        row("blue 166, normalised as for ImageNet", 1.08880, 1e-5, |_| imagenet(2)),
    ]
}

/// One number; `within` is the last place that the reference writes.
fn row(name: &str, expected: f64, within: f64, ours: fn(&Image) -> f64) -> Row {
    let ours = move |image: &Image| vec![ours(image)];
    Row { group: GROUP, name: name.to_owned(), check: Check::Numbers { expected: vec![expected], within, ours: Box::new(ours) } }
}

fn imagenet(channel: usize) -> f64 {
    let mut out = [0f32; 3];
    let pixel = Image::new(Size::new(1, 1), 3, vec![0, 83, 166]);
    Normalize::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]).write(&pixel, &mut out);
    f64::from(out[channel])
}
