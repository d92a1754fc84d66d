//! `[preprocess]`: a preset of operations and normalisation, written out as the tables that it stands for. What is checked, run, stored
//! and compared is the written-out file.

use crate::augment::preprocess;
use crate::config::{Document, Fields, Node, Place, Problems, Value};

/// Tables that a preset fills, and that cannot stand beside it.
const FILLED: [&str; 3] = ["augment", "evaluate", "normalize"];

/// A preset and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preprocess {
    /// Its name.
    pub name: &'static str,
    /// The tables that it stands for, as TOML text.
    pub tables: String,
}

impl Preprocess {
    /// Notes that pictures of `channels` cannot be prepared.
    pub fn refuse_channels(&self, top: &Fields, channels: usize) {
        let message = format!("`{}` prepares RGB pictures, and these have {channels} channel", self.name);
        let help = "give source.channels = 3, or write [[augment]], [[evaluate]] and [normalize] yourself";
        top.complain("augment", message, help);
    }
}

/// A file whose preset, if it has one, is written out.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The file; without its preset where something is wrong with that.
    pub document: Document,
    /// The preset.
    pub preset: Option<Preprocess>,
    /// Whether it names a preset that could not be read, so that how pictures are prepared is not known.
    pub broken: bool,
}

/// Writes out the preset of a file; what is wrong with it is noted.
pub fn expand(document: &Document, problems: &Problems) -> Expanded {
    let top = Fields::new(document, problems);
    let Some(fields) = read_key(&top) else { return Expanded { document: document.clone(), preset: None, broken: false } };
    let broken = || Expanded { document: without(document, &[]), preset: None, broken: true };
    let read = preprocess::read(&fields);
    let Some(((name, tables), place)) = read.zip(top.place_of("preprocess")) else { return broken() };
    for key in FILLED.iter().filter(|key| top.has(key)) {
        let message = format!("`{key}` cannot stand beside `preprocess = \"{name}\"`, which sets it");
        let help = format!(
            "leave one of them out; `pipeline describe {name}` shows the preset's own keys, `pipeline check` its operations"
        );
        top.complain(key, message, help);
    }
    match written_out(document, &tables, &place) {
        Some(document) => Expanded { document, preset: Some(Preprocess { name, tables }), broken: false },
        None => {
            top.complain("preprocess", format!("`{name}` could not be written out"), "please report this");
            broken()
        }
    }
}

/// The table `[preprocess]`, or the one that its name alone stands for.
pub fn read_key(top: &Fields) -> Option<Fields> {
    let about = "how pictures are prepared, by one name instead of [[augment]], [[evaluate]] and [normalize]";
    top.tagged("preprocess", "preset", about)
}

/// The file without `preprocess` and the tables `also`.
fn without(document: &Document, also: &[&str]) -> Document {
    let mut document = document.clone();
    if let Value::Table(entries) = &mut document.root.value {
        entries.retain(|(key, _, _)| key != "preprocess" && !also.contains(&key.as_str()));
    }
    document
}

/// The file with `tables` instead of its preset; whatever is wrong with them is shown at `place`.
fn written_out(document: &Document, tables: &str, place: &Place) -> Option<Document> {
    let Node { value: Value::Table(filled), .. } = Document::parse("preprocess", tables).ok()?.root else { return None };
    let mut document = without(document, &FILLED);
    let Value::Table(entries) = &mut document.root.value else { return None };
    entries.extend(filled.into_iter().map(|(key, _, node)| (key, place.clone(), placed(node, place))));
    Some(document)
}

fn placed(node: Node, place: &Place) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| placed(item, place)).collect()),
        Value::Table(entries) => {
            Value::Table(entries.into_iter().map(|(key, _, node)| (key, place.clone(), placed(node, place))).collect())
        }
        plain => plain,
    };
    Node { value, place: place.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> (Document, Option<Preprocess>, Vec<String>) {
        let problems = Problems::default();
        let Expanded { document, preset, .. } = expand(&Document::parse("test.toml", text).expect("TOML"), &problems);
        (document, preset, problems.take().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn a_preset_becomes_the_tables_that_it_stands_for() {
        let (document, preset, problems) = expanded("seed = 3\npreprocess = 'cifar'\n[batch]\nsize = 4\n");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(preset.expect("a preset").name, "cifar");
        let inline = document.root.value.inline();
        for part in ["seed = 3", "batch = { size = 4 }", "op = \"crop\"", "padding = 4", "evaluate = [", "normalize = {"] {
            assert!(inline.contains(part), "{part} in {inline}");
        }
        assert!(!inline.contains("preprocess"), "{inline}");
        let (again, none, _) = expanded(&toml_of(&document));
        assert!(none.is_none() && again.root.value.inline() == inline);
    }

    fn toml_of(document: &Document) -> String {
        let Value::Table(entries) = &document.root.value else { panic!("a table") };
        entries.iter().map(|(key, _, node)| format!("{key} = {}\n", node.value.inline())).collect()
    }

    #[test]
    fn a_file_without_a_preset_stays_as_it_is() {
        let (document, preset, problems) = expanded("seed = 3\n[[augment]]\nop = 'hue'\n");
        assert_eq!(document.root.value.inline(), "{ seed = 3, augment = [{ op = \"hue\" }] }");
        assert!(preset.is_none() && problems.is_empty());
    }

    #[test]
    fn what_a_preset_sets_cannot_be_given_too() {
        let (_, _, problems) =
            expanded("augment = ['hue']\nevaluate = ['hue']\nnormalize = {}\npreprocess = { preset = 'vgg', sise = 2 }");
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems.iter().filter(|problem| problem.contains("cannot stand beside")).count() == 3, "{problems:?}");
        assert!(problems.iter().any(|problem| problem.contains("unknown key `sise`")), "{problems:?}");
        assert_eq!(expanded("preprocess = 'vg'").2.len(), 1);
        assert_eq!(expanded("preprocess = 7").2.len(), 1);
    }
}
