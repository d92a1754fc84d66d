//! `pipeline list`: everything that can be named.

use super::catalogue::families;
use super::say;
use crate::error::Result;
use crate::plan::pipeline_names;
use std::path::Path;

/// Prints the pipelines of this folder and all registries.
///
/// # Errors
/// Where standard output cannot be written.
pub fn list(json: bool) -> Result<()> {
    let pipelines = pipeline_names(Path::new("pipelines"));
    if json {
        let mut document = serde_json::Map::new();
        document.insert("pipelines".to_owned(), pipelines.into());
        for family in families() {
            let items = family.items.iter().map(|item| serde_json::json!({ "name": item.name, "about": item.about }));
            document.insert(family.plural.to_owned(), items.collect());
        }
        return say(&format!("{:#}\n", serde_json::Value::Object(document)));
    }
    let mut text = String::from("pipelines (pipeline run NAME)\n");
    for name in &pipelines {
        text += &format!("  {name:<18} {}\n", about_of(name));
    }
    if pipelines.is_empty() {
        text += "  none: there is no folder `pipelines` here\n";
    }
    for family in families() {
        text += &format!("\n{} ({})\n", family.plural, family.place);
        for item in &family.items {
            text += &format!("  {:<18} {}\n", item.name, item.about);
        }
    }
    say(&(text + "\n`pipeline describe NAME` explains any of them.\n"))
}

/// The `about` line of a pipeline file, or nothing where it cannot be read: listing never fails on one file.
fn about_of(name: &str) -> String {
    let text = std::fs::read_to_string(Path::new("pipelines").join(format!("{name}.toml"))).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    table.get("about").and_then(|about| about.as_str()).unwrap_or("").to_owned()
}
