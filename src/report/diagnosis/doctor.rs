//! Bias, variance and the rest, from errors and what is known of the run: which it is, and the remedies in the order in which to try
//! them. Knows errors, not predictions.
//!
//! After Ng, *Machine Learning Yearning* (2018), chapters 20–27 and 40–43: training error against a reference is bias, validation
//! error against training error is variance, test error against validation error says that validation was fitted or that the test
//! samples are of another kind.

use super::interval::Share;
use crate::event::diagnosis::{Diagnosis, Finding, Kind, PartDiagnosis};
use crate::report::words::count;

/// A gap smaller than this, one per cent of all samples, is not worth a remedy.
const WORTH: f64 = 0.01;

/// The parts of the data that were examined.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// A choice of training samples, seen as the others are.
    pub train: Option<PartDiagnosis>,
    /// All validation samples.
    pub validation: Option<PartDiagnosis>,
    /// All test samples.
    pub test: Option<PartDiagnosis>,
}

/// What remedies depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circumstances {
    /// The error of people or of a baseline, where the file gives one.
    pub reference_error: Option<f64>,
    /// Numbers that are learned.
    pub parameters: u64,
    /// Training samples.
    pub train_samples: u64,
    /// Epochs that were run.
    pub epochs: u32,
    /// Whether the last of them was still the best.
    pub still_improving: bool,
    /// Whether test samples come from data of their own.
    pub test_apart: bool,
    /// Names of the random operations on training samples, mixing included; empty where there are none.
    pub augmentation: Vec<String>,
    /// Regularisation in use, as the file calls it.
    pub regularised_by: Vec<&'static str>,
    /// Regularisation that is not.
    pub not_regularised_by: Vec<&'static str>,
}

/// What finished weights come to.
pub fn diagnose(parts: Parts, about: &Circumstances) -> Diagnosis {
    let findings = find(&parts, about);
    let Parts { train, validation, test } = parts;
    let mut diagnosis = Diagnosis {
        reference_error: about.reference_error.unwrap_or(0.0),
        reference_given: about.reference_error.is_some(),
        verdict: verdict(&findings, validation.is_some() || test.is_some()),
        findings,
        warnings: Vec::new(),
        train,
        validation,
        test,
    };
    diagnosis.warnings = warnings(&diagnosis);
    diagnosis
}

/// Samples that were not recognised.
fn missed(part: &PartDiagnosis) -> Share {
    Share { of: part.samples - part.correct, samples: part.samples }
}

fn find(parts: &Parts, about: &Circumstances) -> Vec<Finding> {
    let [train, validation, test] = [&parts.train, &parts.validation, &parts.test].map(|part| part.as_ref().map(missed));
    let reference = about.reference_error.unwrap_or(0.0);
    let bias = train.map(|train| {
        let gap = train.value() - reference;
        let certain = super::wilson(train.of, train.samples).0 > reference;
        Finding { kind: Kind::Bias, gap, certain, words: bias_words(gap, about), remedies: bias_remedies(about) }
    });
    // Without validation samples, variance shows in the test samples.
    let (held_out, name) = if validation.is_some() { (validation, "validation") } else { (test, "test") };
    let variance = train.zip(held_out).map(|(train, held_out)| {
        let (gap, certain) = gap(held_out, train);
        let words = format!("{name} error is {} above training error", points(gap));
        Finding { kind: Kind::Variance, gap, certain, words, remedies: variance_remedies(about) }
    });
    let beyond = validation.zip(test).map(|(validation, test)| {
        let (gap, certain) = gap(test, validation);
        let (kind, remedies) = match about.test_apart {
            true => (Kind::Mismatch, mismatch_remedies(validation.samples)),
            false => (Kind::ValidationOverfit, overfit_remedies(validation.samples)),
        };
        let words = format!("test error is {} above validation error", points(gap));
        Finding { kind, gap, certain, words, remedies }
    });
    let worth = [bias, variance, beyond].into_iter().flatten().filter(|finding| finding.gap >= WORTH);
    let doubtful = |mut finding: Finding| {
        if !finding.certain {
            finding.words += ", which may be chance: so few samples cannot tell";
            finding.remedies.clear();
        }
        finding
    };
    worth.map(doubtful).collect()
}

/// How far one error lies above another, and whether that is more than chance.
fn gap(above: Share, below: Share) -> (f64, bool) {
    (above.value() - below.value(), above.surely_above(below) > 0.0)
}

/// `3.2 points` of a hundred.
fn points(gap: f64) -> String {
    format!("{:.1} points", 100.0 * gap)
}

fn bias_words(gap: f64, about: &Circumstances) -> String {
    match about.reference_error {
        Some(reference) => format!("training error is {} above the reference of {:.1} %", points(gap), 100.0 * reference),
        None => format!("training error is {} above 0, which stands in for the error of people", points(gap)),
    }
}

fn bias_remedies(about: &Circumstances) -> Vec<String> {
    let still = if about.still_improving { "; the last one was still the best" } else { "" };
    let mut remedies = vec![
        format!("a bigger network: this one learns {} parameters", count(about.parameters)),
        format!("longer training than {} epochs{still}", about.epochs),
        "another architecture".to_owned(),
    ];
    if !about.regularised_by.is_empty() || !about.augmentation.is_empty() {
        let used = about.regularised_by.iter().map(|name| (*name).to_owned()).chain(about.augmentation.iter().cloned());
        remedies.push(format!("less of what keeps it from fitting: {}", listed(used)));
    }
    remedies
}

fn variance_remedies(about: &Circumstances) -> Vec<String> {
    let augmentation = match about.augmentation.is_empty() {
        true => "augmentation: this pipeline has none".to_owned(),
        false => format!("more augmentation than {}", listed(about.augmentation.iter().cloned())),
    };
    let names = |names: &[&str]| listed(names.iter().map(|name| (*name).to_owned()));
    let regularisation = match (about.not_regularised_by.is_empty(), about.regularised_by.is_empty()) {
        (true, _) => format!("more regularisation: stronger {}", names(&about.regularised_by)),
        (false, true) => format!("regularisation: not yet here are {}", names(&about.not_regularised_by)),
        (false, false) => {
            format!(
                "regularisation: not yet here are {}; stronger {}",
                names(&about.not_regularised_by),
                names(&about.regularised_by)
            )
        }
    };
    let data = format!("more training data than {} samples", count(about.train_samples));
    vec![data, augmentation, regularisation, "another architecture".to_owned()]
}

fn overfit_remedies(validation_samples: u64) -> Vec<String> {
    vec![
        format!("a bigger validation part than {} samples: choices were fitted to it", count(validation_samples)),
        "a new split (another seed), and fewer choices made by looking at it".to_owned(),
    ]
}

fn mismatch_remedies(validation_samples: u64) -> Vec<String> {
    vec![
        "look at the test samples with the greatest losses (top_losses.png): how do they differ from training pictures?".to_owned(),
        "validation samples like the test samples, so that choices are made for what counts".to_owned(),
        "training samples like the test samples: collect some, or augmentation that makes them".to_owned(),
        format!("if both are of one kind, a bigger validation part than {} samples", count(validation_samples)),
    ]
}

fn listed(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn verdict(findings: &[Finding], held_out: bool) -> String {
    let has = |kind| findings.iter().any(|finding| finding.kind == kind && finding.certain);
    let mut words = match (has(Kind::Bias), has(Kind::Variance)) {
        (true, true) => "high bias and high variance",
        (true, false) if held_out => "high bias",
        (true, false) => "high bias, unknown variance",
        (false, true) => "high variance",
        (false, false) if held_out => "low bias and low variance",
        (false, false) => "low bias, unknown variance",
    }
    .to_owned();
    if has(Kind::Mismatch) {
        words += "; the test samples are of another kind, or validation was overfitted";
    }
    if has(Kind::ValidationOverfit) {
        words += "; validation was overfitted";
    }
    words
}

fn warnings(diagnosis: &Diagnosis) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some((name, part)) = diagnosis.judged().filter(|(_, part)| !part.accuracy.enough) {
        let accuracy = part.accuracy;
        warnings.push(format!(
            "{} {name} samples tell the accuracy to ± {} (95 %), not to the {} that is shown; that would take {} samples",
            count(part.samples),
            points(accuracy.half_width),
            points(accuracy.shown),
            count(accuracy.samples_needed)
        ));
    }
    if diagnosis.judged().is_none() {
        warnings.push("nothing was held out: only training error is known, and it says nothing of new samples".to_owned());
    }
    for (name, part) in [("validation", &diagnosis.validation), ("test", &diagnosis.test)] {
        let classes = part.iter().flat_map(|part| &part.classes).filter(|class| class.support == 0);
        let empty: Vec<String> = classes.map(|class| class.class.clone()).collect();
        if !empty.is_empty() {
            let shown = empty.len().min(8);
            let more = if shown < empty.len() { format!(" and {} more", empty.len() - shown) } else { String::new() };
            warnings.push(format!("no {name} sample of {}{more}: nothing is known of them", empty[..shown].join(", ")));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(missed: u64, samples: u64) -> Option<PartDiagnosis> {
        let correct = samples - missed;
        let accuracy = super::super::accuracy(correct, samples);
        Some(PartDiagnosis { samples, correct, error: missed as f64 / samples as f64, accuracy, ..PartDiagnosis::default() })
    }

    fn about() -> Circumstances {
        Circumstances {
            parameters: 61_706,
            train_samples: 48_000,
            epochs: 20,
            augmentation: vec!["horizontal_flip".to_owned()],
            regularised_by: vec!["l2"],
            not_regularised_by: vec!["l1", "dropout"],
            ..Circumstances::default()
        }
    }

    fn kinds(diagnosis: &Diagnosis) -> Vec<Kind> {
        diagnosis.findings.iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn every_case_of_the_table_has_its_verdict() {
        // Training, validation and test error in per mille of 10,000 samples; the reference; whether test samples come from elsewhere.
        type Case<'c> = ([u64; 3], Option<f64>, bool, &'c str, &'c [Kind]);
        let table: &[Case<'_>] = &[
            ([1, 4, 5], None, false, "low bias and low variance", &[]),
            ([10, 110, 112], None, false, "high bias and high variance", &[Kind::Bias, Kind::Variance]),
            ([10, 110, 112], Some(0.01), false, "high variance", &[Kind::Variance]),
            ([150, 155, 152], Some(0.01), false, "high bias", &[Kind::Bias]),
            ([150, 155, 152], Some(0.145), false, "low bias and low variance", &[]),
            ([150, 300, 301], Some(0.01), true, "high bias and high variance", &[Kind::Bias, Kind::Variance]),
            ([5, 10, 60], Some(0.01), false, "low bias and low variance; validation was overfitted", &[Kind::ValidationOverfit]),
            ([5, 200, 100], Some(0.01), true, "high variance", &[Kind::Variance]),
        ];
        for (errors, reference_error, test_apart, verdict, expected) in table {
            let [train, validation, test] = errors.map(|error| part(10 * error, 10_000));
            let about = Circumstances { reference_error: *reference_error, test_apart: *test_apart, ..about() };
            let diagnosis = diagnose(Parts { train, validation, test }, &about);
            assert_eq!((diagnosis.verdict.as_str(), kinds(&diagnosis).as_slice()), (*verdict, *expected), "{errors:?}");
            assert!(diagnosis.findings.iter().all(|finding| finding.certain && !finding.remedies.is_empty()));
        }
        let [train, validation, test] = [5, 10, 500].map(|error| part(10 * error, 10_000));
        let apart = diagnose(Parts { train, validation, test }, &Circumstances { test_apart: true, ..about() });
        assert_eq!(kinds(&apart), [Kind::Mismatch]);
        assert!(apart.verdict.contains("another kind"));
    }

    #[test]
    fn remedies_come_in_order_and_name_what_is_missing() {
        let diagnosis = diagnose(Parts { train: part(300, 1000), validation: part(600, 1000), test: None }, &about());
        let starts = |finding: &Finding, expected: &[&str]| {
            assert_eq!(finding.remedies.len(), expected.len(), "{finding:?}");
            for (remedy, start) in finding.remedies.iter().zip(expected) {
                assert!(remedy.starts_with(start), "{remedy}");
            }
        };
        starts(&diagnosis.findings[0], &["a bigger network", "longer training", "another architecture", "less of"]);
        starts(&diagnosis.findings[1], &["more training data", "more augmentation", "regularisation", "another architecture"]);
        assert!(diagnosis.findings[1].remedies[2].contains("not yet here are l1, dropout; stronger l2"), "{diagnosis:?}");
        assert!(diagnosis.findings[0].words.contains("stands in for the error of people"));
        let bare = Circumstances { augmentation: Vec::new(), regularised_by: Vec::new(), ..about() };
        let bare = diagnose(Parts { train: part(0, 1000), validation: None, test: part(200, 1000) }, &bare);
        starts(&bare.findings[0], &["more training data", "augmentation: this pipeline has none", "regularisation", "another"]);
        assert!(bare.findings[0].words.starts_with("test error"), "without validation samples, test samples show variance");
    }

    #[test]
    fn a_gap_of_few_samples_may_be_chance_and_has_no_remedy() {
        let diagnosis = diagnose(Parts { train: part(0, 40), validation: part(2, 40), test: None }, &about());
        assert_eq!((diagnosis.findings.len(), diagnosis.findings[0].certain), (1, false));
        assert!(diagnosis.findings[0].remedies.is_empty() && diagnosis.findings[0].words.contains("chance"));
        assert_eq!(diagnosis.verdict, "low bias and low variance");
    }

    #[test]
    fn small_and_missing_parts_are_warned_of() {
        let small = diagnose(Parts { train: part(0, 100), validation: part(1, 100), test: part(16, 400) }, &about());
        assert!(small.warnings[0].starts_with("400 test samples tell the accuracy to ± 2.0 points"), "{:?}", small.warnings);
        let none = diagnose(Parts { train: part(0, 100), ..Parts::default() }, &about());
        assert!(none.warnings[0].starts_with("nothing was held out"));
        assert_eq!((kinds(&none).len(), none.verdict.as_str()), (0, "low bias, unknown variance"));
    }
}
