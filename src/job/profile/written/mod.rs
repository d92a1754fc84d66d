//! The stages of a pipeline that writes a set. Reading, all operations, encoding and, in an image folder, the files themselves are
//! one stage there, `write`; `store` is the one thread that puts archives and lists together. What is stored goes to a scratch folder.

mod alone;
mod endless;
mod parts;

use super::scratch::Scratch;
use super::stages::{MOST, Stages};
use super::together::{Seen, Watch, seen};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::flow::Stop;
use crate::job::claim::ClaimedFolder;
use crate::job::run::signals::Signals;
use crate::job::run::write::{Trial, describe, order, refuse_many_files};
use crate::plan::{Plan, WriteEnd};
use crate::report::profile::StageProfile;
use crate::source::set::{Description, Layout, escaped};
use crate::stage::Ticket;
use crate::stage::write::{Answer, Write};
use endless::Endless;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

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

    /// Both stages by themselves, or the one that is named, `time` a setting, on up to `cores` workers.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no stage of that name; a disk that is full or gone; an interruption, from one setting to the
    /// next.
    pub fn measure(
        &self,
        plan: &Plan,
        (time, cores): (Duration, usize),
        only: Option<&str>,
        signals: &Signals,
    ) -> Result<Vec<StageProfile>> {
        if let Some(other) = only.filter(|only| !["write", "store"].contains(only)) {
            let help = "there are: write, store; reading, operations and encoding are one stage where a set is written";
            return Err(Error::refused(format!("there is no stage {other:?} to be measured"), help));
        }
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        let answers = self.answers(plan, time)?;
        let mut stages = Vec::new();
        if wanted("write") {
            stages.push(self.write(plan, time, &Stages::new(plan, time, cores).counts(), signals)?);
        }
        refuse_interrupted(signals)?;
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
            refuse_interrupted(signals)?;
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

/// What a first signal ends.
fn refuse_interrupted(signals: &Signals) -> Result<()> {
    match signals.stop().is_requested() {
        true => Err(signals.interrupted("nothing was kept".to_owned())),
        false => Ok(()),
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
