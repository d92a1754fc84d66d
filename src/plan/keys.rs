//! The keys of a whole pipeline file, from the code that reads them: it is run on files of empty tables. Opens no data.

use super::read_plan;
use crate::config::{Document, Fields, KeyTree, Problems};
use std::path::PathBuf;

/// Tables lie in each other no deeper than this.
const DEEPEST: usize = 6;

/// Every key that a pipeline file may have, with the keys of the tables in it, as far as they do not depend on a name: those of
/// operations, layers and whatever else is chosen by name stand in their registries.
pub fn file_keys() -> Vec<KeyTree> {
    let mut trees = Vec::new();
    for _ in 0..DEEPEST {
        let found = read(&empty_tables(&trees));
        if found == trees {
            break;
        }
        trees = found;
    }
    trees
}

/// What is read of a file; everything that is wrong with it is passed over.
fn read(text: &str) -> Vec<KeyTree> {
    let Ok(document) = Document::parse("keys", text) else { return Vec::new() };
    let top = Fields::new(&document, &Problems::default());
    // No source has a name: nothing is opened, and there is no plan.
    let _ = read_plan(&top, &document, None, false, PathBuf::from("keys.toml"));
    top.trees()
}

/// A file that gives every key which takes a table, an empty one.
fn empty_tables(trees: &[KeyTree]) -> String {
    trees.iter().filter_map(|tree| Some(format!("{} = {}\n", tree.doc.key, empty_table(tree)?))).collect()
}

fn empty_table(tree: &KeyTree) -> Option<String> {
    let inside: Vec<String> =
        tree.inside.iter().filter_map(|tree| Some(format!("{} = {}", tree.doc.key, empty_table(tree)?))).collect();
    let table = format!("{{ {} }}", inside.join(", "));
    match tree.doc.kind.as_str() {
        "list of tables" => Some(format!("[{table}]")),
        kind if kind.ends_with("table") => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'t>(trees: &'t [KeyTree], path: &str) -> &'t KeyTree {
        let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
        let tree = trees.iter().find(|tree| tree.doc.key == key).unwrap_or_else(|| panic!("{path}"));
        rest.map_or(tree, |rest| at(&tree.inside, rest))
    }

    #[test]
    fn keys_of_every_depth_are_found() {
        let trees = file_keys();
        for path in [
            "seed",
            "source.format",
            "source.max_bad",
            "source.cache",
            "test.max_pixels",
            "split.stratify",
            "augment.op",
            "evaluate.op",
            "preprocess",
            "batch.mix",
            "model.preset",
            "model.layers.layer",
            "model.weights.name",
            "train.epochs",
            "train.learning_rate.peak",
            "train.early_stopping.patience",
            "train.ema.decay",
            "train.groups.rate",
            "write.variants",
            "workers.memory",
            "report.path",
            "normalize.mean",
            "fuse_geometry",
        ] {
            assert!(!at(&trees, path).doc.about.is_empty(), "{path}");
        }
    }
}
