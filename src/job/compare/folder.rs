//! Reads the folder of a run for a comparison. Compares nothing.

use crate::config::Document;
use crate::job::report::read_document;
use crate::plan::fingerprint_of;
use crate::report::compare::{Broken, Compared};
use std::collections::BTreeMap;
use std::path::Path;

/// The run in `folder`.
///
/// # Errors
/// What is wrong with it.
pub fn read(folder: &Path) -> Result<Compared, Broken> {
    let name = folder.display().to_string();
    let broken = |why: String| Broken { name: name.clone(), why };
    let document = read_document(folder).map_err(|error| broken(error.to_string()))?;
    if document.written.is_some() {
        return Err(broken("it is the report of a set that was written; nothing was learned".to_owned()));
    }
    let path = folder.join("pipeline.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| broken(format!("pipeline.toml cannot be read: {error}")))?;
    let parsed = Document::parse("pipeline.toml", &text).map_err(|_| broken("pipeline.toml cannot be understood".to_owned()))?;
    let lines = fingerprint_of(&parsed, &document.outcome.name);
    let settings: BTreeMap<String, String> =
        lines.lines().filter_map(|line| line.split_once(" = ")).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let samples = &document.outcome.samples;
    let held = samples.train + samples.validation;
    let data = format!("{}\n{:?}\n{held} {}", places(&text), document.outcome.classes, samples.test);
    Ok(Compared { name: name.clone(), document, settings, data })
}

/// Where the data of a pipeline lies.
fn places(text: &str) -> String {
    let Ok(table) = text.parse::<toml::Table>() else { return String::new() };
    let place = |section: &str, key: &str| table.get(section)?.get(key).map(|value| format!("{section}.{key} = {value}"));
    let keys = ["format", "path", "images", "labels", "root", "part"];
    let all = ["source", "test"].into_iter().flat_map(|section| keys.into_iter().filter_map(move |key| place(section, key)));
    all.collect::<Vec<_>>().join("\n")
}
