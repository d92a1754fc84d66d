//! `pipeline data split`: who is trained on, validated with and tested with, written down as lists that `manifest` sources read.

use super::divided::looks_divided;
use super::input::{open_table, pipeline_of, uncached};
use crate::batch::Part;
use crate::config::{Document, Fields, Problems};
use crate::error::{Error, Result};
use crate::job::claim::refuse_if_taken;
use crate::job::evaluate::data::table;
use crate::job::say;
use crate::plan::Plan;
use crate::report::{count, printable, write_atomic};
use crate::source::Source;
use crate::source::split::SplitSpec;
use crate::source::unescape;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct SplitRequest {
    /// A folder of class folders, a list, or a pipeline.
    pub given: String,
    /// Keys of the source, or overrides of the pipeline.
    pub sets: Vec<String>,
    /// Folder for the lists.
    pub out: PathBuf,
    /// Share for validation: a number, or `auto`; none is what the pipeline says, or 0.2.
    pub validation: Option<String>,
    /// Share for testing; none is what the pipeline says, or 0.1.
    pub test: Option<String>,
    /// The seed; none is what the pipeline says, or 0.
    pub seed: Option<u64>,
    /// Whether every class is split by the same shares; none is what the pipeline says, or true.
    pub stratify: Option<bool>,
    /// Whether one JSON document is printed.
    pub json: bool,
}

/// Samples of one source, dealt to the parts.
struct Dealt {
    source: Box<dyn Source>,
    /// The folder that names of files are relative to.
    root: PathBuf,
    /// Keys by which files are decoded.
    decoding: String,
    parts: Vec<(Part, Vec<u32>)>,
}

impl Dealt {
    fn warning(&self, given: &str) -> Option<String> {
        looks_divided(given, &self.source.classes().iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// Writes `train.csv`, `validation.csv` and `test.csv`, those that are not empty, and `source.toml`, the tables that read them.
///
/// # Errors
/// [`Error::Refused`] for data that are no files of their own, for shares that leave nothing, or a folder that holds something.
pub fn split(request: &SplitRequest) -> Result<()> {
    let dealt = match pipeline_of(&request.given) {
        Some(name) => of_plan(request, &name)?,
        None => vec![of_path(request)?],
    };
    refuse_if_taken(&request.out)?;
    std::fs::create_dir_all(&request.out).map_err(Error::io("cannot make the folder", &request.out))?;
    let out = request.out.canonicalize().map_err(Error::io("cannot find", &request.out))?;
    let mut written = Vec::new();
    for set in &dealt {
        for (part, entries) in set.parts.iter().filter(|(_, entries)| !entries.is_empty()) {
            let file = out.join(format!("{}.csv", part.name()));
            write_atomic(&file, &list(&*set.source, entries)?)?;
            written.push((*part, file, entries.len() as u64, set));
        }
    }
    let tables = tables(&written);
    write_atomic(out.join("source.toml"), tables.as_bytes())?;
    let warnings: Vec<String> = dealt.iter().filter_map(|set| set.warning(&request.given)).collect();
    say(&match request.json {
        true => {
            let part = |(part, file, samples, set): &(Part, PathBuf, u64, &Dealt)| serde_json::json!({ "part": part.name(), "file": file, "samples": samples, "root": set.root });
            let parts: Vec<serde_json::Value> = written.iter().map(part).collect();
            serde_json::to_string_pretty(&serde_json::json!({ "path": out, "parts": parts, "warnings": warnings }))
                .unwrap_or_default()
                + "\n"
        }
        false => {
            let line = |(_, file, samples, _): &(Part, PathBuf, u64, &Dealt)| {
                format!("{}: {} samples\n", printable(&file.display().to_string()), count(*samples))
            };
            let warnings = warnings.iter().map(|words| format!("warning: {}\n", printable(words))).collect::<String>();
            format!("{}{warnings}\n{tables}", written.iter().map(line).collect::<String>())
        }
    })
}

/// The lines of a list: the path of every file from the root, and its class.
fn list(source: &dyn Source, entries: &[u32]) -> Result<Vec<u8>> {
    let failed = |error: csv::Error| Error::io("cannot write", "the list")(std::io::Error::other(error));
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record(["path", "label"]).map_err(failed)?;
    for &entry in entries {
        let (name, label) = (source.identity(entry as usize), source.label(entry as usize));
        let class = source.classes().get(label as usize).map_or("", String::as_str);
        lines.write_record([unescape(&name.0).as_slice(), class.as_bytes()]).map_err(failed)?;
    }
    lines.into_inner().map_err(|error| Error::io("cannot write", "the list")(std::io::Error::other(error.to_string())))
}

/// `[source]` for the training list, and `[test]` for the test list, or else the one for validation.
fn tables(written: &[(Part, PathBuf, u64, &Dealt)]) -> String {
    let table = |name: &str, part: Part| {
        let (_, file, _, set) = written.iter().find(|(other, ..)| *other == part)?;
        let text = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned()).to_string();
        let classes: Vec<toml::Value> = set.source.classes().iter().map(|class| toml::Value::String(class.clone())).collect();
        let keys = format!("path = {}\nroot = {}\nclasses = {}\n", text(file), text(&set.root), toml::Value::Array(classes));
        let channels = set.source.channels();
        Some(format!("[{name}]\nformat = \"manifest\"\n{keys}channels = {channels}\n{}", set.decoding))
    };
    let scored = table("test", Part::Test).or_else(|| table("test", Part::Validation));
    [table("source", Part::Train), scored].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Splits as a run of the pipeline does.
fn of_plan(request: &SplitRequest, name: &str) -> Result<Vec<Dealt>> {
    let key = |key: &str, value: Option<String>| value.map(|value| format!("{key}={value}"));
    let own = [
        key("split.validation", request.validation.clone()),
        key("split.test", request.test.clone()),
        key("split.stratify", request.stratify.map(|flag| flag.to_string())),
        key("seed", request.seed.map(|seed| seed.to_string())),
    ];
    let sets: Vec<String> = uncached(&request.sets).into_iter().chain(own.into_iter().flatten()).collect();
    let plan = Plan::load(name, &sets)?;
    let base = plan.file.parent().unwrap_or(Path::new("")).to_path_buf();
    let section = |name: &str| {
        let text = plan.section(name).parse::<toml::Table>().unwrap_or_default();
        text.get(name).and_then(|table| table.as_table().cloned()).unwrap_or_default()
    };
    let (source, test, decoding) = (section("source"), section("test"), plan.decoding());
    let format =
        |table: &toml::Table| table.get("format").or(source.get("format")).and_then(|format| format.as_str().map(str::to_owned));
    let root = |table: &toml::Table| root(&base, format(table).as_deref(), table);
    let of = |part: Part| (part, plan.data.parts.of(part).to_vec());
    let apart = plan.data.test.is_some();
    let own = if apart { vec![Part::Train, Part::Validation] } else { vec![Part::Train, Part::Validation, Part::Test] };
    let own = own.into_iter().map(of).collect();
    let tested = vec![of(Part::Test)];
    let mut dealt = vec![Dealt { source: plan.data.source, root: root(&source)?, decoding: decoding.clone(), parts: own }];
    if let Some(opened) = plan.data.test {
        dealt.push(Dealt { source: opened, root: root(&test)?, decoding, parts: tested });
    }
    Ok(dealt)
}

/// Splits all pictures of a path, by the same rule.
fn of_path(request: &SplitRequest) -> Result<Dealt> {
    let keys = table(Path::new(&request.given))?;
    let source = open_table(&keys, &request.sets, false)?;
    let table: toml::Table = keys.parse().unwrap_or_default();
    let root = root(Path::new(""), table.get("format").and_then(toml::Value::as_str), &table)?;
    let share = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    let problems = Problems::default();
    let mut document = Document::parse("PATH", "").map_err(Error::Refused)?;
    let stratify = request.stratify.unwrap_or(true);
    for set in [
        format!("validation={}", share(&request.validation, "0.2")),
        format!("test={}", share(&request.test, "0.1")),
        format!("stratify={stratify}"),
    ] {
        document.set(&set).map_err(|problem| Error::Refused(vec![problem]))?;
    }
    let fields = Fields::new(&document, &problems);
    let spec = SplitSpec::read(&fields, false);
    fields.finish();
    let found = problems.take();
    if !found.is_empty() {
        return Err(Error::Refused(found));
    }
    let samples: Vec<_> = (0..source.len()).map(|index| (source.identity(index), source.label(index))).collect();
    let parts = spec.split(&samples, request.seed.unwrap_or(0)).parts;
    let of = |part: Part| (part, (0..).zip(&parts).filter(|(_, decided)| **decided == part).map(|(index, _)| index).collect());
    let parts = [Part::Train, Part::Validation, Part::Test].map(of).to_vec();
    let keys = crate::source::DECODING;
    let own = request.sets.iter().filter_map(|set| set.split_once('=')).filter(|(key, _)| keys.contains(&key.trim()));
    let decoding = own.map(|(key, value)| format!("{} = {}\n", key.trim(), value.trim())).collect();
    Ok(Dealt { source, root, decoding, parts })
}

/// The folder that the names of a source's files are relative to.
fn root(base: &Path, format: Option<&str>, table: &toml::Table) -> Result<PathBuf> {
    let path = |key: &str| table.get(key).and_then(toml::Value::as_str).map(|path| base.join(path));
    let folder = match format {
        Some("image_folder") => path("path"),
        Some("manifest") => path("root").or_else(|| Some(path("path")?.parent()?.to_path_buf())),
        _ => None,
    };
    let folder = folder.map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder });
    match folder {
        Some(folder) => folder.canonicalize().map_err(Error::io("cannot find", &folder)),
        None => Err(Error::refused(
            format!("a list names files, and pictures of a source \"{}\" are no files of their own", format.unwrap_or_default()),
            "`pipeline data convert FROM TO --format image_folder` makes files of them",
        )),
    }
}
