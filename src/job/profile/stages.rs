//! Every stage by itself, its inputs made beforehand and kept in memory.

use super::alone::{Calls, call, call_threads, summary};
use super::cpu;
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::pixels::normalize::Normalize;
use crate::plan::{End, Plan, TrainEnd};
use crate::report::profile::{Alone, PartCost, StageProfile};
use crate::sample::Size;
use crate::source::Read;
use crate::stage::augment::Augment;
use crate::stage::batch::Batcher;
use crate::stage::load::Load;
use crate::stage::{Content, FinishedSlot, Slot, Ticket, deal};
use crate::train::{Setup, Trainer};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Samples that are kept at most, and how many bytes of pixels.
const MOST: usize = 1024;
const MOST_BYTES: u64 = 64 << 20;
/// Pictures that the operations are timed on.
const TIMED: usize = 256;

/// The stages of a plan with what they are fed.
pub struct Stages<'p> {
    plan: &'p Plan,
    augment: Augment<'p>,
    tickets: Vec<Ticket>,
    /// How long each setting is measured.
    time: Duration,
    cores: usize,
}

impl<'p> Stages<'p> {
    /// Stages that are each measured for about `time` a setting, on up to `cores` workers.
    pub fn new(plan: &'p Plan, time: Duration, cores: usize) -> Self {
        let tickets: Vec<_> = deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Train, epoch: 0 }, 0).collect();
        let bytes = plan.data.typical_pixels() * plan.data.channels as u64;
        let count = ((MOST_BYTES / bytes.max(1)) as usize).min(MOST).max(plan.batch_size).min(tickets.len());
        // The end of the order, so that all stages together, which begin with its beginning, meet samples that nothing has touched.
        let tickets = tickets[tickets.len() - count..].to_vec();
        Self { plan, augment: plan.augment_stage(), tickets, time, cores }
    }

    /// Numbers of workers that are tried: all up to eight, then doubling.
    fn counts(&self) -> impl Iterator<Item = usize> + use<> {
        let most = self.cores.max(1);
        (1..=most.min(8))
            .chain((4..).map(|power| 1 << power).take_while(move |&count| count < most))
            .chain((most > 8).then_some(most))
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
        let slots = self.tickets.iter().map(|&ticket| load.load(ticket)).collect::<Result<Vec<Slot>>>()?;
        let mut stages = Vec::new();
        if wanted("load") {
            stages.push(self.load(&load, &slots));
        }
        if wanted("augment") {
            stages.push(self.augment(&load, &slots)?);
        }
        if wanted("batch") || wanted("train") {
            let finished: Vec<_> = slots.iter().map(|slot| self.augment.apply(slot.clone())).collect();
            drop(slots);
            if wanted("batch") {
                stages.push(self.batch(&finished));
            }
            if let (End::Train(end), true) = (&self.plan.end, wanted("train")) {
                stages.push(self.train(end, finished)?);
            }
        }
        Ok(stages)
    }

    fn stage(&self, name: &str, workers: usize, parallel: bool, alone: Vec<Alone>) -> StageProfile {
        StageProfile { stage: name.to_owned(), workers, parallel, alone, ..StageProfile::default() }
    }

    fn load(&self, load: &Load<'_>, slots: &[Slot]) -> StageProfile {
        let (mut alone, mut classes) = (Vec::new(), Vec::new());
        for workers in self.counts() {
            let found = call_threads(&self.tickets, workers, self.time, || |ticket| load.load(ticket));
            alone.push(summary(&found, workers, 1.0));
            if workers == 1 {
                classes = self.by_class(&found, slots);
            }
        }
        StageProfile { classes, ..self.stage("load", self.plan.workers.load, true, alone) }
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
        let measure = |workers| {
            let found = call_threads(slots, workers, self.time, || |slot| self.augment.apply(slot));
            summary(&found, workers, 1.0)
        };
        let alone = self.counts().map(measure).collect();
        let operations = self.operations(load)?;
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

    fn batcher(&self) -> Batcher<'p> {
        let channels = self.plan.data.channels;
        let normalize = Normalize::new(&vec![0.5; channels], &vec![0.25; channels]);
        let size = self.plan.size.unwrap_or(Size::new(1, 1));
        let mixing = self.plan.mix.begin(self.plan.seed, self.plan.data.source.classes().len());
        Batcher::new(self.plan.batch_size, self.plan.last_batch, normalize, channels, size).mixing(mixing)
    }

    fn batch(&self, finished: &[FinishedSlot]) -> StageProfile {
        let make = || {
            let mut batcher = self.batcher();
            move |slot| batcher.take(slot)
        };
        let found = call_threads(finished, 1, self.time, make);
        self.stage("batch", 1, false, vec![summary(&found, 1, 1.0)])
    }

    fn train(&self, end: &TrainEnd, finished: Vec<FinishedSlot>) -> Result<StageProfile> {
        let mut batcher = self.batcher();
        let count = finished.len();
        let marked = finished.into_iter().enumerate().map(|(place, mut slot)| {
            slot.ticket.last = place + 1 == count;
            slot
        });
        let batches: Vec<Batch> = marked.filter_map(|slot| batcher.take(slot)).filter(|batch| batch.count() > 0).collect();
        let whole = batches.iter().filter(|batch| batch.count() == self.plan.batch_size).count();
        let batches = &batches[..if whole > 0 { whole } else { batches.len() }];
        let Some(samples) = batches.first().map(|batch| batch.count() as f64) else {
            return Err(Error::refused("no sample can be learned from", "look at the data with `pipeline preview`"));
        };
        let places: Vec<usize> = (0..batches.len()).collect();
        let measure = |threads| {
            let mut trainer = Trainer::new(end.network.clone(), &end.config, Setup { threads, ..self.plan.setup() })?;
            trainer.survey(|survey| {
                batches.iter().all(|batch| survey.look(&batch.images));
                Ok(())
            })?;
            trainer.step(&batches[0].images, batches[0].targets())?;
            let trainer = Mutex::new(trainer);
            let step = |at: usize| {
                let batch: &Batch = &batches[at];
                trainer.lock().unwrap_or_else(PoisonError::into_inner).step(&batch.images, batch.targets()).is_ok()
            };
            let found = call(&places, 1, self.time, || step, cpu::of_process);
            Ok(Alone { workers: threads, ..summary(&found, threads, samples) })
        };
        let alone = self.counts().map(measure).collect::<Result<_>>()?;
        Ok(StageProfile { team: true, ..self.stage("train", self.plan.workers.train, true, alone) })
    }
}

/// A part that took `time` of `whole`, for so many of so many samples.
fn part(name: &str, time: Duration, whole: Duration, (count, all): (usize, usize)) -> PartCost {
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    PartCost {
        name: name.to_owned(),
        ms: share(1e3 * time.as_secs_f64(), all as f64),
        share: share(time.as_secs_f64(), whole.as_secs_f64()),
        samples: share(count as f64, all as f64),
    }
}
