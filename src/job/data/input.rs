//! Which pictures a data command looks at: those of a folder, of the files of a data set, or of a pipeline. Looks at none of them.

use crate::batch::Part;
use crate::config::{Document, Fields, Problems};
use crate::error::{Error, Result};
use crate::job::evaluate::data::{has_test_files, table};
use crate::pixels::decode::DecodeOptions;
use crate::plan::{Plan, read_max_bad};
use crate::source::{self, Source};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Pictures, and in which parts they stand.
pub struct Input {
    /// What was named.
    pub what: String,
    /// The kind of source.
    pub format: String,
    /// Where pictures come from.
    pub sources: Vec<Box<dyn Source>>,
    /// Who belongs where.
    pub pieces: Vec<Piece>,
    /// Names of all classes; none where pictures have no labels.
    pub classes: Vec<String>,
    /// For each source, the places of its classes among all classes.
    numbers: Vec<Vec<Option<usize>>>,
}

/// Samples that serve for the same.
pub struct Piece {
    /// `train`, `validation`, `test`, or `all`.
    pub name: String,
    /// The place of its source among all sources.
    pub source: usize,
    /// Places in the source.
    pub entries: Vec<u32>,
}

/// One picture.
#[derive(Clone, Copy)]
pub struct Place {
    /// The place of its piece among all pieces.
    pub piece: u32,
    /// Its place in the source.
    pub entry: u32,
}

/// Names of folders that are parts of a data set, and of the parts.
const PARTS: [(&str, &str); 7] = [
    ("train", "train"),
    ("training", "train"),
    ("val", "validation"),
    ("valid", "validation"),
    ("validation", "validation"),
    ("test", "test"),
    ("testing", "test"),
];

impl Input {
    /// Opens `given`, a path or a pipeline; `sets` are keys of its source, or overrides of the pipeline.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such thing, or where it cannot be opened.
    pub fn open(given: &str, sets: &[String]) -> Result<Self> {
        match pipeline_of(given) {
            Some(name) => Self::of_plan(given, Plan::load(&name, &uncached(sets))?),
            None => Self::of_path(Path::new(given), sets),
        }
    }

    /// All pictures, piece after piece.
    pub fn places(&self) -> Vec<Place> {
        let of = |(piece, entries): (u32, &Piece)| {
            entries.entries.iter().map(move |&entry| Place { piece, entry }).collect::<Vec<Place>>()
        };
        (0..).zip(&self.pieces).flat_map(of).collect()
    }

    /// The source of a picture.
    pub fn source(&self, place: Place) -> &dyn Source {
        &*self.sources[self.pieces[place.piece as usize].source]
    }

    /// The place of a picture's class among all classes; none where pictures have no labels.
    pub fn class(&self, place: Place) -> Option<usize> {
        let label = self.source(place).label(place.entry as usize);
        self.numbers[self.pieces[place.piece as usize].source].get(label as usize).copied().flatten()
    }

    fn of_plan(given: &str, plan: Plan) -> Result<Self> {
        let section = plan.section("source").parse::<toml::Table>().unwrap_or_default();
        let format = section.get("source").and_then(|source| source.get("format")?.as_str()).unwrap_or_default().to_owned();
        let apart = plan.data.test.is_some();
        let piece = |part: Part| {
            let source = usize::from(apart && part == Part::Test);
            Piece { name: part.name().to_owned(), source, entries: plan.data.parts.of(part).to_vec() }
        };
        let pieces = [Part::Train, Part::Validation, Part::Test].map(piece).into_iter();
        let pieces = pieces.filter(|piece| !piece.entries.is_empty()).collect();
        let sources: Vec<_> = [Some(plan.data.source), plan.data.test].into_iter().flatten().collect();
        Ok(Self::new(given.to_owned(), format, sources, pieces))
    }

    fn of_path(path: &Path, sets: &[String]) -> Result<Self> {
        let keys = table(path)?;
        let format = keys.lines().next().and_then(|line| line.split('"').nth(1)).unwrap_or_default().to_owned();
        let folders = if format == "image_folder" { folders(path) } else { Vec::new() };
        let parts: Vec<_> = folders.iter().filter_map(|folder| part_of(folder).map(|part| (part, folder))).collect();
        let mut named: Vec<(String, Box<dyn Source>)> = Vec::new();
        if format == "image_folder" && !parts.is_empty() && parts.len() == folders.len() {
            for (part, folder) in parts {
                named.push((part.to_owned(), open_table(&table(folder)?, sets, true)?));
            }
        } else if format == "image_folder" && folders.len() < 2 {
            named.push(("all".to_owned(), unlabelled(path, sets)?));
        } else if ["idx", "cifar"].contains(&format.as_str()) && path.is_dir() && !sets.iter().any(|set| set.starts_with("part")) {
            for part in parts_of_files(path) {
                let hundred = if path.join("test.bin").is_file() || path.join("train.bin").is_file() { "kind = 100\n" } else { "" };
                named.push((part.to_owned(), open_table(&format!("{keys}{hundred}part = \"{part}\"\n"), sets, true)?));
            }
        } else {
            named.push(("all".to_owned(), open_table(&keys, sets, format != "prepared")?));
        }
        Ok(Self::of_sources(path, format, named))
    }

    /// Classes are all those of the sources, in the order in which they are first named.
    fn new(what: String, format: String, sources: Vec<Box<dyn Source>>, pieces: Vec<Piece>) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut classes: Vec<String> = Vec::new();
        for name in sources.iter().flat_map(|source| source.classes()).filter(|name| !name.is_empty()) {
            if !places.contains_key(name) {
                places.insert(name.clone(), classes.len());
                classes.push(name.clone());
            }
        }
        let numbers =
            |source: &dyn Source| -> Vec<Option<usize>> { source.classes().iter().map(|name| places.get(name).copied()).collect() };
        let numbers = sources.iter().map(|source| numbers(source.as_ref())).collect();
        Self { what, format, sources, pieces, classes, numbers }
    }

    fn of_sources(path: &Path, format: String, named: Vec<(String, Box<dyn Source>)>) -> Self {
        let piece = |(source, (name, opened)): (usize, &(String, Box<dyn Source>))| Piece {
            name: name.clone(),
            source,
            entries: (0..opened.len() as u32).collect(),
        };
        let pieces = named.iter().enumerate().map(piece).collect();
        let sources = named.into_iter().map(|(_, source)| source).collect();
        Self::new(path.display().to_string(), format, sources, pieces)
    }
}

/// The pipeline that `given` means: a file, the folder of a run, or a name that is no path.
pub fn pipeline_of(given: &str) -> Option<String> {
    let path = Path::new(given);
    let inside = path.join("pipeline.toml");
    match path.extension().is_some_and(|extension| extension == "toml") || !path.exists() {
        true => Some(given.to_owned()),
        false => inside.is_file().then(|| inside.display().to_string()),
    }
}

/// Overrides, and that nothing decoded is kept: every picture is read once.
pub fn uncached(sets: &[String]) -> Vec<String> {
    sets.iter().cloned().chain(["source.cache=none".to_owned()]).collect()
}

/// Opens the source that a table of keys describes.
///
/// # Errors
/// [`Error::Refused`] with every problem.
pub fn open_table(keys: &str, sets: &[String], any_classes: bool) -> Result<Box<dyn Source>> {
    let allow = if any_classes { "allow_empty_classes = true\n" } else { "" };
    let problems = Problems::default();
    let document = read_table(&format!("{keys}{allow}"), sets, &problems)?;
    let fields = Fields::new(&document, &problems);
    read_max_bad(&fields);
    let spec = source::read(&fields, Path::new(""));
    let found = problems.take();
    match spec.filter(|_| found.is_empty()) {
        Some(spec) => spec.open(),
        None => Err(Error::Refused(found)),
    }
}

fn read_table(keys: &str, sets: &[String], problems: &Problems) -> Result<Document> {
    let mut document = Document::parse("PATH", keys).map_err(Error::Refused)?;
    sets.iter().filter_map(|set| document.set(set).err()).for_each(|problem| problems.push(problem));
    Ok(document)
}

/// All pictures below a folder in which there are no classes.
fn unlabelled(path: &Path, sets: &[String]) -> Result<Box<dyn Source>> {
    let problems = Problems::default();
    let document = read_table("", sets, &problems)?;
    let fields = Fields::new(&document, &problems);
    let channels = if fields.key("channels", "channels of every picture").integer(1, 3).or(3) == 1 { 1 } else { 3 };
    let options = DecodeOptions { channels, ..source::decoding(&fields) };
    fields.finish();
    match problems.take() {
        found if found.is_empty() => source::pictures(&[path.to_path_buf()], options),
        found => Err(Error::Refused(found)),
    }
}

/// The folders in `path` that are not hidden, links to folders among them, in order.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let visible = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let mut found: Vec<PathBuf> = visible.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// Which part of a data set a folder of class folders is by its name.
fn part_of(folder: &Path) -> Option<&'static str> {
    let name = folder.file_name()?.to_str()?;
    let part = PARTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1;
    (folders(folder).len() > 1).then_some(part)
}

/// Which parts of an IDX or CIFAR data set a folder holds.
fn parts_of_files(folder: &Path) -> Vec<&'static str> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let train = names.any(|name| ["train", "data_batch"].iter().any(|start| name.starts_with(start)));
    match (train, has_test_files(folder)) {
        (true, true) => vec!["train", "test"],
        (false, true) => vec!["test"],
        _ => vec!["train"],
    }
}
