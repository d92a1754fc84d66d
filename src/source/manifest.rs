//! A CSV file that names picture files and their labels.

use super::files::{FileSource, Root};
use super::known::KnownFiles;
use super::listing::{Listing, Stamp};
use super::{Build, Census, Source, SourceSpec, classes, escape, settings};
use crate::config::{Fields, Node, Value};
use crate::error::{Error, Result};
use crate::pixels::decode::DecodeOptions;
use crate::registry::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `manifest`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "manifest",
    about: "A CSV file with the columns path and label",
    example: "format = \"manifest\"\npath = \"data/labels.csv\"\nroot = \"data/pictures\"",
    build,
};

/// Labels above this are taken for mistakes: no data set has so many classes.
const MOST_CLASSES: usize = 65_536;

struct Manifest {
    path: PathBuf,
    root: PathBuf,
    names: Option<Vec<String>>,
    options: DecodeOptions,
    allow_empty: bool,
}

fn build(fields: &Fields, base: &Path) -> Box<dyn SourceSpec> {
    let path = settings::path(fields, base, "path", "the CSV file; its first line names its columns, among them path and label");
    let root = fields.key("root", "the folder that paths are relative to");
    let beside = path.parent().unwrap_or(base).to_path_buf();
    let root = root.text().optional().map_or(beside, |root| base.join(root));
    let texts = |node: &Node| match &node.value {
        Value::List(items) => {
            items.iter().map(text_of).collect::<Option<Vec<String>>>().filter(|names| names.len() > 1 && all_differ(names))
        }
        _ => None,
    };
    let names = fields.key("classes", "class names in order; labels are among them, or numbers below their count");
    let names = names.read("list of two different texts or more".to_owned(), Vec::new(), texts).optional();
    let options = settings::decode_options(fields);
    Box::new(Manifest { path, root, names, options, allow_empty: settings::allow_empty(fields) })
}

fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn all_differ(names: &[String]) -> bool {
    names.iter().collect::<HashSet<_>>().len() == names.len()
}

/// One line that passed the first look.
struct Line {
    number: u64,
    path: Vec<u8>,
    label: String,
}

/// Lines of the file that cannot be used, and why.
#[derive(Default)]
struct Bad(Vec<(u64, String)>);

impl Bad {
    fn push(&mut self, line: u64, why: impl Into<String>) {
        self.0.push((line, why.into()));
    }

    /// The refusal that lists the first ten lines and their number in all.
    fn refusal(mut self, path: &Path) -> Option<Error> {
        self.0.sort();
        let lines: Vec<String> = self.0.iter().take(10).map(|(line, why)| format!("  line {line}: {why}")).collect();
        let plural = if self.0.len() == 1 { "line" } else { "lines" };
        let message = format!("{}: {} bad {plural}\n{}", show(path), self.0.len(), lines.join("\n"));
        (!self.0.is_empty()).then(|| Error::refused(message, "correct them, or take them out"))
    }
}

impl SourceSpec for Manifest {
    /// Reads all lines and looks at every file; every bad line is refused at once. Labels are class names; where every label
    /// is a whole number, they are class numbers. Files are put in the order of their paths' bytes.
    fn open(&self) -> Result<Box<dyn Source>> {
        let bytes = std::fs::read(&self.path).map_err(|error| {
            Error::refused(format!("cannot read {}: {error}", show(&self.path)), "paths are relative to the pipeline file")
        })?;
        let mut bad = Bad::default();
        let lines = self.parse(&bytes, &mut bad)?;
        let (classes, labels) = self.labels(&lines, &mut bad);
        let mut listing = Listing::default();
        for (line, label) in lines.iter().zip(labels) {
            match self.look(&line.path) {
                Ok(stamp) => listing.push(&line.path, label.unwrap_or(0), stamp),
                Err(why) => bad.push(line.number, why),
            }
        }
        if let Some(refusal) = bad.refusal(&self.path) {
            return Err(refusal);
        }
        listing.sort();
        let per_class = listing.counts(classes.len());
        let warnings = classes::check(&show(&self.path), &classes, &per_class, self.allow_empty)?;
        let census = Census { found: listing.len() as u64, filtered: Vec::new(), warnings, per_class };
        let known = KnownFiles::of(listing.len());
        Ok(Box::new(FileSource { root: Root::new(self.root.clone()), classes, listing, options: self.options, census, known }))
    }
}

impl Manifest {
    /// The lines below the header that have all columns, a path that has not come before, and a label that is text.
    fn parse(&self, bytes: &[u8], bad: &mut Bad) -> Result<Vec<Line>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut records = reader.byte_records();
        let header = records.next().and_then(|record| record.ok()).unwrap_or_default();
        let column = |name: &str| header.iter().position(|cell| cell.trim_ascii() == name.as_bytes());
        let (Some(path), Some(label)) = (column("path"), column("label")) else {
            let message = format!("{} does not begin with a line that names the columns path and label", show(&self.path));
            return Err(Error::refused(message, "write `path,label` as its first line"));
        };
        let (mut lines, mut seen) = (Vec::new(), HashMap::new());
        for record in records {
            let Ok(record) = record else { continue };
            let number = record.position().map_or(0, csv::Position::line);
            if record.len() != header.len() {
                bad.push(number, format!("{} columns where the first line has {}", record.len(), header.len()));
                continue;
            }
            let name = record[path].to_vec();
            if name.is_empty() {
                bad.push(number, "no path");
            } else if let Some(first) = seen.insert(name.clone(), number) {
                bad.push(number, format!("{} is in line {first} already", escape(&name)));
            } else {
                match std::str::from_utf8(record[label].trim_ascii()) {
                    Ok("") => bad.push(number, "no label"),
                    Ok(label) => lines.push(Line { number, path: name, label: label.to_owned() }),
                    Err(_) => bad.push(number, format!("the label {} is not UTF-8", escape(&record[label]))),
                }
            }
        }
        Ok(lines)
    }

    /// Class names, and each line's label where it has a good one.
    fn labels(&self, lines: &[Line], bad: &mut Bad) -> (Vec<String>, Vec<Option<u32>>) {
        // One label that looks like a class number makes all of them numbers, unless names were given that it is among.
        let is_name = |label: &str| self.names.as_ref().is_some_and(|names| names.iter().any(|name| name == label));
        let by_number = lines.iter().any(|line| line.label.parse::<u32>().is_ok() && !is_name(&line.label));
        let mut labels = Vec::with_capacity(lines.len());
        if by_number {
            let count = self.names.as_ref().map_or(MOST_CLASSES, Vec::len);
            labels.extend(lines.iter().map(|line| number_of(line, count, bad)));
            let used = labels.iter().flatten().max().map_or(0, |most| *most as usize + 1);
            let names = self.names.clone().unwrap_or_else(|| (0..used).map(|label| label.to_string()).collect());
            return (names, labels);
        }
        let own: BTreeSet<&str> = lines.iter().map(|line| line.label.as_str()).filter(|label| !is_number(label)).collect();
        let names = self.names.clone().unwrap_or_else(|| own.into_iter().map(str::to_owned).collect());
        let places: HashMap<&str, u32> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place as u32)).collect();
        for line in lines {
            let label = places.get(line.label.as_str()).copied();
            if label.is_none() {
                let known = if self.names.is_some() { "none of the classes given" } else { "a number among names" };
                bad.push(line.number, format!("the label \"{}\" is {known}", line.label.escape_debug()));
            }
            labels.push(label);
        }
        (names, labels)
    }

    /// What is known of the file, or why it cannot be used.
    fn look(&self, path: &[u8]) -> std::result::Result<Stamp, String> {
        let metadata = std::fs::metadata(self.root.join(std::ffi::OsStr::from_bytes(path)));
        match metadata {
            Ok(metadata) if metadata.is_file() => Ok(Stamp::of(&metadata)),
            Ok(_) => Err(format!("{} is no file", escape(path))),
            Err(error) => Err(format!("{}: {error}", escape(path))),
        }
    }
}

/// The class number that stands in `line`, below `count`.
fn number_of(line: &Line, count: usize, bad: &mut Bad) -> Option<u32> {
    let label = line.label.parse::<u32>().ok().filter(|&label| (label as usize) < count);
    if label.is_none() {
        bad.push(line.number, format!("the label \"{}\" is no whole number from 0 to {}", line.label.escape_debug(), count - 1));
    }
    label
}

/// Whether `label` is some kind of number, NaN and infinities among them.
fn is_number(label: &str) -> bool {
    label.parse::<f64>().is_ok()
}

fn show(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}
