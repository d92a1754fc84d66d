//! Which numbers of threads there are to choose from, and which of them promise most. Pure: no clock, no plan.

use crate::event::workers::Threads;
use crate::plan::Workers;
use crate::report::profile::{Limit, Profile};
use serde::Serialize;

/// Rates that differ by less are equal: then the setting with fewer threads is the better one.
const EQUAL: f64 = 0.99;

/// A setting, and what it gives in images a second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Threads of every stage.
    #[serde(flatten)]
    pub threads: Threads,
    /// As computed from the stages by themselves.
    pub predicted: f64,
    /// As measured with all stages at work; none where that was not tried.
    pub measured: Option<f64>,
    /// What would set the pace.
    pub limit: String,
}

/// Every setting that `workers` allows on up to `most` threads a stage: where a number is given, it stays.
pub fn grid(profile: &Profile, workers: &Workers, most: usize) -> Vec<Threads> {
    let stage = |name: &str| profile.stages.iter().find(|stage| stage.stage == name);
    let choices = |name: &str, automatic: bool, given: usize, most: usize| match (automatic, stage(name)) {
        (false, _) => vec![given],
        // No such stage in this pipeline.
        (true, None) => vec![1],
        (true, Some(_)) => counts(most),
    };
    // Threads that wait for a disk take no core from anybody.
    let waiting = stage("load").and_then(|load| profile.waits(load)).map_or(1, |_| 4);
    let load = choices("load", workers.automatic.load, workers.load, waiting * most);
    let augment = choices("augment", workers.automatic.augment, workers.augment, most);
    let train = choices("train", workers.automatic.train, workers.train, most);
    let all = load.iter().flat_map(|&load| augment.iter().map(move |&augment| (load, augment)));
    all.flat_map(|(load, augment)| train.iter().map(move |&train| Threads { load, augment, train })).collect()
}

/// All up to eight, then doubling.
fn counts(most: usize) -> Vec<usize> {
    let doubled = (4..).map(|power| 1 << power).take_while(|&count| count < most);
    (1..=most.clamp(1, 8)).chain(doubled).chain((most > 8).then_some(most)).collect()
}

/// What each of `settings` promises, the best first: of those within a hundredth of the fastest the one with fewest threads.
pub fn ranked(profile: &Profile, settings: &[Threads]) -> Vec<Candidate> {
    let now = profile.predict(&profile.workers()).0;
    // What the whole kept of its stages' promise it will keep with other numbers, too.
    let kept = profile.rate.filter(|_| now > 0.0 && now.is_finite()).map_or(1.0, |rate| rate / now);
    let candidate = |&threads: &Threads| {
        let (rate, limit) = profile.predict(&by_stage(profile, threads));
        Candidate { threads, predicted: kept * rate, measured: None, limit: name_of(profile, limit) }
    };
    let mut candidates: Vec<_> = settings.iter().map(candidate).collect();
    sort(&mut candidates, |candidate| candidate.predicted);
    candidates
}

/// Puts the best first, by the rate that `rate` finds.
pub fn sort(candidates: &mut [Candidate], rate: impl Fn(&Candidate) -> f64) {
    let best = candidates.iter().map(&rate).fold(0.0, f64::max);
    candidates.sort_by(|a, b| {
        let near = |candidate: &Candidate| rate(candidate) >= EQUAL * best;
        let threads = |candidate: &Candidate| if near(candidate) { candidate.threads.sum() } else { 0 };
        near(b).cmp(&near(a)).then(threads(a).cmp(&threads(b))).then(rate(b).total_cmp(&rate(a)))
    });
}

/// The numbers in the order of the profile's stages.
pub fn by_stage(profile: &Profile, threads: Threads) -> Vec<usize> {
    let of = |name: &str, configured: usize| match name {
        "load" => threads.load,
        "augment" => threads.augment,
        "train" => threads.train,
        _ => configured,
    };
    profile.stages.iter().map(|stage| of(&stage.stage, stage.workers)).collect()
}

fn name_of(profile: &Profile, limit: Limit) -> String {
    match limit {
        Limit::Cores => "the cores".to_owned(),
        other => profile.name_of(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Automatic;
    use crate::report::profile::{Alone, StageProfile};
    use proptest::prelude::*;

    const FREE: Workers = Workers {
        load: 1,
        augment: 1,
        train: 1,
        memory: u64::MAX,
        automatic: Automatic { load: true, augment: true, train: true },
    };

    /// Stages that take so many milliseconds of a core for an image and scale as they should.
    fn profile(cores: usize, ms: [f64; 3]) -> Profile {
        let stage = |(name, ms): (&str, f64)| {
            let alone = |workers| Alone { workers, rate: 1e3 / ms * workers as f64, cpu_ms: ms, mean_ms: ms, ..Alone::default() };
            let alone = (1..=cores).map(alone).collect();
            StageProfile { stage: name.into(), workers: 1, parallel: true, team: name == "train", alone, ..StageProfile::default() }
        };
        Profile { cores, stages: ["load", "augment", "train"].into_iter().zip(ms).map(stage).collect(), ..Profile::default() }
    }

    fn best(profile: &Profile, workers: &Workers, most: usize) -> Threads {
        ranked(profile, &grid(profile, workers, most))[0].threads
    }

    #[test]
    fn slow_stages_get_threads_and_quick_ones_do_not() {
        let threads = |load, augment, train| Threads { load, augment, train };
        // Eight cores allow 8 / 6 ms = 1,333 images a second, for which 6, 2 and 2 threads are the fewest; four threads give 1,000.
        assert_eq!(best(&profile(8, [4.0, 1.0, 1.0]), &FREE, 8), threads(6, 2, 2));
        assert_eq!(best(&profile(8, [4.0, 1.0, 1.0]), &FREE, 4), threads(4, 1, 1));
        assert_eq!(best(&profile(8, [0.1, 0.1, 4.0]), &FREE, 8).load, 1);
        // Nothing is gained from a second thread where the trainer takes all there is.
        assert_eq!(best(&profile(1, [1.0, 1.0, 1.0]), &FREE, 1), threads(1, 1, 1));
        let given = Workers { load: 3, automatic: Automatic { load: false, ..FREE.automatic }, ..FREE };
        assert_eq!(best(&profile(8, [0.1, 8.0, 0.1]), &given, 4), threads(3, 4, 1));
    }

    #[test]
    fn many_cores_make_no_endless_table() {
        assert_eq!(counts(64), [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64]);
        assert_eq!((counts(0), counts(2), counts(12).len()), (vec![1], vec![1, 2], 9));
    }

    proptest! {
        #[test]
        fn no_budget_is_exceeded_and_nothing_slower_is_put_first(
            cores in 1..12usize, ms in proptest::array::uniform3(0.01..20.0f64), most in 1..12usize,
        ) {
            let profile = profile(cores, ms);
            let all = ranked(&profile, &grid(&profile, &FREE, most));
            let within = |threads: Threads| [threads.load, threads.augment, threads.train].iter().all(|count| (1..=most).contains(count));
            prop_assert!(all.iter().all(|candidate| within(candidate.threads)));
            let fastest = all.iter().map(|candidate| candidate.predicted).fold(0.0, f64::max);
            prop_assert!(all[0].predicted >= EQUAL * fastest);
            let fewer = all.iter().filter(|other| other.predicted >= EQUAL * fastest).map(|other| other.threads.sum()).min();
            prop_assert_eq!(Some(all[0].threads.sum()), fewer);
        }
    }
}
