//! Keys that several sources share. Knows no source.

use crate::config::{Fields, Value};
use crate::pixels::decode::{DecodeOptions, Limits};
use std::path::{Path, PathBuf};

/// Keys by which files are decoded, beside `channels`.
pub const DECODING: [&str; 6] = ["exif_orientation", "max_pixels", "max_side", "max_bytes", "max_scans", "allow_truncated"];

/// Reads `channels`, `exif_orientation` and the limits of files that are decoded.
pub(super) fn decode_options(fields: &Fields) -> DecodeOptions {
    let channels = channels(fields, 3);
    let apply_orientation = fields.key("exif_orientation", "turn pictures upright as their EXIF orientation says").flag().or(true);
    let standard = Limits::default();
    let most_pixels = fields.key("max_pixels", "larger pictures (height times width) are set aside");
    let max_pixels = most_pixels.integer(1, 1 << 32).or(standard.max_pixels as i64) as u64;
    let longest = fields.key("max_side", "pictures with a longer side are set aside");
    let max_side = longest.integer(1, 65535).or(i64::from(standard.max_side)) as u32;
    let most_bytes = fields.key("max_bytes", "larger files are set aside unread");
    let max_bytes = most_bytes.integer(1, 1 << 40).or(standard.max_bytes as i64) as u64;
    let most_scans = fields.key("max_scans", "progressive JPEGs of more scans are set aside");
    let max_scans = most_scans.count(1, 10_000).or(standard.max_scans);
    let about = "take JPEGs and PNGs whose end is missing as far as they go, the rest gray, and count them apart";
    let allow_truncated = fields.key("allow_truncated", about).flag().or(false);
    let limits = Limits { max_pixels, max_side, max_bytes, max_scans };
    DecodeOptions { channels, limits, apply_orientation, allow_truncated }
}

/// Reads `channels`.
pub(super) fn channels(fields: &Fields, default: usize) -> usize {
    let key = fields.key("channels", "channels of every picture: 1 is gray, 3 is RGB; others are converted");
    let parse = |node: &crate::config::Node| match node.value {
        Value::Integer(1) => Some(1),
        Value::Integer(3) => Some(3),
        _ => None,
    };
    key.read("1 or 3".to_owned(), default, parse).or(default)
}

/// Reads `allow_empty_classes`.
pub(super) fn allow_empty(fields: &Fields) -> bool {
    fields.key("allow_empty_classes", "warn about classes without a sample instead of refusing them").flag().or(false)
}

/// Reads `key` as a path relative to `base`.
pub(super) fn path(fields: &Fields, base: &Path, key: &str, about: &str) -> PathBuf {
    base.join(fields.key(key, about).text().required())
}
