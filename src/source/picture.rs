//! A stored picture's bytes → pixels: a picture file of any format that is decoded, or an array of NumPy's. Knows no place.

use crate::pixels::decode::{DecodeOptions, Note, Refusal, Turn, decode, with_channels};
use crate::pixels::npy::{decode_npy, is_npy};
use crate::sample::Image;

/// The picture, its oddities, and what is to be kept as long as it is a giant.
///
/// # Errors
/// Why it is refused.
pub(super) fn picture(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Vec<Note>, Turn), Refusal> {
    if is_npy(bytes) {
        let image = decode_npy(bytes, &options.limits)?;
        return Ok((with_channels(image, options.channels), Vec::new(), Turn::default()));
    }
    let decoded = decode(bytes, options)?;
    Ok((decoded.image, decoded.notes, decoded.turn))
}
