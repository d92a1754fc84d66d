//! Precision, recall and F1 of every class.

use super::{Paper, Section, percent};
use crate::event::diagnosis::{Averages, ClassScore};
use crate::report::html::table;
use crate::report::words::count;

pub(super) const SECTION: Section = Section { id: "classes", title: "Classes", body };

/// More are not listed: the worst are.
const MOST: usize = 200;

fn body(paper: &Paper) -> Option<String> {
    let (name, part) = paper.document.diagnosis.as_ref()?.judged()?;
    let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
    let row = |score: &ClassScore| {
        let shares = [score.precision, score.recall, score.f1].map(share);
        [score.class.clone(), count(score.support), count(score.predicted)].into_iter().chain(shares).collect::<Vec<_>>()
    };
    let average = |name: &str, mean: &Averages| {
        let shares = [mean.precision, mean.recall, mean.f1].map(percent);
        [name, "", ""].map(str::to_owned).into_iter().chain(shares).collect::<Vec<_>>()
    };
    let mut classes: Vec<&ClassScore> = part.classes.iter().collect();
    let cut = classes.len() > MOST;
    if cut {
        classes.sort_by(|a, b| a.f1.unwrap_or(0.0).total_cmp(&b.f1.unwrap_or(0.0)));
        classes.truncate(MOST);
    }
    let mut rows: Vec<_> = classes.into_iter().map(row).collect();
    rows.push(average("mean of classes", &part.macro_average));
    rows.push(average("mean of samples", &part.weighted_average));
    let caption = format!("The classes of the {name} part{}", if cut { ", the 200 with the lowest F1" } else { "" });
    Some(table(&caption, &["class", "samples", "predicted", "precision", "recall", "F1"], &rows))
}
