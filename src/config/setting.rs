//! Reading one key: its kind, its allowed range, and what holds when it is left out.

use super::document::{Node, Value};
use super::fields::Fields;
use crate::error::nearest;
use crate::sample::Size;
use std::fmt::Display;

/// Allowed values of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Smallest allowed value.
    pub low: f64,
    /// Largest allowed value.
    pub high: f64,
    /// Whether `low` itself is refused.
    pub above_low: bool,
    /// Whether `high` itself is refused.
    pub below_high: bool,
}

impl Limits {
    /// Every finite number.
    pub const ANY: Limits = Limits { low: f64::MIN, high: f64::MAX, above_low: false, below_high: false };
    /// More than 0.
    pub const POSITIVE: Limits = Limits { low: 0.0, high: f64::MAX, above_low: true, below_high: false };
    /// 0 or more.
    pub const NOT_NEGATIVE: Limits = Limits { low: 0.0, high: f64::MAX, above_low: false, below_high: false };
    /// 0 to 1, both included: a probability.
    pub const UNIT: Limits = Limits { low: 0.0, high: 1.0, above_low: false, below_high: false };

    /// `low` to `high`, both included.
    pub const fn within(low: f64, high: f64) -> Self {
        Limits { low, high, above_low: false, below_high: false }
    }

    /// More than `low`, at most `high`.
    pub const fn above(low: f64, high: f64) -> Self {
        Limits { low, high, above_low: true, below_high: false }
    }

    /// At least `low`, less than `high`.
    pub const fn below(low: f64, high: f64) -> Self {
        Limits { low, high, above_low: false, below_high: true }
    }

    /// Whether `value` is allowed.
    pub fn admits(&self, value: f64) -> bool {
        let low = if self.above_low { value > self.low } else { value >= self.low };
        let high = if self.below_high { value < self.high } else { value <= self.high };
        low && high
    }
}

impl Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from = if self.above_low { format!("more than {}", self.low) } else { format!("{}", self.low) };
        let to = if self.below_high { format!("less than {}", self.high) } else { format!("{}", self.high) };
        match (self.low == f64::MIN, self.high == f64::MAX) {
            (true, true) => f.write_str("any"),
            (false, true) if self.above_low => f.write_str(&from),
            (false, true) => write!(f, "{from} or more"),
            (true, false) => write!(f, "up to {to}"),
            (false, false) => write!(f, "{from} to {to}"),
        }
    }
}

/// A key about to be read.
#[derive(Clone, Copy, Debug)]
pub struct Key<'f> {
    pub(super) fields: &'f Fields,
    pub(super) key: &'f str,
    pub(super) about: &'f str,
}

/// A key that has been read as a `T`; how it ends says what holds when it is left out.
#[derive(Debug)]
pub struct Setting<'f, T> {
    key: Key<'f>,
    kind: String,
    value: Option<T>,
    /// Handed out where a required value is missing or wrong; never used for work, because the problem refuses the file.
    stand_in: T,
}

impl<T: Clone> Setting<'_, T> {
    /// The value, or `default`, which `describe` shows as `shown`.
    pub fn or_shown(self, default: T, shown: &str) -> T {
        self.note(Some(shown));
        self.value.unwrap_or(default)
    }

    /// The value, if it is given.
    pub fn optional(self) -> Option<T> {
        self.note(Some("none"));
        self.value
    }

    /// The value; leaving it out is a problem.
    pub fn required(self) -> T {
        self.note(None);
        let fields = self.key.fields;
        if !fields.has(self.key.key) && !fields.is_void() {
            let message = format!("{} needs the key `{}`", fields.name(), self.key.key);
            fields.complain(self.key.key, message, format!("{} ({})", self.key.about, self.kind));
        }
        self.value.unwrap_or(self.stand_in)
    }

    fn note(&self, default: Option<&str>) {
        self.key.fields.note(self.key.key, &self.kind, default, self.key.about);
    }
}

impl<T: Clone + Display> Setting<'_, T> {
    /// The value, or `default`.
    pub fn or(self, default: T) -> T {
        let shown = default.to_string();
        self.or_shown(default, &shown)
    }
}

impl<'f> Key<'f> {
    /// A number within `limits`; whole numbers do too.
    pub fn number(self, limits: Limits) -> Setting<'f, f64> {
        self.read(format!("number, {limits}"), if limits.admits(1.0) { 1.0 } else { limits.low.max(-1e9) }, |node| {
            number_of(node).filter(|&value| limits.admits(value))
        })
    }

    /// A whole number within `low` to `high`, both included.
    pub fn integer(self, low: i64, high: i64) -> Setting<'f, i64> {
        let range = if high == i64::MAX { format!("{low} or more") } else { format!("{low} to {high}") };
        self.read(format!("integer, {range}"), low, |node| match node.value {
            Value::Integer(value) if (low..=high).contains(&value) => Some(value),
            _ => None,
        })
    }

    /// A count within `low` to `high`, both included.
    pub fn count(self, low: usize, high: usize) -> Setting<'f, usize> {
        let number = self.integer(low as i64, high.min(i64::MAX as usize) as i64);
        Setting { key: self, kind: number.kind, value: number.value.map(|value| value as usize), stand_in: low }
    }

    /// `true` or `false`.
    pub fn flag(self) -> Setting<'f, bool> {
        self.read("true or false".to_owned(), false, |node| match node.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        })
    }

    /// Any text that is not empty.
    pub fn text(self) -> Setting<'f, String> {
        self.read("text".to_owned(), String::new(), |node| match &node.value {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        })
    }

    /// One of `words`; a misspelt one is refused with the nearest as a hint.
    pub fn word(self, words: &[&'static str]) -> Setting<'f, &'static str> {
        let kind = format!("one of {}", words.join(", "));
        let stand_in = words.first().copied().unwrap_or("");
        let given = match self.fields.node(self.key).map(|node| &node.value) {
            Some(Value::Text(text)) => text,
            _ => return self.read(kind, stand_in, |_| None),
        };
        let value = words.iter().copied().find(|word| word == given);
        if value.is_none() {
            let message = format!("`{}` in {} cannot be \"{}\"", self.key, self.fields.name(), shortened(given).escape_default());
            let help = match nearest(given, words.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"? ({kind})"),
                None => kind.clone(),
            };
            self.fields.complain(self.key, message, help);
        }
        Setting { key: self, kind, value, stand_in }
    }

    /// One of named values: `[("nearest", Interpolation::Nearest), …]`.
    pub fn choice<T: Copy>(self, choices: &[(&'static str, T)]) -> Setting<'f, T> {
        let words: Vec<&'static str> = choices.iter().map(|(word, _)| *word).collect();
        let word = self.word(&words);
        let find = |word| choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        Setting { key: self, kind: word.kind, value: word.value.and_then(find), stand_in: choices[0].1 }
    }

    /// An interval `[low, high]` within `limits`, low ≤ high. A single number v means what `of_single` makes of it, as
    /// torchvision reads `degrees = 30` as [−30, 30] and `brightness = 0.4` as [0.6, 1.4].
    pub fn interval(self, limits: Limits, of_single: impl Fn(f64) -> (f64, f64)) -> Setting<'f, (f64, f64)> {
        let kind = format!("number or [low, high], {limits}");
        let stand_in = (limits.low.max(-1e9), limits.high.min(1e9));
        let ordered =
            move |(low, high): (f64, f64)| (low <= high && limits.admits(low) && limits.admits(high)).then_some((low, high));
        self.read(kind, stand_in, |node| match &node.value {
            Value::List(items) => match items.as_slice() {
                [low, high] => ordered((number_of(low)?, number_of(high)?)),
                _ => None,
            },
            _ => ordered(of_single(number_of(node)?)),
        })
    }

    /// A list of numbers, each within `limits`, `low` to `high` of them.
    pub fn numbers(self, limits: Limits, low: usize, high: usize) -> Setting<'f, Vec<f64>> {
        let kind = format!("list of {} numbers, {limits}", counted(low, high));
        self.read(kind, vec![1.0; low], |node| {
            let Value::List(items) = &node.value else { return None };
            let numbers: Option<Vec<f64>> = items.iter().map(|item| number_of(item).filter(|&v| limits.admits(v))).collect();
            numbers.filter(|numbers| (low..=high).contains(&numbers.len()))
        })
    }

    /// Height and width: `[height, width]`, or one whole number for a square.
    pub fn size(self) -> Setting<'f, Size> {
        let side = |node: &Node| match node.value {
            Value::Integer(value @ 1..=65535) => Some(value as u32),
            _ => None,
        };
        self.read("integer or [height, width], 1 to 65535".to_owned(), Size::new(1, 1), |node| match &node.value {
            Value::List(items) if items.len() == 2 => Some(Size::new(side(&items[0])?, side(&items[1])?)),
            _ => side(node).map(|side| Size::new(side, side)),
        })
    }

    /// A number within `limits`, or the word "auto", which reads as none.
    pub fn number_or_auto(self, limits: Limits) -> Setting<'f, Option<f64>> {
        self.read(format!("\"auto\" or number, {limits}"), None, |node| match &node.value {
            Value::Text(text) if text == "auto" => Some(None),
            _ => number_of(node).filter(|&value| limits.admits(value)).map(Some),
        })
    }

    /// Reads the key with `parse`; a value that it does not take is a problem that names `kind`.
    pub fn read<T>(self, kind: String, stand_in: T, parse: impl Fn(&Node) -> Option<T>) -> Setting<'f, T> {
        let value = self.fields.node(self.key).and_then(|node| {
            let value = parse(node);
            if value.is_none() {
                let message = format!("`{}` in {} cannot be {}", self.key, self.fields.name(), shortened(&node.value.inline()));
                self.fields.complain(self.key, message, format!("allowed: {kind}"));
            }
            value
        });
        Setting { key: self, kind, value, stand_in }
    }
}

fn counted(low: usize, high: usize) -> String {
    match (low == high, high == usize::MAX) {
        (true, _) => low.to_string(),
        (_, true) => format!("{low} or more"),
        _ => format!("{low} to {high}"),
    }
}

fn number_of(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(value) => Some(value as f64),
        Value::Float(value) if value.is_finite() => Some(value),
        _ => None,
    }
}

/// A value as messages show it: the place in the file shows the rest.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).collect::<String>() + "…" }
}

#[cfg(test)]
mod tests {
    use super::super::{Fields, Problems};
    use super::*;

    fn problems_of(text: &str, read: impl Fn(&Fields)) -> Vec<String> {
        let problems = Problems::default();
        let fields = Fields::parse(text, &problems).unwrap();
        read(&fields);
        fields.finish();
        problems.take().into_iter().map(|p| format!("{} | {}", p.message, p.help.unwrap_or_default())).collect()
    }

    #[test]
    fn all_problems_of_a_table_are_found_at_once() {
        let found = problems_of("p = 2\nsize = 'x'\ninterpolation = 'bilinera'\nscal = 1\n", |fields| {
            fields.key("p", "chance").number(Limits::UNIT).or(0.5);
            fields.key("size", "output").size().required();
            fields.key("interpolation", "how").word(&["nearest", "bilinear"]).or("bilinear");
            fields.key("scale", "area").number(Limits::POSITIVE).or(1.0);
            fields.key("missing", "is not there").flag().required();
        });
        let expected = [
            "`p` in the file cannot be 2 | allowed: number, 0 to 1",
            "`size` in the file cannot be \"x\" | allowed: integer or [height, width], 1 to 65535",
            "\"bilinera\" | did you mean \"bilinear\"?",
            "unknown key `scal` in the file | did you mean `scale`?",
            "the file needs the key `missing`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for words in expected {
            let [message, help] = words.splitn(2, " | ").collect::<Vec<_>>()[..] else {
                assert!(found.iter().any(|line| line.contains(words)), "{words} in {found:#?}");
                continue;
            };
            assert!(found.iter().any(|line| line.contains(message) && line.contains(help)), "{words} in {found:#?}");
        }
    }

    #[test]
    fn single_numbers_become_intervals_as_torchvision_reads_them() {
        let problems = Problems::default();
        let fields = Fields::parse("degrees = 30\nfactor = [0.5, 2]\nbad = [2, 1]\n", &problems).unwrap();
        let symmetric = |v: f64| (-v, v);
        assert_eq!(fields.key("degrees", "").interval(Limits::ANY, symmetric).required(), (-30.0, 30.0));
        assert_eq!(fields.key("factor", "").interval(Limits::POSITIVE, symmetric).required(), (0.5, 2.0));
        assert_eq!(fields.key("bad", "").interval(Limits::ANY, symmetric).optional(), None);
        assert_eq!(problems.take().len(), 1);
    }

    #[test]
    fn no_range_admits_what_is_not_finite() {
        for text in ["p = nan", "p = inf", "p = -inf"] {
            assert_eq!(problems_of(text, |f| assert_eq!(f.key("p", "").number(Limits::ANY).optional(), None)).len(), 1, "{text}");
        }
    }

    #[test]
    fn docs_come_from_the_reading_code() {
        let problems = Problems::default();
        let fields = Fields::parse("", &problems).unwrap();
        fields.key("p", "chance of being applied").number(Limits::UNIT).or(0.5);
        let docs = fields.docs();
        assert_eq!((docs[0].kind.as_str(), docs[0].default.as_deref()), ("number, 0 to 1", Some("0.5")));
    }
}
