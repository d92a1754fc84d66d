//! `pipeline tune`: which numbers of threads make a pipeline fastest on this machine, within its cores and its memory; and what
//! "auto" means when a run begins. Results never depend on any of it.

mod auto;
mod lock;
mod search;
#[cfg(test)]
pub(super) use search::{grid, ranked};

pub use auto::settle;

use super::profile::together::together;
use super::run::{refuse_too_large, signals::Signals};
use super::say;
use crate::error::{Error, Result};
use crate::event::workers::Threads;
use crate::plan::{End, Plan};
use crate::report::profile::Profile;
use crate::report::thousands;
use lock::Found;
use search::Candidate;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// How long stages are measured by themselves; each setting with all stages at work a third of it.
    pub time: Duration,
    /// Measure the settings that promise most with all stages at work.
    pub verify: bool,
    /// Measure every setting.
    pub exhaustive: bool,
    /// Write the best down for later runs.
    pub lock: bool,
    /// Remove what was written down.
    pub unlock: bool,
    /// Whether the numbers are printed as JSON.
    pub json: bool,
}

/// Settings that `--verify` measures.
const VERIFIED: usize = 5;
/// Settings in the table for people.
const SHOWN: usize = 12;
/// Settings that are kept at most where not all are measured.
const KEPT: usize = 64;

/// Everything that was found, as `--json` prints it.
#[derive(Serialize)]
struct Findings {
    name: String,
    cores: usize,
    memory_bytes: u64,
    /// Images a second of every stage by itself, for each number of threads.
    stages: Profile,
    /// The best first.
    settings: Vec<Candidate>,
    /// What "auto" would take.
    auto: Threads,
    /// The best by what was measured, or by what was predicted where nothing was.
    best: Threads,
    /// What "auto" gives, as a share of the fastest that was measured.
    auto_of_best: Option<f64>,
    locked: Option<PathBuf>,
}

/// Measures, and says which numbers are best.
///
/// # Errors
/// [`Error::Refused`] where nothing is left to be chosen; what kept samples from being read or learned.
pub fn tune(request: &Request) -> Result<()> {
    let signals = Signals::install()?;
    let mut plan = Plan::load(&request.name, &request.sets)?;
    if request.unlock {
        let place = lock::place(&plan);
        let words = if lock::remove(&plan)? { "removed" } else { "there is none; nothing was locked" };
        return say(&format!("{}: {words}\n", place.display()));
    }
    refuse(&plan)?;
    let most = auto::fit(&mut plan);
    refuse_too_large(&plan)?;
    let profile = auto::probe(&plan, request.time, most, &signals)?;
    let found = findings(&mut plan, profile, most, request, &signals)?;
    say(&if request.json { serde_json::to_string_pretty(&found).unwrap_or_default() + "\n" } else { text(&found) })
}

fn refuse(plan: &Plan) -> Result<()> {
    if matches!(plan.end, End::Write(_)) {
        let help =
            "it gets one thread a core; `pipeline profile` shows whether another number would be faster: write it as workers.load";
        return Err(Error::refused(format!("{} writes a set: its stages are one", plan.name), help));
    }
    match plan.workers.automatic.any() {
        true => Ok(()),
        false => Err(Error::refused(
            format!("nothing is left to be chosen: {} gives all numbers of threads", plan.name),
            "write workers = \"auto\", or \"auto\" for one of load, augment and train; to try it: --set workers=auto",
        )),
    }
}

fn findings(plan: &mut Plan, profile: Profile, most: usize, request: &Request, signals: &Signals) -> Result<Findings> {
    let keep = if request.exhaustive { usize::MAX } else { KEPT };
    let all = search::ranked(&profile, &search::grid(&profile, &plan.workers, most));
    let mut settings: Vec<Candidate> = all.into_iter().filter(|candidate| auto::fits(plan, candidate.threads)).take(keep).collect();
    let Some(auto) = settings.first().map(|first| first.threads) else {
        return Err(Error::refused("no setting stays within the memory", "raise workers.memory, or lower batch.size"));
    };
    let measured = match (request.exhaustive, request.verify) {
        (true, _) => settings.len(),
        (_, true) => VERIFIED,
        _ => 0,
    };
    for candidate in settings.iter_mut().take(measured) {
        plan.workers = plan.workers.with(candidate.threads);
        candidate.measured = Some(together(plan, request.time / 3, auto::cores(), signals)?.rate);
    }
    let rate_of = |threads| settings.iter().find(|candidate| candidate.threads == threads).and_then(|it| it.measured);
    let fastest = settings.iter().filter_map(|candidate| candidate.measured).reduce(f64::max);
    let auto_of_best = rate_of(auto).zip(fastest).map(|(auto, fastest)| auto / fastest);
    if measured > 0 {
        search::sort(&mut settings, |candidate| candidate.measured.unwrap_or(0.0));
    }
    let (best, rate) = (settings[0].threads, settings[0].measured.unwrap_or(settings[0].predicted));
    let locked = if request.lock { Some(lock::write(plan, best, rate)?) } else { None };
    let (name, memory_bytes) = (plan.name.clone(), plan.workers.memory);
    Ok(Findings { name, cores: auto::cores(), memory_bytes, stages: profile, settings, auto, best, auto_of_best, locked })
}

fn text(found: &Findings) -> String {
    let mut text =
        format!("{}: {} cores, {:.1} GiB of memory\n\n", found.name, found.cores, found.memory_bytes as f64 / (1u64 << 30) as f64);
    text += &format!("{:<9} {:>7} {:>10}   by itself\n", "stage", "threads", "images/s");
    for stage in &found.stages.stages {
        for alone in &stage.alone {
            let _ = writeln!(text, "{:<9} {:>7} {:>10}", stage.stage, alone.workers, thousands(alone.rate));
        }
    }
    text += &format!("\n{:>5} {:>8} {:>6} {:>10} {:>10}   limit\n", "load", "augment", "train", "predicted", "measured");
    for candidate in found.settings.iter().take(SHOWN) {
        let Candidate { threads, predicted, measured, limit } = candidate;
        let mark = if *threads == found.best { "  <- best" } else { "" };
        let auto = if *threads == found.auto { "  (auto)" } else { "" };
        let measured = measured.map_or("–".to_owned(), thousands);
        let Threads { load, augment, train } = threads;
        let _ =
            writeln!(text, "{load:>5} {augment:>8} {train:>6} {:>10} {measured:>10}   {limit}{mark}{auto}", thousands(*predicted));
    }
    if found.settings.len() > SHOWN {
        let _ = writeln!(text, "… and {} more (--json has them)", found.settings.len() - SHOWN);
    }
    if let Some(share) = found.auto_of_best {
        let _ = writeln!(text, "\nauto gives {:.1} % of the fastest that was measured", 100.0 * share);
    }
    let _ = match &found.locked {
        Some(place) => writeln!(text, "\n{} written to {}: later runs use it", found.best.words(), place.display()),
        None => writeln!(text, "\nbest: {}; --lock writes it down for later runs", found.best.words()),
    };
    text
}

/// What "auto" means for `plan` as things stand, for `pipeline check`; none where the file gives all numbers. Locked numbers are
/// put into the plan.
pub fn announced(plan: &mut Plan) -> Option<String> {
    let automatic = plan.workers.automatic;
    if !automatic.any() {
        return None;
    }
    let most = auto::fit(plan);
    let stale = match lock::find(plan) {
        Found::Locked(choice) => {
            plan.workers = plan.workers.with(choice.threads);
            return Some(choice.words());
        }
        Found::Stale(words) => format!("; {words}"),
        Found::Nothing => String::new(),
    };
    let stages = [("load", automatic.load), ("augment", automatic.augment), ("train", automatic.train)];
    let names: Vec<&str> = stages.iter().filter(|(_, automatic)| *automatic).map(|(name, _)| *name).collect();
    let how = if matches!(plan.end, End::Write(_)) {
        "one thread a core"
    } else {
        "measured when a run begins, for a twentieth of it, about 2 s at most; runs below 4 s take one thread a core"
    };
    let limits = format!("up to {most} threads each on {} cores, {} MiB of memory", auto::cores(), plan.workers.memory >> 20);
    Some(format!("auto for {}: {how} ({limits}){stale}", names.join(", ")))
}
