//! A model as an ONNX file.

use super::metadata;
use crate::error::{Error, Result};
use crate::model::onnx_graph;
use crate::onnx::{About, INPUT, IR_VERSION, OPSET, OUTPUT};
use crate::plan::StoredModel;

/// The file's bytes; the same for the same model.
///
/// # Errors
/// [`Error::Refused`] where the network is too large for the format.
pub fn bytes(model: &StoredModel) -> Result<Vec<u8>> {
    let (graph, logits) = onnx_graph(&model.network, &model.layers, &model.params);
    let about = About {
        name: &model.card.name,
        text: "A classifier of pictures. Input: normalised pictures, NCHW, float32, any number of them. Output: logits, without softmax. \
               The metadata hold `preprocessing` (what is done to a picture first) and `classes` (names in the logits' order).",
        input: "normalised pictures, as `preprocessing` in the metadata says",
        output: "one logit a class; softmax makes probabilities of them",
        metadata: metadata(model),
    };
    graph.finish(&logits, about).map_err(|why| Error::refused(why, "export it as safetensors"))
}

/// What is in it.
pub fn words(model: &StoredModel) -> String {
    let [channels, height, width] = model.card.input;
    let classes = model.card.classes.len();
    format!(
        "ONNX, opset {OPSET}, IR version {IR_VERSION}; input `{INPUT}` [batch, {channels}, {height}, {width}], output `{OUTPUT}` [batch, \
         {classes}] (no softmax); metadata: preprocessing, classes, config, hashes"
    )
}
