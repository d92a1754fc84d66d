//! A block of RGB pixels as three rows of bytes, the form in which many pixels are handled at a time. Knows no operation.

use super::bytes;

/// Pixels in a block: so many that loops over them stay loops, which compilers make wide.
pub(super) const LANES: usize = bytes::LANES;

/// The three channels of a block, each on its own.
pub(super) struct Planes {
    pub red: [u8; LANES],
    pub green: [u8; LANES],
    pub blue: [u8; LANES],
}

impl Planes {
    /// The channels of up to [`LANES`] pixels; the rest is black.
    #[inline(always)]
    pub fn split(pixels: &[[u8; 3]]) -> Self {
        let mut planes = Self { red: [0; LANES], green: [0; LANES], blue: [0; LANES] };
        let Self { red, green, blue } = &mut planes;
        if let Ok(pixels) = pixels.try_into() {
            bytes::split(pixels, [red, green, blue]);
            return planes;
        }
        for (((red, green), blue), pixel) in red.iter_mut().zip(green).zip(blue).zip(pixels) {
            (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
        }
        planes
    }

    /// Writes the channels back to as many pixels as there are.
    #[inline(always)]
    pub fn join(&self, pixels: &mut [[u8; 3]]) {
        if let Ok(pixels) = (&mut *pixels).try_into() {
            bytes::join([&self.red, &self.green, &self.blue], pixels);
            return;
        }
        for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(&self.red).zip(&self.green).zip(&self.blue) {
            *pixel = [red, green, blue];
        }
    }
}
