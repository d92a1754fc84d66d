//! A run that only delivers: what source, operations and batcher can do when nobody slows them down.

use super::screen::gauges;
use super::signals::Signals;
use super::{Request, Voice};
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::event::{Event, Listener, Meter};
use crate::job::say;
use crate::pixels::normalize::Normalize;
use crate::plan::Plan;
use crate::report::stage_table;
use crate::stage::deal;
use crate::stage::discard::Discard;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Delivers one epoch of batches and says how fast.
///
/// # Errors
/// Too many bad samples, or an interruption.
pub fn run(plan: &Plan, request: &Request, signals: &Signals) -> Result<()> {
    // Only a screen has something to show of a run that keeps nothing.
    let screen = (request.voice == Voice::Screen).then(|| request.voice.listener());
    let delivered = deliver(plan, signals, screen.as_deref());
    drop(screen);
    let Delivered { end, quarantined, meters, wall } = delivered?;
    let seconds = wall.as_secs_f64();
    match request.voice {
        Voice::Quiet => Ok(()),
        Voice::Json => say(&format!(
            "{}\n",
            serde_json::json!({
                "samples": end.samples, "quarantined": quarantined, "wall_seconds": seconds,
                "samples_per_second": end.samples as f64 / seconds, "stream_blake3": end.stream.hex(), "stages": meters,
                "decode": if plan.data.scaled { "scaled" } else { "exact" },
                "workers": plan.worker_choice.as_deref(),
            })
        )),
        Voice::Person | Voice::Screen => say(&format!(
            "{}{}{}\n{} samples in {seconds:.2} s, {:.0} a second; {quarantined} set aside\n",
            plan.worker_choice.as_ref().map_or(String::new(), |choice| format!("workers: {}\n", choice.words())),
            if plan.data.scaled {
                "decode = \"scaled\": JPEGs at a smaller scale where a crop is larger than needed\n"
            } else {
                ""
            },
            stage_table(&meters, wall),
            end.samples,
            end.samples as f64 / seconds,
        )),
    }
}

/// What came of it.
struct Delivered {
    end: Discard,
    quarantined: usize,
    meters: Vec<Meter>,
    wall: Duration,
}

fn deliver(plan: &Plan, signals: &Signals, screen: Option<&dyn Listener>) -> Result<Delivered> {
    let tell = |event: Event| screen.iter().for_each(|screen| screen.hear(&event));
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let tickets = deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Train, epoch: 0 }, 0);
    let channels = plan.data.channels;
    let normalize = Normalize::new(&vec![0.0; channels], &vec![1.0; channels]);
    let mut ledger = plan.data.ledger(&[Part::Train]);
    let mut end = Discard::default();
    let total = plan.data.parts.train.len() as u64;
    let began = Instant::now();
    let flow = plan.batches(&load, tickets, signals.stop(), normalize, 0);
    let mut take = |_, batch: Batch| {
        tell(Event::Progress { part: Part::Train, epoch: 0, done: batch.consumed, total, loss: 0.0 });
        ledger.account(&batch)?;
        ledger.verdict()?;
        end.take(&batch);
        Ok::<_, Error>(ControlFlow::Continue(()))
    };
    let flow = flow.sink("discard", Plan::batch_room(), &mut take);
    tell(Event::Flowing(gauges(flow.meters())));
    let outcome = flow.run()?;
    let wall = began.elapsed();
    if outcome.stopped_early() {
        return Err(signals.interrupted("nothing was kept".to_owned()));
    }
    Ok(Delivered { end, quarantined: ledger.bad().len(), meters: outcome.meters, wall })
}
