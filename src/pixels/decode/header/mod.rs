//! What a file says of itself before its pixels: format, colours, depth, coding, orientation. Decodes nothing and believes what it
//! reads; whether the file is whole is for the decoder to say.

mod bmp;
mod jpeg;
mod png;
mod webp;

use super::Format;

/// How a picture's colours are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Color {
    /// One channel.
    Gray,
    /// Gray and alpha.
    GrayAlpha,
    /// Three channels, or what stands for them (YCbCr).
    Rgb,
    /// Three channels and alpha.
    Rgba,
    /// Numbers of a table's entries.
    Palette,
    /// Four inks (or YCCK).
    Cmyk,
}

impl Color {
    /// `gray`, `gray_alpha`, `rgb`, `rgba`, `palette` or `cmyk`.
    pub const fn name(self) -> &'static str {
        match self {
            Color::Gray => "gray",
            Color::GrayAlpha => "gray_alpha",
            Color::Rgb => "rgb",
            Color::Rgba => "rgba",
            Color::Palette => "palette",
            Color::Cmyk => "cmyk",
        }
    }
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its format, by its first bytes.
    pub format: Format,
    /// How colours are stored.
    pub color: Color,
    /// Bits of a channel, or of a palette's number.
    pub bits: u8,
    /// Of JPEG `baseline`, `extended`, `progressive`, `lossless`, `hierarchical` or `arithmetic`; of PNG `plain` or `interlaced`; of
    /// WebP `lossy`, `lossless` or `animated`; of BMP `plain` or `compressed`.
    pub coding: &'static str,
    /// The EXIF orientation as it is stored, 1 to 8 where it makes sense; none where there is none.
    pub orientation: Option<u16>,
}

/// The header of the file `bytes`; none where it has no format that is decoded, or is cut before its header ends.
pub fn header(bytes: &[u8]) -> Option<Header> {
    match Format::of(bytes).ok()? {
        Format::Jpeg => jpeg::read(bytes),
        Format::Png => png::read(bytes),
        Format::WebP => webp::read(bytes),
        Format::Bmp => bmp::read(bytes),
    }
}

/// What the file `bytes` is by its first bytes: the name of a format, whether it is decoded or not; none where it is no picture.
pub fn format_name(bytes: &[u8]) -> Option<String> {
    match Format::of(bytes) {
        Ok(format) => Some(format.name().to_owned()),
        Err(refusal) => refusal.reason.strip_prefix("unsupported: ").map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat};
    use proptest::prelude::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn all() -> Vec<(Vec<u8>, Format, Color, u8, &'static str)> {
        use ImageFormat::{Bmp, Jpeg, Png, WebP};
        vec![
            (encoded(&DynamicImage::new_luma8(5, 3), Jpeg), Format::Jpeg, Color::Gray, 8, "baseline"),
            (encoded(&DynamicImage::new_rgb8(5, 3), Jpeg), Format::Jpeg, Color::Rgb, 8, "baseline"),
            (encoded(&DynamicImage::new_luma16(5, 3), Png), Format::Png, Color::Gray, 16, "plain"),
            (encoded(&DynamicImage::new_luma_a8(5, 3), Png), Format::Png, Color::GrayAlpha, 8, "plain"),
            (encoded(&DynamicImage::new_rgba8(5, 3), Png), Format::Png, Color::Rgba, 8, "plain"),
            (encoded(&DynamicImage::new_rgb8(5, 3), WebP), Format::WebP, Color::Rgb, 8, "lossless"),
            (encoded(&DynamicImage::new_rgba8(5, 3), WebP), Format::WebP, Color::Rgba, 8, "lossless"),
            (encoded(&DynamicImage::new_rgb8(5, 3), Bmp), Format::Bmp, Color::Rgb, 8, "plain"),
            (encoded(&DynamicImage::new_luma8(5, 3), Bmp), Format::Bmp, Color::Palette, 8, "plain"),
        ]
    }

    #[test]
    fn headers_say_what_was_written() {
        for (bytes, format, color, bits, coding) in all() {
            let expected = Header { format, color, bits, coding, orientation: None };
            assert_eq!(header(&bytes), Some(expected), "{format:?} {color:?}");
            assert_eq!(format_name(&bytes).as_deref(), Some(format.name()));
        }
        assert_eq!(format_name(b"GIF89a"), Some("GIF".to_owned()));
        assert_eq!(format_name(b"<html>"), None);
    }

    #[test]
    fn a_jpeg_tells_its_coding_and_its_orientation() {
        let mut bytes = encoded(&DynamicImage::new_rgb8(5, 3), ImageFormat::Jpeg);
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let segment = [&[0xff, 0xe1][..], &(exif.len() as u16 + 2).to_be_bytes(), exif].concat();
        bytes.splice(2..2, segment);
        assert_eq!(header(&bytes).unwrap().orientation, Some(6));
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        for (marker, coding) in [(0xc1, "extended"), (0xc2, "progressive"), (0xc3, "lossless"), (0xc9, "arithmetic")] {
            bytes[frame + 1] = marker;
            assert_eq!(header(&bytes).unwrap().coding, coding);
        }
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(which in 0usize..9, cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let (mut bytes, ..) = all().swap_remove(which);
            let place = at.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(cut.index(bytes.len() + 1));
            header(&bytes);
            format_name(&bytes);
        }
    }
}
