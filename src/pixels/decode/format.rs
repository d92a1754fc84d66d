//! Which format a file has, by its first bytes. Knows no decoder.

use super::Refusal;

/// A format that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, ITU-T T.81.
    Jpeg,
    /// PNG, ISO/IEC 15948.
    Png,
    /// WebP, RFC 9649.
    WebP,
    /// Windows bitmap.
    Bmp,
}

/// First bytes, and what they are the mark of.
const UNSUPPORTED: [(&[u8], &str); 13] = [
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"\0\0\x01\0", "ICO"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"qoif", "QOI"),
    (b"%PDF-", "PDF"),
];

impl Format {
    /// The format of the file `bytes`.
    ///
    /// # Errors
    /// `empty file`, `unsupported: NAME` for a picture format that is not decoded, or `not an image`.
    pub fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        if bytes.is_empty() {
            return Err(Refusal::new("empty file"));
        }
        if begins(b"\xff\xd8") {
            return Ok(Format::Jpeg);
        }
        if begins(b"\x89PNG\r\n\x1a\n") {
            return Ok(Format::Png);
        }
        if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Format::WebP);
        }
        if begins(b"BM") && bytes.len() >= 6 {
            return Ok(Format::Bmp);
        }
        Err(Self::refusal(bytes))
    }

    fn refusal(bytes: &[u8]) -> Refusal {
        if let Some((_, name)) = UNSUPPORTED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Refusal::unsupported(name);
        }
        match bytes {
            [b'P', kind @ b'1'..=b'7', space, ..] if space.is_ascii_whitespace() => {
                Refusal::unsupported(&format!("PNM (P{})", char::from(*kind)))
            }
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4) {
                Some(b"avif" | b"avis") => Refusal::unsupported("AVIF"),
                Some(b"heic" | b"heix" | b"mif1") => Refusal::unsupported("HEIF"),
                _ => Refusal::new("not an image"),
            },
            _ if Self::is_cut_magic(bytes) => Refusal::truncated(bytes),
            [_, 0 | 1, 1 | 2 | 3 | 9 | 10 | 11, ..] if bytes.len() > 18 && matches!(bytes[16], 8 | 15 | 16 | 24 | 32) => {
                Refusal::unsupported("TGA")
            }
            _ => Refusal::new("not an image"),
        }
    }

    /// Whether so few bytes are left that they only begin like a format that is decoded.
    fn is_cut_magic(bytes: &[u8]) -> bool {
        [&b"\xff\xd8"[..], b"\x89PNG\r\n\x1a\n", b"RIFF", b"BM"].iter().any(|magic| magic.starts_with(bytes))
            || (bytes.len() < 12 && bytes.starts_with(b"RIFF"))
            || (bytes.len() < 6 && bytes.starts_with(b"BM"))
    }

    /// `JPEG`, `PNG`, `WebP` or `BMP`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WebP",
            Format::Bmp => "BMP",
        }
    }

    /// Whether a file of this format may bear a name that ends in `.extension`. Endings that stand for no picture format fit
    /// all.
    pub fn fits_extension(self, extension: &str) -> bool {
        let named = match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Format::Jpeg,
            "png" | "apng" => Format::Png,
            "webp" => Format::WebP,
            "bmp" | "dib" => Format::Bmp,
            "gif" | "tif" | "tiff" | "ico" | "tga" | "ppm" | "pgm" | "pbm" | "avif" | "heic" => return false,
            _ => return true,
        };
        named == self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        for (bytes, answer) in [
            (&b"\xff\xd8\xff\xe0"[..], "Ok(Jpeg)"),
            (b"\x89PNG\r\n\x1a\n", "Ok(Png)"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "Ok(WebP)"),
            (b"BM1234", "Ok(Bmp)"),
            (b"", "empty file"),
            (b"GIF89a", "unsupported: GIF"),
            (b"II*\0", "unsupported: TIFF"),
            (b"P6\n1 1", "unsupported: PNM (P6)"),
            (b"\0\0\0\x20ftypavif", "unsupported: AVIF"),
            (b"\x89PN", "truncated after 3 bytes"),
            (b"RIFF\0\0", "truncated after 6 bytes"),
            (b"<!DOCTYPE html>", "not an image"),
            (b"RIFF\0\0\0\0WAVEfmt ", "not an image"),
        ] {
            let got = format!("{:?}", Format::of(bytes));
            assert!(got.contains(answer), "{bytes:?}: {got}");
        }
    }

    #[test]
    fn endings_of_other_formats_are_misnamed() {
        assert!(Format::Png.fits_extension("PNG") && Format::Jpeg.fits_extension("jpeg") && Format::Png.fits_extension("dat"));
        assert!(!Format::Png.fits_extension("jpg") && !Format::Jpeg.fits_extension("gif"));
    }
}
