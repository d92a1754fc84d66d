//! All stages among each other, as a run has them, for a while: what each did with its time, and the rate of the whole.

use super::cpu;
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::flow::{Meters, Reading, Stop};
use crate::job::run::signals::Signals;
use crate::pixels::normalize::Normalize;
use crate::plan::{End, Plan};
use crate::report::profile::Together;
use crate::stage::deal;
use crate::train::Trainer;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What was seen.
pub struct Seen {
    /// Samples a second.
    pub rate: f64,
    /// Seconds that it was watched.
    pub seconds: f64,
    /// Share of the cores that the process used.
    pub cores_busy: Option<f64>,
    /// Names of the stages, and how each spent its time.
    pub stages: Vec<(String, Together)>,
}

/// Everything that is counted, at one moment.
pub(super) struct Moment {
    pub at: Instant,
    pub samples: u64,
    pub readings: Vec<Reading>,
    pub cpu: Option<BTreeMap<String, Duration>>,
}

/// Looks at the counters when a flow has delivered its first, and again when the time is over.
pub(super) struct Watch<'a> {
    pub meters: &'a OnceLock<Meters>,
    pub time: Duration,
    /// Samples that are passed over before the clock runs; it never begins before the first.
    pub warm: u64,
    pub samples: u64,
    pub begin: Option<Moment>,
    pub end: Option<Moment>,
}

impl<'a> Watch<'a> {
    pub fn new(meters: &'a OnceLock<Meters>, time: Duration, warm: u64) -> Self {
        Self { meters, time, warm, samples: 0, begin: None, end: None }
    }

    /// So many samples more have come through.
    pub fn take(&mut self, count: u64) -> ControlFlow<()> {
        self.samples += count;
        match &self.begin {
            None if self.samples < self.warm => {}
            None => self.begin = Some(self.moment()),
            Some(begin) if begin.at.elapsed() < self.time => {}
            Some(_) => {
                self.end = Some(self.moment());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn moment(&self) -> Moment {
        let readings = self.meters.get().map_or(Vec::new(), Meters::readings);
        Moment { at: Instant::now(), samples: self.samples, readings, cpu: cpu::by_name() }
    }
}

/// Runs for about `time`, epoch after epoch.
///
/// # Errors
/// Too many bad samples, numbers that stop being finite, an interruption.
pub fn together(plan: &Plan, time: Duration, cores: usize, signals: &Signals) -> Result<Seen> {
    let mut trainer = match &plan.end {
        End::Train(end) => Some(Trainer::new(end.network.clone(), &end.config, plan.setup())?),
        _ => None,
    };
    let channels = plan.data.channels;
    let normalize = Normalize::new(&vec![0.5; channels], &vec![0.25; channels]);
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let pass = |epoch| Pass { part: Part::Train, epoch };
    let tickets = (0..u32::MAX).flat_map(|epoch| deal::pass(&plan.data.parts, plan.seed, pass(epoch), 0));
    let mut ledger = plan.data.ledger(&[Part::Train]);
    let meters = OnceLock::new();
    let mut watch = Watch::new(&meters, time, 0);
    let mut surveyed = false;
    let mut take = |_, batch: Batch| {
        ledger.account(&batch)?;
        ledger.verdict()?;
        if let Some(trainer) = trainer.as_mut().filter(|_| !std::mem::replace(&mut surveyed, true)) {
            trainer.survey(|survey| {
                survey.look(&batch.images);
                Ok(())
            })?;
        }
        if signals.stop().is_requested() {
            return Err(signals.interrupted("nothing was kept".to_owned()));
        }
        if let Some(trainer) = &mut trainer {
            trainer.step(&batch.images, batch.targets())?;
        }
        Ok(watch.take(batch.count() as u64))
    };
    let trains = matches!(plan.end, End::Train(_));
    let end = if trains { "train" } else { "discard" };
    let flow = plan.batches(&load, tickets, Stop::new(), normalize, 0).sink(end, Plan::batch_room(), &mut take);
    // As a run has it.
    let flow = if trains { flow.sink_first() } else { flow };
    let _ = meters.set(flow.meters());
    flow.run()?;
    let Watch { begin: Some(begin), end: Some(end), .. } = watch else {
        return Err(Error::refused("the samples make no two batches", "lower batch.size"));
    };
    Ok(seen(&begin, &end, plan.workers.train, cores))
}

/// What happened between two moments.
pub(super) fn seen(begin: &Moment, end: &Moment, train_threads: usize, cores: usize) -> Seen {
    let wall = (end.at - begin.at).as_secs_f64();
    let spent = |name: &str| {
        let of = |moment: &Moment| moment.cpu.as_ref().map(|times| times.get(name).copied().unwrap_or_default());
        Some(of(end)?.saturating_sub(of(begin)?).as_secs_f64())
    };
    let names: Vec<_> = end.readings.iter().map(|reading| reading.meter.stage.as_str()).collect();
    let all = |moment: &Moment| moment.cpu.as_ref().map(|times| times.values().sum::<Duration>().as_secs_f64());
    let whole = all(end).zip(all(begin)).map(|(end, begin)| (end - begin).max(0.0));
    let stage = |(place, (before, after)): (usize, (&Reading, &Reading))| {
        let last = place + 1 == names.len();
        let name = names[place];
        let others = || names[..place].iter().filter_map(|name| spent(name)).sum::<f64>();
        // The last stage works on the calling thread and on the trainer's own: whatever is nobody else's.
        let cpu = if last { whole.map(|whole| (whole - others()).max(0.0)) } else { spent(name) };
        let workers = if name == "train" { train_threads } else { after.meter.workers };
        let time = wall * after.meter.workers as f64;
        let share = |of: fn(&crate::event::Meter) -> Duration| {
            (of(&after.meter).saturating_sub(of(&before.meter)).as_secs_f64() / time).min(1.0)
        };
        let together = Together {
            busy: share(|meter| meter.busy),
            starved: share(|meter| meter.starved),
            blocked: share(|meter| meter.blocked),
            cpu: cpu.map(|cpu| cpu / (wall * workers as f64)),
            queue: after.meter.queue_depth,
            capacity: after.meter.queue_capacity,
        };
        (name.to_owned(), together)
    };
    Seen {
        rate: (end.samples - begin.samples) as f64 / wall,
        seconds: wall,
        cores_busy: whole.map(|whole| whole / (wall * cores as f64)),
        stages: begin.readings.iter().zip(&end.readings).enumerate().map(stage).collect(),
    }
}
