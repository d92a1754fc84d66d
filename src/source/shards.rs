//! Tar archives of labelled pictures: those that `[write]` stores, and those of WebDataset.

use super::set::DESCRIPTION;
use super::webdataset::WebDataset;
use super::{Build, Source, SourceSpec, prepared, settings};
use crate::config::{Fields, Node, Value};
use crate::error::Result;
use crate::registry::Entry;
use std::path::Path;

/// `shards`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "shards",
    about: "Tar archives: a set that a pipeline with [write] has stored, or WebDataset archives (KEY.jpg, KEY.cls)",
    example: "format = \"shards\"\npath = \"runs/brands-shards\"",
    build,
};

struct Shards(WebDataset);

fn build(fields: &Fields, base: &Path) -> Box<dyn SourceSpec> {
    let path = settings::path(fields, base, "path", "the folder that [write] filled, a folder of .tar files, or one of them");
    let texts = |node: &Node| match &node.value {
        Value::List(items) if items.len() > 1 => items.iter().map(text_of).collect::<Option<Vec<String>>>(),
        _ => None,
    };
    let about = "class names in order, for archives that give none; by default those of classes.json beside them";
    let classes = fields.key("classes", about).read("list of two texts or more".to_owned(), Vec::new(), texts).optional();
    let (options, allow_empty) = (settings::decode_options(fields), settings::allow_empty(fields));
    Box::new(Shards(WebDataset { path, classes, options, allow_empty }))
}

fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

impl SourceSpec for Shards {
    /// A folder with a description is a prepared set and held against it; other archives are looked through, header by header.
    fn open(&self) -> Result<Box<dyn Source>> {
        match self.0.path.join(DESCRIPTION).is_file() {
            true => prepared::open(&self.0.path, self.0.options),
            false => self.0.open(),
        }
    }
}
