//! The four corners and the middle, of the picture and of its mirror image, as ten pictures: a prediction over them is their mean.

use super::Build;
use super::five_crop::{Crops, Flip};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "ten_crop",
    about: "Makes ten pictures of one, those of five_crop and of the mirrored picture, whose predictions are averaged; in [[evaluate]] only",
    example: "op = \"ten_crop\"\nsize = [32, 32]\nsmall = \"pad\"",
    build: |fields| {
        let about = "mirror top and bottom instead of left and right";
        let vertical = fields.key("vertical_flip", about).flag().or(false);
        Box::new(Crops::read(fields, Some(if vertical { Flip::Vertical } else { Flip::Horizontal })))
    },
};
