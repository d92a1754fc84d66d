//! A run that writes an offline set: K variants of every sample and its deterministic rendition, shard by shard.
//!
//! What stands in which shard, and every byte of it, follows from the pipeline and the data. So a machine that writes the shards of
//! its share needs to know nothing of the others, and an interrupted run keeps the shards that are whole and makes the rest.

mod cost;
mod shelf;
mod trial;

pub use cost::{Costs, costs};

use super::outputs::Outputs;
use super::screen::gauges;
use super::signals::Signals;
use super::voice::Audience;
use super::{Request, Voice};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::event::{Event, Facts, Listener};
use crate::job::claim::{ClaimedFolder, refuse_if_taken};
use crate::job::say;
use crate::key::{Key, hash_name};
use crate::plan::{Plan, WriteEnd, fingerprint, memory_bound};
use crate::sample::NoteCounts;
use crate::source::set::{DESCRIPTION, Description, Encoding, FORMAT, Layout, SetAside, Shard, escaped};
use crate::source::whole;
use crate::stage::Ticket;
use crate::stage::ledger::Ledger;
use crate::stage::write::{Answer, Write};
use shelf::Shelf;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use trial::Trial;

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
    let listener = Audience(vec![Box::new(&outputs), request.voice.listener_listing_in("bad_samples-*.tsv")]);
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
    if matches!(request.voice, Voice::Person) && end.variants > 0 {
        // Advice to nobody is no reason to stop.
        let _ = write!(std::io::stderr(), "{}", costs(plan, end)?.text());
    }
    let began = Instant::now();
    let filled = fill(plan, &set, &claimed, &work, &listener, signals, request);
    let told = outputs.finish();
    let pictures = filled?;
    told?;
    claimed.release()?;
    // A screen is left before anything else is said.
    drop(listener);
    conclude(request.voice, out, pictures, &work, began)
}

/// What is left to do, and what was done before.
struct Work {
    /// Shards to be written, each with its samples' places in the source, in their order.
    shards: Vec<(u64, Vec<u32>)>,
    /// Shards that are there and whole.
    whole: Vec<Shard>,
    /// Shards of the set.
    of: u64,
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

/// What the set will be, and what a look at a few samples says of its size.
fn describe(plan: &Plan, end: &WriteEnd, out: &Path) -> Result<(Description, Trial)> {
    let mut set = Description {
        format: FORMAT,
        export: String::new(),
        program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        name: plan.name.clone(),
        seed: plan.seed,
        layout: end.layout,
        encoding: end.encoding,
        variants: end.variants,
        classes: plan.data.source.classes().to_vec(),
        channels: plan.data.channels,
        samples: plan.data.source.len() as u64,
        samples_per_shard: 1,
        data: plan.data.digest(),
        pipeline: fingerprint(plan),
    };
    let trial = Trial::of(plan, &Write { augment: plan.augment_stage(), set: &set, out })?;
    set.samples_per_shard = match (end.shard_samples, end.layout) {
        (Some(samples), _) => samples,
        (None, Layout::Shards) => (end.shard_bytes / trial.record.max(1)).max(1),
        (None, Layout::ImageFolder) => (100_000 / set.renditions() as u64).clamp(1, 1000),
    };
    Ok((set.named(), trial))
}

/// Archives of all series are written side by side.
fn refuse_many_files(set: &Description) -> Result<()> {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let needed = set.renditions() as u64 + 64;
    match set.layout == Layout::ImageFolder || needed <= allowed {
        true => Ok(()),
        false => Err(Error::refused(
            format!("{} variants need {needed} open files, the system allows {allowed}", set.variants),
            "lower write.variants, raise `ulimit -n`, or format = \"image_folder\"",
        )),
    }
}

/// Refuses a folder that holds something else, and what this pipeline has left there unless it is to be completed.
fn refuse_other_set(set: &Description, out: &Path, resume: bool) -> Result<()> {
    if !out.join(DESCRIPTION).is_file() {
        return if resume && only_hidden(out) { Ok(()) } else { refuse_if_taken(out) };
    }
    let help = "--resume completes a set that was interrupted; otherwise choose an empty folder";
    if !resume {
        return Err(Error::refused(format!("{} is not empty: it holds a set, or a part of one", out.display()), help));
    }
    let then = whole::description(out).map_err(|problem| Error::Refused(vec![problem]))?;
    if then == *set {
        return Ok(());
    }
    let only_in = |a: &Description, b: &Description, mark: &str| -> String {
        let lines = |set: &Description| format!("{}\ndata = {}\nprogram = {}", set.pipeline, set.data, set.program);
        let other = lines(b);
        lines(a).lines().filter(|line| !other.lines().any(|other| other == *line)).map(|line| format!("\n{mark} {line}")).collect()
    };
    let diff = only_in(&then, set, "-") + &only_in(set, &then, "+");
    Err(Error::refused(format!("{} holds a set that differs from what this pipeline would write:{diff}", out.display()), help))
}

/// Whether there is nothing but what a run leaves that was killed before it had begun.
fn only_hidden(out: &Path) -> bool {
    let mut names = std::fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.file_name());
    out.is_dir() && names.all(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Finds out what is to be done, and makes the folder ready for it.
fn begin(plan: &Plan, set: &Description, trial: &Trial, claimed: &ClaimedFolder, request: &Request) -> Result<Work> {
    let share = request.share.unwrap_or(Share::ALL);
    let mut work = Work { shards: Vec::new(), whole: Vec::new(), of: set.shards() };
    let (order, per_shard) = (order(set), set.samples_per_shard as usize);
    for number in (0..set.shards()).filter(|number| number % share.of == share.index) {
        let entries = order.iter().skip(number as usize * per_shard).take(per_shard).copied();
        match request.resume.then(|| whole::shard_and_records(claimed.path(), set, number)) {
            Some(Ok(whole)) => work.whole.push(whole),
            _ => work.shards.push((number, entries.collect())),
        }
    }
    let samples: usize = work.shards.iter().map(|(_, entries)| entries.len()).sum();
    trial.refuse_full_disk(set, samples as u64, claimed.path())?;
    let folders = match set.layout {
        Layout::Shards => Vec::new(),
        Layout::ImageFolder => plan.data.source.classes().iter().map(|class| claimed.file(&escaped(class))).collect(),
    };
    for folder in &folders {
        std::fs::create_dir_all(folder).map_err(Error::io("cannot make the folder", folder))?;
        sweep(folder)?;
    }
    sweep(claimed.path())?;
    claimed.write(DESCRIPTION, set.to_text().as_bytes())?;
    Ok(work)
}

/// The places in the source of the set's samples, in the order of the set: mixed where readers take a shard from start to end.
fn order(set: &Description) -> Vec<u32> {
    let mut order: Vec<u32> = (0..set.samples as u32).collect();
    if set.layout == Layout::Shards {
        Key { run: set.seed, epoch: 0, sample: 0, op: hash_name("shards") }.dice().shuffle(&mut order);
    }
    order
}

/// Removes what a killed run was writing: hidden files that have no name yet.
fn sweep(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("cannot read", folder))?.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(b".tmp") {
            std::fs::remove_file(entry.path()).map_err(Error::io("cannot remove", entry.path()))?;
        }
    }
    Ok(())
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
        census: None,
    }
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
