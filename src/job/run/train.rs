//! A run that trains: a folder is claimed, everybody listens, a session learns, everything is written down.

use super::Request;
use super::outputs::Outputs;
use super::resume;
use super::session::Session;
use super::signals::Signals;
use super::voice::{Audience, Voice};
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::job::claim::ClaimedFolder;
use crate::job::{report, say};
use crate::plan::{Plan, TrainEnd};
use crate::report::{BadRow, RunFolder};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Trains as `plan` says.
///
/// # Errors
/// Whatever stopped it; what was learned until then is in the checkpoint.
pub fn run(plan: &Plan, end: &TrainEnd, request: &Request, signals: &Signals) -> Result<()> {
    if let Some(out) = request.out.as_deref().filter(|out| request.resume && ClaimedFolder::is_finished(out)) {
        resume::refuse_changes(plan, out)?;
        return already_complete(request.voice, out);
    }
    let voice = request.voice.listener();
    let (reports, claimed) = heard(plan, end, request, signals, voice)?;
    conclude(request.voice, &reports, &claimed)
}

/// What is said of a run that has nothing left to do; its folder stays as it is.
fn already_complete(voice: Voice, out: &Path) -> Result<()> {
    let report = out.join("report.json");
    match voice {
        Voice::Json => {
            let text = std::fs::read_to_string(&report).map_err(Error::io("cannot read", &report))?;
            let document: serde_json::Value = serde_json::from_str(&text)
                .map_err(|error| Error::Damaged { path: report, why: format!("{error}; start a new run without --resume") })?;
            say(&format!("{document}\n"))
        }
        Voice::Person | Voice::Screen => say(&format!("{}: the run is complete, nothing is left to do\n", out.display())),
        Voice::Quiet => Ok(()),
    }
}

/// Trains while `listener` hears of it.
fn heard(
    plan: &Plan,
    end: &TrainEnd,
    request: &Request,
    signals: &Signals,
    listener: Box<dyn Listener + '_>,
) -> Result<(Arc<RunFolder>, ClaimedFolder)> {
    let out = request.out.as_deref();
    let claimed = match request.resume {
        true => ClaimedFolder::resume(&plan.runs, &plan.name, out)?,
        false => ClaimedFolder::create(&plan.runs, &plan.name, out)?,
    };
    let began = Instant::now();
    let reports = Arc::new(RunFolder::new(claimed.path()));
    let outputs = Outputs::open(plan, request, Some(claimed.path())).inspect_err(|_| claimed.abandon())?;
    let audience = Audience(vec![Box::new(SharedReports(reports.clone())), Box::new(&outputs), listener]);
    let begun = Session::begin(plan, end, &claimed, &audience, signals, request);
    let mut session = begun.inspect_err(|_| {
        // What kept the run from beginning comes first.
        let _ = outputs.finish();
        claimed.abandon();
    })?;
    if let Some(past) = &session.past {
        reports.resume(
            past.epochs_done,
            past.history.clone(),
            past.bad.iter().map(|bad| BadRow::new(bad)).collect(),
            past.odd_files,
        );
        reports.resume_self_check(serde_json::from_value(past.caller.notes["self_check"].clone()).ok());
        outputs.resume(past)?;
    }
    let result = session.whole(began);
    let sheet = std::mem::take(&mut session.sheet);
    drop(session);
    drop(audience);
    result.as_ref().err().into_iter().for_each(|error| reports.fail(error.to_string()));
    let page = || report::of_run(plan, claimed.path(), reports.document(), reports.bad(), sheet);
    let (written, told) = (reports.write().and_then(|()| page()), outputs.finish());
    // What stopped the run comes first: a disk that is full refuses the reports, too.
    result?;
    written?;
    reports.check()?;
    told?;
    claimed.finish()?;
    Ok((reports, claimed))
}

/// Lets the folder's reports listen while the job keeps a hand on them.
struct SharedReports(Arc<RunFolder>);

impl Listener for SharedReports {
    fn hear(&self, event: &Event) {
        self.0.hear(event);
    }
}

fn conclude(voice: Voice, reports: &RunFolder, claimed: &ClaimedFolder) -> Result<()> {
    match voice {
        Voice::Json => {
            let document = serde_json::to_string(&reports.document()).unwrap_or_default();
            say(&(document + "\n"))
        }
        Voice::Person | Voice::Screen => say(&format!("{}\n", claimed.path().display())),
        Voice::Quiet => Ok(()),
    }
}

#[cfg(test)]
#[path = "laws.rs"]
mod laws;
