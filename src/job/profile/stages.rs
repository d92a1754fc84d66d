//! Every stage by itself, its inputs made beforehand and kept in memory.

use super::alone::{Calls, call_threads, summary};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::pixels::normalize::Normalize;
use crate::plan::{End, Plan};
use crate::report::profile::{Alone, PartCost, StageProfile};
use crate::sample::Size;
use crate::source::Read;
use crate::stage::augment::Augment;
use crate::stage::batch::{Batcher, LastBatch};
use crate::stage::load::Load;
use crate::stage::{Content, FinishedSlot, Slot, Ticket, deal};
use std::time::{Duration, Instant};

/// Samples that are kept at most, and how many bytes of pixels.
pub(super) const MOST: usize = 1024;
pub(super) const MOST_BYTES: u64 = 64 << 20;
/// Pictures that the operations are timed on.
pub(super) const TIMED: usize = 256;

/// What a quick look keeps at most, in bytes of pixels: it comes on top of nothing, but must stay within the run's memory.
const QUICK_BYTES: u64 = 8 << 20;
/// Samples that a quick look takes at least, if there are so many, and at most.
const QUICK: (usize, usize) = (4, 256);

/// The stages of a plan with what they are fed.
pub struct Stages<'p> {
    pub(super) plan: &'p Plan,
    augment: Augment<'p>,
    tickets: Vec<Ticket>,
    /// How long each setting is measured.
    pub(super) time: Duration,
    pub(super) cores: usize,
    /// When a quick look ends, whatever is measured by then; none: everything is looked at in full.
    pub(super) until: Option<Instant>,
}

impl<'p> Stages<'p> {
    /// Stages that are each measured for about `time` a setting, on up to `cores` workers.
    pub fn new(plan: &'p Plan, time: Duration, cores: usize) -> Self {
        let tickets: Vec<_> = deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Train, epoch: 0 }, 0).collect();
        let bytes = plan.data.typical_pixels() * plan.data.channels as u64;
        let count = ((MOST_BYTES / bytes.max(1)) as usize).min(MOST).max(plan.batch_size).min(tickets.len());
        // The end of the order, so that all stages together, which begin with its beginning, meet samples that nothing has touched.
        let tickets = tickets[tickets.len() - count..].to_vec();
        Self { plan, augment: plan.augment_stage(), tickets, time, cores, until: None }
    }

    /// Stages that are looked at for about `time` in all, on up to `cores` workers: fewer samples, fewer settings, no details.
    pub fn quick(plan: &'p Plan, time: Duration, cores: usize) -> Self {
        let mut stages = Self { until: Some(Instant::now() + time), ..Self::new(plan, Duration::ZERO, cores) };
        // Three stages with each number of workers, the batcher, and as much again for making inputs and what runs over.
        stages.time = time / (3 * stages.counts().len() + 4) as u32;
        let bytes = plan.data.typical_pixels() * plan.data.channels as u64;
        let count = ((QUICK_BYTES / bytes.max(1)) as usize).clamp(QUICK.0, QUICK.1).min(stages.tickets.len());
        stages.tickets.truncate(count);
        stages
    }

    /// Numbers of workers that are tried: all up to eight, then doubling; in a quick look doubling from the first.
    pub(in crate::job) fn counts(&self) -> Vec<usize> {
        let most = self.cores.max(1);
        let all = if self.until.is_some() { 1 } else { most.min(8) };
        let doubled = (0..).map(|power| 1 << power).skip_while(move |&count| count <= all).take_while(move |&count| count < most);
        (1..=all).chain(doubled).chain((most > all).then_some(most)).collect()
    }

    /// Whether there is time for another setting.
    fn goes_on(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }

    /// What `measure` finds for the numbers of workers, the first always, the others while there is time.
    pub(super) fn settings(&self, mut measure: impl FnMut(usize) -> Result<Alone>) -> Result<Vec<Alone>> {
        let mut counts = self.counts();
        if self.until.is_some() {
            // Both ends first: what lies between can be told from them.
            counts.rotate_right(1);
        }
        let mut alone = Vec::with_capacity(counts.len());
        for workers in counts {
            if alone.is_empty() || self.goes_on() {
                alone.push(measure(workers)?);
            }
        }
        alone.sort_by_key(|alone: &Alone| alone.workers);
        Ok(alone)
    }

    /// What `make` makes of all inputs to measure with, or of those for which there is time.
    fn prepared<T, U>(&self, inputs: &[T], mut make: impl FnMut(&T) -> Result<U>) -> Result<Vec<U>> {
        let (began, mut made) = (Instant::now(), Vec::with_capacity(inputs.len()));
        for input in inputs {
            if self.until.is_some() && made.len() >= QUICK.0 && began.elapsed() > 3 * self.time {
                break;
            }
            made.push(make(input)?);
        }
        Ok(made)
    }

    /// All of them, or the one that is named.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no stage of that name; what kept samples from being read or learned.
    pub fn measure(&self, only: Option<&str>) -> Result<Vec<StageProfile>> {
        let trains = matches!(self.plan.end, End::Train(_));
        let names: Vec<&str> =
            ["load", "augment", "batch", "train"].into_iter().filter(|name| trains || *name != "train").collect();
        if let Some(only) = only.filter(|only| !names.contains(only)) {
            return Err(Error::refused(
                format!("there is no stage {only:?} to be measured"),
                format!("there are: {}", names.join(", ")),
            ));
        }
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        let load = self.plan.load_stage(&self.augment);
        let slots = self.prepared(&self.tickets, |&ticket| load.load(ticket))?;
        let mut stages = Vec::new();
        if wanted("load") {
            stages.push(self.load(&load, &slots)?);
        }
        if wanted("augment") {
            stages.push(self.augment(&load, &slots)?);
        }
        if wanted("batch") || wanted("train") {
            let finished = self.prepared(&slots, |slot| Ok(self.augment.apply(slot.clone())))?;
            drop(slots);
            if wanted("batch") {
                stages.push(self.batch(&finished));
            }
            if let (End::Train(end), true) = (&self.plan.end, wanted("train")) {
                stages.push(self.train(end, &finished)?);
            }
        }
        Ok(stages)
    }

    pub(super) fn stage(&self, name: &str, workers: usize, parallel: bool, alone: Vec<Alone>) -> StageProfile {
        StageProfile { stage: name.to_owned(), workers, parallel, alone, ..StageProfile::default() }
    }

    fn load(&self, load: &Load<'_>, slots: &[Slot]) -> Result<StageProfile> {
        let mut classes = Vec::new();
        let alone = self.settings(|workers| {
            let found = call_threads(&self.tickets[..slots.len()], workers, self.time, || |ticket| load.load(ticket));
            if workers == 1 {
                classes = self.by_class(&found, slots);
            }
            Ok(summary(&found, workers, 1.0))
        })?;
        Ok(StageProfile { classes, ..self.stage("load", self.plan.workers.load, true, alone) })
    }

    /// What the samples of each class took.
    fn by_class(&self, found: &[Calls], slots: &[Slot]) -> Vec<PartCost> {
        let names = self.plan.data.source.classes();
        let mut sums = vec![(0usize, Duration::ZERO); names.len()];
        for &(at, time) in found.iter().flat_map(|calls| &calls.calls) {
            let label = match &slots[at].outcome {
                Ok(Content::Read(sample) | Content::Part(sample, _)) => sample.label,
                Ok(Content::Finished(finished)) => finished.label,
                Err(_) => continue,
            };
            let sum = &mut sums[label as usize];
            *sum = (sum.0 + 1, sum.1 + time);
        }
        let (calls, whole) = (sums.iter().map(|sum| sum.0).sum(), sums.iter().map(|sum| sum.1).sum());
        let part = |(name, (count, time)): (&String, &(usize, Duration))| part(name, *time, whole, (*count, calls));
        names.iter().zip(&sums).map(part).collect()
    }

    fn augment(&self, load: &Load<'_>, slots: &[Slot]) -> Result<StageProfile> {
        let alone = self.settings(|workers| {
            let found = call_threads(slots, workers, self.time, || |slot| self.augment.apply(slot));
            Ok(summary(&found, workers, 1.0))
        })?;
        let operations = if self.until.is_some() { Vec::new() } else { self.operations(load)? };
        Ok(StageProfile { operations, ..self.stage("augment", self.plan.workers.augment, true, alone) })
    }

    /// What every step of the training chain takes, by itself, on whole pictures.
    fn operations(&self, load: &Load<'_>) -> Result<Vec<PartCost>> {
        let steps = self.plan.augment.steps();
        let (mut times, mut count) = (vec![Duration::ZERO; steps.len()], 0);
        let began = Instant::now();
        for &ticket in self.tickets.iter().take(TIMED) {
            let Ok(Read { sample, .. }) = load.read(ticket)? else { continue };
            let place = Key { run: self.plan.seed, epoch: u64::from(ticket.pass.epoch), sample: sample.identity.number(), op: 0 };
            count += usize::from(self.plan.augment.add_times(place, sample.image, &mut times).is_ok());
            if began.elapsed() > 4 * self.time {
                break;
            }
        }
        let whole = times.iter().sum();
        let part = |(step, time): (&crate::augment::Step, &Duration)| PartCost {
            samples: step.p(),
            ..part(step.name(), *time, whole, (count, count))
        };
        Ok(steps.iter().zip(&times).map(part).collect())
    }

    /// Keeps a batch that is not full: a look may be shorter than a batch.
    pub(super) fn batcher(&self) -> Batcher<'p> {
        let channels = self.plan.data.channels;
        let normalize = Normalize::new(&vec![0.5; channels], &vec![0.25; channels]);
        let size = self.plan.size.unwrap_or(Size::new(1, 1));
        let mixing = self.plan.mix.begin(self.plan.seed, self.plan.data.source.classes().len());
        Batcher::new(self.plan.batch_size, LastBatch::Keep, normalize, channels, size).mixing(mixing)
    }

    fn batch(&self, finished: &[FinishedSlot]) -> StageProfile {
        let make = || {
            let mut batcher = self.batcher();
            move |slot| batcher.take(slot)
        };
        let found = call_threads(finished, 1, self.time, make);
        self.stage("batch", 1, false, vec![summary(&found, 1, 1.0)])
    }
}

/// A part that took `time` of `whole`, for so many of so many samples.
pub(super) fn part(name: &str, time: Duration, whole: Duration, (count, all): (usize, usize)) -> PartCost {
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    PartCost {
        name: name.to_owned(),
        ms: share(1e3 * time.as_secs_f64(), all as f64),
        share: share(time.as_secs_f64(), whole.as_secs_f64()),
        samples: share(count as f64, all as f64),
    }
}
