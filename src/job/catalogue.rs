//! All registries in one shape, for `list` and `describe`: the keys come from the code that reads them, run on each entry's example.

use crate::augment::preprocess::{self, PREPROCESS};
use crate::augment::{Chain, OPS};
use crate::config::{Fields, KeyDoc, Problems};
use crate::mix::{MIXERS, Mix};
use crate::model::{INITIALISERS, LAYERS, PRESETS};
use crate::optim::OPTIMIZERS;
use crate::optim::schedule::SCHEDULES;
use crate::plan::SECTIONS;
use crate::registry::Entry;
use crate::source::SOURCES;
use std::path::Path;

/// One registry.
pub struct Family {
    /// What one of its entries is called.
    pub singular: &'static str,
    /// What they are called together.
    pub plural: &'static str,
    /// Where they are named in a pipeline file.
    pub place: &'static str,
    /// Its entries.
    pub items: Vec<Item>,
}

/// One thing that can be named.
pub struct Item {
    /// The word.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// TOML text that builds it.
    pub example: &'static str,
    /// Its keys.
    pub keys: Vec<KeyDoc>,
}

/// Every registry of the crate.
pub fn families() -> Vec<Family> {
    let family = |singular, plural, place, items| Family { singular, plural, place, items };
    vec![
        family("section", "sections", "[NAME]", items(SECTIONS, |build, fields| build(fields))),
        family("source", "sources", "[source] format = …", items(SOURCES, |build, fields| drop(build(fields, Path::new("."))))),
        family(
            "operation",
            "operations",
            "[[augment]] op = …",
            items(OPS, |_, fields| drop(Chain::build(std::slice::from_ref(fields)))),
        ),
        family("mixer", "mixers", "[batch] mix = …", items(MIXERS, |_, fields| drop(Mix::build(std::slice::from_ref(fields))))),
        family(
            "preprocess preset",
            "preprocess presets",
            "preprocess = …",
            items(PREPROCESS, |_, fields| drop(preprocess::read(fields))),
        ),
        family("layer", "layers", "[model] layers = [{ layer = … }]", items(LAYERS, |build, fields| drop(build(fields)))),
        family("preset", "presets", "[model] preset = …", items(PRESETS, |build, fields| drop(build(fields)))),
        family("initialiser", "initialisers", "[model] weights = …", items(INITIALISERS, |build, fields| drop(build(fields)))),
        family("optimizer", "optimizers", "[train] optimizer = …", items(OPTIMIZERS, |build, fields| drop(build(fields)))),
        family(
            "schedule",
            "schedules",
            "[train] learning_rate = { schedule = … }",
            items(SCHEDULES, |build, fields| drop(build(fields))),
        ),
    ]
}

fn items<B: Copy>(entries: &'static [Entry<B>], build: impl Fn(B, &Fields)) -> Vec<Item> {
    let item = |entry: &Entry<B>| {
        let problems = Problems::default();
        // An example that did not parse would show no keys; a test of the registry holds that all do.
        let fields = Fields::parse(entry.example, &problems).unwrap_or_else(|_| Fields::empty(entry.name, &problems));
        build(entry.build, &fields);
        Item { name: entry.name, about: entry.about, example: entry.example, keys: fields.docs() }
    };
    entries.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::families;

    #[test]
    fn every_entry_says_what_it_is_and_shows_an_example_that_parses() {
        for family in families() {
            assert!(!family.items.is_empty(), "{}", family.plural);
            for item in &family.items {
                assert!(!item.about.is_empty() && !item.about.ends_with('.'), "{}", item.name);
                assert!(!item.example.trim().is_empty(), "{}", item.name);
                assert!(item.example.parse::<toml::Table>().is_ok(), "{}: {}", item.name, item.example);
                assert!(item.keys.iter().all(|key| !key.about.is_empty()), "{}: {:?}", item.name, item.keys);
            }
        }
    }

    #[test]
    fn names_are_unique_in_their_family() {
        for family in families() {
            let mut names: Vec<_> = family.items.iter().map(|item| item.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), family.items.len(), "{}", family.plural);
        }
    }
}
