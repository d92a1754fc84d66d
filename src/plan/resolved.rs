//! The pipeline as it was understood, written down again: what a run folder keeps and what a resumed run is compared with.

use super::{End, Plan};
use crate::config::{Document, Node, Value};
use crate::source::DECODING;
use std::path::Path;

/// Tables whose paths are relative to the pipeline file.
const WITH_PATHS: [&str; 4] = ["source", "test", "write", "report"];
/// Keys that hold paths in those tables.
const PATHS: [&str; 5] = ["path", "images", "labels", "root", "openmetrics"];

/// The plan's file with every `--set` applied and every path made absolute, so that it runs from anywhere.
pub fn resolved_text(plan: &Plan) -> String {
    // The parent of a bare file name is an empty path, which has no absolute form.
    let base = plan.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let base = std::path::absolute(base).unwrap_or_else(|_| base.to_path_buf());
    let toml::Value::Table(mut table) = to_toml(&plan.document.root) else { return String::new() };
    for name in WITH_PATHS {
        let Some(toml::Value::Table(section)) = table.get_mut(name) else { continue };
        for key in PATHS {
            if let Some(toml::Value::String(path)) = section.get_mut(key) {
                *path = base.join(&*path).display().to_string();
            }
        }
    }
    toml::to_string_pretty(&table).unwrap_or_default()
}

/// What decides the result: everything of the file but `[workers]`, `[report]`, `train.checkpoint_steps`, `source.cache` and the paths. Two runs with the same fingerprint over
/// the same data end in the same bytes.
pub fn fingerprint(plan: &Plan) -> String {
    fingerprint_of(&plan.document, &plan.name)
}

/// The fingerprint of a file whose pipeline is called `name`.
pub fn fingerprint_of(document: &Document, name: &str) -> String {
    let toml::Value::Table(mut table) = to_toml(&document.root) else { return String::new() };
    for key in ["workers", "report", "about"] {
        table.remove(key);
    }
    if let Some(toml::Value::Table(train)) = table.get_mut("train") {
        train.remove("checkpoint_steps");
    }
    if let Some(toml::Value::Table(source)) = table.get_mut("source") {
        source.remove("cache");
    }
    table.insert("name".to_owned(), name.into());
    for section in WITH_PATHS {
        if let Some(toml::Value::Table(section)) = table.get_mut(section) {
            PATHS.iter().for_each(|key| drop(section.remove(*key)));
        }
    }
    let mut lines = Vec::new();
    flatten("", &toml::Value::Table(table), &mut lines);
    // Sorted: the order in which a file gives its keys means nothing.
    lines.sort_unstable();
    lines.join("\n")
}

/// The epochs that a file's `[train]` gives.
pub fn epochs_of(document: &Document) -> Option<f64> {
    let toml::Value::Table(table) = to_toml(&document.root) else { return None };
    let epochs = table.get("train")?.get("epochs")?;
    epochs.as_float().or(epochs.as_integer().map(|epochs| epochs as f64))
}

/// One line a value, with its whole path: two files can be compared line by line.
fn flatten(path: &str, value: &toml::Value, lines: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| flatten(&below(key), value, lines)),
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            items.iter().enumerate().for_each(|(index, item)| flatten(&below(&index.to_string()), item, lines));
        }
        leaf => lines.push(format!("{path} = {leaf}")),
    }
}

impl Plan {
    /// Fixes how many epochs are run, in place of a budget of time: from here on, the file says so.
    pub fn fix_epochs(&mut self, epochs: f64) {
        let Value::Table(top) = &mut self.document.root.value else { return };
        let Some((.., train)) = top.iter_mut().find(|(key, ..)| key == "train") else { return };
        if let Value::Table(entries) = &mut train.value {
            entries.retain(|(key, ..)| key != "budget");
            let of_epochs = entries.iter_mut().find(|(key, ..)| key == "epochs");
            let value = if epochs.fract() == 0.0 { Value::Integer(epochs as i64) } else { Value::Float(epochs) };
            of_epochs.into_iter().for_each(|(.., node)| node.value = value.clone());
        }
        if let End::Train(end) = &mut self.end {
            end.config.epochs = epochs;
        }
    }

    /// Folders whose sub folders are classes of this plan's data.
    pub fn class_folders(&self) -> Vec<std::path::PathBuf> {
        let toml::Value::Table(table) = to_toml(&self.document.root) else { return Vec::new() };
        let base = self.file.parent().unwrap_or(Path::new("."));
        let text = |section: &str, key: &str| table.get(section)?.get(key)?.as_str().map(str::to_owned);
        let source = text("source", "format");
        let format = |section: &str| text(section, "format").or(source.clone());
        let of = |section: &str| text(section, "path").filter(|_| format(section).as_deref() == Some("image_folder"));
        ["source", "test"].iter().filter_map(|section| of(section)).map(|path| base.join(path)).collect()
    }

    /// Whether consecutive geometric operations are made in one resampling.
    pub fn fuses_geometry(&self) -> bool {
        self.evaluate.fuses()
    }

    /// The keys of `[source]` by which files are decoded, as TOML text.
    pub fn decoding(&self) -> String {
        let toml::Value::Table(mut table) = to_toml(&self.document.root) else { return String::new() };
        let Some(toml::Value::Table(source)) = table.remove("source") else { return String::new() };
        let kept: toml::Table = source.into_iter().filter(|(key, _)| DECODING.contains(&key.as_str())).collect();
        toml::to_string(&kept).unwrap_or_default()
    }

    /// A table of the file as TOML text, or the tables of a list: what a model file keeps to be used without the pipeline file.
    pub fn section(&self, name: &str) -> String {
        let toml::Value::Table(table) = to_toml(&self.document.root) else { return String::new() };
        let kept: toml::Table = table.into_iter().filter(|(key, _)| key == name).collect();
        toml::to_string(&kept).unwrap_or_default()
    }
}

fn to_toml(node: &Node) -> toml::Value {
    match &node.value {
        Value::Flag(flag) => (*flag).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::List(items) => toml::Value::Array(items.iter().map(to_toml).collect()),
        Value::Table(entries) => toml::Value::Table(entries.iter().map(|(key, _, node)| (key.clone(), to_toml(node))).collect()),
    }
}
