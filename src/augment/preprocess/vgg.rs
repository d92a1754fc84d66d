//! What the VGG and ResNet weights of TF-slim are trained and scored with.

use super::{Build, side, size, written};
use crate::config::{Node, Value};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "vgg",
    about: "VGG preprocessing of TF-slim: scale jitter, crop and flip; short side and middle; minus the mean colour, on the scale 0 to 255",
    example: "preset = \"vgg\"\nsize = 224\nresize_side = [256, 512]",
    build: |fields| {
        let size = written(size(fields, 224));
        let about = "short side in training, before the crop: a whole number drawn evenly from [low, high]";
        let kind = "list of 2 integers, 1 to 4096".to_owned();
        let sides = fields.key("resize_side", about).read(kind, [256, 512], |node| match &node.value {
            Value::List(items) if items.len() == 2 => {
                Some([integer(&items[0])?, integer(&items[1])?]).filter(|[low, high]| low <= high)
            }
            _ => None,
        });
        let [low, high] = sides.or_shown([256, 512], "[256, 512]");
        let about = "short side in evaluation, before the middle is cut out";
        let evaluate = side(fields.key("evaluate_side", about), 256);
        format!(
            "[[augment]]\nop = \"vgg_train\"\nsize = {size}\nresize_side = [{low}, {high}]\n\n\
             [[evaluate]]\nop = \"vgg_evaluate\"\nsize = {size}\nresize_side = {evaluate}\n"
        )
    },
};

fn integer(node: &Node) -> Option<i64> {
    match node.value {
        Value::Integer(value @ 1..=4096) => Some(value),
        _ => None,
    }
}
