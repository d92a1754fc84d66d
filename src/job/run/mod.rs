//! `pipeline run`: plan, claim a folder, let the stages work, report.

mod artifacts;
mod budget;
mod checkpoints;
mod diagnose;
mod discard;
pub(super) mod hardest;
pub(super) mod moments;
mod outputs;
mod page;
mod resume;
pub mod screen;
pub(super) mod self_check;
mod session;
pub(super) mod signals;
pub(super) mod survey;
mod train;
mod voice;
pub(super) mod write;

pub use voice::Voice;
pub use write::Share;

use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::plan::{Cache, End, Plan, memory_bound};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// Folder for the results, instead of a numbered one.
    pub out: Option<PathBuf>,
    /// Go on with an interrupted run.
    pub resume: bool,
    /// Which shards of a set are written; none is all.
    pub share: Option<Share>,
    /// Whether a run that begins tries model and data first.
    pub self_check: bool,
    /// Who is listening.
    pub voice: Voice,
    /// A file for lines of all events.
    pub events: Option<PathBuf>,
    /// A file of metrics, in place of the pipeline's.
    pub metrics_file: Option<PathBuf>,
    /// Where the page of a run goes that trains nothing.
    pub page: PageAt,
    /// When it was asked for.
    pub asked: Instant,
}

/// Where the page of a run goes that trains nothing; one that trains has it in its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PageAt {
    /// For a set, with its report in a new folder below the pipeline's runs; nowhere for a run that only measures.
    #[default]
    Usual,
    /// To this file, and nothing else.
    File(PathBuf),
    /// There is none.
    Nowhere,
}

impl Request {
    /// How to go on after an interruption: the same command, without what results do not depend on.
    fn resume_words(&self) -> String {
        let sets = self.sets.iter().filter(|set| !set.starts_with("workers.") && !set.starts_with("workers="));
        let sets: String = sets.map(|set| format!(" --set {}", quoted(set))).collect();
        let place = self.out.as_ref().map_or(String::new(), |out| format!(" --out {}", quoted(&out.display().to_string())));
        let share = self.share.map_or(String::new(), |share| format!(" --shard {}/{}", share.index + 1, share.of));
        let file = |word: &str, path: &Option<PathBuf>| {
            path.as_ref().map_or(String::new(), |path| format!(" {word} {}", quoted(&path.display().to_string())))
        };
        let page = if let PageAt::File(path) = &self.page { Some(path.clone()) } else { None };
        let files = file("--events", &self.events) + &file("--metrics-file", &self.metrics_file) + &file("--report", &page);
        format!("go on with: pipeline run {}{sets}{place}{share}{files} --resume", quoted(&self.name))
    }
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-/=+:,%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Runs a pipeline.
///
/// # Errors
/// Whatever kept it from starting or stopped it; see [`Error::exit_code`].
pub fn run(request: &Request) -> Result<()> {
    let signals = match request.voice {
        Voice::Screen => {
            screen::refuse_without_terminal()?;
            signals::Signals::install_leaving(screen::leave)?
        }
        _ => signals::Signals::install()?,
    };
    let mut plan = Plan::load(&request.name, &request.sets)?;
    let out = match (&request.out, &plan.end) {
        (Some(out), _) => out,
        (None, End::Write(end)) => &end.path,
        (None, _) => &plan.runs,
    };
    refuse_inside_data(&plan, out)?;
    if request.share.is_some() && !matches!(plan.end, End::Write(_)) {
        return Err(Error::refused("--shard is for pipelines that end in [write]", "leave it out"));
    }
    super::tune::settle(&mut plan, &signals)?;
    refuse_too_large(&plan)?;
    if matches!((&plan.end, &request.page), (End::Train(_), PageAt::File(_))) {
        let help = "leave it out; `pipeline report RUN --out FILE` writes its page to another place";
        return Err(Error::refused("--report is for runs that train nothing: one that trains has report.html in its folder", help));
    }
    page::refuse_unwritable(request)?;
    budget::settle(&mut plan, request, &signals)?;
    match &plan.end {
        End::Train(end) => train::run(&plan, end, request, &signals),
        End::Write(end) => write::run(&plan, end, request, &signals),
        End::Discard => discard::run(&plan, request, &signals),
    }
}

/// Refuses results that would become a class of the data that they come from.
pub(super) fn refuse_inside_data(plan: &Plan, out: &Path) -> Result<()> {
    for folder in plan.class_folders() {
        if let (Some(inside), Ok(folder)) = (real_path(out), folder.canonicalize())
            && inside.starts_with(&folder)
        {
            let message = format!("{} is inside the data, {}: it would become a class of it", out.display(), folder.display());
            return Err(Error::refused(message, "choose a folder elsewhere with --out, write.path or report.path"));
        }
    }
    Ok(())
}

/// Where a path that need not exist yet really is.
fn real_path(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let there = path.ancestors().find(|part| part.exists())?;
    let rest = path.strip_prefix(there).ok()?;
    Some(there.canonicalize().ok()?.join(rest))
}

pub(super) fn refuse_too_large(plan: &Plan) -> Result<()> {
    let bound = memory_bound(plan).total();
    match bound <= plan.workers.memory {
        true => Ok(()),
        false => Err(Error::refused(
            format!("the run may need {} MiB of memory; there are {} MiB", bound >> 20, plan.workers.memory >> 20),
            match plan.data.cache {
                Some((Cache::Memory, room)) => format!(
                    "{} MiB of that are for decoded pictures: cache = \"disk\" in [source], or none, or raise workers.memory",
                    room >> 20
                ),
                _ => "lower batch.size, source.max_pixels or the numbers of workers, or raise workers.memory".to_owned(),
            },
        )),
    }
}

/// Tells what the user should know about the data.
fn warn(plan: &Plan, listener: &dyn Listener) {
    let duplicates = plan.data.duplicate_warnings(false);
    plan.data.warnings.iter().chain(&duplicates).for_each(|words| listener.hear(&Event::Warning(words.clone())));
}
