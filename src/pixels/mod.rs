//! Arithmetic on 8-bit pictures: geometry, colour, noise, and the way into tensors.
//!
//! Knows no randomness, no configuration and no operation: every function is a pure map from an image and explicit numbers to
//! an image. Results follow torchvision v2 on `uint8` tensors. They are the same bytes on every instruction set: a loop that is
//! compiled for wider registers is the same loop.

#[macro_use]
mod twice;

pub mod affine;
pub mod colour;
pub mod crop;
pub mod decode;
pub mod encode;
pub mod flip;
pub mod hue;
pub mod noise;
pub mod normalize;
pub mod pad;
pub mod resize;
pub mod rotate90;
mod taps;
pub mod warp;
