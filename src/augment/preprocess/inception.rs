//! What the Inception and MobileNet weights of TF-slim are trained and scored with.

use super::{Build, size, written};
use crate::config::Limits;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "inception",
    about: "Inception preprocessing of TF-slim: random box, resize, flip and colours; central part, resized; on the scale -1 to 1",
    example: "preset = \"inception\"\nsize = 299\nmode = \"fast\"",
    build: |fields| {
        let size = written(size(fields, 299));
        let about = "fast: bilinear, brightness and saturation; full: one of four resizes, and contrast and hue, too";
        let mode = fields.key("mode", about).word(&["fast", "full"]).or("fast");
        let about = "share of each side that evaluation keeps, around the middle";
        let fraction = fields.key("central_fraction", about).number(Limits::above(0.0, 1.0)).or(0.875);
        format!(
            "[[augment]]\nop = \"inception_train\"\nsize = {size}\nmode = \"{mode}\"\n\n\
             [[evaluate]]\nop = \"inception_evaluate\"\nsize = {size}\ncentral_fraction = {fraction:?}\n"
        )
    },
};
