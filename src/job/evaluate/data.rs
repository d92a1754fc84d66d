//! What is evaluated on: a folder of class folders, the files of a data set, a list, or a part of a pipeline's samples.

use super::Request;
use crate::batch::Part;
use crate::config::{Document, Fields, Problems};
use crate::error::{Error, Problem, Result, nearest};
use crate::plan::{Plan, StoredModel, pipeline_names, read_max_bad};
use crate::source::{self, Source};
use std::path::{Path, PathBuf};

/// Labelled samples.
pub struct Labelled {
    /// Where they come from.
    pub source: Box<dyn Source>,
    /// Which of them.
    pub entries: Vec<u32>,
    /// Share of them that may be bad.
    pub max_bad: f64,
    /// What they are, in words.
    pub what: String,
    /// What the user should know about them.
    pub warnings: Vec<String>,
}

/// Opens what the user named, or what the model was tested on.
///
/// # Errors
/// [`Error::Refused`] where there is no such thing, or where it does not suit the model.
pub fn open(request: &Request, model: &StoredModel) -> Result<Labelled> {
    let labelled = match &request.source {
        None => of_pipeline(&own_pipeline(model)?, request)?,
        Some(given) => {
            let path = Path::new(given);
            match path.is_dir().then(|| path.join(PIPELINE)).filter(|inside| inside.is_file()) {
                Some(pipeline) => of_pipeline(&pipeline.display().to_string(), request)?,
                None if path.extension().is_some_and(|extension| extension == "toml") => of_pipeline(given, request)?,
                None if path.exists() => of_path(path, &request.sets, model)?,
                None => of_pipeline(&named_pipeline(given)?, request)?,
            }
        }
    };
    let (own, taken) = (labelled.source.channels(), model.card.input[0]);
    match own == taken {
        true => Ok(labelled),
        false => Err(Error::refused(
            format!("these pictures have {own} channels, the model takes {taken}"),
            format!("--set {}channels={taken}", if labelled.what.starts_with(WHOLE) { "" } else { "source." }),
        )),
    }
}

/// A run's copy of its pipeline.
const PIPELINE: &str = "pipeline.toml";
/// What the words for a source that is no part of a pipeline begin with.
const WHOLE: &str = "all samples of ";

/// The pipeline of the run whose folder the model lies in.
fn own_pipeline(model: &StoredModel) -> Result<String> {
    let beside = model.path.with_file_name(PIPELINE);
    match beside.is_file() {
        true => Ok(beside.display().to_string()),
        false => Err(Error::refused(
            "SOURCE is missing, and the model does not lie in the folder of its run",
            "give a folder of class folders, the files of a data set, or a pipeline",
        )),
    }
}

fn named_pipeline(given: &str) -> Result<String> {
    let names = pipeline_names(Path::new("pipelines"));
    if names.iter().any(|name| name == given) {
        return Ok(given.to_owned());
    }
    let near = nearest(given, names.iter().map(String::as_str));
    let help = near.map_or("give a folder of class folders, the files of a data set, or a pipeline".to_owned(), |near| {
        format!("did you mean the pipeline `{near}`?")
    });
    Err(Error::refused(format!("there is no {given}"), help))
}

fn of_pipeline(name: &str, request: &Request) -> Result<Labelled> {
    let plan = Plan::load(name, &request.sets)?;
    let part = request.part;
    let entries = plan.data.parts.of(part).to_vec();
    if entries.is_empty() {
        let help = match part {
            Part::Test => "give it a [test] or split.test, or evaluate on --part validation",
            _ => "give split.validation a share, or evaluate on --part test",
        };
        return Err(Error::refused(format!("{} has no {} samples", plan.name, part.name()), help));
    }
    let what = format!("the {} part of {}", part.name(), plan.name);
    let (max_bad, data) = (plan.data.max_bad, plan.data);
    let source = match (part, data.test) {
        (Part::Test, Some(test)) => test,
        _ => data.source,
    };
    Ok(Labelled { source, entries, max_bad, what, warnings: Vec::new() })
}

fn of_path(path: &Path, sets: &[String], model: &StoredModel) -> Result<Labelled> {
    let problems = Problems::default();
    let mut document = Document::parse("SOURCE", &table(path)?).map_err(Error::Refused)?;
    sets.iter().filter_map(|set| document.set(set).err()).for_each(|problem| problems.push(problem));
    complete(&mut document, path, model);
    let fields = Fields::new(&document, &problems);
    let max_bad = read_max_bad(&fields);
    let spec = source::read(&fields, Path::new(""));
    let found = problems.take();
    let Some(spec) = spec.filter(|_| found.is_empty()) else { return Err(Error::Refused(found)) };
    let source = spec.open()?;
    let (entries, warnings) = ((0..source.len() as u32).collect(), source.census().warnings.clone());
    Ok(Labelled { source, entries, max_bad, what: format!("{WHOLE}{}", path.display()), warnings })
}

/// The keys of `[source]` that a path stands for.
///
/// # Errors
/// [`Error::Refused`] for a file that is no source, or a name that is no text.
pub fn table(path: &Path) -> Result<String> {
    let quoted = |path: &Path| path.to_str().map(|text| toml::Value::String(text.to_owned()).to_string());
    let (format, keys) = match path.is_dir() {
        true => (format_of_folder(path), vec![("path", path.to_path_buf())]),
        false => format_of_file(path)?,
    };
    let keys = keys.iter().map(|(key, path)| quoted(path).map(|path| format!("{key} = {path}\n"))).collect::<Option<String>>();
    let unwritable = || Error::refused(format!("{} is no UTF-8 text", path.display()), "give the folder another name");
    Ok(format!("format = \"{format}\"\n{}", keys.ok_or_else(unwritable)?))
}

const TEST_IMAGES: &str = "t10k-images";
const IMAGES: &str = "images-idx3";

fn format_of_folder(folder: &Path) -> &'static str {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    let any = |test: &dyn Fn(&str) -> bool| names.iter().any(|name| test(name));
    if any(&|name| name == "prepared.json") {
        "prepared"
    } else if any(&|name| name.contains("-images-idx3") || name.contains("-images.idx3")) {
        "idx"
    } else if any(&|name| ["test_batch.bin", "data_batch_1.bin", "test.bin", "train.bin"].contains(&name)) {
        "cifar"
    } else if any(&|name| name.ends_with(".tar") && !name.starts_with('.')) {
        "shards"
    } else {
        "image_folder"
    }
}

type Keys = Vec<(&'static str, PathBuf)>;

fn format_of_file(file: &Path) -> Result<(&'static str, Keys)> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if name.contains(IMAGES) {
        let labels = file.with_file_name(name.replace(IMAGES, "labels-idx1"));
        return Ok(("idx", vec![("images", file.to_path_buf()), ("labels", labels)]));
    }
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(("manifest", vec![("path", file.to_path_buf())])),
        Some("tar") => Ok(("shards", vec![("path", file.to_path_buf())])),
        Some("bin") => Ok(("cifar", vec![("path", file.to_path_buf())])),
        _ => Err(Error::Refused(vec![Problem::new(
            format!("{} is no source of labelled pictures", file.display()),
            "give a folder of class folders, a .csv with the columns path and label, IDX or CIFAR files, or a pipeline; single \
             pictures are for `pipeline predict`",
        )])),
    }
}

/// Fills in what the model asks for and the user has left open.
fn complete(document: &mut Document, path: &Path, model: &StoredModel) {
    let problems = Problems::default();
    let has = |document: &Document, key: &str| Fields::new(document, &problems).has(key);
    let format = Fields::new(document, &problems).key("format", "").text().or(String::new());
    let mut more = Vec::new();
    if format != "prepared" {
        more.push(("channels".to_owned(), model.card.input[0].to_string()));
    }
    if ["image_folder", "manifest"].contains(&format.as_str()) {
        let decoding: toml::Table = model.card.decoding.parse().unwrap_or_default();
        more.extend(decoding.into_iter().map(|(key, value)| (key, value.to_string())));
    }
    if path.is_dir() && ["idx", "cifar"].contains(&format.as_str()) && has_test_files(path) {
        more.push(("part".to_owned(), "\"test\"".to_owned()));
    }
    if format == "cifar" && path.is_dir() && path.join("test.bin").is_file() {
        more.push(("kind".to_owned(), "100".to_owned()));
    }
    for (key, value) in more.into_iter().filter(|(key, _)| !has(document, key)).collect::<Vec<_>>() {
        // A key and a value of our own always have a place.
        let _ = document.set(&format!("{key}={value}"));
    }
}

/// Whether `folder` holds the test files of a data set.
pub fn has_test_files(folder: &Path) -> bool {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.into_string().ok()).any(|name| name.starts_with(TEST_IMAGES) || name.starts_with("test"))
}
