//! A block of RGB pixels as three rows of bytes, the form in which many pixels are handled at a time. Knows no operation.

use super::bytes;

/// Pixels in a block: so many that loops over them stay loops, which compilers make wide.
pub(super) const LANES: usize = 128;

/// Pixels in a block with which much is done: what a loop has written in small pieces the next one reads in large ones, and a
/// processor lets it wait until all pieces have arrived.
pub(super) const MANY: usize = 256;

/// The three channels of a block, each on its own.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub(super) struct Planes<const N: usize = LANES> {
    pub red: [u8; N],
    pub green: [u8; N],
    pub blue: [u8; N],
}

impl<const N: usize> Default for Planes<N> {
    fn default() -> Self {
        Self { red: [0; N], green: [0; N], blue: [0; N] }
    }
}

impl Planes {
    /// The channels of up to [`LANES`] pixels; the rest is black.
    #[inline(always)]
    pub fn split(pixels: &[[u8; 3]]) -> Self {
        let mut planes = Self::default();
        planes.take(pixels);
        planes
    }
}

impl<const N: usize> Planes<N> {
    /// Holds the channels of up to `N` pixels instead of what it held; the rest becomes black.
    #[inline(always)]
    pub fn take(&mut self, pixels: &[[u8; 3]]) {
        if let Ok(pixels) = pixels.try_into() {
            return bytes::split(pixels, [&mut self.red, &mut self.green, &mut self.blue]);
        }
        *self = Self::default();
        let places = self.red.iter_mut().zip(&mut self.green).zip(&mut self.blue);
        for (((red, green), blue), pixel) in places.zip(pixels) {
            (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
        }
    }

    /// Writes the channels back to as many pixels as there are.
    #[inline(always)]
    pub fn join(&self, pixels: &mut [[u8; 3]]) {
        if let Ok(pixels) = (&mut *pixels).try_into() {
            return bytes::join([&self.red, &self.green, &self.blue], pixels);
        }
        for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(&self.red).zip(&self.green).zip(&self.blue) {
            *pixel = [red, green, blue];
        }
    }

    /// All bytes, channel by channel.
    #[inline(always)]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: three arrays of `N` bytes, which have no space between them.
        unsafe { std::slice::from_raw_parts_mut(std::ptr::from_mut(self).cast(), 3 * N) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_and_joining_follow_the_order_of_bytes_for_every_length() {
        let pixels: Vec<[u8; 3]> = (0..LANES as u32).map(|i| [i, i + 100, i * 7].map(|value| value as u8)).collect();
        for length in [0, 1, 2, 63, 64, 65, 127, LANES] {
            let mut planes = Planes::split(&pixels[..length]);
            for (place, &value) in planes.bytes_mut().iter().enumerate() {
                let (channel, lane) = (place / LANES, place % LANES);
                assert_eq!(value, if lane < length { pixels[lane][channel] } else { 0 });
            }
            let mut back = vec![[0; 3]; length];
            planes.join(&mut back);
            assert_eq!(back, pixels[..length]);
        }
    }
}
