//! `[normalize]`: mean and standard deviation, given or to be measured.

use crate::config::{Fields, Limits, Node, Value};

/// What values are normalised with, on the scale 0–1; none = measured over the training split before the first step.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalizePlan {
    /// Mean of every channel.
    pub mean: Option<Vec<f64>>,
    /// Standard deviation of every channel.
    pub std: Option<Vec<f64>>,
}

/// Reads the section for pictures of `channels`.
pub fn read(fields: &Fields, channels: usize) -> NormalizePlan {
    let values = |key: &str, about: &str, limits: Limits| {
        let kind = format!("\"auto\" or list of {channels} numbers, {limits}");
        let read = |node: &Node| match &node.value {
            Value::Text(text) if text == "auto" => Some(None),
            Value::List(items) if items.len() == channels => {
                let numbers: Option<Vec<f64>> = items.iter().map(|item| number(item, limits)).collect();
                numbers.map(Some)
            }
            _ => None,
        };
        fields.key(key, about).read(kind, None, read).or_shown(None, "auto")
    };
    let mean = values("mean", "mean of every channel on the scale 0 to 1, or measured over the training split", Limits::ANY);
    let std = values("std", "standard deviation of every channel, or measured", Limits::POSITIVE);
    fields.finish();
    NormalizePlan { mean, std }
}

fn number(node: &Node, limits: Limits) -> Option<f64> {
    let value = match node.value {
        Value::Integer(value) => value as f64,
        Value::Float(value) => value,
        _ => return None,
    };
    (value.is_finite() && limits.admits(value)).then_some(value)
}
