//! A block of RGB pixels as three rows of bytes, the form in which many pixels are handled at a time. Knows no operation.

#[cfg(target_arch = "x86_64")]
use super::table::has_vbmi;
#[cfg(target_arch = "x86_64")]
use crate::isa::Isa;

/// Pixels in a block: so many that loops over them stay loops, which compilers make wide.
pub(super) const LANES: usize = 128;

/// The three channels of a block, each on its own.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub(super) struct Planes {
    pub red: [u8; LANES],
    pub green: [u8; LANES],
    pub blue: [u8; LANES],
}

impl Default for Planes {
    fn default() -> Self {
        Self { red: [0; LANES], green: [0; LANES], blue: [0; LANES] }
    }
}

impl Planes {
    /// Takes in the channels of up to [`LANES`] pixels; the rest becomes black.
    #[inline(always)]
    pub fn split(&mut self, pixels: &[[u8; 3]]) {
        #[cfg(target_arch = "x86_64")]
        if let (Ok(pixels), true) = (pixels.try_into(), has_vbmi() && Isa::current() == Isa::Avx512) {
            // SAFETY: the processor has been asked.
            return unsafe { vbmi::split(pixels, self) };
        }
        self.fill(pixels);
    }

    #[inline(always)]
    fn fill(&mut self, pixels: &[[u8; 3]]) {
        if pixels.len() < LANES {
            *self = Self::default();
        }
        let places = self.red.iter_mut().zip(&mut self.green).zip(&mut self.blue);
        for (((red, green), blue), pixel) in places.zip(pixels) {
            (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
        }
    }

    /// All bytes, channel by channel.
    pub fn bytes_mut(&mut self) -> &mut [u8; 3 * LANES] {
        // SAFETY: three arrays of bytes, which have no space between them.
        unsafe { &mut *std::ptr::from_mut(self).cast() }
    }

    /// Writes the channels back to as many pixels as there are.
    #[inline(always)]
    pub fn join(&self, pixels: &mut [[u8; 3]]) {
        #[cfg(target_arch = "x86_64")]
        if has_vbmi()
            && Isa::current() == Isa::Avx512
            && let Ok(pixels) = (&mut *pixels).try_into()
        {
            // SAFETY: the processor has been asked.
            return unsafe { vbmi::join(self, pixels) };
        }
        self.spill(pixels);
    }

    #[inline(always)]
    fn spill(&self, pixels: &mut [[u8; 3]]) {
        for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(&self.red).zip(&self.green).zip(&self.blue) {
            *pixel = [red, green, blue];
        }
    }
}

/// The same with AVX-512 VBMI, which gathers bytes from anywhere in two registers of 64.
#[cfg(target_arch = "x86_64")]
mod vbmi {
    use super::{LANES, Planes};
    use std::arch::x86_64::*;

    /// Where the bytes of a register come from, out of 192: the first two registers are asked with the lower bits, the third
    /// where the mask says.
    struct Places([u8; 64], u64);

    /// Lane i of channel `channel` is byte 3i + channel of the pixels.
    const fn apart(channel: usize) -> Places {
        let (mut places, mut third, mut lane) = ([0; 64], 0, 0);
        while lane < 64 {
            places[lane] = (3 * lane + channel) as u8 & 127;
            third |= ((3 * lane + channel >= 128) as u64) << lane;
            lane += 1;
        }
        Places(places, third)
    }

    /// Byte j of register `register` of the pixels is lane ⌊(64·register + j)/3⌋ of a channel.
    const fn together(register: usize) -> Places {
        let (mut places, mut third, mut byte) = ([0; 64], 0, 0);
        while byte < 64 {
            let (lane, channel) = ((64 * register + byte) / 3, (64 * register + byte) % 3);
            places[byte] = (lane + 64 * (channel % 2)) as u8;
            third |= ((channel == 2) as u64) << byte;
            byte += 1;
        }
        Places(places, third)
    }

    const APART: [Places; 3] = [apart(0), apart(1), apart(2)];
    const TOGETHER: [Places; 3] = [together(0), together(1), together(2)];

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn gathered(from: [__m512i; 3], places: &Places) -> __m512i {
        // SAFETY: there are 64 places.
        let index = unsafe { _mm512_loadu_si512(places.0.as_ptr().cast()) };
        let found = _mm512_permutex2var_epi8(from[0], index, from[1]);
        _mm512_mask_permutexvar_epi8(found, places.1, index, from[2])
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn split(pixels: &[[u8; 3]; LANES], planes: &mut Planes) {
        let bytes = pixels.as_flattened();
        for half in 0..2 {
            // SAFETY: both halves have 192 bytes, three registers, and each channel of a half has 64.
            unsafe {
                let from = [0, 64, 128].map(|start| _mm512_loadu_si512(bytes[half * 192 + start..][..64].as_ptr().cast()));
                for (plane, places) in [&mut planes.red, &mut planes.green, &mut planes.blue].into_iter().zip(&APART) {
                    _mm512_storeu_si512(plane[half * 64..][..64].as_mut_ptr().cast(), gathered(from, places));
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn join(planes: &Planes, pixels: &mut [[u8; 3]; LANES]) {
        let bytes = pixels.as_flattened_mut();
        for half in 0..2 {
            // SAFETY: each channel of a half has 64 bytes, and both halves have 192, three registers.
            unsafe {
                let rows = [&planes.red, &planes.green, &planes.blue];
                let from = rows.map(|plane| _mm512_loadu_si512(plane[half * 64..][..64].as_ptr().cast()));
                for (register, places) in TOGETHER.iter().enumerate() {
                    let place = bytes[half * 192 + register * 64..][..64].as_mut_ptr();
                    _mm512_storeu_si512(place.cast(), gathered(from, places));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_and_joining_follow_the_order_of_bytes_for_every_length() {
        let pixels: Vec<[u8; 3]> = (0..LANES as u32).map(|i| [i, i + 100, i * 7].map(|value| value as u8)).collect();
        for length in [0, 1, 2, 63, 64, 65, 127, LANES] {
            let (mut planes, mut expected) = (Planes::default(), Planes::default());
            planes.split(&pixels[..length]);
            expected.fill(&pixels[..length]);
            assert_eq!(planes, expected);
            let mut back = vec![[0; 3]; length];
            planes.join(&mut back);
            assert_eq!(back, pixels[..length]);
        }
    }
}
