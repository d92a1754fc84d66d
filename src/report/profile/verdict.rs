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
                " (class {:?}, {} of the images, takes {} of it)",
                class.name,
                percent(class.samples),
                percent(class.share)
            );
        }
        if let Some(together) =
            stage.together.as_ref().filter(|together| self.waits(stage).is_some() || stores_slowly(stage, together))
        {
            let waiting = 1.0 - together.cpu.unwrap_or(together.busy) / together.busy;
            let disk = ["load", "write", "store"].contains(&stage.stage.as_str());
            let what = if disk { "for the disk" } else { "instead of computing" };
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

/// Whether the one thread that puts a set's files in their places is mostly on no processor while it is at work.
fn stores_slowly(stage: &StageProfile, together: &super::Together) -> bool {
    stage.stage == "store" && together.busy > 0.3 && together.cpu.is_some_and(|cpu| cpu < 0.5 * together.busy)
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
            ..Profile::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::{PartCost, Together};
    use super::*;
    use proptest::prelude::*;

    fn part(name: &str, share: f64, samples: f64) -> PartCost {
        PartCost { name: name.into(), ms: share, share, samples }
    }

    #[test]
    fn the_slowest_stage_is_named_wherever_it_stands_and_what_comes_next() {
        let profile = planted::pipeline([800.0, 1190.0, 9000.0, 5000.0]);
        let verdict = profile.verdict();
        assert_eq!(
            verdict.sentence,
            "load limits: 800 images/s; one more load worker would give about 1,190, then augment limits."
        );
        assert_eq!(verdict.advice.unwrap().workers, [2, 1, 1, 1]);
        for limit in 0..4 {
            let mut rates = [3000.0; 4];
            rates[limit] = 1000.0;
            let verdict = planted::pipeline(rates).verdict();
            assert_eq!(verdict.limit, Limit::Stage(limit));
            assert_eq!(verdict.advice.map(|advice| advice.rate.round()), (limit != 2).then_some(2000.0));
        }
    }

    #[test]
    fn a_slow_disk_is_told_from_slow_decoding() {
        // By itself, with files in memory, it could do 2,000 a second; among the others it mostly waits.
        let mut profile = planted::pipeline([2000.0, 3000.0, 9000.0, 5000.0]);
        profile.rate = Some(100.0);
        for stage in &mut profile.stages {
            stage.together = Some(Together { busy: 0.05, starved: 0.95, cpu: Some(0.05), ..Together::default() });
        }
        profile.stages[0].together =
            Some(Together { busy: 0.98, starved: 0.0, blocked: 0.02, cpu: Some(0.06), ..Together::default() });
        let verdict = profile.verdict();
        assert_eq!(verdict.limit, Limit::Stage(0));
        assert!(
            verdict.sentence.starts_with("load limits: 100 images/s (waiting for the disk for 94 % of it); one more"),
            "{}",
            verdict.sentence
        );
        let advice = verdict.advice.unwrap();
        assert!((advice.rate - 200.0).abs() < 1.0, "workers that wait can wait beside each other: {advice:?}");
    }

    #[test]
    fn a_slow_operation_and_a_giant_class_are_named() {
        let mut slow = planted::pipeline([3000.0, 500.0, 9000.0, 5000.0]);
        slow.stages[1].operations = vec![part("horizontal_flip", 0.1, 0.5), part("elastic", 0.9, 1.0)];
        assert!(
            slow.verdict().sentence.starts_with("augment limits: 500 images/s (elastic takes 90 % of it)"),
            "{}",
            slow.verdict().sentence
        );
        let mut giant = planted::pipeline([300.0, 2000.0, 9000.0, 5000.0]);
        giant.stages[0].classes = vec![part("small", 0.1, 0.8), part("giant", 0.9, 0.2)];
        // Giants are decoded one at a time.
        giant.stages[0].alone.iter_mut().for_each(|alone| alone.rate = 300.0);
        let verdict = giant.verdict();
        let words = "load limits: 300 images/s (class \"giant\", 20 % of the images, takes 90 % of it); another load worker would give no more.";
        assert_eq!((verdict.sentence.as_str(), verdict.advice), (words, None));
    }

    #[test]
    fn a_set_is_limited_by_a_part_of_its_writing_or_by_the_disk() {
        let written = |[write, store]: [f64; 2], cpu: f64| {
            let mut profile = planted::pipeline([write, store, 9000.0, 9000.0]);
            profile.stages.truncate(2);
            for (stage, name) in profile.stages.iter_mut().zip(["write", "store"]) {
                stage.stage = name.into();
            }
            let store = &mut profile.stages[1];
            (store.parallel, store.together.as_mut().unwrap().cpu) = (false, Some(cpu));
            profile.stages[0].operations = vec![part("read and decode", 0.3, 1.0), part("encode", 0.4, 1.0), part("hue", 0.3, 1.0)];
            profile.verdict().sentence
        };
        let words = written([200.0, 3000.0], 0.02);
        assert!(words.starts_with("write limits: 200 images/s (encode takes 40 % of it); one more write worker"), "{words}");
        let words = written([3000.0, 200.0], 0.1);
        assert!(words.starts_with("store limits: 200 images/s (waiting for the disk for 90 % of it); it has one"), "{words}");
    }

    #[test]
    fn too_little_room_is_told_from_a_slow_stage() {
        let mut profile = planted::pipeline([1000.0, 1100.0, 9000.0, 1000.0]);
        profile.rate = Some(600.0);
        let shares = [[0.6, 0.0, 0.4], [0.55, 0.02, 0.43], [0.07, 0.4, 0.3], [0.6, 0.4, 0.0]];
        for (stage, [busy, starved, blocked]) in profile.stages.iter_mut().zip(shares) {
            stage.together = Some(Together { busy, starved, blocked, cpu: Some(busy), queue: 1.0, capacity: 1 });
        }
        let verdict = profile.verdict();
        assert_eq!(verdict.limit, Limit::Room(1));
        let words = "the room between augment and batch limits: 600 images/s; augment waits 43 % of the time";
        assert!(verdict.sentence.starts_with(words), "{}", verdict.sentence);
    }

    #[test]
    fn shared_cores_limit_before_any_stage_does() {
        let mut profile = planted::pipeline([1000.0, 1000.0, 9000.0, 800.0]);
        (profile.cores, profile.rate, profile.cores_busy) = (1, Some(290.0), Some(1.0));
        let verdict = profile.verdict();
        assert_eq!((verdict.limit, verdict.advice), (Limit::Cores, None));
        assert!((verdict.predicted - 1.0 / (1.0 / 1000.0 + 1.0 / 1000.0 + 1.0 / 9000.0 + 1.0 / 800.0)).abs() < 1e-9);
        assert!(
            verdict.sentence.starts_with("the one core limits: 290 images/s; train takes 37 % of the processor time"),
            "{}",
            verdict.sentence
        );
    }

    proptest! {
        #[test]
        fn any_measurement_gives_one_sentence(
            rates in proptest::array::uniform4(0.01..1e6f64), rate in proptest::option::of(0.0..1e6f64),
            shares in proptest::array::uniform4((0.0..1.0f64, 0.0..1.0f64)), cores in 0..64usize, busy in proptest::option::of(0.0..1.5f64),
        ) {
            let mut profile = planted::pipeline(rates);
            (profile.rate, profile.cores, profile.cores_busy) = (rate, cores, busy);
            for (stage, (busy, other)) in profile.stages.iter_mut().zip(shares) {
                let rest = 1.0 - busy;
                let cpu = Some(other * busy);
                stage.together = Some(Together { busy, starved: rest * other, blocked: rest * (1.0 - other), cpu, queue: 0.0, capacity: 0 });
            }
            let verdict = profile.verdict();
            prop_assert!(verdict.sentence.ends_with('.') && !verdict.sentence.contains("NaN") && !verdict.sentence.contains('\n'));
            let gains = verdict.advice.is_none_or(|advice| advice.rate.is_finite() && advice.workers.iter().sum::<usize>() == 5);
            prop_assert!(gains);
        }

        #[test]
        fn more_workers_never_promise_less(rates in proptest::array::uniform4(0.01..1e6f64), stage in 0..4usize) {
            let profile = planted::pipeline(rates);
            let mut workers = profile.workers();
            let before = profile.predict(&workers).0;
            workers[stage] += 1;
            prop_assert!(profile.predict(&workers).0 >= before);
        }
    }
}
