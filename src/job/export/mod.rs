//! `pipeline export MODEL --format …`: a trained model in the form in which other programs take it, with all that its use takes in the
//! file's metadata.

mod onnx;
mod preprocessing;
mod tensors;

pub use preprocessing::preprocessing;

use super::say;
use super::served::refuse_to_overwrite;
use crate::error::Result;
use crate::plan::StoredModel;
use crate::report::write_atomic;
use std::path::PathBuf;

/// Forms that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A graph of operators with weights.
    Onnx,
    /// Weights by their PyTorch names.
    Safetensors,
}

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model's file, or the folder of its run.
    pub model: PathBuf,
    /// Which form.
    pub format: Format,
    /// The file; none for one of the model's name here.
    pub out: Option<PathBuf>,
    /// Whether it may be written over.
    pub force: bool,
    /// Whether one JSON document is printed instead of words.
    pub json: bool,
}

impl Format {
    const fn extension(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Safetensors => "safetensors",
        }
    }
}

/// Writes the file, whole or not at all, and says what is in it.
///
/// # Errors
/// [`crate::error::Error::Refused`] for a model that there is not, or a file that is there already.
pub fn export(request: &Request) -> Result<()> {
    let model = StoredModel::open(&request.model)?;
    let usual = || PathBuf::from(format!("{}.{}", model.card.name, request.format.extension()));
    let out = request.out.clone().unwrap_or_else(usual);
    refuse_to_overwrite(&out, request.force)?;
    let bytes = match request.format {
        Format::Onnx => onnx::bytes(&model)?,
        Format::Safetensors => tensors::bytes(&model)?,
    };
    write_atomic(&out, &bytes)?;
    let words = match request.format {
        Format::Onnx => onnx::words(&model),
        Format::Safetensors => tensors::words(&model),
    };
    if request.json {
        let document = serde_json::json!({
            "path": out.display().to_string(), "format": request.format.extension(), "bytes": bytes.len(),
            "weights_blake3": model.weights_blake3(), "preprocessing": preprocessing(&model), "classes": model.card.classes,
        });
        return say(&format!("{document:#}\n"));
    }
    say(&format!("{}: {words}\n", out.display()))
}

/// What every form keeps beside the weights, by name, each a text.
fn metadata(model: &StoredModel) -> Vec<(&'static str, String)> {
    let card = &model.card;
    let classes = serde_json::to_string(&card.classes).unwrap_or_default();
    vec![
        ("classes", classes),
        ("config", card.pipeline.clone()),
        ("data_blake3", card.data_blake3.clone()),
        ("model", card.model.clone()),
        ("name", card.name.clone()),
        ("preprocessing", preprocessing(model).to_string()),
        ("producer", format!("augpipe {}", env!("CARGO_PKG_VERSION"))),
        ("weights_blake3", model.weights_blake3()),
    ]
}
