//! ONNX: networks in the form in which other programs run them. Knows operators and tensors by name; no layer, no file.
//!
//! A [`Graph`] is built operator by operator: a layer takes a [`Wire`], adds what it computes, and answers the wire that it ends in.

mod attribute;
mod graph;
mod proto;

pub use attribute::Attribute;
pub use graph::{About, Graph, INPUT, OUTPUT, Tensor, Wire};

/// Version of the operators: 20 is the first with `Gelu`. ONNX 1.15 of 2023 and ONNX Runtime 1.17 read it.
pub const OPSET: i64 = 20;
/// Version of the file's layout that goes with it.
pub const IR_VERSION: i64 = 9;
