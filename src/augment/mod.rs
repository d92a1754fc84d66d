//! What may be done to one picture: one operation a file, in a catalogue, and chains of them.
//!
//! An operation first *draws* its parameters from dice, without seeing a pixel, and then *applies* them, without dice. So a draw
//! can be stored and replayed, and every image is a pure function of (run seed, epoch, sample, step name). Knows no file, no
//! thread, no batch and no training.
//!
//! Adding an operation: a file beside this one, `mod x;` and `x::ENTRY,` here.

mod chain;
#[cfg(test)]
mod laws;
mod op;
mod read;

mod affine;
mod brightness;
mod center_crop;
mod color_jitter;
mod contrast;
mod crop;
mod elastic;
mod fuse;
mod gaussian_noise;
mod horizontal_flip;
mod hue;
mod pad;
mod perspective;
mod resize;
mod resized_crop;
mod rotate;
mod rotate90;
mod saturation;
mod scale;
mod shear;
mod translate;
mod vertical_flip;

pub use chain::{Chain, Step, StepTrace};
pub use op::{Drawn, DynOp, Op};

use crate::config::Fields;
use crate::registry::Entry;

/// Reads an operation's own keys, all but `op`, `p` and `name`, which belong to its step in the chain.
pub type Build = fn(&Fields) -> Box<dyn DynOp>;

/// Every operation. Examples are the table that follows `[[augment]]`.
pub const OPS: &[Entry<Build>] = &[
    horizontal_flip::ENTRY,
    vertical_flip::ENTRY,
    rotate::ENTRY,
    rotate90::ENTRY,
    crop::ENTRY,
    center_crop::ENTRY,
    resize::ENTRY,
    resized_crop::ENTRY,
    scale::ENTRY,
    translate::ENTRY,
    shear::ENTRY,
    affine::ENTRY,
    perspective::ENTRY,
    elastic::ENTRY,
    pad::ENTRY,
    brightness::ENTRY,
    contrast::ENTRY,
    saturation::ENTRY,
    hue::ENTRY,
    color_jitter::ENTRY,
    gaussian_noise::ENTRY,
];
