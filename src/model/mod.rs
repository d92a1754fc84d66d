//! What is learned: layers, networks made of them, their parameters, presets. Does not know how it is learned, where images
//! come from, or what a file is.
//!
//! A [`LayerSpec`] is a layer as written, before its input's shape is known. [`Network::new`] gives every layer its shape and
//! lays all parameters out in **one arena**, described by [`Span`]s, so that optimisers, checkpoints and exports see one slice:
//! first what is trained, then state that is not (running statistics, fixed kernels).
//! Activations live in a [`Workspace`] that is planned once: steps reuse it.

mod backward;
mod draft;
mod examine;
mod export;
pub mod gradient_check;
mod images;
pub mod initialise;
pub mod layer;
mod layer_times;
mod layout;
mod loss;
mod network;
mod numerics;
mod pass;
mod plan;
pub mod preset;
mod read;
mod row_sums;
mod shape;
mod survey;
#[cfg(test)]
mod tests;
mod workspace;
mod zeros;

pub use examine::Guesses;
pub use export::onnx_graph;
pub use initialise::{INITIALISERS, Initialiser};
pub use layer::{LAYERS, LayerSpec};
pub use layer_times::{LayerTime, LayerTimes};
pub use loss::{Noise, Tally};
pub use network::{LayerSummary, Network};
pub use numerics::{Convolution, Numerics, Precision};
pub use preset::PRESETS;
pub use read::{Model, read};
pub use shape::{Shape, Span};
pub use survey::{SURVEY_IMAGES, Survey};
pub use workspace::Workspace;
