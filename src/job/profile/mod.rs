//! `pipeline profile`: where the time of a pipeline goes, and what would make it faster.

mod alone;
pub(super) mod cpu;
mod layers;
#[cfg(test)]
mod planted;
mod record;
pub(super) mod stages;
pub(super) mod together;

use super::run::{refuse_too_large, signals::Signals};
use super::say;
use crate::error::{Error, Result};
use crate::plan::{End, Plan, Workers};
use crate::report::profile::{Profile, Proof, StageProfile, Verdict, chrome_trace, page, table};
use crate::report::write_atomic;
use record::Recorder;
use serde::Serialize;
use stages::Stages;
use std::path::PathBuf;
use std::time::Duration;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// Look at the layers of the network instead of the stages.
    pub layers: bool,
    /// Time one stage only.
    pub stage: Option<String>,
    /// How long the whole is measured, and each setting of a stage a tenth of it.
    pub time: Duration,
    /// Whether the advice is followed, and the outcome compared with what was predicted.
    pub verify: bool,
    /// Whether the numbers are printed as JSON.
    pub json: bool,
    /// File for the page.
    pub html: Option<PathBuf>,
    /// File for the trace of all stages together.
    pub trace: Option<PathBuf>,
}

/// Everything that was found, as `--json` prints it.
#[derive(Serialize)]
struct Findings {
    profile: Profile,
    verdict: Verdict,
    verified: Option<Proof>,
}

/// Measures, and says what was found.
///
/// # Errors
/// [`Error::Refused`] where there is nothing to measure; what kept samples from being read or learned.
pub fn profile(request: &Request) -> Result<()> {
    let signals = Signals::install()?;
    let recorder = request.trace.as_ref().map(|_| Recorder::install()).transpose()?;
    let mut plan = Plan::load(&request.name, &request.sets)?;
    refuse_too_large(&plan)?;
    if request.layers {
        let found = layers::layers(&plan, request.time)?;
        return if request.json { say(&as_json(&found)) } else { say(&found.table()) };
    }
    if matches!(plan.end, End::Write(_)) {
        let help = "profile a pipeline with the same source and operations that trains, or one that only delivers";
        return Err(Error::refused(format!("{} writes a set: its stages are one", plan.name), help));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let measured = Stages::new(&plan, request.time / 10, cores).measure(request.stage.as_deref())?;
    let (name, batch_size) = (plan.name.clone(), plan.batch_size);
    let profile = Profile { name, cores, batch_size, stages: measured, ..Profile::default() };
    if request.stage.is_some() {
        return say(&if request.json { as_json(&profile) } else { table(&profile, None, None) });
    }
    let profile = with_all_together(&plan, profile, request.time, &signals)?;
    if let (Some(recorder), Some(file)) = (&recorder, &request.trace) {
        write_atomic(file, chrome_trace(&recorder.spans()).as_bytes())?;
    }
    let verdict = profile.verdict();
    let verified = if request.verify { Some(verify(&mut plan, &profile, &verdict, request.time, &signals)?) } else { None };
    if let Some(file) = &request.html {
        write_atomic(file, page(&profile, &verdict, verified.as_ref()).as_bytes())?;
    }
    let found = Findings { profile, verdict, verified };
    say(&if request.json { as_json(&found) } else { table(&found.profile, Some(&found.verdict), found.verified.as_ref()) })
}

/// The profile with what its stages do among each other.
pub(super) fn with_all_together(plan: &Plan, mut profile: Profile, time: Duration, signals: &Signals) -> Result<Profile> {
    let seen = together::together(plan, time, profile.cores, signals)?;
    (profile.rate, profile.seconds, profile.cores_busy) = (Some(seen.rate), seen.seconds, seen.cores_busy);
    for (name, together) in seen.stages {
        match profile.stages.iter_mut().find(|stage| stage.stage == name) {
            Some(stage) => stage.together = Some(together),
            None => {
                let stage = StageProfile { stage: name.clone(), workers: 1, together: Some(together), ..StageProfile::default() };
                let at = if name == "source" { 0 } else { profile.stages.len() };
                profile.stages.insert(at, stage);
            }
        }
    }
    Ok(profile)
}

/// Follows the advice, or, where there is none, measures once more what there is.
fn verify(plan: &mut Plan, profile: &Profile, verdict: &Verdict, time: Duration, signals: &Signals) -> Result<Proof> {
    let (workers, predicted) = match &verdict.advice {
        Some(advice) => (advice.workers.clone(), advice.rate),
        None => (profile.workers(), verdict.predicted),
    };
    let of =
        |name: &str, now: usize| profile.stages.iter().position(|stage| stage.stage == name).map_or(now, |place| workers[place]);
    let Workers { load, augment, train, .. } = plan.workers;
    plan.workers = Workers { load: of("load", load), augment: of("augment", augment), train: of("train", train), ..plan.workers };
    let seen = together::together(plan, time, profile.cores, signals)?;
    Ok(Proof { workers, predicted, measured: seen.rate })
}

fn as_json(found: &impl Serialize) -> String {
    serde_json::to_string_pretty(found).unwrap_or_default() + "\n"
}
