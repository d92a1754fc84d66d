//! A run that only delivers: what source, operations and batcher can do when nobody slows them down.

use super::signals::Signals;
use super::{Request, Voice};
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::job::say;
use crate::pixels::normalize::Normalize;
use crate::plan::Plan;
use crate::report::stage_table;
use crate::stage::deal;
use crate::stage::discard::Discard;
use std::ops::ControlFlow;
use std::time::Instant;

/// Delivers one epoch of batches and says how fast.
///
/// # Errors
/// Too many bad samples, or an interruption.
pub fn run(plan: &Plan, request: &Request, signals: &Signals) -> Result<()> {
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let tickets = deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Train, epoch: 0 }, 0);
    let channels = plan.data.channels;
    let normalize = Normalize::new(&vec![0.0; channels], &vec![1.0; channels]);
    let mut ledger = plan.data.ledger(&[Part::Train]);
    let mut end = Discard::default();
    let began = Instant::now();
    let flow = plan.batches(&load, tickets, signals.stop(), normalize, 0);
    let mut take = |_, batch: Batch| {
        ledger.account(&batch)?;
        ledger.verdict()?;
        end.take(&batch);
        Ok::<_, Error>(ControlFlow::Continue(()))
    };
    let outcome = flow.sink("discard", Plan::batch_room(), &mut take).run()?;
    let wall = began.elapsed();
    if outcome.stopped_early() {
        return Err(signals.interrupted("nothing was kept".to_owned()));
    }
    let seconds = wall.as_secs_f64();
    match request.voice {
        Voice::Quiet => Ok(()),
        Voice::Json => say(&format!(
            "{}\n",
            serde_json::json!({
                "samples": end.samples, "quarantined": ledger.bad().len(), "wall_seconds": seconds,
                "samples_per_second": end.samples as f64 / seconds, "stream_blake3": end.stream.hex(), "stages": outcome.meters, "workers": plan.worker_choice.as_deref(),
            })
        )),
        Voice::Person => say(&format!(
            "{}{}\n{} samples in {seconds:.2} s, {:.0} a second; {} set aside\n",
            plan.worker_choice.as_ref().map_or(String::new(), |choice| format!("workers: {}\n", choice.words())),
            stage_table(&outcome.meters, wall),
            end.samples,
            end.samples as f64 / seconds,
            ledger.bad().len()
        )),
    }
}
