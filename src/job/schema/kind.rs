//! The words in which a reader states what a key may be — "integer, 1 to 8", "\"auto\" or number, 0 to 1" — as a schema. Values that
//! a reader takes are never refused; some that it refuses are let pass.

use serde_json::{Value, json};

/// The schema of the values that `kind` describes; none where its words are not understood.
pub fn values(kind: &str) -> Option<Value> {
    if let Some(words) = kind.strip_prefix("one of ") {
        return Some(json!({ "enum": words.split(", ").collect::<Vec<_>>() }));
    }
    if let Some((word, rest)) = quoted(kind) {
        return Some(json!({ "anyOf": [{ "const": word }, values(rest)?] }));
    }
    match kind {
        "true or false" => Some(json!({ "type": "boolean" })),
        "list of two texts or more" => Some(json!({ "type": "array", "items": text(), "minItems": 2 })),
        "list of two different texts or more" => {
            Some(json!({ "type": "array", "items": text(), "minItems": 2, "uniqueItems": true }))
        }
        _ if kind == "text" || kind.starts_with("text like ") => Some(text()),
        _ if kind.starts_with("time such as ") && kind.ends_with("or seconds") => {
            Some(json!({ "anyOf": [text(), { "type": "integer", "minimum": 1 }] }))
        }
        _ => numbers(kind),
    }
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// `"word" or REST` and `"word", REST`.
fn quoted(kind: &str) -> Option<(&str, &str)> {
    let (word, rest) = kind.strip_prefix('"')?.split_once('"')?;
    Some((word, rest.strip_prefix(" or ").or_else(|| rest.strip_prefix(", "))?))
}

/// `3 or 5`, and everything that ends in a range.
fn numbers(kind: &str) -> Option<Value> {
    if let Some((one, other)) = kind.split_once(" or ")
        && let (Ok(one), Ok(other)) = (one.parse::<i64>(), other.parse::<i64>())
    {
        return Some(json!({ "enum": [one, other] }));
    }
    let (head, range) = kind.rsplit_once(", ")?;
    let whole = if head.contains("integer") { "integer" } else { "number" };
    let one = within(whole, range)?;
    let list = |low: usize, high: Option<usize>| {
        let mut list = json!({ "type": "array", "items": one, "minItems": low });
        high.into_iter().for_each(|high| list["maxItems"] = high.into());
        list
    };
    // What a single number means depends on the key: degrees = 30 is [-30, 30], brightness = 0.4 is [0.6, 1.4].
    let single = json!({ "type": whole });
    match head {
        "integer" | "number" | "odd integer" => Some(one),
        _ if head.ends_with(']') => {
            let count = head.matches(',').count() + 1;
            Some(json!({ "anyOf": [single, list(count, Some(count))] }))
        }
        _ => {
            let (before, count) = head.split_once("list of ")?;
            let (low, high) = counted(count)?;
            let list = list(low, high);
            Some(if before.is_empty() { list } else { json!({ "anyOf": [single, list] }) })
        }
    }
}

/// `2`, `2 numbers`, `1 or 3`, `1 to 64 numbers`, `1 or more numbers`.
fn counted(words: &str) -> Option<(usize, Option<usize>)> {
    let words = words.trim_end_matches(" numbers").trim_end_matches(" integers");
    if let Some(low) = words.strip_suffix(" or more") {
        return Some((low.parse().ok()?, None));
    }
    let (low, high) = words.split_once(" to ").or_else(|| words.split_once(" or ")).unwrap_or((words, words));
    Some((low.parse().ok()?, Some(high.parse().ok()?)))
}

/// `any`, `more than 0`, `1 or more`, `0 to less than 1`, `more than 0 to 1`.
fn within(whole: &str, range: &str) -> Option<Value> {
    let mut values = json!({ "type": whole });
    if range == "any" {
        return Some(values);
    }
    let (low, high) = match range.strip_suffix(" or more") {
        Some(low) => (Some(low), None),
        None => match range.strip_prefix("up to ") {
            Some(high) => (None, Some(high)),
            None => range.split_once(" to ").map_or((Some(range), None), |(low, high)| (Some(low), Some(high))),
        },
    };
    let ends = [(low, "more than ", "minimum", "exclusiveMinimum"), (high, "less than ", "maximum", "exclusiveMaximum")];
    for (end, without, included, excluded) in ends {
        let Some(text) = end else { continue };
        let (key, text) = text.strip_prefix(without).map_or((included, text), |text| (excluded, text));
        values[key] = text.parse::<i64>().map(Value::from).ok().or_else(|| text.parse::<f64>().map(Value::from).ok())?;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_readers_become_schemas() {
        let cases = [
            ("true or false", json!({ "type": "boolean" })),
            ("one of a, b_c", json!({ "enum": ["a", "b_c"] })),
            ("1 or 3", json!({ "enum": [1, 3] })),
            ("integer, 1 or more", json!({ "type": "integer", "minimum": 1 })),
            ("number, more than 0 to 1", json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 })),
            ("number, 0 to less than 1", json!({ "type": "number", "minimum": 0, "exclusiveMaximum": 1 })),
            ("number, more than 0", json!({ "type": "number", "exclusiveMinimum": 0 })),
            ("number, any", json!({ "type": "number" })),
            (
                "\"auto\" or number, -0.5 to 0.5",
                json!({ "anyOf": [{ "const": "auto" }, { "type": "number", "minimum": -0.5, "maximum": 0.5 }] }),
            ),
            (
                "list of 1 to 64 numbers, 1 to 9",
                json!({ "type": "array", "items": { "type": "number", "minimum": 1, "maximum": 9 }, "minItems": 1, "maxItems": 64 }),
            ),
        ];
        for (kind, expected) in cases {
            assert_eq!(values(kind), Some(expected), "{kind}");
        }
        for strange in ["", "colour", "number, blue", "list of some numbers, 0 to 1", "number, 1 to two"] {
            assert_eq!(values(strange), None, "{strange}");
        }
    }
}
