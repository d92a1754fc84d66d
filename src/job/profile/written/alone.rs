//! The two stages of writing by themselves, what they take waiting in memory or in the system's cache.

use super::endless::Endless;
use super::{Written, refuse_interrupted};
use crate::error::{Error, Result};
use crate::job::claim::ClaimedFolder;
use crate::job::profile::alone::{Calls, call_threads, summary};
use crate::job::profile::stages::{MOST_BYTES, part};
use crate::job::run::signals::Signals;
use crate::plan::Plan;
use crate::report::profile::{Alone, PartCost, StageProfile};
use crate::stage::Ticket;
use crate::stage::write::Answer;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers that are kept at least, if there are so many samples.
const FEW: usize = 4;

impl Written {
    /// What the write stage hands to the next, of so many samples as there is time and memory for.
    pub(super) fn answers(&self, plan: &Plan, time: Duration) -> Result<Vec<Answer>> {
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

    pub(super) fn write(&self, plan: &Plan, time: Duration, counts: &[usize], signals: &Signals) -> Result<StageProfile> {
        let (tickets, mut classes, mut alone) = (self.tickets(), Vec::new(), Vec::new());
        for &workers in counts {
            refuse_interrupted(signals)?;
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

    pub(super) fn store(&self, plan: &Plan, time: Duration, answers: &[Answer]) -> Result<StageProfile> {
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
