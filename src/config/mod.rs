//! TOML text → values that remember where they stand. Knows no operation, layer or stage: those read their own keys through
//! [`Fields`], which records every key read, so that unknown keys are found and `pipeline describe` can print the rest.

mod document;
mod fields;
mod render;
mod setting;

pub use document::{Document, Node, Place, Value};
pub use fields::{Fields, KeyDoc, KeyTree, Problems};
pub use render::render;
pub use setting::{Key, Limits, Setting};
