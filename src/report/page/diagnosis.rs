//! Bias, variance and what may help; what a look at model and data before the first step had found.

use super::{Paper, Section, percent};
use crate::event::diagnosis::{Diagnosis, Finding, PartDiagnosis};
use crate::event::self_check::{Level, SelfCheck};
use crate::report::html::{escaped, table};
use crate::report::words::count;

pub(super) const SECTION: Section = Section { id: "diagnosis", title: "Diagnosis", body };

fn body(paper: &Paper) -> Option<String> {
    let (diagnosis, checked) = (&paper.document.diagnosis, &paper.document.self_check);
    let text = diagnosis.as_ref().map_or(String::new(), diagnosed) + &checked.as_ref().map_or(String::new(), self_check);
    (!text.is_empty()).then_some(text)
}

fn diagnosed(diagnosis: &Diagnosis) -> String {
    let mut text = format!("<p class=\"verdict\">{}</p>\n", escaped(&diagnosis.verdict));
    text += &errors(diagnosis);
    text += &diagnosis.findings.iter().map(finding).collect::<String>();
    let warning = |words: &String| format!("<li>{}</li>\n", escaped(words));
    let warnings: String = diagnosis.warnings.iter().map(warning).collect();
    text + &if warnings.is_empty() { String::new() } else { format!("<h3>Keep in mind</h3>\n<ul>\n{warnings}</ul>\n") }
}

fn errors(diagnosis: &Diagnosis) -> String {
    let given = if diagnosis.reference_given { "given in [report]" } else { "assumed: [report] reference_error is not given" };
    let mut rows = vec![vec!["reference".to_owned(), percent(diagnosis.reference_error), given.to_owned(), "–".to_owned()]];
    let row = |name: &str, part: &PartDiagnosis| {
        let interval = format!("{} to {}", percent(1.0 - part.accuracy.high), percent(1.0 - part.accuracy.low));
        vec![name.to_owned(), percent(part.error), interval, count(part.samples)]
    };
    let parts = [("training, clean", &diagnosis.train), ("validation", &diagnosis.validation), ("test", &diagnosis.test)];
    rows.extend(parts.iter().filter_map(|(name, part)| part.as_ref().map(|part| row(name, part))));
    table("Errors of the chosen weights, from the reference on downwards", &["part", "error", "95 % interval", "samples"], &rows)
}

fn finding(finding: &Finding) -> String {
    let remedies: String = finding.remedies.iter().map(|remedy| format!("<li>{}</li>\n", escaped(remedy))).collect();
    let list = if remedies.is_empty() {
        String::new()
    } else {
        format!("<p>What may help, first things first:</p>\n<ol>\n{remedies}</ol>\n")
    };
    format!("<h3>{}</h3>\n{list}", escaped(&finding.words))
}

fn self_check(found: &SelfCheck) -> String {
    let row = |check: &crate::event::self_check::Check| {
        let level = match check.level {
            Level::Skipped => "left out",
            Level::Passed => "passed",
            Level::Warning => "warning",
            Level::Failed => "failed",
        };
        vec![check.name.replace('_', " "), level.to_owned(), check.words.clone()]
    };
    let rows: Vec<_> = found.checks.iter().map(row).collect();
    let table = table("What was tried before the first step", &["check", "outcome", "found"], &rows);
    format!("<h3>Self-check</h3>\n<div class=\"words\">{table}</div>\n")
}
