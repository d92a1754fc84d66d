//! `pipeline describe MODEL`: what a trained model is, what it takes and what it says.

use super::export::preprocessing;
use super::say;
use crate::error::Result;
use crate::plan::{MODEL_FILE, StoredModel};
use crate::report::{count, printable};
use serde_json::json;
use std::path::Path;

/// Whether `name` is the path of a model, or of a run that has one.
pub fn is_model(name: &str) -> bool {
    let path = Path::new(name);
    path.join(MODEL_FILE).is_file() || (path.is_file() && path.extension().is_some_and(|extension| extension == "safetensors"))
}

/// Prints the card of a model.
///
/// # Errors
/// As [`StoredModel::open`].
pub fn describe(path: &Path, json: bool) -> Result<()> {
    let model = StoredModel::open(path)?;
    say(&if json { as_json(&model) } else { as_text(&model) })
}

fn as_json(model: &StoredModel) -> String {
    let card = &model.card;
    let layers = model.network.summary().into_iter().map(|layer| {
        let parameters = layer.parameters;
        json!({ "name": layer.name, "layer": layer.kind, "about": layer.about, "out_shape": layer.out_shape.to_string(), "parameters": parameters })
    });
    let document = json!({
        "name": card.name, "path": model.path.display().to_string(), "seed": card.seed, "epochs": card.epochs,
        "classes": card.classes, "preprocessing": preprocessing(model), "layers": layers.collect::<Vec<_>>(),
        "parameters": model.network.parameter_count(), "weights_blake3": model.weights_blake3(), "data_blake3": card.data_blake3,
        "config": card.pipeline.lines().collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn as_text(model: &StoredModel) -> String {
    let card = &model.card;
    let [channels, height, width] = card.input;
    let names: Vec<String> = card.classes.iter().take(10).map(|name| printable(name)).collect();
    let more = if card.classes.len() > names.len() { ", …" } else { "" };
    let steps: Vec<&str> = model.evaluate.steps().iter().map(|step| step.name()).collect();
    let steps = if steps.is_empty() { "nothing; pictures have the input's size already".to_owned() } else { steps.join(", ") };
    let views = match model.evaluate.output().views {
        1 => String::new(),
        views => format!("; {views} views, whose probabilities are averaged"),
    };
    let normalised = match model.evaluate.output().floats {
        true => "by the operations".to_owned(),
        false => format!("(value / 255 - mean) / std, mean {:?}, std {:?}", card.mean, card.std),
    };
    let mut text = format!("{}: a model after {} epochs, seed {}\n\n", printable(&card.name), card.epochs, card.seed);
    text += &format!("classes     {}: {}{more}\n", card.classes.len(), names.join(", "));
    text += &format!("input       {channels} channels, {height}x{width}\n");
    text += &format!("prepared    {steps}{views}\n");
    text += &format!("normalised  {normalised}\n");
    text += &format!("weights     {}, BLAKE3 {}\n", count(model.params.len() as u64), model.weights_blake3());
    for layer in model.network.summary() {
        text += &format!("            {:<16} {:<16} {}\n", layer.name, layer.kind, layer.out_shape);
    }
    text
}
