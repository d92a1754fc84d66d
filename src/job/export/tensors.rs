//! A model as a safetensors file for other programs: names and layouts of PyTorch, and metadata under several names.

use super::metadata;
use crate::error::{Error, Result};
use crate::plan::StoredModel;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The file's bytes; the same for the same model. Tensors are called as in the state of a PyTorch `Sequential`: convolutions
/// `[out, in / groups, height, width]`, linear layers `[out, in]`, running statistics included.
///
/// # Errors
/// [`Error::Fault`]: a bug.
pub fn bytes(model: &StoredModel) -> Result<Vec<u8>> {
    let fault = |why: String| Error::Fault { stage: "export".to_owned(), item: 0, why };
    let stored: Vec<Vec<u8>> = model
        .network
        .spans()
        .iter()
        .map(|span| model.params[span.range()].iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = model.network.spans().iter().zip(&stored).map(|(span, bytes)| {
        let view = TensorView::new(Dtype::F32, span.shape.clone(), bytes).map_err(|error| fault(error.to_string()))?;
        Ok((span.name.clone(), view))
    });
    let texts = metadata(model).into_iter().map(|(key, text)| (key.to_owned(), text));
    // What loaders of PyTorch look for.
    let texts: HashMap<String, String> = texts.chain([("format".to_owned(), "pt".to_owned())]).collect();
    let bytes = serialize(views.collect::<Result<Vec<_>>>()?, Some(texts)).map_err(|error| fault(error.to_string()))?;
    ordered(&bytes).ok_or_else(|| fault("the header cannot be read back".to_owned()))
}

/// The same file with the texts of its header in the order of their names: a hash map gives them in any.
fn ordered(bytes: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (header, body) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let parsed: Map<String, Value> = serde_json::from_slice(header).ok()?;
    let mut header = serde_json::to_vec(&parsed).ok()?;
    // Values begin at a multiple of eight.
    header.resize(header.len().next_multiple_of(8), b' ');
    Some([&(header.len() as u64).to_le_bytes()[..], &header, body].concat())
}

/// What is in it.
pub fn words(model: &StoredModel) -> String {
    let (tensors, values) = (model.network.spans().len(), model.params.len());
    format!(
        "safetensors, {tensors} tensors of {values} values by their PyTorch names; metadata: preprocessing, classes, config, hashes"
    )
}
