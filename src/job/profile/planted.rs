//! Pipelines of stand-ins whose bottleneck is known, measured as real ones are: it must be named, and what is predicted must come.
//! These tests measure time: run them on a quiet machine with `cargo test --lib job::profile::planted -- --ignored --test-threads 1`.

use super::alone::{call_threads, summary};
use super::together::{Moment, seen};
use crate::event::workers::Threads;
use crate::flow::{Failure, Flow, Meters};
use crate::job::tune::{grid, ranked};
use crate::plan::{Automatic, Workers};
use crate::report::profile::{Limit, PartCost, Profile, StageProfile};
use std::ops::ControlFlow::{Break, Continue};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Microseconds that a stage takes for the item of a number.
type Time = fn(u64) -> u64;

/// How long a pipeline is watched.
const WATCHED: Duration = Duration::from_millis(700);
/// Stages wait instead of computing, so that no number of cores has a say.
const CORES: usize = 64;

/// A pipeline of load, augment and train.
#[derive(Clone, Copy)]
struct Planted {
    times: [Time; 3],
    /// What loading takes once files are in memory.
    cached: Time,
    /// Whether giants are loaded one at a time: items of 5 ms and more.
    one_giant: bool,
    room: usize,
    workers: [usize; 3],
}

const EVEN: Planted =
    Planted { times: [|_| 1000, |_| 1000, |_| 1000], cached: |_| 1000, one_giant: false, room: 8, workers: [1, 1, 1] };

const SLOW_DISK: Planted = Planted { times: [|_| 3000, |_| 1000, |_| 1000], cached: |_| 400, ..EVEN };
const SLOW_OPERATION: Planted = Planted { times: [|_| 800, |_| 2500, |_| 900], cached: |_| 800, ..EVEN };
const SLOW_TRAINER: Planted = Planted { times: [|_| 800, |_| 900, |_| 3000], cached: |_| 800, ..EVEN };
/// Each is quick while the other is slow: with room for one item, both are slow always.
const SMALL_CHANNEL: Planted = Planted {
    times: [|_| 300, |item| if item / 16 % 2 == 0 { 2500 } else { 400 }, |item| if item / 16 % 2 == 1 { 2500 } else { 400 }],
    cached: |_| 300,
    room: 1,
    ..EVEN
};
const GIANTS: Time = |item| if item % 10 == 0 { 15_000 } else { 300 };
const ONE_GIANT: Planted = Planted { times: [GIANTS, |_| 800, |_| 800], cached: GIANTS, one_giant: true, ..EVEN };

static GIANT: Mutex<()> = Mutex::new(());

impl Planted {
    /// Passes the time of an item. It counts as computing where it is measured, as no test may burn the cores it needs.
    fn wait(&self, micros: u64) {
        let turn = (self.one_giant && micros >= 5000).then(|| GIANT.lock().unwrap_or_else(PoisonError::into_inner));
        let end = Instant::now() + Duration::from_micros(micros);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            // A sleep overshoots by some 60 us: the end of it is waited for awake.
            if left > Duration::from_micros(300) {
                std::thread::sleep(left - Duration::from_micros(150))
            } else {
                std::thread::yield_now()
            }
        }
        drop(turn);
    }

    fn moment(meters: &OnceLock<Meters>, samples: u64) -> Moment {
        let readings = meters.get().map_or(Vec::new(), Meters::readings);
        Moment { at: Instant::now(), samples, readings, cpu: super::cpu::by_name() }
    }

    fn together(&self, mut profile: Profile) -> Profile {
        let [load, augment, train] = self.workers;
        let (meters, mut begin, mut end) = (OnceLock::new(), None, None);
        let mut sink = |number: u64, item: u64| {
            self.wait((self.times[2])(item) / train as u64);
            if number == 40 {
                begin = Some(Self::moment(&meters, number));
            }
            match begin.as_ref().filter(|begin| begin.at.elapsed() > WATCHED) {
                Some(_) => {
                    end = Some(Self::moment(&meters, number));
                    Ok::<_, Failure>(Break(()))
                }
                None => Ok(Continue(())),
            }
        };
        let stage = |place: usize| {
            move |_: u64, item: u64| {
                self.wait((self.times[place])(item));
                Ok::<_, Failure>(item)
            }
        };
        let flow = Flow::source("source", 1, 0..).map("load", load, self.room, stage(0));
        let flow = flow.map("augment", augment, self.room, stage(1)).sink("train", self.room, &mut sink);
        let _ = meters.set(flow.meters());
        flow.run().unwrap();
        let found = seen(&begin.unwrap(), &end.unwrap(), train, CORES);
        (profile.rate, profile.cores_busy) = (Some(found.rate), Some(0.1));
        for (name, mut together) in found.stages {
            // Only a load that is slower than by itself waits for something; all other time stands for computing.
            together.cpu = Some(if name == "load" && (self.cached)(0) < (self.times[0])(0) { 0.05 } else { together.busy });
            profile.stages.iter_mut().filter(|stage| stage.stage == name).for_each(|stage| stage.together = Some(together.clone()));
        }
        profile
    }

    fn profile(&self) -> Profile {
        let inputs: Vec<u64> = (0..128).collect();
        let times = [self.cached, self.times[1], self.times[2]];
        let stage = |place: usize, name: &str| {
            let measure = |workers: usize| {
                let divide = if place == 2 { workers as u64 } else { 1 };
                let threads = if place == 2 { 1 } else { workers };
                let found =
                    call_threads(&inputs, threads, Duration::from_millis(250), || |item| self.wait(times[place](item) / divide));
                summary(&found, workers, 1.0)
            };
            let alone: Vec<_> = (1..=3).map(measure).collect();
            StageProfile { stage: name.into(), workers: self.workers[place], parallel: true, alone, ..StageProfile::default() }
        };
        let stages = vec![stage(0, "load"), stage(1, "augment"), stage(2, "train")];
        let (name, cores) = ("planted".to_owned(), CORES);
        self.together(Profile { name, cores, batch_size: 1, stages, ..Profile::default() })
    }

    /// Names what limits, and holds what is predicted for the advice against what comes of it.
    fn proves(&self, limit: Limit, words: &str, change: impl Fn(&mut Profile)) {
        let mut profile = self.profile();
        change(&mut profile);
        let verdict = profile.verdict();
        assert_eq!(verdict.limit, limit, "{} {profile:#?}", verdict.sentence);
        assert!(verdict.sentence.contains(words), "{}", verdict.sentence);
        let Some(advice) = &verdict.advice else { return };
        let workers = [0, 1, 2].map(|place| advice.workers[place]);
        let came = Planted { workers, ..*self }.together(profile.clone()).rate.unwrap();
        println!("{} It came to {came:.0} ({:+.1} %).", verdict.sentence, 100.0 * (advice.rate / came - 1.0));
        assert!((advice.rate / came - 1.0).abs() < 0.15, "{}: {came} came", verdict.sentence);
    }
}

/// The most threads of a stage when settings are chosen.
const MOST: usize = 3;

impl Planted {
    /// What "auto" chooses from a look at the stages gives at least 95 % of the best of all fixed settings, all measured.
    fn auto_is_near_the_best(&self, name: &str) {
        let profile = self.profile();
        let automatic = Automatic { load: true, augment: true, train: true };
        let free = Workers { load: 1, augment: 1, train: 1, memory: u64::MAX, automatic };
        let settings: Vec<Threads> = grid(&profile, &free, MOST).into_iter().filter(|threads| threads.load <= MOST).collect();
        let auto = ranked(&profile, &settings)[0].threads;
        let rate = |threads: Threads| {
            let workers = [threads.load, threads.augment, threads.train];
            Planted { workers, ..*self }.together(profile.clone()).rate.unwrap()
        };
        let measured: Vec<(Threads, f64)> = settings.iter().map(|&threads| (threads, rate(threads))).collect();
        let best = measured.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        // The largest of many measurements is large by chance, too: both are measured once more.
        let (of_auto, of_best) = (rate(auto), rate(best.0));
        let share = of_auto / of_best;
        println!(
            "{name}: auto {} gives {of_auto:.0}/s, the best ({}) {of_best:.0}/s: {:.1} %",
            auto.words(),
            best.0.words(),
            100.0 * share
        );
        assert!(share >= 0.95, "{name}: {measured:#?}");
    }
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn auto_is_within_five_percent_slow_disk() {
    SLOW_DISK.auto_is_near_the_best("slow disk");
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn auto_is_within_five_percent_slow_operation() {
    SLOW_OPERATION.auto_is_near_the_best("slow operation");
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn auto_is_within_five_percent_slow_trainer() {
    SLOW_TRAINER.auto_is_near_the_best("slow trainer");
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn auto_is_within_five_percent_small_channel() {
    SMALL_CHANNEL.auto_is_near_the_best("small channel");
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn auto_is_within_five_percent_one_giant_class() {
    ONE_GIANT.auto_is_near_the_best("one giant class");
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn auto_is_within_five_percent_even_stages() {
    EVEN.auto_is_near_the_best("even stages");
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn a_slow_disk() {
    let disk = SLOW_DISK;
    disk.proves(Limit::Stage(0), "waiting for the disk", |_| {});
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn a_slow_operation() {
    let slow = SLOW_OPERATION;
    let operations = [("horizontal_flip", 0.1), ("elastic", 0.9)];
    let part = |(name, share): (&str, f64)| PartCost { name: name.into(), ms: 2.5 * share, share, samples: 1.0 };
    slow.proves(Limit::Stage(1), "elastic takes 90 % of it", |profile| {
        profile.stages[1].operations = operations.map(part).to_vec()
    });
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn a_slow_trainer() {
    SLOW_TRAINER.proves(Limit::Stage(2), "one more train thread", |_| {});
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn a_small_channel() {
    SMALL_CHANNEL.proves(Limit::Room(1), "the room between augment and train limits", |_| {});
}

#[test]
#[ignore = "measures time: for a quiet machine"]
fn one_giant_class() {
    let giant = ONE_GIANT;
    let classes = [("giant", 0.85, 0.1), ("small", 0.15, 0.9)];
    let part = |(name, share, samples): (&str, f64, f64)| PartCost { name: name.into(), ms: share, share, samples };
    giant.proves(Limit::Stage(0), "class \"giant\"", |profile| profile.stages[0].classes = classes.map(part).to_vec());
}
