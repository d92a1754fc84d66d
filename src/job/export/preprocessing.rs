//! What must be done to a picture before the network sees it, and to what it says, as JSON. Knows no file.

use crate::plan::{StoredModel, tables_as_json};
use serde_json::{Value, json};

/// Everything from a file's bytes to the network's input, and from its output to probabilities. Operations are those of `[[evaluate]]`,
/// with their keys; `normalize` is null where they end in numbers that are normalised already.
pub fn preprocessing(model: &StoredModel) -> Value {
    let (card, decoding) = (&model.card, &model.decoding);
    let [channels, height, width] = card.input;
    let output = model.evaluate.output();
    let operations = match tables_as_json(&card.evaluate)["evaluate"].take() {
        Value::Null => json!([]),
        tables => tables,
    };
    let normalize =
        (!output.floats).then(|| json!({ "mean": card.mean, "std": card.std, "formula": "(value / 255 - mean) / std" }));
    let limits = &decoding.limits;
    json!({
        "decode": {
            "channels": channels,
            "color": if channels == 3 { "RGB" } else { "gray" },
            "exif_orientation": decoding.apply_orientation,
            "allow_truncated": decoding.allow_truncated,
            "max_pixels": limits.max_pixels,
            "max_side": limits.max_side,
            "max_bytes": limits.max_bytes,
        },
        "operations": operations,
        "fuse_geometry": card.fuse_geometry,
        "views": output.views,
        "normalize": normalize,
        "input": { "name": crate::onnx::INPUT, "shape": ["batch", channels, height, width], "layout": "NCHW", "dtype": "float32" },
        "output": {
            "name": crate::onnx::OUTPUT,
            "shape": ["batch", card.classes.len()],
            "dtype": "float32",
            "meaning": "logits: softmax gives probabilities; those of several views are averaged",
        },
    })
}
