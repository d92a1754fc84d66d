//! `pipeline data stats`: mean and standard deviation of the channels, ready for `[normalize]`. Sums are whole numbers, so no order of
//! adding matters.

use super::crew;
use super::input::{Input, pipeline_of, uncached};
use crate::error::{Error, Result};
use crate::job::run::signals::Signals;
use crate::job::say;
use crate::plan::Plan;
use crate::report::{count, printable};
use crate::source::Source;
use crate::stage::measure::Moments;
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct StatsRequest {
    /// A folder, the files of a data set, or a pipeline.
    pub given: String,
    /// Keys of the source, or overrides of the pipeline.
    pub sets: Vec<String>,
    /// Threads; none is one a core.
    pub workers: Option<u16>,
    /// Whether one JSON document is printed.
    pub json: bool,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    path: String,
    /// Which pictures, and after what was done to them.
    over: String,
    pictures: u64,
    /// None where bad pictures are passed over uncounted.
    damaged: Option<u64>,
    channels: usize,
    mean: Vec<f64>,
    std: Vec<f64>,
    classes: Vec<ClassCount>,
    /// The table of a pipeline file.
    normalize: String,
}

#[derive(Clone, Debug, Serialize)]
struct ClassCount {
    name: String,
    samples: u64,
}

/// Measures and prints. Of a path, all pictures as they are decoded; of a pipeline, what a run of it normalises with: its training
/// samples as `[[evaluate]]` leaves them.
///
/// # Errors
/// [`Error::Refused`] where there is no such data, [`Error::TooManyBad`] where no picture can be used.
pub fn stats(request: &StatsRequest) -> Result<()> {
    let found = match pipeline_of(&request.given) {
        Some(name) => of_plan(request, &name)?,
        None => of_input(request, &Input::open(&request.given, &request.sets)?)?,
    };
    say(&if request.json { serde_json::to_string_pretty(&found).unwrap_or_default() + "\n" } else { found.text() })
}

fn of_plan(request: &StatsRequest, name: &str) -> Result<Stats> {
    let signals = Signals::install()?;
    let threads = request.workers.iter().flat_map(|n| ["load", "augment"].map(|stage| format!("workers.{stage}={n}")));
    let plan = Plan::load(name, &uncached(&request.sets).into_iter().chain(threads).collect::<Vec<_>>())?;
    let moments = plan.measure(signals.stop())?;
    if signals.stop().is_requested() {
        return Err(signals.interrupted("nothing was measured".to_owned()));
    }
    let entries = &plan.data.parts.train;
    let classes = class_counts(&*plan.data.source, entries.iter().copied());
    let over = "training samples as [[evaluate]] leaves them".to_owned();
    Stats::new(request, over, (entries.len() as u64, None), moments, classes)
}

fn of_input(request: &StatsRequest, input: &Input) -> Result<Stats> {
    let places = input.places();
    let sum = Mutex::new(None::<Moments>);
    let look = |index: usize| match input.source(places[index]).read(places[index].entry as usize) {
        Ok(read) => {
            let moments = Moments::of(&read.sample.image);
            sum.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().add(&moments);
            true
        }
        Err(_) => false,
    };
    let good = crew::each(places.len(), request.workers, "measuring", look)?.into_iter().filter(|&good| good).count();
    let mut classes: Vec<ClassCount> = input.classes.iter().map(|name| ClassCount { name: name.clone(), samples: 0 }).collect();
    places.iter().filter_map(|&place| input.class(place)).for_each(|class| classes[class].samples += 1);
    let moments = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let damaged = (places.len() - good) as u64;
    let over = "all pictures as they are decoded".to_owned();
    Stats::new(request, over, (good as u64, Some(damaged)), moments, classes)
}

fn class_counts(source: &dyn Source, entries: impl Iterator<Item = u32>) -> Vec<ClassCount> {
    let mut counts: Vec<ClassCount> = source.classes().iter().map(|name| ClassCount { name: name.clone(), samples: 0 }).collect();
    entries.for_each(|entry| counts[source.label(entry as usize) as usize].samples += 1);
    counts
}

impl Stats {
    fn new(
        request: &StatsRequest,
        over: String,
        (pictures, damaged): (u64, Option<u64>),
        moments: Option<Moments>,
        classes: Vec<ClassCount>,
    ) -> Result<Self> {
        let path = request.given.clone();
        let moments = moments.ok_or_else(|| Error::TooManyBad(format!("no picture of {path} can be used")))?;
        let (mean, std) = (moments.mean(), moments.std());
        // As few digits as make the same numbers of 32 bits, which is what pixels are normalised with.
        let list = |values: &[f64]| values.iter().map(|&value| format!("{:?}", value as f32)).collect::<Vec<_>>().join(", ");
        let normalize = format!("[normalize]\nmean = [{}]\nstd = [{}]\n", list(&mean), list(&std));
        Ok(Self { path, over, pictures, damaged, channels: mean.len(), mean, std, classes, normalize })
    }

    fn text(&self) -> String {
        let damaged = self.damaged.filter(|&damaged| damaged > 0);
        let damaged = damaged.map_or(String::new(), |damaged| format!("; {} cannot be used", count(damaged)));
        let mut text = format!("{}: {} pictures: {}{damaged}\n", printable(&self.path), count(self.pictures), self.over);
        let names: &[&str] = if self.channels == 1 { &["gray"] } else { &["red", "green", "blue"] };
        text += &format!("\n{:<8} {:>9} {:>9}   on the scale 0 to 1\n", "channel", "mean", "std");
        for ((name, mean), std) in names.iter().zip(&self.mean).zip(&self.std) {
            text += &format!("{name:<8} {mean:>9.6} {std:>9.6}\n");
        }
        if !self.classes.is_empty() {
            let widest = self.classes.iter().map(|class| printable(&class.name).chars().count()).max().unwrap_or(0).clamp(8, 40);
            text += &format!("\n{:<widest$} {:>9}\n", "class", "samples");
            self.classes.iter().for_each(|class| {
                text += &format!("{:<widest$} {:>9}\n", printable(&class.name), count(class.samples));
            });
        }
        if self.std.contains(&0.0) {
            text += "\na channel never changes: it cannot be normalised by its deviation, which is 0\n";
        }
        text + "\n" + &self.normalize
    }
}
