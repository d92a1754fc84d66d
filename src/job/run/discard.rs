//! A run that only delivers: what source, operations and batcher can do when nobody slows them down.

use super::outputs::Outputs;
use super::page;
use super::screen::gauges;
use super::signals::Signals;
use super::voice::Audience;
use super::{PageAt, Request, Voice};
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::event::{Event, Facts, Listener, Meter};
use crate::job::{report, say};
use crate::pixels::normalize::Normalize;
use crate::plan::{Plan, memory_bound};
use crate::report::{Delivered, Heard, stage_table};
use crate::stage::deal;
use crate::stage::discard::Discard;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Delivers one epoch of batches and says how fast.
///
/// # Errors
/// Too many bad samples, or an interruption.
pub fn run(plan: &Plan, request: &Request, signals: &Signals) -> Result<()> {
    let outputs = Outputs::open(plan, request, None)?;
    let heard = Heard::default();
    let mut audience = Audience(vec![Box::new(&heard), Box::new(&outputs)]);
    // Of the voices only a screen has something to show of a run that keeps nothing.
    audience.0.extend((request.voice == Voice::Screen).then(|| request.voice.listener_listing_in("the lines above")));
    let delivered = deliver(plan, request, signals, &audience);
    let told = outputs.finish();
    if request.page != PageAt::Usual {
        page::leave(
            plan,
            request,
            &heard,
            || if delivered.is_ok() { report::sheet(plan) } else { Vec::new() },
            |document| {
                document.failure = delivered.as_ref().err().map(ToString::to_string);
                document.outcome.stream_blake3 = delivered.as_ref().ok().map(|delivered| delivered.end.stream.hex());
                document.delivered = Some(counted(plan, delivered.as_ref().ok()));
            },
        )?;
    }
    drop(audience);
    let delivered = delivered?;
    told?;
    conclude(plan, request.voice, &delivered)
}

fn counted(plan: &Plan, delivered: Option<&Done>) -> Delivered {
    let (samples, batches) = delivered.map_or((0, 0), |delivered| (delivered.end.samples, delivered.batches));
    Delivered { samples, batches, batch_size: plan.batch_size as u64, decode: decode(plan).to_owned() }
}

fn decode(plan: &Plan) -> &'static str {
    if plan.data.scaled { "scaled" } else { "exact" }
}

fn conclude(plan: &Plan, voice: Voice, delivered: &Done) -> Result<()> {
    let Done { end, quarantined, meters, wall, .. } = delivered;
    let seconds = wall.as_secs_f64();
    match voice {
        Voice::Quiet => Ok(()),
        Voice::Json => say(&format!(
            "{}\n",
            serde_json::json!({
                "samples": end.samples, "quarantined": quarantined, "wall_seconds": seconds,
                "samples_per_second": end.samples as f64 / seconds, "stream_blake3": end.stream.hex(), "stages": meters,
                "decode": decode(plan), "workers": plan.worker_choice.as_deref(),
            })
        )),
        // What the screen has shown follows it.
        Voice::Screen => say(&format!("{} samples in {seconds:.2} s; {quarantined} set aside\n", end.samples)),
        Voice::Person => say(&format!(
            "{}{}{}\n{} samples in {seconds:.2} s, {:.0} a second; {quarantined} set aside\n",
            plan.worker_choice.as_ref().map_or(String::new(), |choice| format!("workers: {}\n", choice.words())),
            if plan.data.scaled {
                "decode = \"scaled\": JPEGs at a smaller scale where a crop is larger than needed\n"
            } else {
                ""
            },
            stage_table(meters, *wall),
            end.samples,
            end.samples as f64 / seconds,
        )),
    }
}

/// What came of it.
struct Done {
    end: Discard,
    batches: u64,
    quarantined: usize,
    meters: Vec<Meter>,
    wall: Duration,
}

fn deliver(plan: &Plan, request: &Request, signals: &Signals, listener: &dyn Listener) -> Result<Done> {
    listener.hear(&Event::Planned(Arc::new(facts(plan, request))));
    super::warn(plan, listener);
    plan.worker_choice.iter().for_each(|choice| listener.hear(&Event::WorkersChosen(choice.clone())));
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let tickets = deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Train, epoch: 0 }, 0);
    let channels = plan.data.channels;
    let normalize = Normalize::new(&vec![0.0; channels], &vec![1.0; channels]);
    let mut ledger = plan.data.ledger(&[Part::Train]);
    let (mut end, mut batches) = (Discard::default(), 0);
    let total = plan.data.parts.train.len() as u64;
    let began = Instant::now();
    let flow = plan.batches(&load, tickets, signals.stop(), normalize, 0);
    let mut take = |_, batch: Batch| {
        if batches == 0 {
            listener.hear(&Event::FirstBatch { after: request.asked.elapsed() });
        }
        batches += 1;
        for fresh in ledger.account(&batch)? {
            listener.hear(&Event::Quarantined(fresh));
        }
        if !batch.notes.is_empty() {
            listener.hear(&Event::Odd(batch.notes));
        }
        ledger.verdict()?;
        end.take(&batch);
        listener.hear(&Event::Progress { part: Part::Train, epoch: 0, done: batch.consumed, total, loss: 0.0 });
        Ok::<_, Error>(ControlFlow::Continue(()))
    };
    let flow = flow.sink("discard", Plan::batch_room(), &mut take);
    listener.hear(&Event::Flowing(gauges(flow.meters())));
    let outcome = flow.run()?;
    let wall = began.elapsed();
    if outcome.stopped_early() {
        return Err(signals.interrupted("nothing was kept".to_owned()));
    }
    listener.hear(&Event::Finished { meters: outcome.meters.clone(), wall });
    Ok(Done { end, batches, quarantined: ledger.bad().len(), meters: outcome.meters, wall })
}

/// What takes a look at every name is found out for a page only.
fn facts(plan: &Plan, request: &Request) -> Facts {
    let shown = request.page != PageAt::Usual;
    Facts {
        name: plan.name.clone(),
        seed: plan.seed,
        classes: plan.data.source.classes().to_vec(),
        parameters: 0,
        samples: [plan.data.parts.train.len() as u64, 0, 0],
        filtered: plan.data.filtered(),
        memory_bound: Some(memory_bound(plan).total()),
        census: shown.then(|| plan.census()),
        data_blake3: shown.then(|| plan.data.blake3()),
    }
}
