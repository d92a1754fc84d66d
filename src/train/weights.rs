//! What identifies weights, and the kind of model that they belong to.

use crate::model::Span;
use std::fmt::Write;

/// BLAKE3 of all parameters: for every span in order its name, its shape and its values (f32, little endian). Equal exactly for
/// equal weights of equal models.
pub fn weights_blake3(params: &[f32], spans: &[Span]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = [0u8; 4096];
    for span in spans {
        hasher.update(describe(span).as_bytes());
        for values in params[span.start..span.start + span.len].chunks(bytes.len() / 4) {
            for (place, value) in bytes.chunks_exact_mut(4).zip(values) {
                place.copy_from_slice(&value.to_le_bytes());
            }
            hasher.update(&bytes[..values.len() * 4]);
        }
    }
    *hasher.finalize().as_bytes()
}

/// BLAKE3, in hexadecimal, of the names and shapes of all parameters: equal for models that can exchange weights.
pub fn model_fingerprint(spans: &[Span]) -> String {
    let text: String = spans.iter().map(describe).collect();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn describe(span: &Span) -> String {
    let mut text = span.name.clone();
    for side in &span.shape {
        // Writing to a string cannot fail.
        let _ = write!(text, " {side}");
    }
    text + "\n"
}
