//! Inception's preprocessing for validation and test as TF-slim does it: the central part, resized, −1 to 1.

use super::read::half_pixel;
use super::{Build, Op, Output};
use crate::config::{Fields, Limits};
use crate::key::Dice;
use crate::pixels::tf::crop::central;
use crate::pixels::tf::resize::{Centres, Method, Resize, resize};
use crate::pixels::tf::{shift_and_scale, shown};
use crate::registry::Entry;
use crate::sample::{FloatImage, Image, Size, View};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "inception_evaluate",
    about: "Inception's preprocessing of TF-slim for validation and test: central part, resized; gives numbers, -1 to 1",
    example: "op = \"inception_evaluate\"\nsize = 24",
    build: |fields| {
        let size = inception_size(fields);
        let about = "share of each side that is kept, around the middle";
        let fraction = fields.key("central_fraction", about).number(Limits::above(0.0, 1.0)).or(0.875);
        Box::new(InceptionEvaluate { size, fraction, centres: half_pixel(fields) })
    },
};

/// What a byte of 1 is worth, as TensorFlow converts.
pub(super) const UNIT: f32 = 1.0 / 255.0;

pub(super) fn inception_size(fields: &Fields) -> Size {
    let about = "[height, width] afterwards, whatever the proportions before; one number makes a square";
    fields.key("size", about).size().or_shown(Size::new(299, 299), "299")
}

/// (x − 0.5) · 2.
pub(super) fn to_view(mut image: FloatImage) -> View {
    shift_and_scale(&mut image, [0.5; 3], 2.0);
    View::Floats(image)
}

struct InceptionEvaluate {
    size: Size,
    fraction: f64,
    centres: Centres,
}

impl InceptionEvaluate {
    /// The picture, 0 to 1.
    fn picture(&self, image: &Image) -> FloatImage {
        let region = central(image.size(), self.fraction);
        let of = Resize { region, centres: self.centres, ..Resize::whole(image.size(), UNIT, self.size) };
        resize(image, of, Method::Bilinear)
    }
}

impl Op for InceptionEvaluate {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        *image = shown(&self.picture(image), 255.0);
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.size)
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn output(&self) -> Output {
        Output { views: 1, floats: true }
    }

    fn views(&self, (): &(), image: Image) -> Vec<View> {
        vec![to_view(self.picture(&image))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_is_minus_one_and_white_is_one() {
        let op = InceptionEvaluate { size: Size::new(3, 3), fraction: 0.875, centres: Centres::Legacy };
        for (byte, value) in [(0, -1.0), (255, 1.0)] {
            let View::Floats(view) = op.views(&(), Image::filled(Size::new(20, 9), 3, byte)).remove(0) else { panic!("numbers") };
            assert!(view.values().iter().all(|&found| found == value));
        }
    }
}
