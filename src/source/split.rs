//! Who is trained on, who is validated with, who is tested with: decided for each sample by a keyed hash of its identity, so
//! that neither the order of a listing nor the machine matters. Knows no picture.

use crate::batch::Part;
use crate::config::{Fields, Limits};
use crate::key::{Key, hash_name};
use crate::sample::Identity;
use rayon::prelude::*;

/// Shares of validation and test samples; the rest is for training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// 0 to below 1.
    pub validation: f64,
    /// 0 to below 1; both together below 1.
    pub test: f64,
}

/// The share that `"auto"` gives to validation, and again to test: 20 % up to ten thousand samples, 1 % at a million, 0.25 %
/// from ten million on; between these points linear in the logarithm of `samples`, rounded to a hundredth of a percent.
pub fn auto_share(samples: usize) -> f64 {
    let magnitude = (samples.max(1) as f64).log10();
    let between = |low: f64, high: f64, at_low: f64, at_high: f64| {
        at_low + (at_high - at_low) * ((magnitude - low) / (high - low)).clamp(0.0, 1.0)
    };
    let share = if magnitude < 6.0 { between(4.0, 6.0, 0.2, 0.01) } else { between(6.0, 7.0, 0.01, 0.0025) };
    (share * 1e4).round() / 1e4
}

/// A pipeline file's `[split]` table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitSpec {
    /// Share of validation samples; none is "auto".
    validation: Option<f64>,
    /// Share of test samples; none is "auto".
    test: Option<f64>,
    stratify: bool,
}

impl SplitSpec {
    /// Reads the table `fields`. `has_test` says that the file names test data of its own: then no share goes to test.
    pub fn read(fields: &Fields, has_test: bool) -> Self {
        let share = Limits::below(0.0, 1.0);
        let validation = fields.key("validation", "share of samples to validate with; \"auto\" goes by their number");
        let validation = validation.number_or_auto(share).or_shown(Some(0.0), "0");
        let test = fields.key("test", "share of samples to test with; \"auto\" goes by their number");
        let test = test.number_or_auto(share).or_shown(Some(0.0), "0");
        let stratify = fields.key("stratify", "split every class by the same shares").flag().or(true);
        if validation.unwrap_or(0.2) + test.unwrap_or(0.2) >= 1.0 {
            fields.complain("test", "validation and test shares leave nothing to train on", "their sum must be below 1");
        }
        if has_test && test != Some(0.0) {
            fields.complain("test", "a test share beside test data of its own", "leave out one of them");
        }
        Self { validation, test, stratify }
    }

    /// The shares for a data set of that many samples.
    pub fn shares(&self, samples: usize) -> Shares {
        let share = |given: Option<f64>| given.unwrap_or_else(|| auto_share(samples));
        Shares { validation: share(self.validation), test: share(self.test) }
    }

    /// Splits `samples`, an identity and a label each.
    pub fn split(&self, samples: &[(Identity, u32)], seed: u64) -> Split {
        split(samples, self.shares(samples.len()), seed, self.stratify)
    }
}

/// Who belongs where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The part of each sample, in the order given.
    pub parts: Vec<Part>,
    /// Labels of classes too small to have a sample in every part that was asked for.
    pub small: Vec<u32>,
}

/// Splits `samples`, an identity and a label each. Every sample has a number, looked up by `seed` and its identity alone.
///
/// Not stratified: samples whose number, as a fraction of all numbers, lies below the test share are for testing, those below
/// test and validation share together for validating. Adding files never moves another file; shares hold on average.
///
/// Stratified: within each class, samples are ordered by their numbers, and the first `round(share · n)` are taken, at least
/// one for each part with a share while one is left to train on. Shares hold exactly in every class; adding a file to a class
/// moves at most one other sample across each boundary, in that class alone.
pub fn split(samples: &[(Identity, u32)], shares: Shares, seed: u64, stratify: bool) -> Split {
    if shares.validation <= 0.0 && shares.test <= 0.0 {
        return Split { parts: vec![Part::Train; samples.len()], small: Vec::new() };
    }
    let key = Key::of_run(seed, "split");
    let numbers: Vec<u64> = samples
        .par_iter()
        .map(|(identity, _)| Key { sample: identity.number(), op: hash_name("split"), ..key }.dice().bits())
        .collect();
    if !stratify {
        let parts = numbers.iter().map(|&number| part_by_number(number, shares)).collect();
        return Split { parts, small: Vec::new() };
    }
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by(|&a, &b| {
        let place = |index: usize| (samples[index].1, numbers[index], &samples[index].0);
        place(a).cmp(&place(b))
    });
    let mut split = Split { parts: vec![Part::Train; samples.len()], small: Vec::new() };
    for class in order.chunk_by(|&a, &b| samples[a].1 == samples[b].1) {
        let (test, validation) = counts(class.len(), shares);
        for (rank, &index) in class.iter().enumerate().take(test + validation) {
            split.parts[index] = if rank < test { Part::Test } else { Part::Validation };
        }
        if (shares.test > 0.0 && test == 0) || (shares.validation > 0.0 && validation == 0) {
            split.small.push(samples[class[0]].1);
        }
    }
    split
}

fn part_by_number(number: u64, shares: Shares) -> Part {
    let fraction = (number >> 11) as f64 / (1u64 << 53) as f64;
    if fraction < shares.test {
        Part::Test
    } else if fraction < shares.test + shares.validation {
        Part::Validation
    } else {
        Part::Train
    }
}

/// Test and validation samples of a class of `n`.
fn counts(n: usize, shares: Shares) -> (usize, usize) {
    let wanted = |share: f64| if share > 0.0 { ((share * n as f64).round() as usize).max(1) } else { 0 };
    let validation = wanted(shares.validation).min(n.saturating_sub(1));
    let test = wanted(shares.test).min(n.saturating_sub(1 + validation));
    (test, validation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use proptest::prelude::*;

    fn samples(count: usize, classes: u32) -> Vec<(Identity, u32)> {
        (0..count).map(|n| (Identity(format!("class{}/{n:05}.png", n as u32 % classes).into()), n as u32 % classes)).collect()
    }

    fn count(split: &Split, part: Part) -> usize {
        split.parts.iter().filter(|&&other| other == part).count()
    }

    #[test]
    fn auto_gives_the_stated_shares_at_the_stated_sizes() {
        let at = [0, 100, 10_000, 100_000, 1_000_000, 10_000_000, 1 << 40].map(auto_share);
        assert_eq!(at, [0.2, 0.2, 0.2, 0.105, 0.01, 0.0025, 0.0025]);
        assert!((1..8_000).map(|n| auto_share(n * 1_000)).is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn stratified_shares_hold_in_every_class_and_small_classes_are_told() {
        let shares = Shares { validation: 0.2, test: 0.1 };
        let mut all = samples(1_000, 10);
        all.push((Identity("lone".into()), 10));
        all.extend([(Identity("pair/1".into()), 11), (Identity("pair/2".into()), 11)]);
        let split = split(&all, shares, 7, true);
        for label in 0..10 {
            let of = |part| all.iter().zip(&split.parts).filter(|((_, l), p)| *l == label && **p == part).count();
            assert_eq!([Part::Train, Part::Validation, Part::Test].map(of), [70, 20, 10]);
        }
        assert_eq!(split.parts[1_000], Part::Train);
        assert_eq!(split.parts[1_001..].iter().filter(|&&part| part == Part::Validation).count(), 1);
        assert_eq!(split.small, [10, 11]);
    }

    #[test]
    fn seeds_differ_and_plain_shares_hold_on_average() {
        let (all, shares) = (samples(10_000, 10), Shares { validation: 0.2, test: 0.1 });
        let one = split(&all, shares, 1, false);
        assert!(count(&one, Part::Validation).abs_diff(2_000) < 160 && count(&one, Part::Test).abs_diff(1_000) < 120);
        assert_ne!(one, split(&all, shares, 2, false));
        assert_ne!(split(&all, shares, 1, true), split(&all, shares, 2, true));
    }

    proptest! {
        #[test]
        fn a_split_does_not_depend_on_the_order_and_survives_new_files(
            count in 2usize..200, added in 1usize..20, seed in any::<u64>(), stratify in any::<bool>(),
        ) {
            let shares = Shares { validation: 0.3, test: 0.2 };
            let all = samples(count + added, 3);
            let before = split(&all[..count], shares, seed, stratify);
            let mut backwards = all[..count].to_vec();
            backwards.reverse();
            let mut parts = split(&backwards, shares, seed, stratify).parts;
            parts.reverse();
            prop_assert_eq!(&parts, &before.parts);
            let after = split(&all, shares, seed, stratify);
            let moved = before.parts.iter().zip(&after.parts).filter(|(a, b)| a != b).count();
            prop_assert!(moved <= if stratify { 2 * added } else { 0 }, "{} moved", moved);
        }
    }

    #[test]
    fn impossible_shares_are_problems() {
        let problems = |text: &str, has_test: bool| {
            let problems = Problems::default();
            SplitSpec::read(&Fields::parse(text, &problems).unwrap(), has_test);
            problems.take().len()
        };
        assert_eq!(problems("validation = 0.2\ntest = 'auto'", false), 0);
        assert_eq!(problems("validation = 0.5\ntest = 0.5", false), 1);
        assert_eq!(problems("validation = 0.5\ntest = 0.1", true), 1);
        assert_eq!(problems("validation = 1.0", false), 1);
    }
}
