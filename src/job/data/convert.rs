//! `pipeline data convert`: a data set in another format. It is a pipeline that does nothing to its pictures and stores them once.

use crate::config::Document;
use crate::error::{Error, Result};
use crate::job::evaluate::data::table;
use crate::job::run::signals::Signals;
use crate::job::run::{PageAt, Request, Voice, refuse_inside_data, refuse_too_large, write};
use crate::plan::{End, Plan, WriteEnd};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct ConvertRequest {
    /// A folder of class folders, a list, or the files of a data set.
    pub from: PathBuf,
    /// Folder for the new set.
    pub to: PathBuf,
    /// `image_folder` or `shards`.
    pub format: &'static str,
    /// `png`, `jpeg` or `raw`.
    pub encoding: &'static str,
    /// Of JPEG, 1 to 100.
    pub quality: Option<u8>,
    /// Bytes of a shard, like `256MiB`.
    pub shard_size: Option<String>,
    /// Keys of the source.
    pub sets: Vec<String>,
    /// Threads; none is one a core.
    pub workers: Option<u16>,
    /// Completes a set that was interrupted.
    pub resume: bool,
    /// Whether nothing but warnings is said.
    pub quiet: bool,
    /// Whether JSON lines are printed.
    pub json: bool,
}

/// Reads every picture as a run would, and stores it: upright, with the source's channels, by the name that it has. Files appear
/// whole or not at all, and what was interrupted can be resumed.
///
/// # Errors
/// As [`write::run`]: a source that cannot be opened, a folder that holds something else, a full disk, too many bad pictures.
pub fn convert(request: &ConvertRequest) -> Result<()> {
    let signals = Signals::install()?;
    let plan = plan(request)?;
    refuse_too_large(&plan)?;
    refuse_inside_data(&plan, &request.to)?;
    let End::Write(end) = &plan.end else { return Err(Error::refused("nothing is written", "please report this")) };
    let end = WriteEnd { variants: 0, ..end.clone() };
    let voice = match (request.quiet, request.json) {
        (true, _) => Voice::Quiet,
        (_, true) => Voice::Json,
        _ => Voice::Person,
    };
    let run = Request {
        name: plan.name.clone(),
        sets: Vec::new(),
        out: Some(request.to.clone()),
        resume: request.resume,
        share: None,
        self_check: false,
        voice,
        events: None,
        metrics_file: None,
        page: PageAt::Nowhere,
        asked: Instant::now(),
    };
    write::run(&plan, &end, &run, &signals).map_err(|error| match error {
        Error::Interrupted { signal, .. } => {
            Error::Interrupted { signal, resume: "go on with the same command and --resume".to_owned() }
        }
        other => other,
    })
}

/// The pipeline: the source, and where pictures go.
fn plan(request: &ConvertRequest) -> Result<Plan> {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let to = request
        .to
        .to_str()
        .ok_or_else(|| Error::refused(format!("{} is no UTF-8 text", request.to.display()), "give the folder another name"))?;
    let quality = request.quality.map_or(String::new(), |quality| format!("quality = {quality}\n"));
    let size = request.shard_size.as_ref().map_or(String::new(), |size| format!("shard_size = {}\n", text(size)));
    let keys = format!("format = \"{}\"\nencoding = \"{}\"\npath = {}\n", request.format, request.encoding, text(to));
    let source = table(&request.from)?;
    let whole = format!("name = \"convert\"\n[source]\n{source}[write]\n{keys}{quality}{size}");
    let mut document = Document::parse("convert", &whole).map_err(Error::Refused)?;
    let threads = request.workers.iter().flat_map(|n| ["load", "augment"].map(|stage| format!("workers.{stage}={n}")));
    for set in request.sets.iter().map(|set| format!("source.{set}")).chain(threads) {
        document.set(&set).map_err(|problem| Error::Refused(vec![problem]))?;
    }
    // Paths are relative to where the command was given.
    Plan::read(document, Path::new("convert").to_path_buf())
}
