//! What most published ImageNet weights are trained and scored with, after torchvision's references.

use super::{Build, side, size, written};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "imagenet",
    about: "ImageNet training and scoring as torchvision's: random resized crop and flip; short side and middle; ImageNet mean and deviation",
    example: "preset = \"imagenet\"\nsize = 224\nresize_side = 256",
    build: |fields| {
        let size = written(size(fields, 224));
        let side = side(fields.key("resize_side", "short side in evaluation, before the middle is cut out"), 256);
        format!(
            "[[augment]]\nop = \"resized_crop\"\nsize = {size}\n\n\
             [[augment]]\nop = \"horizontal_flip\"\np = 0.5\n\n\
             [[evaluate]]\nop = \"resize\"\nshort_side = {side}\n\n\
             [[evaluate]]\nop = \"center_crop\"\nsize = {size}\n\n\
             [normalize]\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n"
        )
    },
};
