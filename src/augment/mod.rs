//! What may be done to one picture: one operation a file, in a catalogue, and chains of them.
//!
//! An operation first *draws* its parameters from dice, without seeing a pixel, and then *applies* them, without dice. So a draw
//! can be stored and replayed, and every image is a pure function of (run seed, epoch, sample, step name). Knows no file, no
//! thread, no batch and no training.
//!
//! Adding an operation: a file beside this one, `mod x;` and `x::ENTRY,` here.

mod chain;
mod distorted_box;
mod erased;
mod fuse;
mod group;
#[cfg(test)]
mod laws;
mod op;
pub mod policy;
pub mod preprocess;
mod read;
mod timed;
mod tree;
mod views;

mod affine;
mod aug_mix;
mod auto_augment;
mod autocontrast;
mod brightness;
mod center_crop;
mod channel_shuffle;
mod color_jitter;
mod contrast;
mod crop;
mod cutout;
mod elastic;
mod equalize;
mod erase;
mod five_crop;
mod gamma;
mod gaussian_blur;
mod gaussian_noise;
mod grayscale;
mod horizontal_flip;
mod hue;
mod inception_evaluate;
mod inception_train;
mod invert;
mod jpeg_artifacts;
mod mirror_shift;
mod multiplicative_noise;
mod one_of;
mod pad;
mod part;
mod perspective;
mod photometric_distort;
mod posterize;
mod rand_augment;
mod random_order;
mod resize;
mod resized_crop;
mod rotate;
mod rotate90;
mod salt_and_pepper;
mod saturation;
mod scale;
mod sharpness;
mod shear;
mod shot_noise;
mod solarize;
mod some_of;
mod sometimes;
mod ten_crop;
mod translate;
mod trivial_augment;
mod vertical_flip;
mod vgg_evaluate;
mod vgg_train;

pub use chain::{Chain, Step, StepTrace};
pub use erased::{Drawn, DynOp};
pub use op::{Op, Output};
pub use tree::Branch;

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
    grayscale::ENTRY,
    invert::ENTRY,
    posterize::ENTRY,
    solarize::ENTRY,
    equalize::ENTRY,
    autocontrast::ENTRY,
    sharpness::ENTRY,
    gamma::ENTRY,
    channel_shuffle::ENTRY,
    photometric_distort::ENTRY,
    gaussian_blur::ENTRY,
    gaussian_noise::ENTRY,
    salt_and_pepper::ENTRY,
    shot_noise::ENTRY,
    multiplicative_noise::ENTRY,
    jpeg_artifacts::ENTRY,
    erase::ENTRY,
    cutout::ENTRY,
    sometimes::ENTRY,
    one_of::ENTRY,
    some_of::ENTRY,
    random_order::ENTRY,
    auto_augment::ENTRY,
    rand_augment::ENTRY,
    trivial_augment::ENTRY,
    aug_mix::ENTRY,
    five_crop::ENTRY,
    ten_crop::ENTRY,
    mirror_shift::ENTRY,
    vgg_train::ENTRY,
    vgg_evaluate::ENTRY,
    inception_train::ENTRY,
    inception_evaluate::ENTRY,
];
