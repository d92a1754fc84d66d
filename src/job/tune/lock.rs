//! Numbers of threads that were found for one pipeline on one machine, written down beside the pipeline's file.

use super::auto::{cores, fits};
use crate::error::{Error, Result};
use crate::event::workers::{ChosenBy, Threads, WorkerChoice};
use crate::plan::{Plan, fingerprint};
use crate::report::{Machine, thousands, write_atomic};
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::PathBuf;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tuned {
    /// Of everything in the pipeline that speed depends on.
    pipeline: String,
    /// The processor's name.
    cpu: String,
    /// Cores that the process could use.
    cores: usize,
    /// Images a second that were measured, or expected.
    images_per_second: f64,
    load: usize,
    augment: usize,
    train: usize,
}

/// What there is beside a pipeline's file.
pub enum Found {
    /// Nothing.
    Nothing,
    /// Numbers that hold.
    Locked(WorkerChoice),
    /// Numbers that do not hold any more, and why.
    Stale(String),
}

const HEAD: &str = "# Threads of every stage, found and written by `pipeline tune --lock`; `pipeline tune --unlock` removes them.\n\
                    # Speed only: results never depend on it. On another machine, or for a changed pipeline, they are passed over.\n";
/// A longer file is not ours.
const LONGEST: u64 = 1 << 16;
/// More threads than this are no number of ours.
const MOST: usize = 1024;

/// Where the numbers of `plan` are kept.
pub fn place(plan: &Plan) -> PathBuf {
    plan.file.with_extension("tuned.toml")
}

/// Writes `threads` down.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(plan: &Plan, threads: Threads, rate: f64) -> Result<PathBuf> {
    let Threads { load, augment, train } = threads;
    let (pipeline, images_per_second) = (hash(plan), (10.0 * rate).round() / 10.0);
    let tuned = Tuned { pipeline, cpu: cpu(), cores: cores(), images_per_second, load, augment, train };
    let place = place(plan);
    write_atomic(&place, (HEAD.to_owned() + &toml::to_string(&tuned).unwrap_or_default()).as_bytes())?;
    Ok(place)
}

/// Removes what was written down; whether there was something.
///
/// # Errors
/// Where the file cannot be removed.
pub fn remove(plan: &Plan) -> Result<bool> {
    let place = place(plan);
    match std::fs::remove_file(&place) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("cannot remove", &place)(error)),
    }
}

/// Looks for numbers of `plan`, and whether they hold for this machine, this pipeline and this memory.
pub fn find(plan: &mut Plan) -> Found {
    let place = place(plan);
    let Ok(file) = std::fs::File::open(&place) else { return Found::Nothing };
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    let tuned = read.ok().and_then(|_| toml::from_str::<Tuned>(&text).ok());
    let name = place.display();
    let stale = |why: &str| Found::Stale(format!("{name} is passed over: {why}; `pipeline tune --lock` finds new numbers"));
    let Some(tuned) = tuned else { return stale("it cannot be read") };
    let threads = Threads { load: tuned.load, augment: tuned.augment, train: tuned.train };
    if [threads.load, threads.augment, threads.train].iter().any(|count| !(1..=MOST).contains(count)) {
        return stale("it cannot be read");
    }
    if tuned.cpu != cpu() || tuned.cores != cores() {
        return stale("it was made on another machine, or for another number of cores");
    }
    if tuned.pipeline != hash(plan) {
        return stale("the pipeline has changed since");
    }
    if !fits(plan, threads) {
        return stale("its numbers need more memory than there is");
    }
    let rate = thousands(tuned.images_per_second);
    Found::Locked(WorkerChoice {
        threads: plan.workers.with(threads).threads(),
        chosen_by: ChosenBy::Locked,
        cores: tuned.cores,
        predicted: Some(tuned.images_per_second),
        why: format!("locked in {name}: about {rate} images/s"),
        ..WorkerChoice::default()
    })
}

fn cpu() -> String {
    Machine::here().cpu.unwrap_or_default()
}

/// Of what speed depends on: data, operations, batch, model, optimizer and given numbers of threads; neither seed nor length.
fn hash(plan: &Plan) -> String {
    const NOT: [&str; 9] = [
        "seed ",
        "name ",
        "split.",
        "test.",
        "train.epochs",
        "train.budget",
        "train.learning_rate",
        "train.early_stopping",
        "normalize.",
    ];
    let whole = fingerprint(plan);
    let lines = whole.lines().filter(|line| !NOT.iter().any(|start| line.starts_with(start)));
    let workers = plan.section("workers");
    let given = workers.lines().filter(|line| !line.starts_with('[') && !line.contains("\"auto\""));
    let source = plan.section("source");
    let all: String = lines.chain(source.lines()).chain(given).flat_map(|line| [line, "\n"]).collect();
    blake3::hash(all.as_bytes()).to_hex()[..32].to_owned()
}
