//! What an operation drew, in words: any JSON value as names with short texts, nested where it is. Knows no operation.

use crate::augment::StepTrace;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Values of a list that are shown.
const MOST: usize = 12;
/// Whole numbers from here on stand for dice: they say nothing to a reader, and are cut.
const LONGEST: f64 = 1e12;

/// One line about a draw, and what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub name: String,
    /// What it is; empty where everything is said below.
    pub text: String,
    /// Details.
    pub below: Vec<Fact>,
}

impl Fact {
    fn new(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.replace('_', " "), text: text.into(), below: Vec::new() }
    }

    /// The same with its details beside it instead of below, where they are few and short.
    fn on_a_line(self) -> Self {
        let few = self.below.len() <= 2 && self.below.iter().all(|fact| fact.below.is_empty());
        if !few || self.below.is_empty() || !self.text.is_empty() {
            return self;
        }
        let text = lines(&self.below).join(", ");
        Self { text, below: Vec::new(), ..self }
    }

    /// The line alone.
    pub fn line(&self) -> String {
        [self.name.as_str(), self.text.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// What there is to say about a draw; nothing where nothing was drawn.
pub fn facts(draw: &Value) -> Vec<Fact> {
    match draw {
        Value::Null => Vec::new(),
        Value::Object(fields) => fields.iter().filter_map(|(name, value)| fact(name, value)).collect(),
        Value::Array(items) if items.iter().any(Value::is_object) => items.iter().enumerate().filter_map(of_item).collect(),
        other => vec![Fact::new("", short(other))],
    }
}

/// The same as lines, details indented.
pub fn lines(facts: &[Fact]) -> Vec<String> {
    let below = |fact: &Fact| lines(&fact.below).into_iter().map(|line| format!("  {line}"));
    facts.iter().flat_map(|fact| std::iter::once(fact.line()).chain(below(fact))).filter(|line| !line.trim().is_empty()).collect()
}

/// The first number in a draw, by which draws can be put in order; numbers that only stand for dice are passed over.
pub fn first_number(draw: &Value) -> Option<f64> {
    match draw {
        Value::Number(number) => number.as_f64().filter(|value| value.abs() < LONGEST),
        Value::Object(fields) => fields.values().find_map(first_number),
        Value::Array(items) => items.iter().find_map(first_number),
        _ => None,
    }
}

/// A number with four digits that count.
pub fn number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        // Minus zero is zero.
        return format!("{:.0}", value + 0.0);
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn fact(name: &str, value: &Value) -> Option<Fact> {
    match value {
        Value::Null => None,
        Value::Object(fields) => Some(of_step(value).unwrap_or_else(|| of_fields(name, fields)).on_a_line()),
        Value::Array(items) if items.iter().any(Value::is_object) => Some(Fact { below: facts(value), ..Fact::new(name, "") }),
        other => Some(Fact::new(name, short(other))),
    }
}

/// A table that says which operation it is about is called after it.
fn of_fields(name: &str, fields: &Map<String, Value>) -> Fact {
    if let Some(Value::String(op)) = fields.get("op") {
        let others = fields.iter().filter(|(key, _)| *key != "op");
        return Fact { below: others.filter_map(|(name, value)| fact(name, value)).collect(), ..Fact::new(op, "") };
    }
    Fact { below: fields.iter().filter_map(|(name, value)| fact(name, value)).collect(), ..Fact::new(name, "") }
}

fn of_item((place, item): (usize, &Value)) -> Option<Fact> {
    fact(&(place + 1).to_string(), item)
}

/// A step inside an operation, as a chain traces it.
fn of_step(value: &Value) -> Option<Fact> {
    let StepTrace { name, applied, draw } = StepTrace::deserialize(value).ok()?;
    let text = if applied { "" } else { "(not applied)" };
    Some(Fact { name, text: text.to_owned(), below: facts(&draw) })
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.replace('_', " "),
        Value::Number(long) if long.is_u64() && long.as_f64().is_some_and(|value| value >= LONGEST) => {
            long.to_string().chars().take(6).chain("...".chars()).collect()
        }
        Value::Number(whole) if whole.is_i64() || whole.is_u64() => whole.to_string(),
        Value::Number(real) => number(real.as_f64().unwrap_or(f64::NAN)),
        Value::Array(items) => {
            let shown: Vec<String> = items.iter().take(MOST).map(short).collect();
            let more = if items.len() > MOST { format!(", ... ({} in all)", items.len()) } else { String::new() };
            shown.join(", ") + &more
        }
        Value::Object(_) => lines(&facts(value)).join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(draw: &Value) -> Vec<String> {
        lines(&facts(draw))
    }

    #[test]
    fn numbers_keep_the_digits_that_count() {
        let cases = [
            (0.1f32, "0.1"),
            (-12.3456, "-12.35"),
            (3.0, "3"),
            (123456.7, "123457"),
            (0.000_123_456, "0.0001235"),
            (0.0, "0"),
            (-0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(f64::from(value)), text);
        }
    }

    #[test]
    fn any_draw_can_be_told() {
        assert_eq!(told(&Value::Null), [""; 0]);
        assert_eq!(told(&json!({ "top": 3, "flipped": true, "scale_x": 0.5f32 })), ["flipped yes", "scale x 0.5", "top 3"]);
        assert_eq!(told(&json!([1, 2, 3])), ["1, 2, 3"]);
        assert_eq!(told(&json!({ "pattern": u64::MAX })), ["pattern 184467..."]);
        assert_eq!(told(&json!({ "size": { "height": 2 }, "none": null })), ["size height 2"]);
        assert!(told(&json!({ "field": vec![0.25; 5000] }))[0].ends_with("... (5000 in all)"));
    }

    #[test]
    fn steps_inside_a_step_are_told_below_it() {
        let inner = json!({ "name": "rotate", "applied": true, "draw": { "degrees": 7.5 } });
        let skipped = json!({ "name": "hue", "applied": false, "draw": null });
        assert_eq!(told(&json!({ "chosen": inner })), ["rotate degrees 7.5"]);
        assert_eq!(told(&json!([inner, skipped])), ["rotate degrees 7.5", "hue (not applied)"]);
        assert_eq!(told(&json!({ "steps": [inner] })), ["steps", "  rotate degrees 7.5"]);
        let change = json!({ "op": "shear_x", "magnitude": 0.25 });
        assert_eq!(told(&json!([change, change])), ["shear x magnitude 0.25"; 2]);
        let region = json!({ "top": 1, "left": 2, "height": 3 });
        assert_eq!(told(&json!({ "region": region })), ["region", "  height 3", "  left 2", "  top 1"]);
    }

    #[test]
    fn the_first_number_is_found_wherever_it_is() {
        assert_eq!(first_number(&json!({ "a": "x", "b": [null, { "c": 4 }] })), Some(4.0));
        assert_eq!(first_number(&json!({ "a": "x" })), None);
    }
}
