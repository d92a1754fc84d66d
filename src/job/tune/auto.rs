//! What "auto" means for one run: numbers that were locked, or the best of what a short look at every stage promises, or one thread
//! a core where looking would cost more than it can gain.

use super::lock::{self, Found};
use super::search::{by_stage, grid, ranked};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::event::workers::{ChosenBy, MeasuredRate, Threads, WorkerChoice};
use crate::job::profile::stages::Stages;
use crate::job::profile::trainer::step_flops;
use crate::job::profile::with_all_together;
use crate::job::run::signals::Signals;
use crate::plan::{End, Plan, memory_bound};
use crate::report::profile::Profile;
use crate::report::thousands;
use crate::stage::deal;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest look before a run, but for a step of training that takes longer by itself.
pub const LONGEST: Duration = Duration::from_secs(2);
/// The share of a run that a look may take.
const SHARE: f64 = 0.05;
/// A look that would have to be shorter tells too little.
const SHORTEST: Duration = Duration::from_millis(200);
/// Operations a second of a core that a run is counted on before anything is measured.
const ASSUMED: f64 = 20e9;

/// Decides how many threads the stages of `plan` get that were left to us, and notes why.
///
/// # Errors
/// An interruption. What cannot be measured is no error: then it is one thread a core, and the run finds out what is wrong.
pub fn settle(plan: &mut Plan, signals: &Signals) -> Result<()> {
    if !plan.workers.automatic.any() {
        return Ok(());
    }
    let most = fit(plan);
    let choice = match lock::find(plan) {
        Found::Locked(choice) => choice,
        found => {
            if let Found::Stale(words) = found {
                plan.data.warnings.push(words);
            }
            measured(plan, most, signals)?
        }
    };
    plan.workers = plan.workers.with(choice.threads);
    plan.worker_choice = Some(Arc::new(choice));
    Ok(())
}

/// Gives every stage that was left to us one thread a core, or as many fewer as memory asks for, and says how many.
pub fn fit(plan: &mut Plan) -> usize {
    let mut most = cores();
    loop {
        let train = if matches!(plan.end, End::Train(_)) { most } else { 1 };
        plan.workers = plan.workers.with(Threads { load: most, augment: most, train });
        if most == 1 || memory_bound(plan).total() <= plan.workers.memory {
            return most;
        }
        most /= 2;
    }
}

/// Cores that the process may use: its affinity and its group's quota.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether `plan` stays within its memory with `threads`.
pub fn fits(plan: &mut Plan, threads: Threads) -> bool {
    let before = plan.workers;
    plan.workers = before.with(threads);
    let fits = memory_bound(plan).total() <= before.memory;
    plan.workers = before;
    fits
}

fn measured(plan: &mut Plan, most: usize, signals: &Signals) -> Result<WorkerChoice> {
    let began = Instant::now();
    let one_a_core = |why: String, began: Instant| WorkerChoice {
        threads: plan.workers.threads(),
        chosen_by: ChosenBy::Cores,
        cores: cores(),
        seconds: began.elapsed().as_secs_f64(),
        why: format!("{}: {why}", if most < cores() { "what memory allows" } else { "one thread a core" }),
        ..WorkerChoice::default()
    };
    let time = match time_for(plan) {
        Ok(time) => time,
        Err(why) => return Ok(one_a_core(why, began)),
    };
    match probe(plan, time, most, signals) {
        Err(interrupted @ Error::Interrupted { .. }) => Err(interrupted),
        Err(_) => Ok(one_a_core("the stages could not be measured".to_owned(), began)),
        Ok(_) if signals.stop().is_requested() => Err(signals.interrupted("nothing was learned yet".to_owned())),
        Ok(profile) => Ok(best(plan, &profile, most, began)),
    }
}

/// How long a look may take, or why there is none: a twentieth of what the run is estimated to take, 2 s at most; where that is
/// less than 0.2 s, so for runs below 4 s, looking costs more than it can gain.
fn time_for(plan: &Plan) -> std::result::Result<Duration, String> {
    if matches!(plan.end, End::Write(_)) {
        return Err("reading, augmenting and storing are one stage".to_owned());
    }
    if cores() == 1 {
        return Err("more than one could only take turns".to_owned());
    }
    let whole = estimate(plan);
    let time = Duration::from_secs_f64((SHARE * whole).clamp(0.0, LONGEST.as_secs_f64()));
    match time < SHORTEST {
        true => Err(format!("a run of about {whole:.1} s is too short to measure first")),
        false => Ok(time),
    }
}

/// Seconds that the whole run takes, roughly: from its first few samples and from the operations of its model.
fn estimate(plan: &Plan) -> f64 {
    const LOOKED_AT: usize = 6;
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let (began, mut count) = (Instant::now(), 0);
    for ticket in deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Train, epoch: 0 }, 0).take(LOOKED_AT) {
        let Ok(slot) = load.load(ticket) else { break };
        augment.apply(slot);
        count += 1;
        if began.elapsed() > Duration::from_millis(30) {
            break;
        }
    }
    let preparing = began.elapsed().as_secs_f64() / f64::from(count.max(1));
    let parts = &plan.data.parts;
    let (train, scored) = (parts.train.len() as f64, parts.validation.len() as f64);
    let work = match &plan.end {
        End::Train(end) => {
            let step = step_flops(end) / ASSUMED;
            let epochs = end.config.epochs;
            epochs * (train * (preparing + step) + scored * (preparing + step / 3.0)) + parts.test.len() as f64 * preparing
        }
        _ => train * preparing,
    };
    let budget = match &plan.end {
        End::Train(end) => end.config.budget.map_or(f64::INFINITY, |budget| budget.as_secs_f64()),
        _ => f64::INFINITY,
    };
    (work / cores() as f64).min(budget)
}

/// Looks at every stage by itself on up to `most` threads, and at all together where that is quick enough, for about `time` in all.
///
/// # Errors
/// What keeps samples from being read or learned; an interruption.
pub fn probe(plan: &Plan, time: Duration, most: usize, signals: &Signals) -> Result<Profile> {
    let began = Instant::now();
    let stages = Stages::quick(plan, time * 3 / 4, most).measure(None)?;
    let (name, batch_size) = (plan.name.clone(), plan.batch_size);
    let profile = Profile { name, cores: cores(), batch_size, stages, ..Profile::default() };
    // Three batches make a measurement: one to begin with, one to fill the channels, one to count.
    let three = 3.0 * plan.batch_size as f64 / profile.predict(&profile.workers()).0;
    let left = time.saturating_sub(began.elapsed());
    if three > left.as_secs_f64() {
        return Ok(profile);
    }
    with_all_together(plan, profile, left / 2, signals)
}

fn best(plan: &mut Plan, profile: &Profile, most: usize, began: Instant) -> WorkerChoice {
    let all = ranked(profile, &grid(profile, &plan.workers, most));
    let fitting = all.into_iter().find(|candidate| fits(plan, candidate.threads));
    let Some(chosen) = fitting else {
        return WorkerChoice { threads: plan.workers.threads(), cores: cores(), ..WorkerChoice::default() };
    };
    let threads = by_stage(profile, chosen.threads);
    let rate = |(stage, &threads): (&crate::report::profile::StageProfile, &usize)| MeasuredRate {
        stage: stage.stage.clone(),
        threads,
        rate: stage.rate(threads),
    };
    let seconds = began.elapsed().as_secs_f64();
    WorkerChoice {
        threads: chosen.threads,
        chosen_by: ChosenBy::Measured,
        cores: cores(),
        predicted: Some(chosen.predicted),
        seconds,
        rates: profile.stages.iter().zip(&threads).map(rate).filter(|rate| rate.rate.is_finite()).collect(),
        why: format!(
            "measured for {seconds:.1} s: about {} images/s, {} limit{}",
            thousands(chosen.predicted),
            chosen.limit,
            if chosen.limit.ends_with('s') { "" } else { "s" }
        ),
    }
}
