//! Laws of all schedules, and the shape of each.

use super::*;
use crate::config::Problems;
use proptest::prelude::*;

const RUN: Place = Place { step: 0, epoch: 0, steps_per_epoch: 10, steps: 100 };

fn place(step: u64) -> Place {
    Place { step, epoch: (step / RUN.steps_per_epoch) as u32, ..RUN }
}

fn read(text: &str) -> (LearningRate, Vec<String>) {
    let problems = Problems::default();
    let fields = Fields::parse(text, &problems).unwrap();
    let rate = LearningRate::read(&fields);
    fields.finish();
    (rate, problems.take().into_iter().map(|problem| problem.message + " | " + &problem.help.unwrap_or_default()).collect())
}

fn table(text: &str) -> String {
    format!("[learning_rate]\n{text}")
}

/// Rates of all steps of the run, and one step past it.
fn rates(text: &str) -> Vec<f64> {
    let (rate, problems) = read(text);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    (0..=RUN.steps).map(|step| rate.at(place(step), &Memory::default())).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[test]
fn every_schedule_builds_from_its_example_and_never_leaves_zero_to_peak() {
    for entry in SCHEDULES {
        let rates = rates(&table(entry.example));
        assert!(rates.iter().all(|&rate| (0.0..=0.1).contains(&rate)), "{}: {rates:?}", entry.name);
        assert!(entry.example.contains(entry.name) && !entry.about.ends_with('.'));
    }
}

#[test]
fn every_schedule_refuses_an_unknown_key_and_knows_its_neighbours() {
    for entry in SCHEDULES {
        let (_, problems) = read(&table(&format!("{}\nflorr = 1", entry.example)));
        assert!(problems.len() == 1 && problems[0].contains("`florr`"), "{}: {problems:?}", entry.name);
    }
    let (_, problems) = read("learning_rate = { peak = 0.1, schedule = \"cosin\", floor = 0.5 }");
    assert!(problems.len() == 1 && problems[0].contains("did you mean \"cosine\""), "{problems:?}");
}

#[test]
fn a_rate_is_a_positive_number_or_a_table() {
    assert_eq!(rates("learning_rate = 0.5"), [0.5; 101]);
    assert_eq!(rates("learning_rate = 2"), [2.0; 101]);
    for bad in ["0", "-1.0", "\"fast\"", "inf", "[0.1]"] {
        assert_eq!(read(&format!("learning_rate = {bad}")).1.len(), 1, "{bad}");
    }
    assert!(read("").1[0].contains("needs the key `learning_rate`"));
    assert!(read("learning_rate = { schedule = \"linear\" }").1[0].contains("needs the key `peak`"));
    assert!(read("learning_rate = { peak = 1, warmup_steps = 3, warmup_epochs = 1 }").1[0].contains("contradicts"));
}

#[test]
fn stairs_fall_at_their_epochs() {
    let stairs = rates("learning_rate = { peak = 1, schedule = \"step\", every = 3, factor = 0.5 }");
    assert!(stairs[..30].iter().all(|&rate| rate == 1.0) && stairs[30..60].iter().all(|&rate| rate == 0.5));
    assert_eq!((stairs[60], stairs[99]), (0.25, 0.125));
    let exponential = rates("learning_rate = { peak = 1, schedule = \"exponential\", factor = 0.9 }");
    assert!(exponential[9] == 1.0 && exponential[10] == 0.9 && near(exponential[99], 0.9f64.powi(9)));
    let inverse = rates("learning_rate = { peak = 0.2, schedule = \"inverse_time\", decay = 1 }");
    assert_eq!([inverse[0], inverse[10], inverse[30]], [0.2, 0.1, 0.05], "the tutorial's table: 0.2, 0.1, 0.067, 0.05");
}

#[test]
fn straight_lines_and_cosines_end_at_their_floor() {
    let linear = rates("learning_rate = { peak = 2, schedule = \"linear\", floor = 0.1 }");
    assert!(linear[0] == 2.0 && near(linear[50], 1.1) && near(linear[100], 0.2));
    let cosine = rates("learning_rate = { peak = 2, schedule = \"cosine\", floor = 0.1 }");
    assert!(cosine[0] == 2.0 && near(cosine[50], 1.1) && near(cosine[100], 0.2) && cosine.is_sorted_by(|a, b| a > b));
    for (step, &rate) in cosine.iter().enumerate() {
        assert!(near(rate, 0.2 + 1.8 * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / 100.0).cos())));
    }
}

#[test]
fn one_cycle_begins_low_peaks_and_ends_lower() {
    let cycle = rates("learning_rate = { peak = 1, schedule = \"one_cycle\" }");
    assert!(near(cycle[0], 1.0 / 25.0) && cycle[29] == 1.0 && near(cycle[99], 1.0 / 25.0 / 1e4));
    assert!(cycle[..30].is_sorted_by(|a, b| a < b) && cycle[29..100].is_sorted_by(|a, b| a > b));
    assert!(near(cycle[14], 0.04 + 0.96 * 0.5 * (1.0 - (std::f64::consts::PI * 14.0 / 29.0).cos())));
    for pct_start in ["0", "1", "0.001"] {
        let edge = rates(&format!("learning_rate = {{ peak = 1, schedule = \"one_cycle\", pct_start = {pct_start} }}"));
        assert!(edge.iter().all(|rate| rate.is_finite()), "{pct_start}");
    }
}

#[test]
fn a_warm_up_rises_in_a_straight_line_with_every_schedule() {
    for entry in SCHEDULES {
        let example = table(&entry.example.replace("warmup_epochs = 1", ""));
        let plain = rates(&example);
        for warmup in ["warmup_steps = 20", "warmup_epochs = 2"] {
            for (step, (warm, cold)) in rates(&format!("{example}\n{warmup}")).iter().zip(&plain).enumerate() {
                assert!(near(*warm, cold * ((step + 1) as f64 / 20.0).min(1.0)), "{} {step}", entry.name);
            }
        }
    }
}

#[test]
fn a_plateau_cuts_after_patience_and_not_before() {
    let (rate, _) = read("learning_rate = { peak = 1, schedule = \"plateau\", factor = 0.5, patience = 2, floor = 0.2 }");
    let mut memory = Memory::default();
    let mut seen = Vec::new();
    for loss in [3.0, 2.0, 2.0, f64::NAN, 1.0, 1.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9] {
        let score = Score { loss, accuracy: 0.0, samples: 1 };
        rate.schedule.note_epoch(&mut memory, &Score::default(), Some(&score));
        seen.push(rate.at(place(0), &memory));
    }
    assert_eq!(seen, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]);
    assert!(rate.schedule.needs_validation());
}

proptest! {
    #[test]
    fn rates_are_finite_wherever_a_run_stands(step in 0u64..10_000, steps_per_epoch in 1u64..50, epochs in 1u64..50) {
        for entry in SCHEDULES {
            let (rate, _) = read(&table(entry.example));
            let at = Place { step, epoch: (step / steps_per_epoch) as u32, steps_per_epoch, steps: steps_per_epoch * epochs };
            let value = rate.at(at, &Memory::default());
            prop_assert!((0.0..=0.1).contains(&value), "{} {value}", entry.name);
        }
    }
}
