//! What a JPEG's components mean, and how they become gray or RGB. Knows no block.

use super::super::Refusal;
use super::structure::Structure;

/// The meaning of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Gray,
    /// Luma and two chroma, JFIF's ITU-R BT.601 with full range.
    YCbCr,
    Rgb,
    /// Stored inverted, as Adobe does.
    Cmyk,
    /// CMY as luma and chroma; K stored inverted.
    Ycck,
}

impl Color {
    /// The meaning as libjpeg and its users have settled it: JFIF means YCbCr; else Adobe's transform says; else component ids.
    pub fn of(structure: &Structure) -> Result<Self, Refusal> {
        let ids: Vec<u8> = structure.components.iter().map(|component| component.id).collect();
        match (ids.len(), structure.adobe) {
            (1, _) => Ok(Color::Gray),
            (3, _) if structure.jfif => Ok(Color::YCbCr),
            (3, Some(0)) => Ok(Color::Rgb),
            (3, None) if ids == *b"RGB" => Ok(Color::Rgb),
            (3, _) => Ok(Color::YCbCr),
            (_, Some(0)) => Ok(Color::Cmyk),
            (_, Some(2)) => Ok(Color::Ycck),
            _ => Err(Refusal::unsupported("four-component JPEG without an Adobe marker that says what they mean")),
        }
    }

    /// Channels of the result.
    pub fn channels(self) -> usize {
        if self == Color::Gray { 1 } else { 3 }
    }

    /// Converts one row: `rows[k]` are the samples of component k.
    pub fn convert(self, rows: &[Vec<u8>], out: &mut [u8]) {
        match (self, rows) {
            (Color::Gray, [gray, ..]) => out.copy_from_slice(&gray[..out.len()]),
            (Color::Rgb, [red, green, blue, ..]) => each(out, |x| [red[x], green[x], blue[x]]),
            (Color::YCbCr, [luma, cb, cr, ..]) => each(out, |x| rgb(luma[x], cb[x], cr[x])),
            (Color::Cmyk, [c, m, y, k]) => each(out, |x| [c[x], m[x], y[x]].map(|ink| product(ink, k[x]))),
            (Color::Ycck, [luma, cb, cr, k]) => {
                each(out, |x| rgb(luma[x], cb[x], cr[x]).map(|value| product(255 - value, k[x])));
            }
            _ => {}
        }
    }
}

fn each(out: &mut [u8], pixel: impl Fn(usize) -> [u8; 3]) {
    for (x, place) in out.chunks_exact_mut(3).enumerate() {
        place.copy_from_slice(&pixel(x));
    }
}

/// `round(a · b / 255)`.
fn product(a: u8, b: u8) -> u8 {
    let wide = u32::from(a) * u32::from(b) + 128;
    ((wide + (wide >> 8)) >> 8) as u8
}

/// R = Y + 1.402 Cr, G = Y − 0.344136 Cb − 0.714136 Cr, B = Y + 1.772 Cb (ITU-T T.871), in 16-bit fixed point, rounded.
fn rgb(luma: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(luma) << 16) + (1 << 15), i32::from(cb) - 128, i32::from(cr) - 128);
    [y + 91881 * cr, y - 22554 * cb - 46802 * cr, y + 116130 * cb].map(|value| (value >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_follows_the_real_formula() {
        for (luma, cb, cr) in [(0, 128, 128), (255, 128, 128), (76, 85, 255), (150, 44, 21), (29, 255, 107), (90, 200, 30)] {
            let (y, b, r) = (f64::from(luma), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
            let exact = [y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b];
            for (got, exact) in rgb(luma, cb, cr).into_iter().zip(exact) {
                assert!((f64::from(got) - exact.clamp(0.0, 255.0)).abs() <= 0.51, "{got} for {exact}");
            }
        }
    }

    #[test]
    fn no_ink_is_white_and_full_black_is_black() {
        let row = |values: [u8; 4]| values.map(|value| vec![value]);
        let mut pixel = [0; 3];
        Color::Cmyk.convert(&row([255, 255, 255, 255]), &mut pixel);
        assert_eq!(pixel, [255; 3]);
        Color::Cmyk.convert(&row([255, 255, 255, 0]), &mut pixel);
        assert_eq!(pixel, [0; 3]);
        Color::Ycck.convert(&row([0, 128, 128, 255]), &mut pixel);
        assert_eq!(pixel, [255; 3]);
        Color::Cmyk.convert(&row([0, 255, 255, 255]), &mut pixel);
        assert_eq!(pixel, [0, 255, 255]);
    }
}
