//! Which class was taken for which: a table with shaded cells, and the mistakes by number.

use super::{Paper, Section, percent};
use crate::event::diagnosis::PartDiagnosis;
use crate::report::html::{escaped, scrolling, table};
use crate::report::words::count;

pub(super) const SECTION: Section = Section { id: "confusion", title: "Confusion matrix", body };

/// Shades from none to a whole row.
const SHADES: f64 = 5.0;
/// A larger table is no longer read.
const MOST: usize = 50;

fn body(paper: &Paper) -> Option<String> {
    let (name, part) = paper.document.diagnosis.as_ref()?.judged()?;
    let words = format!(
        "<p>{} of {} {name} samples are right, {}. A row is a class, its columns what it was taken for; the darker a cell, the larger \
         its share of the row. Right answers have a frame.</p>\n",
        count(part.correct),
        count(part.samples),
        percent(part.accuracy.value)
    );
    Some(words + &matrix(part) + &mistakes(part))
}

fn matrix(part: &PartDiagnosis) -> String {
    let Some(rows) = part.confusion.as_ref().filter(|rows| rows.len() <= MOST) else {
        return "<p class=\"soft\">There are too many classes for the whole matrix: report.json and predictions.csv have it.</p>\n"
            .into();
    };
    let name = |class: usize| part.classes.get(class).map_or_else(|| class.to_string(), |score| escaped(&score.class));
    let head: String = (0..rows.len()).map(|class| format!("<th scope=\"col\">{}</th>", name(class))).collect();
    let row = |(label, counts): (usize, &Vec<u64>)| {
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let cell = |(taken, &number): (usize, &u64)| {
            let shade = (SHADES * number as f64 / all).ceil() as usize;
            let right = if taken == label { " right" } else { "" };
            format!("<td class=\"s{shade}{right}\">{}</td>", count(number))
        };
        format!("<tr><th scope=\"row\">{}</th>{}</tr>\n", name(label), counts.iter().enumerate().map(cell).collect::<String>())
    };
    let body: String = rows.iter().enumerate().map(row).collect();
    let inside = format!("<thead><tr><th scope=\"col\">class / taken for</th>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n");
    format!("<div class=\"matrix\">{}</div>\n", scrolling("Samples of each class by what they were taken for", &inside))
}

fn mistakes(part: &PartDiagnosis) -> String {
    if part.confused.is_empty() {
        return "<p>There is no mistake.</p>\n".to_owned();
    }
    let rows: Vec<_> = part.confused.iter().map(|one| vec![one.label.clone(), one.predicted.clone(), count(one.samples)]).collect();
    table("The most frequent mistakes", &["class", "taken for", "samples"], &rows)
}
