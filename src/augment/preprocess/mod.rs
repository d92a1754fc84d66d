//! Whole preparations of pictures by one name: the operations of training and evaluation and the normalisation, as published networks
//! are trained and scored with. Each is written in the words of a pipeline file; this module knows no data and no model.
//!
//! Adding one: a file beside this one, `mod x;` and `x::ENTRY,` here.

#[cfg(test)]
mod laws;

mod cifar;
mod imagenet;
mod inception;
mod vgg;

use crate::config::{Fields, Key, Value};
use crate::registry::{Entry, find};
use crate::sample::Size;

/// Reads a preset's own keys and gives the tables `[[augment]]`, `[[evaluate]]` and, where values are not normalised by these,
/// `[normalize]` that it stands for, as TOML text.
pub type Build = fn(&Fields) -> String;

/// Every preset. Examples are the table that follows `[preprocess]`.
pub const PREPROCESS: &[Entry<Build>] = &[imagenet::ENTRY, cifar::ENTRY, vgg::ENTRY, inception::ENTRY];

/// The tables that the table `[preprocess]` stands for; none where it names no preset. Everything wrong, unknown keys too, is added to
/// its [`Problems`](crate::config::Problems).
pub fn read(fields: &Fields) -> Option<(&'static str, String)> {
    let names: Vec<&'static str> = PREPROCESS.iter().map(|entry| entry.name).collect();
    fields.key("preset", "which preparation of pictures").word(&names).required();
    let given = match fields.node("preset").map(|node| &node.value) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let entry = find(PREPROCESS, given).ok()?;
    let text = (entry.build)(fields);
    fields.finish();
    Some((entry.name, text))
}

/// The key `size`: a side, or both.
fn size(fields: &Fields, default: u32) -> Size {
    let about = "[height, width] that pictures end with; one number makes a square";
    fields.key("size", about).size().or_shown(Size::new(default, default), &default.to_string())
}

/// A size as a pipeline file writes it.
fn written(size: Size) -> String {
    format!("[{}, {}]", size.height, size.width)
}

/// A short side, before a part is cut out.
fn side(key: Key<'_>, default: i64) -> i64 {
    key.integer(1, 4096).or(default)
}
