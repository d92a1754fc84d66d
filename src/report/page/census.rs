//! What the data holds: classes by part, kinds of files, sizes, and samples that were set aside.

use super::{Kind, Paper, Section};
use crate::event::census::Census;
use crate::report::BadRow;
use crate::report::html::{escaped, table};
use crate::report::words::count;

pub(super) const SECTION: Section = Section { id: "census", title: "Data", body };

/// More samples that were set aside are not listed; nor are more classes.
const MOST: usize = 100;

fn body(paper: &Paper) -> Option<String> {
    let (document, samples) = (&paper.document, &paper.document.outcome.samples);
    let [train, validation, test] = [samples.train, samples.validation, samples.test].map(count);
    let parts = match paper.kind() {
        Kind::Trained => format!("{train} training, {validation} validation and {test} test samples"),
        Kind::Wrote => format!("{train} samples in all"),
        Kind::Delivered => format!("{train} training samples"),
    };
    let (aside, filtered) = (count(samples.quarantined), count(samples.filtered));
    let mut text = format!("<p>{parts}; {aside} set aside, {filtered} left out by a rule before anything was read.</p>\n");
    if let Some(census) = &document.census {
        text += &kinds(census);
        // Of a set, its own section has them.
        text += &if paper.kind() == Kind::Wrote { String::new() } else { classes(census, &document.outcome.classes) };
    }
    let odd: String =
        document.odd_files.iter().map(|(note, number)| format!("<li>{} {}</li>\n", count(number), escaped(note.words()))).collect();
    if !odd.is_empty() {
        text += &format!("<h3>Odd files, used all the same</h3>\n<ul>\n{odd}</ul>\n");
    }
    let listed = if paper.kind() == Kind::Wrote { "bad_samples-*.tsv of the set" } else { "bad_samples.tsv" };
    Some(text + &set_aside(&paper.bad, listed))
}

fn kinds(census: &Census) -> String {
    let named = |counts: &std::collections::BTreeMap<String, u64>| {
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        let items: Vec<String> = counts.iter().take(8).map(|(name, number)| format!("{name} ({})", count(**number))).collect();
        escaped(&items.join(", ")) + if counts.len() > 8 { ", and others" } else { "" }
    };
    let colours = if census.channels == 1 { "gray" } else { "RGB" };
    let sizes =
        if census.sizes.is_empty() { String::new() } else { format!("; sizes of those looked at: {}", named(&census.sizes)) };
    format!("<p>Files: {}; {colours}{sizes}.</p>\n", named(&census.formats))
}

fn classes(census: &Census, names: &[String]) -> String {
    let all = census.classes.iter().flatten().sum::<u64>().max(1) as f64;
    let row = |(name, counts): (&String, &[u64; 3])| {
        let sum: u64 = counts.iter().sum();
        let share = format!("{:.1} %", 100.0 * sum as f64 / all);
        std::iter::once(name.clone()).chain(counts.map(count)).chain([share]).collect::<Vec<_>>()
    };
    let rows: Vec<_> = names.iter().zip(&census.classes).take(MOST).map(row).collect();
    let more = if names.len() > MOST { format!(", the first {MOST} of {}", names.len()) } else { String::new() };
    table(&format!("Samples of each class{more}"), &["class", "training", "validation", "test", "share of all"], &rows)
}

fn set_aside(bad: &[BadRow], listed: &str) -> String {
    if bad.is_empty() {
        return String::new();
    }
    let row = |row: &BadRow| {
        let why = if row.words.is_empty() { row.reason.clone() } else { format!("{}: {}", row.reason, row.words) };
        [row.path.clone(), row.class.clone(), row.stage.clone(), why].map(|field| field.replace("\\\\", "\\")).to_vec()
    };
    let rows: Vec<_> = bad.iter().take(MOST).map(row).collect();
    let more = if bad.len() > MOST {
        format!(", the first {MOST} of {}; {listed} lists all", count(bad.len() as u64))
    } else {
        String::new()
    };
    let table = table(&format!("Samples that were set aside{more}"), &["sample", "class", "stage", "why"], &rows);
    format!("<div class=\"words\">{table}</div>\n")
}
