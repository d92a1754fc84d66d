//! Softmax regression: one linear layer.

use super::Build;
use crate::model::layer::{Flatten, LayerSpec, Linear};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "softmax",
    about: "Softmax regression: one linear layer from pixels to classes",
    example: "preset = \"softmax\"",
    build: |_| softmax().into(),
};

/// Flatten, then linear to the classes.
pub fn softmax() -> Vec<Box<dyn LayerSpec>> {
    vec![Box::new(Flatten), Box::new(Linear::new(None, true))]
}
