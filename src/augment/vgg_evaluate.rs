//! VGG's preprocessing for validation and test as TF-slim does it: one short side, the middle, minus the mean colour.

use super::vgg_train::{Vgg, side};
use super::{Build, Op, Output};
use crate::key::Dice;
use crate::pixels::tf::crop::middle;
use crate::pixels::tf::shown;
use crate::registry::Entry;
use crate::sample::{FloatImage, Image, Size, View};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "vgg_evaluate",
    about: "VGG's preprocessing of TF-slim for validation and test: short side, middle, minus the mean colour; gives numbers, 0 to 255",
    example: "op = \"vgg_evaluate\"\nsize = 24\nresize_side = 26",
    build: |fields| {
        let vgg = Vgg::read(fields);
        let about = "short side before the middle is cut out";
        let short = fields.key("resize_side", about).read("integer, 1 to 4096".to_owned(), 256, side).or(256);
        vgg.refuse_larger_than(fields, short);
        Box::new(VggEvaluate { vgg, side: short })
    },
};

struct VggEvaluate {
    vgg: Vgg,
    side: u32,
}

impl VggEvaluate {
    fn picture(&self, image: &Image) -> FloatImage {
        let room = self.vgg.room(image.size(), self.side);
        let middle = middle(room, self.vgg.size);
        self.vgg.cut(image, room, middle.top, middle.left)
    }
}

impl Op for VggEvaluate {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        *image = shown(&self.picture(image), 1.0);
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.vgg.size)
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn output(&self) -> Output {
        Output { views: 1, floats: true }
    }

    fn views(&self, (): &(), image: Image) -> Vec<View> {
        vec![self.vgg.view(self.picture(&image))]
    }
}
