//! Pictures as part of a page. Knows no sample.

use crate::pixels::encode::{encode_jpeg, encode_png};
use crate::report::{base64, escaped, fit};
use crate::sample::Image;

/// Pictures up to so many pixels are kept to the bit, and enlarged dot by dot where they are shown.
const EXACT: usize = 48;
/// Quality of the others.
const QUALITY: u8 = 85;

/// The picture in an `img`, stored with at most `side` pixels a side: small ones as PNG, larger ones as JPEG. One that has no
/// such form is named instead.
pub fn image(picture: &Image, side: usize, alt: &str) -> String {
    let longer = picture.height().max(picture.width());
    let exact = longer <= EXACT;
    let smaller = (longer > side).then(|| fit(picture, side));
    let picture = smaller.as_ref().unwrap_or(picture);
    let alt = escaped(alt);
    let (kind, bytes) = if exact { ("png", encode_png(picture)) } else { ("jpeg", encode_jpeg(picture, QUALITY)) };
    let Ok(bytes) = bytes else { return format!("<p class=\"soft\">{alt}: no picture</p>\n") };
    let class = if exact { " class=\"pixels\"" } else { "" };
    let (width, height, data) = (picture.width(), picture.height(), base64(&bytes));
    format!("<img{class} width=\"{width}\" height=\"{height}\" alt=\"{alt}\" src=\"data:image/{kind};base64,{data}\">")
}
