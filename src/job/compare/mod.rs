//! `pipeline compare`: finished and unfinished runs side by side.

mod folder;

pub use crate::report::compare::SortKey;
pub use folder::read;

use super::say;
use crate::error::{Error, Result};
use crate::report::compare::{Comparison, page, table};
use crate::report::write_atomic;
use std::path::PathBuf;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Folders of runs.
    pub runs: Vec<PathBuf>,
    /// Their order.
    pub sort: SortKey,
    /// Whether one JSON document is printed.
    pub json: bool,
    /// File for the page.
    pub html: Option<PathBuf>,
}

/// Shows them. Folders that hold no run are named.
///
/// # Errors
/// [`Error::Refused`] where none of them holds a run; [`Error::Io`] where the page cannot be written.
pub fn compare(request: &Request) -> Result<()> {
    let mut comparison = Comparison::default();
    for run in &request.runs {
        match read(run) {
            Ok(run) => comparison.runs.push(run),
            Err(broken) => comparison.broken.push(broken),
        }
    }
    if comparison.runs.is_empty() {
        let why: Vec<String> = comparison.broken.iter().map(|broken| broken.why.clone()).collect();
        return Err(Error::refused(why.join("; "), "give folders of training runs, like runs/NAME/1"));
    }
    comparison.sort(request.sort);
    if let Some(file) = &request.html {
        write_atomic(file, page(&comparison).as_bytes())?;
    }
    say(&if request.json { as_json(&comparison) } else { table(&comparison) })
}

fn as_json(comparison: &Comparison) -> String {
    let differing = comparison.differing();
    let run = |run: &crate::report::compare::Compared| {
        let (outcome, timing) = (&run.document.outcome, &run.document.timing);
        let differs: serde_json::Map<String, serde_json::Value> =
            differing.iter().map(|key| (key.clone(), serde_json::json!(run.settings.get(key)))).collect();
        serde_json::json!({
            "name": run.name, "differs": differs, "epochs": outcome.epochs.len(), "best_epoch": outcome.best_epoch,
            "train": run.chosen().map(|record| record.train), "validation": run.validation(), "test": outcome.test,
            "wall_seconds": timing.wall_seconds, "core_seconds": timing.core_seconds, "samples_per_second": run.rate(),
            "stopped": run.stopped(), "weights_blake3": outcome.weights_blake3,
        })
    };
    let runs: Vec<_> = comparison.runs.iter().map(run).collect();
    let document = serde_json::json!({
        "runs": runs, "groups": comparison.groups(), "data_sets": comparison.other_data(), "broken": comparison.broken,
    });
    format!("{document:#}\n")
}
