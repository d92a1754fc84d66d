//! File bytes → [`Image`], strictly: a damaged file is refused, never half shown. Knows no path, no data set and no label.
//!
//! The format is told from the first bytes, never from a name. What is stated once, here, holds for all formats:
//!
//! * **Truncated or damaged files are refused.** A JPEG needs its end marker and entropy-coded data for every block; a PNG needs
//!   every chunk whole, every critical checksum right and its end chunk; WebP and BMP need as many bytes as they announce.
//!   [`DecodeOptions::allow_truncated`] takes what there is of truncated JPEGs and PNGs.
//! * **Limits hold before memory is taken**: the size in the header is held against [`Limits`] first.
//! * **Work is bounded by structure, never by the clock**, so that a verdict depends on the file alone: a file costs at most
//!   [`Limits::max_scans`] passes over [`Limits::max_pixels`] pixels and [`Limits::max_bytes`] bytes. Embedded profiles,
//!   texts and thumbnails are skipped, never inflated.
//! * **Alpha is dropped**, not composited, as Pillow's `convert("RGB")` does: hidden colours of transparent pixels appear.
//! * **16 bits become 8** as `round(v · 255 / 65535)`, 1, 2 and 4 bits as `v · 255 / (2ᵇ − 1)`. Colour profiles and gamma are
//!   ignored.
//! * **Gray becomes RGB** by repetition, **RGB becomes gray** as `(19595 R + 38470 G + 7471 B + 32768) >> 16`, ITU-R BT.601
//!   luma in Pillow's arithmetic.
//! * **CMYK and YCCK** (only with an Adobe marker, which says that values are stored inverted) become RGB as `C · K / 255` of
//!   the stored values; without that marker their meaning is unknown and they are refused.
//! * **EXIF orientation** 2–8 is applied; 0, garbage and none are 1. Orientation in XMP is ignored.
//! * **Of a common JPEG, a part can be decoded alone** ([`decode_part`]): its bytes are those of the same part of the whole picture,
//!   and the verdict on the file and all notes are those on the whole file, whose every bit is still checked, the first time
//!   ([`decode_part_again`]).
//! * **It can also be decoded at a half, a quarter or an eighth** ([`decode_choice`]), only where that is asked for.
//! * Of an animation, the first picture is taken, with a note.

mod bmp;
pub mod choice;
mod convert;
mod format;
pub mod header;
mod jpeg;
mod known;
mod orientation;
mod png;
mod turn;
mod webp;

use super::crop::Region;
use crate::sample::{Image, Size};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crate::sample::Note;
pub use choice::Choice;
pub use format::Format;
pub use known::Known;
pub use turn::{GIANT_PIXELS, Turn};

/// What a file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels, height times width.
    pub max_pixels: u64,
    /// Longest side in pixels.
    pub max_side: u32,
    /// Largest file in bytes.
    pub max_bytes: u64,
    /// Most scans of a progressive JPEG; encoders write about 10.
    pub max_scans: usize,
}

impl Default for Limits {
    /// 2²⁵ pixels (96 MiB as RGB), sides up to 65535, files up to 256 MiB, 100 scans.
    fn default() -> Self {
        Self { max_pixels: 1 << 25, max_side: 65535, max_bytes: 1 << 28, max_scans: 100 }
    }
}

impl Limits {
    /// Most bytes of memory that decoding one file takes, the result included: 16 a pixel (the coefficients, planes and pixels
    /// of a progressive four-component JPEG; a 16-bit PNG with alpha needs 12), and twice the file.
    pub fn peak_bytes(&self) -> u64 {
        self.max_pixels.saturating_mul(16).saturating_add(self.max_bytes.saturating_mul(2))
    }

    /// Refuses a picture of `height` times `width` pixels that is empty or over a limit, naming the key to raise; waits for the
    /// turn of a giant.
    pub(super) fn admit(&self, height: u32, width: u32) -> Result<Size, Refusal> {
        let size = Size::new(height, width);
        if size.area() == 0 {
            return Err(Refusal::new(format!("damaged: a picture of {size} pixels")));
        }
        if height.max(width) > self.max_side {
            return Err(Refusal::new(format!("too large: {size}, longer than max_side = {}", self.max_side)));
        }
        if size.area() > self.max_pixels {
            let reason = format!("too large: {size} = {} pixels, more than max_pixels = {}", size.area(), self.max_pixels);
            return Err(Refusal::new(reason));
        }
        turn::wait(size.area());
        Ok(size)
    }
}

/// How to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Channels of the result: 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// What a file may cost.
    pub limits: Limits,
    /// Whether pictures are turned upright as their EXIF orientation says.
    pub apply_orientation: bool,
    /// Whether a JPEG or PNG whose end is missing is taken as far as it goes, with [`Note::Truncated`]; what is missing is gray.
    pub allow_truncated: bool,
}

impl Default for DecodeOptions {
    /// RGB, upright, whole, within the default limits.
    fn default() -> Self {
        Self { channels: 3, limits: Limits::default(), apply_orientation: true, allow_truncated: false }
    }
}

/// A picture and what was odd about its file.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The pixels, upright, of as many channels as were asked for.
    pub image: Image,
    /// What the file is.
    pub format: Format,
    /// Oddities, each at most once.
    pub notes: Vec<Note>,
    /// Where `image` is only the part of a picture that was asked for: the whole one's size, upright.
    pub part_of: Option<Size>,
    /// To be kept as long as the picture is a giant.
    pub turn: Turn,
}

/// Why a file is not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Our short reason: `truncated after 812 bytes`, `empty file`, `unsupported: …`, `damaged: …`, `too large: …`,
    /// `not an image`, `decoder bug`.
    pub reason: String,
    /// A decoder's own words; may be empty.
    pub words: String,
    /// Whether all that is wrong may be that the file's end is missing.
    pub cut: bool,
}

impl Refusal {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), words: String::new(), cut: false }
    }

    pub(super) fn damaged(what: &str) -> Self {
        Self::new(format!("damaged: {what}"))
    }

    pub(super) fn unsupported(what: &str) -> Self {
        Self::new(format!("unsupported: {what}"))
    }

    pub(super) fn truncated(bytes: &[u8]) -> Self {
        Self { cut: true, ..Self::new(format!("truncated after {} bytes", bytes.len())) }
    }

    pub(super) fn with_words(self, words: impl std::fmt::Display) -> Self {
        Self { words: words.to_string(), ..self }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.words.as_str() {
            "" => f.write_str(&self.reason),
            words => write!(f, "{} ({words})", self.reason),
        }
    }
}

/// What a format's reader hands over: pixels as stored, and the oddities met.
struct Raw {
    pixels: convert::Pixels,
    orientation: u8,
    notes: Vec<Note>,
    /// Size of the whole picture as stored, where `pixels` are a part of it.
    part_of: Option<Size>,
}

/// Decodes the picture in `bytes`, a whole file. The same bytes always give the same answer.
///
/// # Errors
/// A [`Refusal`] for anything that is not a whole, supported picture within the limits; a decoder's panic too.
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<Decoded, Refusal> {
    decode_part(bytes, options, &|_| None)
}

/// The same, but where the file is of a kind that can be decoded in part, only the part that `choose` names for the picture's upright
/// size; none is all of it. [`Decoded::part_of`] tells which of the two was done.
///
/// # Errors
/// As [`decode`], and the same for every part.
pub fn decode_part(bytes: &[u8], options: &DecodeOptions, choose: &dyn Fn(Size) -> Option<Region>) -> Result<Decoded, Refusal> {
    decode_part_again(bytes, options, choose, &mut None, 0)
}

/// The same for a file that may be decoded often: what is `known` of it from before saves looking at what is not wanted; where nothing
/// is, it is filled in if it can be, with up to `most_bytes` of memory, but not where these are 0.
///
/// # Errors
/// As [`decode`].
pub fn decode_part_again(
    bytes: &[u8],
    options: &DecodeOptions,
    choose: &dyn Fn(Size) -> Option<Region>,
    known: &mut Option<Known>,
    most_bytes: usize,
) -> Result<Decoded, Refusal> {
    decode_choice(bytes, options, &|size| choose(size).map(Choice::from), known, most_bytes)
}

/// The same, but where `choose` says how small is small enough, the picture's sides may be halved up to three times: a pixel is then the
/// mean of a square of luma and of chroma, and the picture is that part of [`Choice::decoded`] of the smaller whole.
///
/// # Errors
/// As [`decode`].
pub fn decode_choice(
    bytes: &[u8],
    options: &DecodeOptions,
    choose: &dyn Fn(Size) -> Option<Choice>,
    known: &mut Option<Known>,
    most_bytes: usize,
) -> Result<Decoded, Refusal> {
    let limits = &options.limits;
    if bytes.len() as u64 > limits.max_bytes {
        return Err(Refusal::new(format!("too large: {} bytes, more than max_bytes = {}", bytes.len(), limits.max_bytes)));
    }
    let format = Format::of(bytes)?;
    let stored_choice = |size, stored| {
        let orientation = if options.apply_orientation { stored } else { 1 };
        let upright = orientation::upright_size(size, orientation);
        let choice = choose(upright)?;
        let halvings = choice.halvings(upright);
        let (region, small) = (choice.halved(upright, halvings), choice::halved(size, halvings));
        let is_less = halvings > 0 || region != Region::whole(upright);
        is_less.then(|| jpeg::Wanted { region: orientation::stored_region(region, small, orientation), halvings })
    };
    let mut places = known.take().map(|known| known.0);
    let whole = contained(|| match format {
        Format::Jpeg => jpeg::read(bytes, limits, stored_choice, (&mut places, most_bytes)),
        Format::Png => png::read(bytes, limits),
        Format::WebP => webp::read(bytes, limits),
        Format::Bmp => bmp::read(bytes, limits),
    });
    let read =
        whole.or_else(|refusal| if options.allow_truncated { salvage(bytes, format, limits, refusal) } else { Err(refusal) });
    let turn = turn::taken();
    let mut raw = read?;
    *known = places.map(Known);
    let orientation = if options.apply_orientation { raw.orientation } else { 1 };
    let image = orientation::upright(convert::to_channels(raw.pixels, options.channels), orientation);
    let part_of = raw.part_of.map(|size| orientation::upright_size(size, orientation));
    raw.notes.sort();
    raw.notes.dedup();
    Ok(Decoded { image, format, notes: raw.notes, part_of, turn })
}

/// What there is of a picture that was refused with `refusal`, if that was because its end is missing.
fn salvage(bytes: &[u8], format: Format, limits: &Limits, refusal: Refusal) -> Result<Raw, Refusal> {
    let rest = match format {
        _ if !refusal.cut => None,
        Format::Jpeg => contained(|| jpeg::salvage(bytes, limits)).ok(),
        Format::Png => contained(|| png::salvage(bytes, limits)).ok(),
        Format::WebP | Format::Bmp => None,
    };
    let mut raw = rest.ok_or(refusal)?;
    raw.notes.push(Note::Truncated);
    Ok(raw)
}

/// `image` with 1 or 3 channels, converted as decoded pictures are.
pub fn with_channels(image: Image, channels: usize) -> Image {
    if image.channels() == channels {
        return image;
    }
    let (size, stored) = (image.size(), image.channels());
    convert::to_channels(convert::Pixels { size, channels: stored, values: image.into_pixels() }, channels)
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread would become a [`Refusal`]: a panic hook that asks can keep silent about it.
pub fn panics_are_contained() -> bool {
    CONTAINED.get()
}

/// Runs `read`, whose panic becomes a refusal. Nothing outlives the call that a panic could leave half changed.
fn contained<T>(read: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let outer = CONTAINED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    CONTAINED.set(outer);
    result.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Refusal::new("decoder bug: please report this file").with_words(words.unwrap_or("panicked")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_refusal_with_its_words() {
        let outcome: Result<(), Refusal> = contained(|| {
            assert!(panics_are_contained());
            panic!("magic file {}", 7)
        });
        let refusal = outcome.unwrap_err();
        assert!(refusal.reason.starts_with("decoder bug"), "{refusal}");
        assert_eq!(refusal.words, "magic file 7");
        assert!(!panics_are_contained());
    }

    #[test]
    fn limits_name_the_key_to_raise() {
        let limits = Limits { max_pixels: 100, max_side: 50, ..Limits::default() };
        assert!(limits.admit(10, 10).is_ok());
        assert!(limits.admit(10, 11).unwrap_err().reason.contains("max_pixels = 100"));
        assert!(limits.admit(1, 51).unwrap_err().reason.contains("max_side = 50"));
        assert!(limits.admit(0, 51).is_err());
        let options = DecodeOptions { limits: Limits { max_bytes: 3, ..limits }, ..DecodeOptions::default() };
        assert!(decode(b"GIF89a", &options).unwrap_err().reason.contains("max_bytes = 3"));
    }
}
