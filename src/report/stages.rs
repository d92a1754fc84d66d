//! Where the time went: a table of the stages, and one sentence on which of them limits. Pure functions of meters.

use super::words::{count, thousands};
use crate::event::Meter;
use std::fmt::Write;
use std::time::Duration;

/// From this share of time at work a stage counts as limiting.
const LIMITS: f64 = 0.6;

/// One sentence saying which stage sets the pace: the one whose workers were at work for the largest share of the time, if that
/// is most of it; all others then wait for it, starved behind it and blocked before it.
pub fn limiting_stage(meters: &[Meter], wall: Duration) -> String {
    let mut shares: Vec<(f64, &Meter)> = meters.iter().map(|meter| (share(meter.busy, meter, wall), meter)).collect();
    shares.sort_by(|one, other| other.0.total_cmp(&one.0));
    let Some(&(busy, first)) = shares.first().filter(|(busy, _)| *busy > 0.0) else {
        return "no stage did any measurable work.".into();
    };
    let name = &first.stage;
    let percent = percent(busy);
    if busy < LIMITS {
        let workers = workers(first.workers);
        return format!("no stage limits: even `{name}` was busy only {percent} of the time with its {workers}.");
    }
    let rate = thousands(per_second(first, wall));
    let pace = format!("`{name}` limits: its {} busy {percent} of the time ({rate} items/s)", were(first.workers));
    match shares.get(1) {
        None => format!("{pace}."),
        Some((next, second)) if *next >= busy - 0.05 => {
            format!("{pace}, closely followed by `{}` ({}): the stages are balanced.", second.stage, self::percent(*next))
        }
        Some((next, second)) => format!("{pace}; the next busiest is `{}` with {}.", second.stage, self::percent(*next)),
    }
}

/// The stages as a table for people, one line each under a line of titles: workers, items and items a second of wall time, shares
/// of the workers' time at work, without input, and without room for output, mean and largest number of chunks in the queue.
pub fn stage_table(meters: &[Meter], wall: Duration) -> String {
    let named = meters.iter().map(|meter| meter.stage.chars().count()).max().unwrap_or(0).max("stage".len());
    let mut table = format!(
        "{:named$} {:>7} {:>11} {:>9} {:>7} {:>8} {:>8} {:>9}\n",
        "stage", "workers", "items", "items/s", "busy", "starved", "blocked", "queue"
    );
    for meter in meters {
        let [busy, starved, blocked] = [meter.busy, meter.starved, meter.blocked].map(|time| percent(share(time, meter, wall)));
        let queue = match meter.queue_capacity {
            0 => "–".to_owned(),
            capacity => format!("{:.1}/{capacity}", meter.queue_depth),
        };
        let (items, rate) = (count(meter.items), thousands(per_second(meter, wall)));
        let line = writeln!(
            table,
            "{:named$} {:>7} {items:>11} {rate:>9} {busy:>7} {starved:>8} {blocked:>8} {queue:>9}",
            meter.stage, meter.workers
        );
        line.expect("writing to a string never fails");
    }
    table
}

/// The share of its workers' time, 0–1, that a stage spent one way.
fn share(time: Duration, meter: &Meter, wall: Duration) -> f64 {
    // Clocks read at slightly different moments may add up to more than the wall time.
    let known = (meter.busy + meter.starved + meter.blocked).as_secs_f64();
    let all = (wall.as_secs_f64() * meter.workers as f64).max(known);
    if all > 0.0 { time.as_secs_f64() / all } else { 0.0 }
}

fn per_second(meter: &Meter, wall: Duration) -> f64 {
    if wall.is_zero() { 0.0 } else { meter.items as f64 / wall.as_secs_f64() }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn workers(number: usize) -> String {
    if number == 1 { "worker".into() } else { format!("{number} workers") }
}

fn were(number: usize) -> String {
    format!("{} {}", workers(number), if number == 1 { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WALL: Duration = Duration::from_secs(10);

    /// A stage whose workers spent these shares of ten seconds busy, starved, blocked.
    fn meter(stage: &str, workers: usize, shares: [f64; 3]) -> Meter {
        let [busy, starved, blocked] = shares.map(|share| WALL.mul_f64(share * workers as f64));
        Meter { stage: stage.into(), workers, items: 12_400, busy, starved, blocked, queue_depth: 3.25, queue_capacity: 8 }
    }

    #[test]
    fn the_planted_bottleneck_is_named_wherever_it_stands() {
        for limit in 0..4 {
            let stage = |place: usize| match place.cmp(&limit) {
                std::cmp::Ordering::Less => meter(NAMES[place], 2, [0.2, 0.0, 0.8]),
                std::cmp::Ordering::Equal => meter(NAMES[place], 2, [0.93, 0.04, 0.03]),
                std::cmp::Ordering::Greater => meter(NAMES[place], 2, [0.3, 0.7, 0.0]),
            };
            let said = limiting_stage(&(0..4).map(stage).collect::<Vec<_>>(), WALL);
            let expected = format!("`{}` limits: its 2 workers were busy 93 % of the time (1,240 items/s)", NAMES[limit]);
            assert!(said.starts_with(&expected), "{said}");
        }
    }
    const NAMES: [&str; 4] = ["load", "augment", "batch", "train"];

    #[test]
    fn a_share_is_of_the_stages_own_workers() {
        // More seconds of work than the others, but spread over eight workers that mostly wait.
        let meters = [meter("augment", 8, [0.5, 0.3, 0.2]), meter("train", 1, [0.97, 0.03, 0.0])];
        let said = limiting_stage(&meters, WALL);
        assert_eq!(
            said,
            "`train` limits: its worker was busy 97 % of the time (1,240 items/s); the next busiest is `augment` with 50 %."
        );
    }

    #[test]
    fn balanced_idle_and_empty_flows_are_told_apart() {
        let balanced = [meter("load", 1, [0.9, 0.05, 0.05]), meter("train", 1, [0.88, 0.12, 0.0])];
        assert!(limiting_stage(&balanced, WALL).contains("closely followed by `train` (88 %)"));
        let idle = [meter("load", 2, [0.1, 0.9, 0.0]), meter("train", 1, [0.3, 0.7, 0.0])];
        assert_eq!(limiting_stage(&idle, WALL), "no stage limits: even `train` was busy only 30 % of the time with its worker.");
        let nothing = "no stage did any measurable work.";
        assert_eq!(limiting_stage(&[], WALL), nothing);
        assert_eq!(limiting_stage(&[Meter::default()], Duration::ZERO), nothing);
        assert!(limiting_stage(&[meter("load", 1, [1.0, 0.0, 0.0])], Duration::ZERO).starts_with("`load` limits"));
    }

    #[test]
    fn the_table_lines_up() {
        let table = stage_table(&[meter("load", 2, [0.2, 0.0, 0.8]), meter("a_long_stage_name", 12, [0.9, 0.1, 0.0])], WALL);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3], "{table}");
        assert!(table.contains("1,240") && table.contains("80 %") && table.contains("3.2/8"), "{table}");
    }

    proptest! {
        #[test]
        fn any_meters_give_one_sentence(seconds in proptest::collection::vec((0.0..20.0f64, 0.0..20.0f64, 0..4usize), 0..5), wall in 0.0..10.0f64) {
            let meters: Vec<Meter> = seconds.iter().map(|(busy, starved, workers)| {
                let [busy, starved] = [*busy, *starved].map(Duration::from_secs_f64);
                Meter { stage: "s".into(), workers: *workers, busy, starved, ..Meter::default() }
            }).collect();
            let wall = Duration::from_secs_f64(wall);
            let said = limiting_stage(&meters, wall);
            prop_assert!(said.ends_with('.') && !said.contains('\n') && !said.contains("NaN"));
            let shares = meters.iter().map(|meter| share(meter.busy, meter, wall));
            prop_assert!(shares.into_iter().all(|share| (0.0..=1.0).contains(&share)));
            prop_assert_eq!(stage_table(&meters, wall).lines().count(), 1 + meters.len());
        }
    }
}
