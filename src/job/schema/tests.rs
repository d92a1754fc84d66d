//! The schema holds for everything that the readers take.

use super::*;
use crate::augment::preprocess::{self, PREPROCESS};
use crate::augment::{Chain, OPS};
use crate::config::{Fields, Problems};
use crate::mix::{MIXERS, Mix};
use crate::model::{INITIALISERS, LAYERS, PRESETS};
use crate::optim::OPTIMIZERS;
use crate::optim::schedule::SCHEDULES;
use crate::plan::SECTIONS;
use crate::registry::Entry;

fn all_docs() -> Vec<KeyDoc> {
    fn collect(trees: &[KeyTree], docs: &mut Vec<KeyDoc>) {
        for tree in trees {
            docs.push(tree.doc.clone());
            collect(&tree.inside, docs);
        }
    }
    let mut docs: Vec<KeyDoc> = families().into_iter().flat_map(|family| family.items).flat_map(|item| item.keys).collect();
    collect(&file_keys(), &mut docs);
    docs
}

#[test]
fn every_kind_of_value_is_understood() {
    for doc in all_docs() {
        let linked = LINKS.iter().any(|link| link.key == doc.key);
        let known = match doc.kind.as_str() {
            "table" | "list of tables" => true,
            kind if kind.contains("table") => linked,
            kind => kind::values(kind).is_some(),
        };
        assert!(known, "{doc:?}");
    }
}

#[test]
fn every_registry_has_its_place() {
    let own = ["section", "source", "preset"];
    for family in families() {
        let linked = LINKS.iter().any(|link| link.family == family.singular);
        assert!(linked || own.contains(&family.singular), "{}", family.plural);
    }
}

/// Values of many kinds, as TOML.
const VALUES: [&str; 27] = [
    "true",
    "0",
    "1",
    "2",
    "3",
    "7",
    "10",
    "100",
    "-1",
    "0.5",
    "-0.3",
    "1.5",
    "30.0",
    "1e9",
    "\"auto\"",
    "\"same\"",
    "\"x\"",
    "\"random\"",
    "\"10m\"",
    "\"2GiB\"",
    "[1, 2]",
    "[0.1, 0.9]",
    "[1, 2, 3]",
    "[0.1, 0.2, 0.3]",
    "[1, 1, 1, 1]",
    "[\"a\", \"b\"]",
    "{}",
];

/// Reads the example of every entry with every value at every key: what the reader takes, the schema takes; what is of a wrong type,
/// both refuse.
fn agree<B: Copy>(entries: &[Entry<B>], build: impl Fn(B, &Fields)) {
    for entry in entries {
        let problems = Problems::default();
        let fields = Fields::parse(entry.example, &problems).unwrap();
        build(entry.build, &fields);
        for doc in fields.docs().iter().filter(|doc| !doc.kind.contains("table")) {
            let mut schema = kind::values(&doc.kind).unwrap();
            schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
            let validator = jsonschema::validator_for(&schema).unwrap();
            for value in VALUES {
                let mut table: toml::Table = entry.example.parse().unwrap();
                let value: toml::Value = format!("v = {value}").parse::<toml::Table>().unwrap().remove("v").unwrap();
                table.insert(doc.key.clone(), value.clone());
                let problems = Problems::default();
                let fields = Fields::parse(&table.to_string(), &problems).unwrap();
                build(entry.build, &fields);
                let named = format!("`{}` in", doc.key);
                let taken = problems.take().iter().all(|problem| !problem.message.starts_with(&named));
                let valid = validator.is_valid(&serde_json::to_value(&value).unwrap());
                assert!(valid || !taken, "{}.{} = {value} is taken and not valid: {schema}", entry.name, doc.key);
                let plain = value.is_bool() || value.is_table();
                assert!(taken || !valid || !plain, "{}.{} = {value} is refused and valid: {schema}", entry.name, doc.key);
            }
        }
    }
}

#[test]
fn what_readers_take_is_valid() {
    agree(SECTIONS, |build, fields| build(fields));
    agree(OPS, |_, fields| drop(Chain::build(std::slice::from_ref(fields))));
    agree(MIXERS, |_, fields| drop(Mix::build(std::slice::from_ref(fields))));
    agree(PREPROCESS, |_, fields| drop(preprocess::read(fields)));
    agree(LAYERS, |build, fields| drop(build(fields)));
    agree(PRESETS, |build, fields| drop(build(fields)));
    agree(INITIALISERS, |build, fields| drop(build(fields)));
    agree(OPTIMIZERS, |build, fields| drop(build(fields)));
    agree(SCHEDULES, |build, fields| drop(build(fields)));
}

fn faults(text: &str) -> Vec<String> {
    let schema = document();
    assert!(jsonschema::meta::is_valid(&schema), "no schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let file = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
    validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// A whole file around text that stands in one of its tables.
fn whole(text: &str) -> String {
    format!("[source]\nformat = \"image_folder\"\npath = \"x\"\n{text}\n")
}

#[test]
fn the_example_of_every_entry_is_valid_in_its_place() {
    for family in families() {
        for item in &family.items {
            let example = item.example.trim();
            let table = example.parse::<toml::Table>().unwrap();
            let inline = toml::Value::Table(table.clone()).to_string();
            let named = |tag: &str| {
                let mut table = table.clone();
                table.entry(tag).or_insert(item.name.into());
                toml::Value::Table(table).to_string()
            };
            let text = match family.singular {
                "section" => whole(&format!("[{}]\n{example}", item.name)),
                "source" => format!("[source]\n{example}\n"),
                "operation" => format!("augment = [{inline}]\n{}", whole("")),
                "mixer" => whole(&format!("[batch]\nmix = [{}]", named("mixer"))),
                "preprocess preset" => format!("preprocess = {}\n{}", named("preset"), whole("")),
                "layer" => whole(&format!("[model]\nlayers = [{}]", named("layer"))),
                "preset" => whole(&format!("[model]\n{example}")),
                "initialiser" => whole(&format!("[model]\npreset = \"lenet\"\nweights = {}", named("name"))),
                "optimizer" => whole(&format!("[train]\nepochs = 1\nlearning_rate = 1\noptimizer = {}", named("name"))),
                "schedule" => whole(&format!("[train]\nepochs = 1\nlearning_rate = {}", named("schedule"))),
                other => panic!("{other}"),
            };
            assert_eq!(faults(&text), [""; 0], "{}:\n{text}", item.name);
        }
    }
}

#[test]
fn pipeline_files_are_valid_and_misspelt_ones_are_not() {
    for name in crate::plan::pipeline_names(Path::new("pipelines")) {
        let text = std::fs::read_to_string(format!("pipelines/{name}.toml")).unwrap();
        assert_eq!(faults(&text), [""; 0], "{name}");
    }
    let text = std::fs::read_to_string("pipelines/augment-train.toml").unwrap();
    for (right, wrong) in [
        ("seed = 7", "sed = 7"),
        ("seed = 7", "seed = \"7\""),
        ("seed = 7", "seed = -7"),
        ("stratify = true", "stratify = 1"),
        ("stratify = true", "stratifi = true"),
        ("p = 0.5", "p = 1.5"),
        ("p = 0.5", "chance = 0.5"),
        ("op = \"horizontal_flip\"", "op = \"horizontal_flipp\""),
        ("size = [32, 32]", "size = [32, 32, 3]"),
        ("size = 32", "size = 32.5"),
        ("preset = \"lenet\"", "preset = \"lenett\""),
        ("preset = \"lenet\"", "preset = \"lenet\"\nhiden = 3"),
        ("name = \"sgd\"", "name = \"adam\""),
        ("schedule = \"one_cycle\"", "schedule = \"cosine\", pct_start = 0.3, x = 1"),
        ("patience = 10", "patience = \"10\""),
        ("format = \"image_folder\"", "format = \"image_folders\""),
        ("epochs = 20", "epochs = true"),
        ("epochs = 20", ""),
    ] {
        assert!(text.contains(right), "{right}");
        assert!(!faults(&text.replacen(right, wrong, 1)).is_empty(), "{wrong} is valid");
    }
}
