//! The stages of a pipeline that writes a set. Reading, all operations, encoding and, in an image folder, the files themselves are
//! one stage there, `write`; `store` is the one thread that puts archives and lists together. What is stored goes to a scratch folder.

use super::alone::{Calls, call_threads, summary};
use super::scratch::Scratch;
use super::stages::{MOST, MOST_BYTES, Stages, TIMED, part};
use super::together::{Seen, Watch, seen};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::flow::Stop;
use crate::job::claim::ClaimedFolder;
use crate::job::run::signals::Signals;
use crate::job::run::write::{Shelf, Trial, describe, order, refuse_many_files};
use crate::key::Key;
use crate::plan::{Plan, WriteEnd};
use crate::report::profile::{Alone, PartCost, StageProfile};
use crate::report::write_atomic;
use crate::sample::Sample;
use crate::source::Read;
use crate::source::set::{Description, Layout, Meta, escaped};
use crate::stage::Ticket;
use crate::stage::write::{Answer, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Answers that are kept at least, if there are so many samples.
const FEW: usize = 4;

/// A set as a run would write it, as far as the disk has room for it.
pub struct Written {
    set: Description,
    /// Some of its shards: those that are written again and again.
    shards: Vec<(u64, Vec<u32>)>,
    /// All samples of these.
    entries: Vec<u32>,
    scratch: Scratch,
}

impl Written {
    /// Decides what is written, and makes a folder for it.
    ///
    /// # Errors
    /// A disk without room for one shard; a folder that cannot be written to.
    pub fn new(plan: &Plan, end: &WriteEnd) -> Result<Self> {
        let (set, trial) = describe(plan, end, &end.path)?;
        refuse_many_files(&set)?;
        let scratch = Scratch::beside(&end.path)?;
        let room = scratch.folder("room")?;
        let shards = fitting(&set, &trial, &room)?;
        scratch.clear("room")?;
        let entries = shards.iter().flat_map(|(_, entries)| entries.iter().copied()).collect();
        Ok(Self { set, shards, entries, scratch })
    }

    /// Pictures stored of each sample.
    pub fn renditions(&self) -> usize {
        self.set.renditions()
    }

    /// Both stages by themselves, or the one that is named, `time` a setting.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no stage of that name; a disk that is full or gone.
    pub fn measure(&self, plan: &Plan, time: Duration, cores: usize, only: Option<&str>) -> Result<Vec<StageProfile>> {
        if let Some(other) = only.filter(|only| !["write", "store"].contains(only)) {
            let help = "there are: write, store; reading, operations and encoding are one stage where a set is written";
            return Err(Error::refused(format!("there is no stage {other:?} to be measured"), help));
        }
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        let answers = self.answers(plan, time)?;
        let mut stages = Vec::new();
        if wanted("write") {
            stages.push(self.write(plan, time, &Stages::new(plan, time, cores).counts())?);
        }
        if wanted("store") {
            stages.push(self.store(plan, time, &answers)?);
        }
        Ok(stages)
    }

    fn ticket(&self, position: u64) -> Ticket {
        let entry = self.entries[(position % self.entries.len() as u64) as usize];
        Ticket { pass: Pass { part: Part::Validation, epoch: 0 }, position, entry, last: false }
    }

    /// Samples of the end, so that all together, which begins at the beginning, meets files that nothing has touched.
    fn tickets(&self) -> Vec<Ticket> {
        let count = self.entries.len().min(MOST);
        (self.entries.len() - count..self.entries.len()).map(|position| self.ticket(position as u64)).collect()
    }

    fn writer<'a>(&'a self, plan: &'a Plan, out: &'a Path) -> Write<'a> {
        Write { augment: plan.augment_stage(), set: &self.set, out }
    }

    /// A folder as a run makes it ready.
    fn ready(&self, folder: &Path) -> Result<()> {
        let classes = if self.set.layout == Layout::ImageFolder { &self.set.classes[..] } else { &[] };
        let make = |path: &Path| std::fs::create_dir_all(path).map_err(Error::io("cannot make the folder", path));
        make(folder)?;
        classes.iter().try_for_each(|class| make(&folder.join(escaped(class))))
    }

    /// What the write stage hands to the next, of so many samples as there is time and memory for.
    fn answers(&self, plan: &Plan, time: Duration) -> Result<Vec<Answer>> {
        let folder = self.scratch.folder("answers")?;
        self.ready(&folder)?;
        let (augment, write, began) = (plan.augment_stage(), self.writer(plan, &folder), Instant::now());
        let load = plan.load_stage(&augment);
        let (mut answers, mut bytes) = (Vec::new(), 0);
        for ticket in self.tickets() {
            if answers.len() >= FEW && (began.elapsed() > 4 * time || bytes > MOST_BYTES) {
                break;
            }
            let answer = write.write(u64::from(ticket.entry), load.read(ticket)?)?;
            bytes += answer.0.iter().flatten().map(|made| made.record.len() as u64).sum::<u64>();
            answers.extend(answer.0.is_ok().then_some(answer));
        }
        self.scratch.clear("answers")?;
        match answers.is_empty() {
            true => Err(Error::refused("no sample can be written", "look at the data with `pipeline preview`")),
            false => Ok(answers),
        }
    }

    fn write(&self, plan: &Plan, time: Duration, counts: &[usize]) -> Result<StageProfile> {
        let (tickets, mut classes, mut alone) = (self.tickets(), Vec::new(), Vec::new());
        for &workers in counts {
            let found = self.write_with(plan, &tickets, workers, time)?;
            if workers == 1 {
                classes = by_class(plan, &tickets, &found);
            }
            alone.push(summary(&found, workers, 1.0));
        }
        let (operations, workers) = (self.parts(plan, time)?, plan.write_workers());
        Ok(StageProfile {
            stage: "write".to_owned(),
            workers,
            parallel: true,
            alone,
            operations,
            classes,
            ..StageProfile::default()
        })
    }

    /// Every worker writes to a folder of its own: with few samples, two may have the same one in hand.
    fn write_with(&self, plan: &Plan, tickets: &[Ticket], workers: usize, time: Duration) -> Result<Vec<Calls>> {
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        let folder = self.scratch.folder("alone")?;
        let folders: Vec<PathBuf> = (0..workers).map(|worker| folder.join(worker.to_string())).collect();
        folders.iter().try_for_each(|folder| self.ready(folder))?;
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let make = || {
            let write = self.writer(plan, &folders[next.fetch_add(1, Relaxed) % folders.len()]);
            let (load, failed) = (&load, &failed);
            move |ticket: Ticket| {
                let answer = load.read(ticket).and_then(|read| write.write(u64::from(ticket.entry), read));
                answer.map_err(|error| *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error)).ok()
            }
        };
        let found = call_threads(tickets, workers, time, make);
        self.scratch.clear("alone")?;
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(found), Err)
    }

    fn store(&self, plan: &Plan, time: Duration, answers: &[Answer]) -> Result<StageProfile> {
        let (folder, failed) = (self.scratch.folder("store")?, Mutex::new(None));
        let claimed = ClaimedFolder::claim(&folder)?;
        let make = || {
            let (mut shelf, failed) = (Endless::new(self, plan, &claimed), &failed);
            move |answer: Answer| {
                let taken = shelf.take(answer);
                taken.map_err(|error| *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error)).ok()
            }
        };
        let found = call_threads(answers, 1, time, make);
        self.scratch.clear("store")?;
        let alone: Vec<Alone> = vec![summary(&found, 1, 1.0)];
        let stage = StageProfile { stage: "store".to_owned(), workers: 1, alone, ..StageProfile::default() };
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(stage), Err)
    }

    /// What the parts of writing take, one by one, on one thread.
    fn parts(&self, plan: &Plan, time: Duration) -> Result<Vec<PartCost>> {
        let folder = self.scratch.folder("parts")?;
        let (augment, began) = (plan.augment_stage(), Instant::now());
        let load = plan.load_stage(&augment);
        let mut costs = Costs::new(plan);
        for ticket in self.tickets().into_iter().take(TIMED) {
            let clock = Instant::now();
            let Ok(Read { sample, .. }) = load.read(ticket)? else { continue };
            costs.read += clock.elapsed();
            costs.count += usize::from(self.look(plan, ticket, &sample, &folder, &mut costs)?);
            if began.elapsed() > 4 * time {
                break;
            }
        }
        self.scratch.clear("parts")?;
        Ok(costs.parts(plan, &self.set))
    }

    /// Adds what all renditions of one sample take; false where it is set aside.
    fn look(&self, plan: &Plan, ticket: Ticket, sample: &Sample, folder: &Path, costs: &mut Costs) -> Result<bool> {
        for rendition in 0..self.renditions() {
            let variant = rendition < self.set.variants as usize;
            let (chain, times) = if variant { (&plan.augment, &mut costs.train) } else { (&plan.evaluate, &mut costs.evaluate) };
            let epoch = if variant { rendition as u64 } else { 0 };
            let place = Key { run: plan.seed, epoch, sample: sample.identity.number(), op: 0 };
            if chain.add_times(place, sample.image.clone(), times).is_err() {
                return Ok(false);
            }
            let pass = Pass { part: if variant { Part::Train } else { Part::Validation }, epoch: epoch as u32 };
            let Ok((made, draws)) = plan.augment_stage().apply_traced(sample.clone(), pass) else { return Ok(false) };
            let clock = Instant::now();
            let Ok(picture) = self.set.encoding.encode(&made.image) else { return Ok(false) };
            costs.encode += clock.elapsed();
            let clock = Instant::now();
            match self.set.layout {
                Layout::ImageFolder => write_atomic(folder.join("picture"), &picture)?,
                Layout::Shards => {
                    let (source, draws) = (sample.identity.to_string(), serde_json::from_str(&draws).unwrap_or_default());
                    let (label, class, variant) = (sample.label, String::new(), rendition.to_string());
                    let record = self.set.record(
                        rendition,
                        u64::from(ticket.entry),
                        &Meta { source, label, class, variant, draws },
                        &picture,
                    );
                    std::hint::black_box(blake3::hash(&record));
                }
            }
            costs.stored += clock.elapsed();
        }
        Ok(true)
    }

    /// Both stages among each other for about `time`, the shards again and again.
    ///
    /// # Errors
    /// Too many bad samples, a disk that is full or gone, an interruption.
    pub fn together(&self, plan: &Plan, time: Duration, cores: usize, signals: &Signals) -> Result<Seen> {
        let folder = self.scratch.folder("together")?;
        let claimed = ClaimedFolder::claim(&folder)?;
        let folders: Vec<PathBuf> =
            (0..passes(plan, &self.set, self.entries.len())).map(|n| folder.join(format!("pass{n}"))).collect();
        folders.iter().try_for_each(|folder| self.ready(folder))?;
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let made = |ticket: Ticket| {
            let pass = ticket.position as usize / self.entries.len();
            self.writer(plan, &folders[pass % folders.len()]).write(u64::from(ticket.entry), load.read(ticket)?)
        };
        let mut ledger = plan.data.ledger(&[Part::Train, Part::Validation]);
        let (meters, mut shelf) = (OnceLock::new(), Endless::new(self, plan, &claimed));
        // Until every worker has been heard of.
        let warm = (plan.write_workers() * plan.chunk().div_ceil(self.renditions())) as u64;
        let mut watch = Watch::new(&meters, time, warm);
        let mut take = |_, answer: Answer| {
            if signals.stop().is_requested() {
                return Err(signals.interrupted("nothing was kept".to_owned()));
            }
            if let Err(bad) = &answer.0 {
                ledger.note(std::slice::from_ref(bad));
                ledger.verdict()?;
            }
            shelf.take(answer)?;
            Ok::<_, Error>(watch.take(1))
        };
        let tickets = (0..).map(|position| self.ticket(position));
        let flow = plan.written_by(self.renditions(), made, tickets, Stop::new()).sink("store", Plan::batch_room(), &mut take);
        let _ = meters.set(flow.meters());
        flow.run()?;
        self.scratch.clear("together")?;
        let Watch { begin: Some(begin), end: Some(end), .. } = watch else {
            return Err(Error::refused("there are no samples to be written", "look at the data with `pipeline check`"));
        };
        Ok(seen(&begin, &end, 1, cores))
    }
}

/// Shards from the first on that take no more than a quarter of the room on the disk of `folder`, one at least.
fn fitting(set: &Description, trial: &Trial, folder: &Path) -> Result<Vec<(u64, Vec<u32>)>> {
    let order = order(set);
    let all = order.chunks(set.samples_per_shard.max(1) as usize);
    let free = rustix::fs::statvfs(folder).map_or(u64::MAX, |space| space.f_bavail * space.f_frsize);
    let mut shards: Vec<(u64, Vec<u32>)> = Vec::new();
    let mut samples = 0;
    for (number, entries) in (0..).zip(all) {
        samples += entries.len() as u64;
        if !shards.is_empty() && trial.disk(set, samples) > free / 4 {
            break;
        }
        shards.push((number, entries.to_vec()));
    }
    trial.refuse_full_disk(set, shards.first().map_or(0, |(_, entries)| entries.len() as u64), folder)?;
    Ok(shards)
}

/// Folders for pictures, so that no file is written twice at once: as many as passes over so many samples can be on their way.
fn passes(plan: &Plan, set: &Description, samples: usize) -> usize {
    match set.layout {
        Layout::Shards => 1,
        Layout::ImageFolder => plan.written_in_flight(set.renditions()) / samples.max(1) + 2,
    }
}

/// What the samples of each class took.
fn by_class(plan: &Plan, tickets: &[Ticket], found: &[Calls]) -> Vec<PartCost> {
    let names = plan.data.source.classes();
    let mut sums = vec![(0usize, Duration::ZERO); names.len()];
    for &(at, time) in found.iter().flat_map(|calls| &calls.calls) {
        let sum = &mut sums[plan.data.source.label(tickets[at].entry as usize) as usize];
        *sum = (sum.0 + 1, sum.1 + time);
    }
    let (calls, whole) = (sums.iter().map(|sum| sum.0).sum(), sums.iter().map(|sum| sum.1).sum());
    names.iter().zip(&sums).map(|(name, (count, time))| part(name, *time, whole, (*count, calls))).collect()
}

/// A shelf that begins again when its shards are full.
struct Endless<'a> {
    from: &'a Written,
    plan: &'a Plan,
    claimed: &'a ClaimedFolder,
    shelf: Shelf<'a>,
    left: usize,
}

impl<'a> Endless<'a> {
    fn new(from: &'a Written, plan: &'a Plan, claimed: &'a ClaimedFolder) -> Self {
        let shelf = Shelf::new(&*plan.data.source, &from.set, claimed, &from.shards);
        Self { from, plan, claimed, shelf, left: from.entries.len() }
    }

    fn take(&mut self, (answer, _): Answer) -> Result<()> {
        if self.left == 0 {
            *self = Self::new(self.from, self.plan, self.claimed);
        }
        self.left -= 1;
        self.shelf.take(answer)
    }
}

/// Time that went into each part.
struct Costs {
    count: usize,
    read: Duration,
    train: Vec<Duration>,
    evaluate: Vec<Duration>,
    encode: Duration,
    stored: Duration,
}

impl Costs {
    fn new(plan: &Plan) -> Self {
        let of = |chain: &crate::augment::Chain| vec![Duration::ZERO; chain.steps().len()];
        let [read, encode, stored] = [Duration::ZERO; 3];
        Self { count: 0, read, train: of(&plan.augment), evaluate: of(&plan.evaluate), encode, stored }
    }

    fn parts(&self, plan: &Plan, set: &Description) -> Vec<PartCost> {
        let steps = |chain: &crate::augment::Chain, times: &[Duration], before: &str| -> Vec<(String, Duration)> {
            chain.steps().iter().zip(times).map(|(step, &time)| (format!("{before}{}", step.name()), time)).collect()
        };
        let stored = if set.layout == Layout::ImageFolder { "files to the disk" } else { "records and checksums" };
        let named = |name: &str, time: Duration| vec![(name.to_owned(), time)];
        let all = [
            named("read and decode", self.read),
            steps(&plan.augment, &self.train, ""),
            steps(&plan.evaluate, &self.evaluate, "evaluate: "),
            named(&format!("encode {}", set.encoding.extension()), self.encode),
            named(stored, self.stored),
        ]
        .concat();
        let whole = all.iter().map(|(_, time)| *time).sum();
        all.iter().map(|(name, time)| part(name, *time, whole, (self.count, self.count))).collect()
    }
}
