//! Measurements → which of them sets the pace, what would help, and one sentence about it. A pure function.

use super::measured::{Limit, Profile, StageProfile};
use crate::report::words::thousands;
use serde::Serialize;

/// Far below what the stages promise, something between them is to blame.
const KEEPS: f64 = 0.75;
/// A stage at work for so much of the time sets the pace, whatever was promised.
const BUSY: f64 = 0.85;
/// So much of the time in front of a full channel, and behind an empty one, is more than chance.
const BURSTS: f64 = 0.15;
/// Less than this is no gain.
const GAIN: f64 = 1.03;

/// What a profile says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What sets the pace.
    pub limit: Limit,
    /// Samples a second as computed from the stages by themselves.
    pub predicted: f64,
    /// What would help, if anything would.
    pub advice: Option<Advice>,
    /// All of it for people.
    pub sentence: String,
}

/// One worker more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The stage that gets it, by its place.
    pub stage: usize,
    /// Workers of every stage then.
    pub workers: Vec<usize>,
    /// Samples a second that are expected.
    pub rate: f64,
    /// What would set the pace then.
    pub then: Limit,
}

impl Profile {
    /// Names what sets the pace: the slowest stage, the cores, or the room between two stages.
    pub fn verdict(&self) -> Verdict {
        let (predicted, modelled) = self.predict(&self.workers());
        let limit = self.seen(predicted).unwrap_or(modelled);
        let advice = self.advice(limit, predicted);
        let sentence = self.sentence(limit, predicted, advice.as_ref());
        Verdict { limit, predicted, advice, sentence }
    }

    /// What the stages among each other show where they do not keep what they promise by themselves.
    fn seen(&self, predicted: f64) -> Option<Limit> {
        self.rate.filter(|rate| *rate < KEEPS * predicted)?;
        let busy = |stage: &StageProfile| stage.together.as_ref().map_or(0.0, |together| together.busy);
        let busiest = (0..self.stages.len()).max_by(|&a, &b| busy(&self.stages[a]).total_cmp(&busy(&self.stages[b])))?;
        if busy(&self.stages[busiest]) >= BUSY {
            return Some(if self.cores_busy.is_some_and(|share| share >= 0.9) { Limit::Cores } else { Limit::Stage(busiest) });
        }
        let burst = |place: usize| {
            let (before, behind) =
                (self.stages[place].together.as_ref(), self.stages.get(place + 1).and_then(|next| next.together.as_ref()));
            before.zip(behind).map_or(0.0, |(before, behind)| before.blocked.min(behind.starved))
        };
        let worst = (0..self.stages.len()).max_by(|&a, &b| burst(a).total_cmp(&burst(b)))?;
        Some(if burst(worst) > BURSTS { Limit::Room(worst) } else { Limit::Stage(busiest) })
    }

    /// One worker more for the stage that limits, if that promises more. What is expected is the measured rate times the model's
    /// gain.
    fn advice(&self, limit: Limit, predicted: f64) -> Option<Advice> {
        let Limit::Stage(stage) = limit else { return None };
        let mut workers = self.workers();
        if !self.stages[stage].parallel {
            return None;
        }
        workers[stage] += 1;
        let (rate, then) = self.predict(&workers);
        let gain = rate / predicted;
        let rate = self.rate.unwrap_or(predicted) * gain;
        (gain >= GAIN && gain.is_finite()).then_some(Advice { stage, workers, rate, then })
    }

    fn sentence(&self, limit: Limit, predicted: f64, advice: Option<&Advice>) -> String {
        let rate = thousands(self.rate.unwrap_or(predicted));
        match limit {
            Limit::Stage(place) => {
                let stage = &self.stages[place];
                let pace = format!("{} limits: {rate} images/s{}", stage.stage, self.because(stage));
                match advice {
                    Some(advice) => {
                        let then = if advice.then == limit {
                            "it still limits".to_owned()
                        } else {
                            format!("{} limits", self.name_of(advice.then))
                        };
                        format!("{pace}; one more {} would give about {}, then {then}.", worker_of(stage), thousands(advice.rate))
                    }
                    None if !stage.parallel => format!("{pace}; it has one worker by its nature."),
                    None => format!("{pace}; another {} would give no more.", worker_of(stage)),
                }
            }
            Limit::Cores => {
                let cost = |stage: &StageProfile| stage.cpu_ms(stage.workers);
                let all: f64 = self.stages.iter().map(cost).sum();
                let most = self.stages.iter().max_by(|a, b| cost(a).total_cmp(&cost(b)));
                let most = most.map_or(String::new(), |stage| {
                    format!(
                        "; {} takes {:.0} % of the processor time{}",
                        stage.stage,
                        100.0 * cost(stage) / all,
                        self.because(stage)
                    )
                });
                format!("{}: {rate} images/s{most}; more workers would give no more.", cores(self.cores))
            }
            Limit::Room(place) => {
                let share =
                    |of: fn(&super::Together) -> f64, place: usize| 100.0 * self.stages[place].together.as_ref().map_or(0.0, of);
                let [one, other] = [place, place + 1].map(|place| self.stages[place].stage.as_str());
                format!(
                    "the room between {one} and {other} limits: {rate} images/s; {one} waits {:.0} % of the time because it is full, \
                     {other} {:.0} % because it is empty; with more room the stages would give up to {}.",
                    share(|together| together.blocked, place),
                    share(|together| together.starved, place + 1),
                    thousands(predicted)
                )
            }
        }
    }

    /// Why a stage takes as long as it does, as far as its parts tell.
    fn because(&self, stage: &StageProfile) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        if let Some(class) = stage.main_class() {
            return format!(
                " (class {:?}, {} of the samples, takes {} of it)",
                class.name,
                percent(class.samples),
                percent(class.share)
            );
        }
        if let (Some(_), Some(together)) = (self.waits(stage), &stage.together) {
            let waiting = 1.0 - together.cpu.unwrap_or(together.busy) / together.busy;
            let what = if stage.stage == "load" { "for the disk" } else { "instead of computing" };
            return format!(" (waiting {what} for {} of it)", percent(waiting));
        }
        stage.main_operation().map_or(String::new(), |part| format!(" ({} takes {} of it)", part.name, percent(part.share)))
    }

    /// A limit in a word.
    pub fn name_of(&self, limit: Limit) -> String {
        match limit {
            Limit::Stage(place) => self.stages[place].stage.clone(),
            Limit::Cores => format!("the number of cores ({})", self.cores),
            Limit::Room(place) => format!("the room behind {}", self.stages[place].stage),
        }
    }
}

fn worker_of(stage: &StageProfile) -> String {
    if stage.stage == "train" { "train thread".to_owned() } else { format!("{} worker", stage.stage) }
}

fn cores(count: usize) -> String {
    if count == 1 { "the one core limits".to_owned() } else { format!("the {count} cores limit") }
}

/// Pipelines whose bottleneck is known.
#[cfg(test)]
pub(super) mod planted {
    use super::super::measured::{Alone, Profile, StageProfile, Together};

    const NAMES: [&str; 4] = ["load", "augment", "batch", "train"];

    /// Four stages that give so many samples a second a worker, on so many cores that these do not limit, as they would run together.
    pub fn pipeline(rates: [f64; 4]) -> Profile {
        let slowest = rates.into_iter().fold(f64::INFINITY, f64::min);
        let limit = rates.iter().position(|rate| *rate == slowest).unwrap_or(0);
        let stage = |(place, rate): (usize, f64)| {
            let alone = |workers: usize| Alone { workers, rate: rate * workers as f64, cpu_ms: 1e3 / rate, ..Alone::default() };
            let busy = slowest / rate;
            let [starved, blocked] = if place > limit { [1.0 - busy, 0.0] } else { [0.0, 1.0 - busy] };
            let together =
                Together { busy, starved, blocked, cpu: Some(busy), queue: if place > limit { 0.1 } else { 1.8 }, capacity: 2 };
            StageProfile {
                stage: NAMES[place].to_owned(),
                workers: 1,
                parallel: place != 2,
                alone: if place == 2 { vec![alone(1)] } else { (1..=4).map(alone).collect() },
                together: Some(together),
                ..StageProfile::default()
            }
        };
        let stages = rates.into_iter().enumerate().map(stage).collect();
        Profile {
            name: "planted".into(),
            cores: 16,
            batch_size: 32,
            rate: Some(slowest),
            seconds: 3.0,
            cores_busy: Some(0.3),
            stages,
        }
    }
}
