//! Arithmetic on 8-bit pictures: geometry, colour, noise, and the way into tensors.
//!
//! Knows no randomness, no configuration and no operation: every function is a pure map from an image and explicit numbers to
//! an image. Results follow torchvision v2 on `uint8` tensors, in [`tf`] TensorFlow on numbers. They are the same on every
//! instruction set: a loop that is compiled for wider registers is the same loop.

#[macro_use]
mod wide;

pub mod affine;
pub mod blur;
mod bytes;
pub mod channels;
pub mod colour;
pub mod crop;
pub mod decode;
pub mod elastic;
pub mod encode;
pub mod erase;
pub mod flip;
mod fresh;
pub mod fused;
pub mod hue;
pub mod jitter;
pub mod jpeg;
pub mod levels;
pub mod mixture;
mod near;
pub mod noise;
pub mod normalize;
pub mod npy;
pub mod pad;
mod planes;
pub mod point;
pub mod projective;
#[cfg(target_arch = "x86_64")]
mod resample;
pub mod resize;
pub mod rotate90;
mod series;
pub mod sharpness;
pub mod shot;
pub mod speckle;
pub mod spots;
mod taps;
pub mod tf;
pub mod warp;

/// x brought into 0–255 and cut to a whole number; NaN becomes 0.
#[inline(always)]
fn truncated(x: f32) -> u8 {
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < 255.0 { x } else { 255.0 };
    // SAFETY: x lies in 0–255 and is no NaN, as the comparisons above leave it, so it fits.
    unsafe { x.to_int_unchecked::<i32>() as u8 }
}

/// The whole number nearest to x, ties to even, for −0.5 ≤ x < 255.5.
///
/// The sum lies in 2²³ … 2²⁴, where neighbouring `f32` are 1 apart: adding rounds, and the lowest bits are the number.
#[inline(always)]
fn rounded(x: f32) -> u8 {
    (x + 12_582_912.0).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::{rounded, truncated};

    #[test]
    fn conversions_are_those_of_the_language() {
        for step in -4_000..70_000 {
            let x = step as f32 / 256.0;
            assert_eq!(truncated(x), x as u8, "{x}");
            if (-0.5..255.5).contains(&x) {
                assert_eq!(rounded(x), x.round_ties_even() as u8, "{x}");
            }
        }
        assert_eq!((truncated(f32::NAN), truncated(f32::INFINITY), truncated(f32::NEG_INFINITY)), (0, 255, 0));
    }
}
