//! A parsed TOML file whose every value knows its bytes in the text, with `--set` overrides laid over it.

use crate::error::{Problem, SourceText};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a text.
pub type Place = (Arc<SourceText>, Range<usize>);

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it is.
    pub place: Place,
}

/// A TOML value. Dates are read as strings: no key takes one.
#[derive(Clone, Debug)]
pub enum Value {
    /// `true`, `false`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or exponent; `inf` and `nan` too, which no range admits.
    Float(f64),
    /// A string.
    Text(String),
    /// `[…]`, or the tables of a `[[name]]`.
    List(Vec<Node>),
    /// A table: keys in the file's order, each with its own place.
    Table(Vec<(String, Place, Node)>),
}

impl Value {
    /// What TOML calls it, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Flag(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The value as TOML writes it, on one line, for `pipeline check` and the stored copy of a pipeline.
    pub fn inline(&self) -> String {
        match self {
            Value::Flag(flag) => flag.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => format!("{number:?}"),
            Value::Text(text) => toml::Value::String(text.clone()).to_string(),
            Value::List(items) => format!("[{}]", join(items.iter().map(|item| item.value.inline()))),
            Value::Table(entries) => {
                format!("{{ {} }}", join(entries.iter().map(|(key, _, node)| format!("{key} = {}", node.value.inline()))))
            }
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The top table.
    pub root: Node,
}

/// Larger files are refused unread: no pipeline needs a thousandth of it.
const LARGEST: usize = 1 << 20;

impl Document {
    /// Parses `text`, called `name` in messages. A byte order mark is passed over.
    ///
    /// # Errors
    /// Every syntax error of the text, or its size.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > LARGEST {
            let message = format!("{name} has {} bytes; a pipeline file has at most {LARGEST}", text.len());
            return Err(vec![Problem::new(message, "is this the right file?")]);
        }
        let source = Arc::new(SourceText { name: name.to_owned(), text: text.to_owned() });
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(syntax_problems(&errors, &source));
        }
        let place = (source.clone(), table.span());
        Ok(Self { root: Node { value: convert_table(table.get_ref(), &source), place } })
    }

    /// Lays `key.path = value` over the file, as `--set` does; tables on the way are made where missing. Numbers in the path
    /// index lists. A value that is not TOML is taken as a string.
    ///
    /// # Errors
    /// An assignment without `=`, or a path through something that has no keys.
    pub fn set(&mut self, assignment: &str) -> Result<(), Problem> {
        let source = Arc::new(SourceText { name: "--set".to_owned(), text: assignment.to_owned() });
        let Some((path, text)) = assignment.split_once('=') else {
            return Err(Problem::new(format!("`--set {assignment}` has no `=`"), "write --set train.epochs=3"));
        };
        let start = path.len() + 1;
        let place = (source.clone(), start..assignment.len());
        let value = parse_value(text.trim(), &source, start);
        let keys: Vec<&str> = path.split('.').map(str::trim).collect();
        let key_place = (source, 0..path.len());
        insert(&mut self.root, &keys, Node { value, place }, &key_place)
    }
}

/// More are not shown: after so many, the parser is guessing.
const MOST_SYNTAX: usize = 10;

/// The errors in the file's order, each once.
fn syntax_problems(errors: &[toml::de::Error], source: &Arc<SourceText>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = errors.iter().map(|error| syntax_problem(error, source)).collect();
    problems.sort_by_key(|problem| problem.place.as_ref().map_or(0, |(_, span)| span.start));
    problems.dedup();
    problems.truncate(MOST_SYNTAX);
    problems
}

fn syntax_problem(error: &toml::de::Error, source: &Arc<SourceText>) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let word = source.text.get(span.clone()).unwrap_or_default();
    let (message, help) = match error.message() {
        "duplicate key" => (format!("`{word}` stands here a second time"), Some("keep one of them".to_owned())),
        other => (other.to_owned(), None),
    };
    Problem { message, help, place: Some((source.clone(), span)) }
}

/// The value that `text` writes in TOML, or `text` itself where it is not TOML: `--set train.optimizer.name=adam`.
fn parse_value(text: &str, source: &Arc<SourceText>, start: usize) -> Value {
    match DeValue::parse(text) {
        Ok(value) => shifted(convert(&value, source), start).value,
        Err(_) => Value::Text(text.to_owned()),
    }
}

/// Moves every place in `node` by `start` bytes, because it was parsed from the middle of its text.
fn shifted(mut node: Node, start: usize) -> Node {
    let move_place = |place: &mut Place| place.1 = place.1.start + start..place.1.end + start;
    move_place(&mut node.place);
    match &mut node.value {
        Value::List(items) => *items = std::mem::take(items).into_iter().map(|item| shifted(item, start)).collect(),
        Value::Table(entries) => {
            for (_, place, item) in entries {
                move_place(place);
                *item = shifted(item.clone(), start);
            }
        }
        _ => {}
    }
    node
}

fn insert(node: &mut Node, keys: &[&str], leaf: Node, place: &Place) -> Result<(), Problem> {
    let Some((key, rest)) = keys.split_first() else {
        *node = leaf;
        return Ok(());
    };
    let child = match &mut node.value {
        Value::Table(entries) => table_entry(entries, key, place),
        Value::List(items) => {
            let count = items.len();
            key.parse::<usize>().ok().and_then(|index| items.get_mut(index)).ok_or_else(|| Problem {
                message: format!("`{key}` is not an index into a list of {count}"),
                help: Some("indices count from 0".to_owned()),
                place: Some(place.clone()),
            })?
        }
        // A shorthand such as `optimizer = "sgd"` gives way to the table that the path asks for.
        _ => {
            node.value = Value::Table(Vec::new());
            return insert(node, keys, leaf, place);
        }
    };
    insert(child, rest, leaf, place)
}

fn table_entry<'t>(entries: &'t mut Vec<(String, Place, Node)>, key: &str, place: &Place) -> &'t mut Node {
    let index = entries.iter().position(|(name, _, _)| name == key).unwrap_or_else(|| {
        entries.push((key.to_owned(), place.clone(), Node { value: Value::Table(Vec::new()), place: place.clone() }));
        entries.len() - 1
    });
    &mut entries[index].2
}

fn convert(value: &Spanned<DeValue>, source: &Arc<SourceText>) -> Node {
    let converted = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| convert(item, source)).collect()),
        DeValue::Table(table) => convert_table(table, source),
    };
    Node { value: converted, place: (source.clone(), value.span()) }
}

fn convert_table(table: &DeTable, source: &Arc<SourceText>) -> Value {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), (source.clone(), key.span()), convert(value, source)))
        .collect();
    entries.sort_by_key(|(_, (_, span), _)| span.start);
    Value::Table(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(text: &str, sets: &[&str]) -> String {
        let mut document = Document::parse("test.toml", text).unwrap();
        for set in sets {
            document.set(set).unwrap();
        }
        document.root.value.inline()
    }

    #[test]
    fn values_keep_their_order_and_their_bytes() {
        let text = "b = 1\na = \"x\"\n[t]\nz = [1, 2.5]\n";
        assert_eq!(inline(text, &[]), "{ b = 1, a = \"x\", t = { z = [1, 2.5] } }");
        let document = Document::parse("test.toml", text).unwrap();
        let Value::Table(entries) = document.root.value else { panic!("a table") };
        assert_eq!(&text[entries[1].2.place.1.clone()], "\"x\"");
    }

    #[test]
    fn set_overrides_makes_tables_and_takes_bare_words_as_text() {
        let text = "a = 1\n[[augment]]\nop = \"rotate\"\n";
        let got = inline(text, &["a=2", "train.epochs=3", "train.name=adam", "augment.0.p=0.5"]);
        assert_eq!(got, "{ a = 2, augment = [{ op = \"rotate\", p = 0.5 }], train = { epochs = 3, name = \"adam\" } }");
        assert_eq!(inline("o = \"sgd\"", &["o.name=adam"]), "{ o = { name = \"adam\" } }");
    }

    #[test]
    fn set_refuses_what_it_cannot_place() {
        let mut document = Document::parse("test.toml", "a = [1]").unwrap();
        assert!(document.set("a").unwrap_err().message.contains("no `=`"));
        assert!(document.set("a.7=1").unwrap_err().message.contains("list of 1"));
    }

    #[test]
    fn every_syntax_error_and_duplicate_is_reported_with_its_place() {
        for text in ["a = ", "a = 1\na = 2", "[t\n", "a = 1e", "a = 'x"] {
            let problems = Document::parse("test.toml", text).unwrap_err();
            assert!(problems.iter().all(|problem| problem.place.is_some()), "{text}: {problems:?}");
        }
        assert!(Document::parse("test.toml", "\u{feff}a = 1").is_ok());
        assert!(Document::parse("t", &"#".repeat(LARGEST + 1)).is_err());
    }
}
