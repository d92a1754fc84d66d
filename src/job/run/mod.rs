//! `pipeline run`: plan, claim a folder, let the stages work, report.

mod artifacts;
mod discard;
mod moments;
mod resume;
mod signals;
mod train;
mod voice;
mod write;

pub use voice::Voice;

use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::plan::{End, Plan, memory_bound};
use std::path::PathBuf;

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
    /// Who is listening.
    pub voice: Voice,
}

/// Runs a pipeline.
///
/// # Errors
/// Whatever kept it from starting or stopped it; see [`Error::exit_code`].
pub fn run(request: &Request) -> Result<()> {
    let signals = signals::Signals::install()?;
    let plan = Plan::load(&request.name, &request.sets)?;
    refuse_too_large(&plan)?;
    match &plan.end {
        End::Train(end) => train::run(&plan, end, request, &signals),
        End::Write(end) => write::run(&plan, end, request, &signals),
        End::Discard => discard::run(&plan, request, &signals),
    }
}

fn refuse_too_large(plan: &Plan) -> Result<()> {
    let bound = memory_bound(plan).total();
    match bound <= plan.workers.memory {
        true => Ok(()),
        false => Err(Error::refused(
            format!("the run may need {} MiB of memory; there are {} MiB", bound >> 20, plan.workers.memory >> 20),
            "lower batch.size, source.max_pixels or the numbers of workers, or raise workers.memory",
        )),
    }
}

/// Tells what the user should know about the data.
fn warn(plan: &Plan, listener: &dyn Listener) {
    let duplicates = plan.data.duplicate_warnings(false);
    plan.data.warnings.iter().chain(&duplicates).for_each(|words| listener.hear(&Event::Warning(words.clone())));
}
