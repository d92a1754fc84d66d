//! A diagnosis and a self-check as people read them, line by line. Knows no terminal.

use crate::event::diagnosis::{Diagnosis, Finding, PartDiagnosis};
use crate::event::self_check::{Level, SelfCheck};
use crate::report::words::{count, printable};

/// The most mistakes that a line names.
const NAMED: usize = 3;

/// The diagnosis as lines without ends; the first is its heading. Foreign text is escaped.
pub fn diagnosis_lines(diagnosis: &Diagnosis) -> Vec<String> {
    let mut lines = vec![format!("diagnosis: {}", diagnosis.verdict)];
    let given = if diagnosis.reference_given { "given" } else { "not given: [report] reference_error" };
    lines.push(format!("  reference  error {}  ({given})", percent(diagnosis.reference_error)));
    let parts = [("train", &diagnosis.train), ("validation", &diagnosis.validation), ("test", &diagnosis.test)];
    lines.extend(parts.iter().filter_map(|(name, part)| part.as_ref().map(|part| part_line(name, part))));
    for finding in &diagnosis.findings {
        lines.extend(finding_lines(finding));
    }
    if let Some((name, part)) = diagnosis.judged() {
        lines.extend(mistakes_line(name, part));
        lines.push(calibration_line(name, part));
    }
    lines
}

fn percent(share: f64) -> String {
    format!("{:>5.1} %", 100.0 * share)
}

fn part_line(name: &str, part: &PartDiagnosis) -> String {
    let (low, high) = (1.0 - part.accuracy.high, 1.0 - part.accuracy.low);
    let kind = if name == "train" { "clean samples" } else { "samples" };
    let interval = format!("95 %: {:.1} to {:.1} %", 100.0 * low, 100.0 * high);
    let top = part.top_k.map_or(String::new(), |top| format!("; top-{} {:.1} %", top.k, 100.0 * (1.0 - top.accuracy)));
    format!("  {name:<10} error {}  ({interval}; {} {kind}{top})", percent(part.error), count(part.samples))
}

fn finding_lines(finding: &Finding) -> impl Iterator<Item = String> + '_ {
    let remedies = finding.remedies.iter().enumerate().map(|(place, remedy)| format!("    {}. {}", place + 1, printable(remedy)));
    std::iter::once(format!("  {}", printable(&finding.words))).chain(remedies)
}

fn mistakes_line(name: &str, part: &PartDiagnosis) -> Option<String> {
    let mistake = |confused: &crate::event::diagnosis::Confused| {
        let (label, predicted) = (printable(&confused.label), printable(&confused.predicted));
        format!("{label} taken for {predicted} {}", times(confused.samples))
    };
    let named: Vec<String> = part.confused.iter().take(NAMED).map(mistake).collect();
    (!named.is_empty()).then(|| format!("  mistakes   {} ({name})", named.join(", ")))
}

fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{} times", count(number)) }
}

fn calibration_line(name: &str, part: &PartDiagnosis) -> String {
    let calibration = &part.calibration;
    let lean = match calibration.mean_confidence - part.accuracy.value {
        lean if lean > 0.01 => "it is surer than it is right",
        lean if lean < -0.01 => "it is right more often than it is sure",
        _ => "about as sure as it is right",
    };
    let error = 100.0 * calibration.expected_error;
    format!("  calibration error {error:.1} % ({name}); mean confidence {:.1} %: {lean}", 100.0 * calibration.mean_confidence)
}

/// One line for everything that passed, and the checks that did not. Foreign text is escaped.
pub fn self_check_lines(found: &SelfCheck) -> (String, Vec<String>) {
    let passed = found.checks.iter().filter(|check| check.level == Level::Passed);
    let passed: Vec<String> = passed.map(|check| printable(&brief(&check.words))).collect();
    let line = format!("self-check: {}", if passed.is_empty() { "nothing passed".to_owned() } else { passed.join("; ") });
    let skipped = found.checks.iter().filter(|check| check.level == Level::Skipped);
    let skipped: String = skipped.map(|check| format!("; left out {}: {}", check.name, printable(&brief(&check.words)))).collect();
    let wrong = found.checks.iter().filter(|check| check.level > Level::Passed);
    let wrong = wrong.map(|check| format!("self-check, {}: {}", check.name.replace('_', " "), check.words));
    (line + &skipped, wrong.collect())
}

/// The words in front of the first semicolon: the rest is for the report.
pub fn brief(words: &str) -> String {
    words.split(';').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::diagnosis::{Accuracy, Calibration, Confused, Kind, TopK};
    use crate::event::self_check::Check;

    #[test]
    fn a_diagnosis_is_read_from_top_to_bottom() {
        let accuracy = Accuracy { value: 0.95, low: 0.924, high: 0.968, ..Accuracy::default() };
        let confused = vec![Confused { label: "cat\n".to_owned(), predicted: "dog".to_owned(), samples: 12 }];
        let calibration = Calibration { expected_error: 0.032, mean_confidence: 0.98, ..Calibration::default() };
        let top_k = Some(TopK { k: 5, accuracy: 0.998 });
        let test =
            PartDiagnosis { samples: 400, correct: 380, error: 0.05, accuracy, confused, calibration, top_k, ..Default::default() };
        let remedies = vec!["more data".to_owned(), "another architecture".to_owned()];
        let words = "test error is 4.0 points above training error".to_owned();
        let finding = Finding { kind: Kind::Variance, gap: 0.04, certain: true, words, remedies };
        let verdict = "high variance".to_owned();
        let diagnosis = Diagnosis { verdict, findings: vec![finding], test: Some(test), ..Diagnosis::default() };
        let expected = [
            "diagnosis: high variance",
            "  reference  error   0.0 %  (not given: [report] reference_error)",
            "  test       error   5.0 %  (95 %: 3.2 to 7.6 %; 400 samples; top-5 0.2 %)",
            "  test error is 4.0 points above training error",
            "    1. more data",
            "    2. another architecture",
            "  mistakes   cat\\n taken for dog 12 times (test)",
            "  calibration error 3.2 % (test); mean confidence 98.0 %: it is surer than it is right",
        ];
        assert_eq!(diagnosis_lines(&diagnosis), expected);
    }

    #[test]
    fn what_passed_is_one_line_and_what_did_not_is_told_whole() {
        let checks = vec![
            Check::new("labels", Level::Passed, "labels fit; 10 classes"),
            Check::new("initial_loss", Level::Warning, "the loss is 9.1; look at the weights"),
            Check::new("gradient", Level::Skipped, "too large"),
        ];
        let (line, wrong) = self_check_lines(&SelfCheck { checks });
        assert_eq!(line, "self-check: labels fit; left out gradient: too large");
        assert_eq!(wrong, ["self-check, initial loss: the loss is 9.1; look at the weights"]);
    }
}
