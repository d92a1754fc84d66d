//! A run that has been: the pipeline as its folder keeps it, and what its values were normalised with.

use crate::error::{Error, Result};
use crate::job::run::moments::Moments;
use crate::job::run::signals::Signals;
use crate::plan::{End, Plan};
use crate::train::{Checkpoint, Setup, Trainer};
use std::path::{Path, PathBuf};

/// The folder of a run.
pub struct RunPast {
    /// Where it is.
    pub folder: PathBuf,
}

impl RunPast {
    /// The run that `name` means; none where it is no folder with a stored pipeline.
    pub fn of(name: &str) -> Option<Self> {
        let past = Self { folder: PathBuf::from(name) };
        past.pipeline().is_file().then_some(past)
    }

    /// The pipeline as it was understood.
    pub fn pipeline(&self) -> PathBuf {
        self.folder.join("pipeline.toml")
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }
}

/// What values are normalised with: as the run kept it, or else as a run that began now would find it.
///
/// # Errors
/// [`Error::Refused`] where the data is not what the run saw; [`Error::Damaged`]; an interruption.
pub fn moments(plan: &Plan, past: Option<&RunPast>, signals: &Signals) -> Result<Moments> {
    let checkpoint = past.map(RunPast::checkpoint).filter(|path| path.is_file());
    match (&plan.end, checkpoint) {
        (End::Train(_), Some(path)) => of_checkpoint(plan, &path),
        _ => Moments::of_plan(plan, signals),
    }
}

fn of_checkpoint(plan: &Plan, path: &Path) -> Result<Moments> {
    let End::Train(end) = &plan.end else { return Err(Error::refused("this pipeline does not train", "")) };
    let setup = Setup { seed: plan.seed, batch_size: 1, steps_per_epoch: 1, threads: 1 };
    let trainer = Trainer::new(end.network.clone(), &end.config, setup)?;
    let notes = Checkpoint::load(path, &trainer.expected(None))?.caller.notes;
    if notes["data"] != plan.data.digest() {
        let help = "put it back as it was, or preview the pipeline itself";
        return Err(Error::refused("the data set is not what this run saw: other files, labels or split", help));
    }
    let damaged = |error: serde_json::Error| Error::Damaged { path: path.to_path_buf(), why: error.to_string() };
    serde_json::from_value(notes["normalize"].clone()).map_err(damaged)
}
