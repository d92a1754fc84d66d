//! `pipeline describe NAME`: what a name means, from the code that reads it.

use super::catalogue::{Family, Item, families};
use super::say;
use crate::error::{Error, Result, nearest};
use crate::plan::pipeline_names;
use std::path::Path;

/// Explains an entry of a registry, a pipeline of `pipelines/`, or a model by its path.
///
/// # Errors
/// [`Error::Refused`] for an unknown name.
pub fn describe(name: &str, json: bool) -> Result<()> {
    if super::card::is_model(name) {
        return super::card::describe(Path::new(name), json);
    }
    let families = families();
    let found: Vec<(&Family, &Item)> = families
        .iter()
        .flat_map(|family| family.items.iter().map(move |item| (family, item)))
        .filter(|(_, item)| item.name == name)
        .collect();
    if found.is_empty() && pipeline_names(Path::new("pipelines")).iter().any(|pipeline| pipeline == name) {
        return super::check::check(name, &[], json);
    }
    if found.is_empty() {
        let names: Vec<&str> = families.iter().flat_map(|family| family.items.iter().map(|item| item.name)).collect();
        let help = nearest(name, names).map_or("see `pipeline list`".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Error::refused(format!("nothing is called `{name}`"), help));
    }
    if json {
        let documents: Vec<serde_json::Value> = found.iter().map(|(family, item)| as_json(family, item)).collect();
        return say(&format!("{:#}\n", serde_json::Value::from(documents)));
    }
    say(&found.iter().map(|(family, item)| as_text(family, item)).collect::<Vec<_>>().join("\n"))
}

fn as_json(family: &Family, item: &Item) -> serde_json::Value {
    serde_json::json!({
        "name": item.name, "family": family.singular, "about": item.about, "example": item.example, "keys": item.keys,
    })
}

fn as_text(family: &Family, item: &Item) -> String {
    let mut text = format!("{} ({}): {}\n\n", item.name, family.singular, item.about);
    for key in &item.keys {
        let default = key.default.as_ref().map_or("required".to_owned(), |default| format!("default {default}"));
        text += &format!("  {:<16} {}\n  {:<16} {}; {default}\n", key.key, key.about, "", key.kind);
    }
    let example: String = item.example.trim().lines().map(|line| format!("  {line}\n")).collect();
    text + "\nexample\n" + &example
}
