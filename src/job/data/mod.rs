//! `pipeline data …`: data sets that are drawn or fetched.

mod brands;
mod raster;
mod synth;

pub use brands::{Brand, Facing, draw};
pub use synth::{Summary, synth_brands};

use crate::error::Result;
use std::path::Path;

/// `pipeline data synth brands`: see [`synth_brands`]; says what was written.
///
/// # Errors
/// As [`synth_brands`].
pub fn synth(seed: u64, out: &Path) -> Result<()> {
    let Summary { pictures, bytes, blake3 } = synth_brands(seed, out)?;
    super::say(&format!("{}: {pictures} pictures, {bytes} bytes, BLAKE3 {blake3}\n", out.display()))
}

/// Data sets that are fetched.
pub enum Public {
    /// Handwritten digits.
    Mnist,
    /// Ten kinds of things.
    Cifar10,
}

/// Placeholder until the fetching job is merged.
pub fn fetch(_what: Public, _out: Option<std::path::PathBuf>, _base_url: Option<String>) -> Result<()> {
    Ok(())
}
