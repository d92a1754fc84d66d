//! `pipeline data …`
use crate::error::Result;
use std::path::{Path, PathBuf};
/// x
pub enum Public {
    /// x
    Mnist,
    /// x
    Cifar10,
}
/// x
pub fn synth(_seed: u64, _out: &Path) -> Result<()> {
    Ok(())
}
/// x
pub fn fetch(_what: Public, _out: Option<PathBuf>, _base_url: Option<String>) -> Result<()> {
    Ok(())
}
