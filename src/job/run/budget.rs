//! A run that has so much time: how many epochs fit is measured before the first step and fixed then, so that what comes out is a
//! function of the pipeline that the run's folder keeps. Time decides nothing afterwards; a run that is late says so.

use super::moments::Moments;
use super::signals::Signals;
use super::survey::survey;
use super::{Request, diagnose};
use crate::batch::{Batch, Part, Pass};
use crate::config::Document;
use crate::error::{Error, Result};
use crate::event::{Event, Listener, Score};
use crate::job::claim::ClaimedFolder;
use crate::optim::schedule::LearningRate;
use crate::plan::{End, NormalizePlan, Plan, TrainEnd, epochs_of};
use crate::report::{EpochRecord, RunFolder};
use crate::sample::NoteCounts;
use crate::stage::deal;
use crate::train::{Caller, TrainConfig, Trainer, self_check};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The share of a budget that is planned with; the rest is for what was not measured.
const USED: f64 = 0.95;
/// The share of a budget that measuring may take, and what that is at least and at most, in seconds.
const MEASURING: (f64, f64, f64) = (0.03, 1.0, 30.0);
/// Batches before the clock starts: the first ones fill caches and channels.
const WARM: usize = 3;

/// What a run takes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Costs {
    /// What is over already.
    spent: f64,
    /// What comes once: beginning, test, artifacts.
    once: f64,
    /// Every epoch, with its validation, checkpoint and reports.
    epoch: f64,
    /// What each epoch takes more than the one before, because reports grow.
    growth: f64,
}

impl Costs {
    /// Epochs that end within `budget` seconds.
    fn fitting(self, budget: f64) -> u32 {
        // n epochs take epoch · n + growth · n² / 2.
        let left = (USED * budget - self.spent - self.once).max(0.0);
        let (epoch, growth) = (self.epoch.max(1e-9), self.growth.max(0.0));
        (2.0 * left / (epoch + (epoch * epoch + 2.0 * growth * left).sqrt())).min(f64::from(u32::MAX)) as u32
    }
}

/// Replaces the budget of `plan`, if it has one, by the number of epochs that fit: measured, or, for a run that goes on, as it was
/// fixed when the run began.
///
/// # Errors
/// [`Error::Refused`] where not even one epoch fits; an interruption; whatever keeps batches from being made.
pub fn settle(plan: &mut Plan, request: &Request, signals: &Signals) -> Result<()> {
    let End::Train(end) = &plan.end else { return Ok(()) };
    let Some(budget) = end.config.budget else { return Ok(()) };
    let most = end.config.epochs;
    let seconds = budget.as_secs();
    if let Some(epochs) = fixed_before(plan, request) {
        plan.data.warnings.push(format!("the run goes on with the {epochs} epochs that were fixed when it began"));
        plan.fix_epochs(epochs);
        return Ok(());
    }
    let moments = Moments::of_plan(plan, signals)?;
    let as_f64 = |values: &[f32]| Some(values.iter().copied().map(f64::from).collect());
    let normalize = NormalizePlan { mean: as_f64(&moments.mean), std: as_f64(&moments.std) };
    let costs = measure(plan, end, &moments, request, signals)?;
    let fitting = costs.fitting(budget.as_secs_f64());
    if fitting == 0 {
        let message = format!(
            "a budget of {seconds} s is too short for a single epoch: one takes about {:.1} s, everything else {:.1} s",
            costs.epoch,
            costs.spent + costs.once
        );
        return Err(Error::refused(message, "raise the budget, or make the model, the pictures or the validation part smaller"));
    }
    let epochs = f64::from(fitting).min(most);
    let words = format!("{epochs} of at most {most} epochs fit into {seconds} s at {:.2} s each, and are fixed now", costs.epoch);
    plan.data.warnings.push(words);
    // Measured once: the run need not measure it again.
    plan.normalize = normalize;
    plan.fix_epochs(epochs);
    Ok(())
}

/// The epochs of the run that is to go on, from the pipeline that its folder keeps.
fn fixed_before(plan: &Plan, request: &Request) -> Option<f64> {
    let folder = ClaimedFolder::to_resume(&plan.runs, &plan.name, request.out.as_deref()).filter(|_| request.resume)?;
    let text = std::fs::read_to_string(folder.join("pipeline.toml")).ok()?;
    epochs_of(&Document::parse("pipeline.toml", &text).ok()?)
}

fn measure(plan: &Plan, end: &TrainEnd, moments: &Moments, request: &Request, signals: &Signals) -> Result<Costs> {
    let (asked, out, budget) = (request.asked, request.out.as_deref(), end.config.budget.unwrap_or_default());
    // Weights that stay where they are cost as much as others, and cannot blow up.
    let config = TrainConfig { learning_rate: LearningRate::constant(0.0), ..end.config.clone() };
    let mut trainer = Trainer::new(end.network.clone(), &config, plan.setup())?;
    let began = Instant::now();
    survey(plan, moments, &mut trainer, signals)?;
    let surveying = began.elapsed().as_secs_f64();
    let (share, least, most) = MEASURING;
    let time = Duration::from_secs_f64((share * budget.as_secs_f64()).clamp(least, most));
    let parts = &plan.data.parts;
    let train =
        pace(plan, moments, Part::Train, time, signals, &mut |batch| trainer.step(&batch.images, batch.targets()).map(drop))?;
    let mut evaluate = |batch: &Batch| {
        trainer.evaluate_views(&batch.images, &batch.labels, batch.views);
        Ok(())
    };
    let scored = [Part::Validation, Part::Test].into_iter().find(|&part| !parts.of(part).is_empty());
    let score = scored.map_or(Ok(Pace::default()), |part| pace(plan, moments, part, time / 2, signals, &mut evaluate))?;
    let writing = Writing::measure(plan, &trainer, out)?;
    let count = |part: Part| parts.of(part).len() as f64;
    // Trying the model before the first step, and the diagnosis after the last.
    let trying = if request.self_check { train.sample * self_check::worth(&end.network) } else { 0.0 };
    let looking = trying + score.sample.max(train.sample / 3.0) * diagnose::samples(plan) as f64;
    Ok(Costs {
        spent: asked.elapsed().as_secs_f64(),
        once: surveying + looking + train.start + 3.0 * score.start + score.sample * count(Part::Test) + 4.0 * writing.epoch,
        epoch: train.sample * count(Part::Train) + score.sample * count(Part::Validation) + writing.epoch,
        growth: writing.growth,
    })
}

/// What writing after an epoch takes, in seconds.
struct Writing {
    epoch: f64,
    growth: f64,
}

/// Epochs in the longer of the two reports that are written to see how they grow.
const LONG: u32 = 400;

impl Writing {
    /// Writes a checkpoint and reports where those of the run will lie, and removes them again.
    fn measure(plan: &Plan, trainer: &Trainer, out: Option<&Path>) -> Result<Self> {
        let place = std::path::absolute(out.unwrap_or(&plan.runs)).unwrap_or_default();
        let there = place.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
        let folder = Scratch(there.join(format!(".pipeline-budget-{}", std::process::id())));
        std::fs::create_dir(&folder.0).map_err(Error::io("cannot write to", &folder.0))?;
        let timed = |work: &dyn Fn() -> Result<()>| {
            let began = Instant::now();
            work().map(|()| began.elapsed().as_secs_f64())
        };
        let checkpoint = timed(&|| trainer.checkpoint(Caller::default()).save(folder.0.join("checkpoint")))?;
        let score = Score { loss: 0.123_456_789, accuracy: 0.987_654_321, samples: 1000 };
        let record = |epoch| EpochRecord { epoch, train: score, validation: Some(score), learning_rate: 0.012_345, best: false };
        let report = |epochs: u32| {
            let reports = RunFolder::new(&folder.0);
            reports.resume(epochs, (1..=epochs).map(record).collect(), Vec::new(), NoteCounts::default());
            timed(&|| reports.write())
        };
        let (short, long) = (report(1)?, report(LONG)?);
        Ok(Self { epoch: checkpoint + short, growth: (long - short).max(0.0) / f64::from(LONG) })
    }
}

/// A folder that goes with its owner.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed was made a moment ago; the run itself will find out what is wrong with the folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How fast samples go through, in seconds.
#[derive(Clone, Copy, Default)]
struct Pace {
    /// To the first batch.
    start: f64,
    /// A sample, once all is under way.
    sample: f64,
}

/// Lets samples of `part` through `work` for `time`, again and again where there are few.
fn pace(
    plan: &Plan,
    moments: &Moments,
    part: Part,
    time: Duration,
    signals: &Signals,
    work: &mut (dyn FnMut(&Batch) -> Result<()> + Send),
) -> Result<Pace> {
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let tickets = (0..u32::MAX).flat_map(|epoch| deal::pass(&plan.data.parts, plan.seed, Pass { part, epoch }, 0));
    let began = Instant::now();
    let (mut batches, mut samples, mut start, mut clock) = (0, 0, 0.0, began);
    let (mut late, mut counted) = (0.0, 0);
    let mut take = |_, batch: Batch| {
        if batches == 0 {
            start = began.elapsed().as_secs_f64();
        }
        work(&batch)?;
        batches += 1;
        samples += batch.count();
        if batches <= WARM {
            clock = Instant::now();
        } else {
            (late, counted) = (clock.elapsed().as_secs_f64(), counted + batch.count());
        }
        let over = signals.stop().is_requested() || (began.elapsed() >= time && counted > 0);
        Ok::<_, Error>(if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let flow = plan.batches(&load, tickets, signals.stop(), moments.normalize(), 0);
    flow.sink("measure", Plan::batch_room(), &mut take).run()?;
    if signals.stop().is_requested() {
        return Err(signals.interrupted("nothing was learned yet: start it again without --resume".to_owned()));
    }
    Ok(Pace { start, sample: late / counted.max(1) as f64 })
}

/// Passes events on, and adds a warning where the epochs left will not end in time.
pub struct Punctual<'l> {
    inner: &'l dyn Listener,
    /// The budget and when it began.
    budget: Option<(Duration, Instant)>,
    epochs: u32,
    told: AtomicBool,
}

impl<'l> Punctual<'l> {
    /// Watches over a run of `epochs` that was asked for at `asked`; over nothing where there is no budget.
    pub fn new(inner: &'l dyn Listener, budget: Option<Duration>, asked: Instant, epochs: u32) -> Self {
        Self { inner, budget: budget.map(|budget| (budget, asked)), epochs, told: AtomicBool::new(false) }
    }
}

impl Listener for Punctual<'_> {
    fn hear(&self, event: &Event) {
        self.inner.hear(event);
        let (Event::Epoch { epoch, wall, .. }, Some((budget, asked))) = (event, self.budget) else { return };
        let end = asked.elapsed() + *wall * self.epochs.saturating_sub(epoch + 1);
        if end > budget && !self.told.swap(true, Ordering::Relaxed) {
            let words = format!(
                "the run is slower than it was when it was measured: it will take about {} s in place of {} s; its epochs stay as fixed",
                end.as_secs(),
                budget.as_secs()
            );
            self.inner.hear(&Event::Warning(words));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn as_many_epochs_fit_as_end_in_time() {
        let costs = Costs { spent: 3.0, once: 2.0, epoch: 10.0, growth: 0.0 };
        assert_eq!([1.0, 5.0, 15.7, 16.0, 100.0].map(|budget| costs.fitting(budget)), [0, 0, 0, 1, 9]);
        assert_eq!(Costs { epoch: 0.0, ..costs }.fitting(1e12), u32::MAX);
        // 20 · 10 + 20² = 600 s.
        let growing = Costs { growth: 2.0, ..costs };
        assert_eq!([604.0, 606.0].map(|seconds| growing.fitting(seconds / USED)), [19, 20]);
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Listener for Heard {
        fn hear(&self, event: &Event) {
            if let Event::Warning(words) = event {
                self.0.lock().unwrap().push(words.clone());
            }
        }
    }

    #[test]
    fn a_run_that_is_late_says_so_once() {
        let epoch = |epoch, seconds| Event::Epoch {
            epoch,
            train: crate::event::Score::default(),
            validation: None,
            learning_rate: 0.1,
            wall: Duration::from_secs(seconds),
            best: false,
        };
        let heard = Heard::default();
        let punctual = Punctual::new(&heard, Some(Duration::from_secs(100)), Instant::now(), 10);
        punctual.hear(&epoch(0, 10));
        assert!(heard.0.lock().unwrap().is_empty(), "nine more of ten seconds end in time");
        punctual.hear(&epoch(1, 20));
        punctual.hear(&epoch(2, 30));
        assert_eq!(heard.0.lock().unwrap().len(), 1);
        Punctual::new(&heard, None, Instant::now(), 10).hear(&epoch(0, 1000));
        assert_eq!(heard.0.lock().unwrap().len(), 1);
    }
}
