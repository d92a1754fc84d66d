//! `pipeline schema`: the JSON Schema of pipeline files, for editors. Every key comes from the code that reads it, as for
//! `pipeline describe`; this module knows only which tables are chosen by name, and from which registry.
//!
//! A schema sees one value at a time: what depends on two of them, on a file or on the data, `pipeline check` says.

mod kind;

use super::catalogue::{Family, Item, families};
use super::say;
use crate::config::{KeyDoc, KeyTree};
use crate::error::Result;
use crate::plan::file_keys;
use crate::report::write_atomic;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A key whose tables are chosen by name.
struct Link {
    /// The key.
    key: &'static str,
    /// The key in the table that names what is chosen.
    tag: &'static str,
    /// From which registry: [`Family::singular`].
    family: &'static str,
}

const LINKS: &[Link] = &[
    Link { key: "augment", tag: "op", family: "operation" },
    Link { key: "evaluate", tag: "op", family: "operation" },
    Link { key: "ops", tag: "op", family: "operation" },
    Link { key: "layers", tag: "layer", family: "layer" },
    Link { key: "branch", tag: "layer", family: "layer" },
    Link { key: "shortcut", tag: "layer", family: "layer" },
    Link { key: "weights", tag: "name", family: "initialiser" },
    Link { key: "mix", tag: "mixer", family: "mixer" },
    Link { key: "optimizer", tag: "name", family: "optimizer" },
    Link { key: "others", tag: "name", family: "optimizer" },
    Link { key: "learning_rate", tag: "schedule", family: "schedule" },
    Link { key: "preprocess", tag: "preset", family: "preprocess preset" },
];

/// Prints the schema, or writes it to a file.
///
/// # Errors
/// Where it cannot be written.
pub fn schema(out: Option<&Path>) -> Result<()> {
    let text = format!("{:#}\n", document());
    match out {
        Some(path) => write_atomic(path, text.as_bytes()),
        None => say(&text),
    }
}

/// The schema: draft 2020-12.
pub fn document() -> Value {
    let (families, trees) = (families(), file_keys());
    let definitions: Map<String, Value> = LINKS
        .iter()
        .filter_map(|link| Some((definition_name(link.family), definition(link, family(&families, link.family)?, &trees))))
        .collect();
    let mut top = object(trees.iter().map(|tree| (tree.doc.key.clone(), top_property(tree, &families))), vec!["source".to_owned()]);
    let about = "A pipeline file of augpipe: folders of labelled images in, trained classifiers and augmented data sets out.";
    top["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    top["title"] = "augpipe pipeline file".into();
    top["description"] = about.into();
    top["$defs"] = definitions.into();
    top
}

fn family<'f>(families: &'f [Family], singular: &str) -> Option<&'f Family> {
    families.iter().find(|family| family.singular == singular)
}

fn definition_name(family: &str) -> String {
    family.replace(' ', "_")
}

/// What may stand at a key of the file itself: two of its tables have keys that depend on a name among their own.
fn top_property(tree: &KeyTree, families: &[Family]) -> Value {
    let of = |singular| family(families, singular).map_or(&[][..], |family| &family.items);
    let described = |variants: Vec<Value>| json!({ "description": tree.doc.about, "type": "object", "anyOf": variants });
    match tree.doc.key.as_str() {
        "source" => described(of("source").iter().map(|item| named("format", item, &tree.inside, Needs::All)).collect()),
        // What [test] leaves out it takes over from [source].
        "test" => described(of("source").iter().map(|item| named("format", item, &tree.inside, Needs::Nothing)).collect()),
        "model" => {
            let without = |key: &str| -> Vec<KeyTree> { tree.inside.iter().filter(|tree| tree.doc.key != key).cloned().collect() };
            let presets = of("preset").iter().map(|item| named("preset", item, &without("layers"), Needs::All));
            let layers = object(properties(&without("preset")), vec!["layers".to_owned()]);
            described(presets.chain([layers]).collect())
        }
        _ => property(tree),
    }
}

/// Whether keys without a default must be given.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    All,
    Nothing,
}

/// A registry's entries: a name alone, or a table that has the name at `tag`.
fn definition(link: &Link, family: &Family, trees: &[KeyTree]) -> Value {
    let common = inside_of(trees, link.key).unwrap_or_default();
    let mut variants: Vec<Value> = family.items.iter().map(|item| named(link.tag, item, &common, Needs::All)).collect();
    if link.family == "schedule" {
        // A peak without a schedule is constant, and no name stands for a table: there would be no peak.
        variants.push(object(properties(&common), vec!["peak".to_owned()]));
    } else {
        let names: Vec<&str> = family.items.iter().map(|item| item.name).collect();
        variants.insert(0, json!({ "enum": names, "description": format!("one of the {} with its defaults", family.plural) }));
    }
    json!({ "anyOf": variants })
}

/// The keys that tables at `key` have whatever they name, wherever the key stands.
fn inside_of(trees: &[KeyTree], key: &str) -> Option<Vec<KeyTree>> {
    let here = trees.iter().find(|tree| tree.doc.key == key && !tree.inside.is_empty());
    here.map(|tree| tree.inside.clone()).or_else(|| trees.iter().find_map(|tree| inside_of(&tree.inside, key)))
}

/// A table that names `item` at `tag`: the keys `common` to all of its kind and its own.
fn named(tag: &str, item: &Item, common: &[KeyTree], needs: Needs) -> Value {
    let own = item.keys.iter().map(|doc| KeyTree { doc: doc.clone(), inside: Vec::new() });
    let others = common.iter().filter(|tree| item.keys.iter().all(|doc| doc.key != tree.doc.key)).cloned();
    let trees: Vec<KeyTree> = own.chain(others).filter(|tree| tree.doc.key != tag).collect();
    let name = (tag.to_owned(), json!({ "const": item.name, "description": item.about }));
    let required = trees.iter().filter(|tree| tree.doc.default.is_none()).map(|tree| tree.doc.key.clone());
    let required = match needs {
        Needs::All => std::iter::once(tag.to_owned()).chain(required).collect(),
        Needs::Nothing => Vec::new(),
    };
    let mut table = object(std::iter::once(name).chain(properties(&trees)), required);
    table["title"] = item.name.into();
    table
}

fn properties(trees: &[KeyTree]) -> impl Iterator<Item = (String, Value)> {
    trees.iter().map(|tree| (tree.doc.key.clone(), property(tree)))
}

/// A table that has no other keys.
fn object(properties: impl IntoIterator<Item = (String, Value)>, required: Vec<String>) -> Value {
    let properties: Map<String, Value> = properties.into_iter().collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// What may stand at a key.
fn property(tree: &KeyTree) -> Value {
    let KeyDoc { key, kind, .. } = &tree.doc;
    let link = LINKS.iter().find(|link| link.key == key && kind.contains("table"));
    let values = match (link, kind.as_str()) {
        (Some(link), kind) => {
            let one = json!({ "$ref": format!("#/$defs/{}", definition_name(link.family)) });
            let list = json!({ "type": "array", "items": one });
            match (kind, link.family) {
                (_, "mixer") => json!({ "anyOf": [one, list] }),
                ("list of tables", _) => list,
                ("name or table", _) => one,
                _ => json!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, one] }),
            }
        }
        (None, "list of tables") => {
            json!({ "type": "array", "items": { "anyOf": [{ "type": "string", "minLength": 1 }, table(&tree.inside)] } })
        }
        (None, "table") => table(&tree.inside),
        (None, kind) => kind::values(kind).unwrap_or_else(|| json!({})),
    };
    documented(values, &tree.doc)
}

fn table(trees: &[KeyTree]) -> Value {
    let required = trees.iter().filter(|tree| tree.doc.default.is_none()).map(|tree| tree.doc.key.clone()).collect();
    object(properties(trees), required)
}

/// The words of `pipeline describe` beside what they speak of.
fn documented(mut values: Value, doc: &KeyDoc) -> Value {
    let KeyDoc { kind, default, about, .. } = doc;
    let default = default.as_deref().filter(|default| *default != "none");
    let words = default.map_or(String::new(), |default| format!("; default {default}"));
    values["description"] = format!("{about} ({kind}{words})").into();
    if let Some(default) = default.and_then(|default| as_value(default, &values)) {
        values["default"] = default;
    }
    values
}

/// A default as a value, where the words that show it are one.
fn as_value(shown: &str, values: &Value) -> Option<Value> {
    let word = Value::from(shown);
    match values["enum"].as_array() {
        Some(words) => words.contains(&word).then_some(word),
        None => serde_json::from_str(shown).ok(),
    }
}

#[cfg(test)]
mod tests;
