//! Networks that have a name: lists of layers built in code, and the catalogue of them.

mod lenet;
mod mlp;
mod softmax;

pub use lenet::Lenet;
pub use mlp::Mlp;
pub use softmax::softmax;

use super::layer::LayerSpec;
use crate::config::Fields;
use crate::registry::Entry;

/// Reads a preset's keys.
pub type Build = fn(&Fields) -> Vec<Box<dyn LayerSpec>>;

/// Every preset that a pipeline file can name.
pub const PRESETS: &[Entry<Build>] = &[lenet::ENTRY, mlp::ENTRY, softmax::ENTRY];
