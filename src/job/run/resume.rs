//! Going on with an interrupted run: only on the same pipeline and the same data, and from exactly where it stood.

use super::moments::Moments;
use crate::error::{Error, Result};
use crate::job::claim::ClaimedFolder;
use crate::plan::{Plan, fingerprint};
use crate::report::EpochRecord;
use crate::sample::{BadSample, NoteCounts};
use crate::train::{Caller, Checkpoint, Trainer};
use std::path::Path;
use std::sync::Arc;

/// What a resumed run brings along.
pub struct Past {
    /// Epochs that were completed.
    pub epochs_done: u32,
    /// Their records.
    pub history: Vec<EpochRecord>,
    /// Samples that had been set aside.
    pub bad: Vec<Arc<BadSample>>,
    /// Files that were odd.
    pub odd_files: NoteCounts,
    /// What values are normalised with.
    pub moments: Moments,
    /// What the run had put into its checkpoint.
    pub caller: Caller,
    /// Batches of the interrupted epoch that were learned from.
    pub batches_done: u64,
}

/// What the checkpoints of a run that begins now repeat.
pub fn fresh_caller(plan: &Plan, moments: &Moments) -> Caller {
    let notes = serde_json::json!({ "normalize": moments, "data": plan.data.digest() });
    Caller { config_hash: config_hash(plan), seed: plan.seed, consumed: 0, stream_blake3: String::new(), notes }
}

fn config_hash(plan: &Plan) -> String {
    blake3::hash(fingerprint(plan).as_bytes()).to_hex().to_string()
}

/// Loads the checkpoint of a claimed folder into `trainer`.
///
/// # Errors
/// [`Error::Refused`] where pipeline or data are not what they were; [`Error::Damaged`].
pub fn take_up(plan: &Plan, claimed: &ClaimedFolder, trainer: &mut Trainer) -> Result<Past> {
    let path = claimed.file("checkpoint");
    refuse_changes(plan, claimed.path())?;
    let checkpoint = Checkpoint::load(&path, &trainer.expected(Some(config_hash(plan))))?;
    let batches_done = checkpoint.progress.batches_of_epoch;
    let caller = trainer.resume(checkpoint);
    if caller.notes["data"] != plan.data.digest() {
        let help = "put it back as it was, or start a new run without --resume";
        return Err(Error::refused("the data set has changed since the run began: other files, labels or split", help));
    }
    let bad: Vec<BadSample> = serde_json::from_value::<Vec<StoredBad>>(caller.notes["bad_samples"].clone())
        .map_err(|error| damaged(&path, &error.to_string()))?
        .into_iter()
        .map(BadSample::from)
        .collect();
    let moments = serde_json::from_value(caller.notes["normalize"].clone()).map_err(|error| damaged(&path, &error.to_string()))?;
    let progress = trainer.progress();
    let (epochs_done, history) = (progress.epoch, progress.history.clone());
    let odd_files = serde_json::from_value(caller.notes["odd_files"].clone()).unwrap_or_default();
    Ok(Past { epochs_done, history, bad: bad.into_iter().map(Arc::new).collect(), odd_files, moments, caller, batches_done })
}

/// Refuses to go on under another configuration, and shows the lines that differ.
///
/// # Errors
/// [`Error::Refused`] with those lines.
pub fn refuse_changes(plan: &Plan, folder: &Path) -> Result<()> {
    let path = folder.join("pipeline.toml");
    let then = std::fs::read_to_string(&path).map_err(|error| damaged(&path, &error.to_string()))?;
    let document = crate::config::Document::parse(&path.display().to_string(), &then).map_err(Error::Refused)?;
    let (then, now) = (crate::plan::fingerprint_of(&document, &plan.name), fingerprint(plan));
    if then == now {
        return Ok(());
    }
    let only_in = |a: &str, b: &str, mark: &str| -> String {
        a.lines().filter(|line| !b.lines().any(|other| other == *line)).map(|line| format!("\n{mark} {line}")).collect()
    };
    let diff = only_in(&then, &now, "-") + &only_in(&now, &then, "+");
    let help = "run it with the same file and --set as before, or start a new run without --resume";
    Err(Error::refused(format!("the pipeline has changed since the run began:{diff}"), help))
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::Damaged { path: path.to_path_buf(), why: format!("{why}; start a new run without --resume") }
}

/// A set-aside sample as a checkpoint keeps it.
#[derive(serde::Deserialize)]
struct StoredBad {
    path: String,
    class: String,
    stage: String,
    reason: String,
    words: String,
}

impl From<StoredBad> for BadSample {
    fn from(stored: StoredBad) -> Self {
        let stage = ["read", "decode", "augment"].into_iter().find(|stage| *stage == stored.stage).unwrap_or("read");
        Self { path: stored.path, class: stored.class, stage, reason: stored.reason, words: stored.words }
    }
}
