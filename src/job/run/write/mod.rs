//! A run that writes an offline set: K variants of every sample and its deterministic rendition, shard by shard.
//!
//! What stands in which shard, and every byte of it, follows from the pipeline and the data. So a machine that writes the shards of
//! its share needs to know nothing of the others, and an interrupted run keeps the shards that are whole and makes the rest.

mod begin;
mod cost;
mod shelf;
mod tally;
mod trial;

pub(in crate::job) use begin::{describe, order, refuse_many_files};
pub use cost::costs;
pub(in crate::job) use shelf::Shelf;
pub(in crate::job) use trial::Trial;

use begin::{Work, begin, refuse_other_set};

use super::outputs::Outputs;
use super::page;
use super::screen::gauges;
use super::signals::Signals;
use super::voice::Audience;
use super::{Request, Voice};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::event::{Event, Facts, Listener};
use crate::job::claim::ClaimedFolder;
use crate::job::{report, say};
use crate::plan::{Plan, WriteEnd, memory_bound};
use crate::report::Heard;
use crate::sample::{Image, NoteCounts};
use crate::source::set::{Description, Encoding, SetAside, Shard};
use crate::stage::Ticket;
use crate::stage::ledger::Ledger;
use crate::stage::write::{Answer, Write};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Which shards a machine writes: those whose number, divided by `of`, leaves `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub index: u64,
    /// Machines in all.
    pub of: u64,
}

impl Share {
    const ALL: Share = Share { index: 0, of: 1 };

    /// Reads `I/N`, I from 1 to N.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse::<u64>().ok()?, of.parse::<u64>().ok()?)));
        match parts {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Self { index: index - 1, of }),
            _ => Err("give I/N with I from 1 to N, like 2/8: the second of eight machines".to_owned()),
        }
    }
}

/// Writes the set, or a machine's share of it.
///
/// # Errors
/// A folder in use or of another set, too little space, too many bad samples, or an interruption.
pub fn run(plan: &Plan, end: &WriteEnd, request: &Request, signals: &Signals) -> Result<()> {
    let out = request.out.as_deref().unwrap_or(&end.path);
    let (set, trial) = describe(plan, end, out)?;
    refuse_many_files(&set)?;
    refuse_other_set(&set, out, request.resume)?;
    let claimed = ClaimedFolder::claim(out)?;
    let outputs = Outputs::open(plan, request, None).inspect_err(|_| claimed.abandon())?;
    let heard = Heard::default();
    let voice = request.voice.listener_listing_in("bad_samples-*.tsv");
    let listener = Audience(vec![Box::new(&heard), Box::new(&outputs), voice]);
    let work = match begin(plan, &set, &trial, &claimed, request) {
        Ok(work) => work,
        Err(error) => {
            claimed.abandon();
            return Err(error);
        }
    };
    listener.hear(&Event::Planned(Arc::new(facts(plan))));
    super::warn(plan, &listener);
    if let Encoding::Jpeg(quality) = set.encoding {
        let words =
            format!("JPEG of quality {quality} rounds: training from the set sees other bytes than online augmentation shows");
        listener.hear(&Event::Warning(words));
    }
    let costs = if matches!(request.voice, Voice::Person) && end.variants > 0 { Some(costs(plan, end)?) } else { None };
    // Advice to nobody is no reason to stop.
    let _ = costs.as_ref().map(|costs| write!(std::io::stderr(), "{}", costs.text()));
    let began = Instant::now();
    let filled = fill(plan, &set, &claimed, &work, &listener, signals, request);
    let told = outputs.finish();
    let page = page::leave(
        plan,
        request,
        &heard,
        || sheet_of(plan, filled.is_ok()),
        |document| {
            document.failure = filled.as_ref().err().map(ToString::to_string);
            document.written = Some(tally::tally(out, &set, end, &work, request.share, costs));
        },
    );
    let pictures = filled?;
    told?;
    claimed.release()?;
    page?.into_iter().for_each(|words| listener.hear(&Event::Warning(words)));
    // A screen is left before anything else is said.
    drop(listener);
    conclude(request.voice, out, pictures, &work, began)
}

fn conclude(voice: Voice, out: &Path, pictures: Pictures, work: &Work, began: Instant) -> Result<()> {
    let (seconds, Pictures { good, bad }) = (began.elapsed().as_secs_f64(), pictures);
    let (shards, kept) = (work.shards.len() + work.whole.len(), work.whole.len());
    match voice {
        Voice::Quiet => Ok(()),
        Voice::Json => {
            let document = serde_json::json!({
                "path": out, "files": good, "quarantined": bad, "shards": shards, "kept": kept, "of": work.of, "wall_seconds": seconds,
            });
            say(&format!("{document}\n"))
        }
        Voice::Person | Voice::Screen => {
            let place = out.display();
            let kept = if kept > 0 { format!(", {kept} of them kept") } else { String::new() };
            let of = work.of;
            say(&format!("{place}: {good} pictures in {shards} of {of} shards{kept}, {seconds:.1} s, {bad} samples set aside\n"))
        }
    }
}

fn facts(plan: &Plan) -> Facts {
    Facts {
        name: plan.name.clone(),
        seed: plan.seed,
        classes: plan.data.source.classes().to_vec(),
        parameters: 0,
        samples: [plan.data.source.len() as u64, 0, 0],
        filtered: plan.data.filtered(),
        memory_bound: Some(memory_bound(plan).total()),
        census: Some(plan.census()),
        data_blake3: Some(plan.data.blake3()),
    }
}

/// Samples beside their variants. After an interruption nobody waits for them.
fn sheet_of(plan: &Plan, complete: bool) -> Vec<Vec<Image>> {
    if complete { report::sheet(plan) } else { Vec::new() }
}

/// Stored pictures, and samples of which there are none.
#[derive(Clone, Copy)]
struct Pictures {
    good: u64,
    bad: u64,
}

fn fill(
    plan: &Plan,
    set: &Description,
    claimed: &ClaimedFolder,
    work: &Work,
    listener: &dyn Listener,
    signals: &Signals,
    request: &Request,
) -> Result<Pictures> {
    let (augment, chain) = (plan.augment_stage(), plan.augment_stage());
    let load = plan.load_stage(&augment);
    let write = Write { augment: chain, set, out: claimed.path() };
    let entries = || work.shards.iter().flat_map(|(_, entries)| entries.iter().copied());
    let total = entries().count() as u64;
    let pass = Pass { part: Part::Validation, epoch: 0 };
    let ticket = move |(position, entry)| Ticket { pass, position, entry, last: position + 1 == total };
    let tickets = (0..).zip(entries()).map(ticket);
    let mut ledger = plan.data.ledger(&[Part::Train, Part::Validation]);
    ledger_of_kept(&mut ledger, &work.whole, listener)?;
    let mut shelf = Shelf::new(&*plan.data.source, set, claimed, &work.shards);
    let mut take = |index: u64, (answer, notes): Answer| {
        if !notes.is_empty() {
            let mut odd = NoteCounts::default();
            odd.add(&notes);
            listener.hear(&Event::Odd(odd));
        }
        if let Err(bad) = &answer {
            ledger.note(std::slice::from_ref(bad)).into_iter().for_each(|fresh| listener.hear(&Event::Quarantined(fresh)));
            ledger.verdict()?;
        }
        shelf.take(answer)?;
        listener.hear(&Event::Progress { part: Part::Train, epoch: 0, done: index + 1, total, loss: 0.0 });
        Ok::<_, Error>(ControlFlow::Continue(()))
    };
    let began = Instant::now();
    let flow = plan.written(&load, &write, tickets, signals.stop()).sink("store", Plan::batch_room(), &mut take);
    listener.hear(&Event::Flowing(gauges(flow.meters())));
    let outcome = flow.run()?;
    if outcome.stopped_early() {
        return Err(signals.interrupted(request.resume_words()));
    }
    listener.hear(&Event::Finished { meters: outcome.meters, wall: began.elapsed() });
    let kept = |of: fn(&Shard) -> usize| work.whole.iter().map(of).sum::<usize>() as u64;
    let good = (shelf.good + kept(|shard| shard.samples.len())) * set.renditions() as u64;
    Ok(Pictures { good, bad: shelf.bad + kept(|shard| shard.bad.len()) })
}

/// Takes note of the samples that shards lack which were written before.
fn ledger_of_kept(ledger: &mut Ledger, whole: &[Shard], listener: &dyn Listener) -> Result<()> {
    let bad: Vec<_> = whole.iter().flat_map(|shard| &shard.bad).map(|bad| Arc::new(SetAside::bad(bad))).collect();
    ledger.note(&bad).into_iter().for_each(|fresh| listener.hear(&Event::Quarantined(fresh)));
    ledger.verdict()
}
