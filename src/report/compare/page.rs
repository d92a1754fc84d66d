//! Runs side by side as one page with overlaid curves.

use super::compared::{Compared, Comparison};
use super::table::{TITLES, group_words, row};
use crate::event::Score;
use crate::report::EpochRecord;
use crate::report::html::{escaped, frame, table};
use crate::report::page::{Plot, STYLE, Series, plot};

/// More lines in a drawing cannot be told apart.
const DRAWN: usize = 8;

/// The whole page.
pub fn page(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = comparison.runs.iter().map(row).collect();
    let mut main = format!(
        "<h2>Runs</h2>\n{}",
        table("Loss (nats) and accuracy: training and validation of the chosen epoch, test", &TITLES, &rows)
    );
    main += &notes(comparison);
    main += &format!("<h2>Curves</h2>\n{}<div class=\"plots\">\n{}</div>\n", cut(comparison), curves(&comparison.runs));
    let differing = comparison.differing();
    if !differing.is_empty() {
        let value = |run: &Compared, key: &String| run.settings.get(key).cloned().unwrap_or_else(|| "not given".to_owned());
        let titles: Vec<&str> = std::iter::once("key").chain(comparison.runs.iter().map(|run| run.name.as_str())).collect();
        let line = |key: &String| std::iter::once(key.clone()).chain(comparison.runs.iter().map(|run| value(run, key))).collect();
        let rows: Vec<Vec<String>> = differing.iter().map(line).collect();
        main += &format!("<h2>What differs</h2>\n{}", table("Settings that are not the same in all runs", &titles, &rows));
    }
    frame("Runs side by side", STYLE, &format!("<p class=\"soft\">{} runs.</p>\n", comparison.runs.len()), &main)
}

fn cut(comparison: &Comparison) -> String {
    let count = comparison.runs.len();
    if count > DRAWN { format!("<p>The first {DRAWN} of {count} runs are drawn.</p>\n") } else { String::new() }
}

fn notes(comparison: &Comparison) -> String {
    let mut text = String::new();
    let groups = comparison.groups();
    if !groups.is_empty() {
        let items: String = groups.iter().map(|group| format!("<li>{}</li>\n", escaped(&group_words(group)))).collect();
        text += &format!("<h3>Equal but for their seeds: mean and 95 % interval (Student's t)</h3>\n<ul>\n{items}</ul>\n");
    }
    for names in comparison.other_data().iter().skip(1) {
        text += &format!(
            "<p class=\"alarm\">Of another data set, not to be compared with the others: {}</p>\n",
            escaped(&names.join(", "))
        );
    }
    for broken in &comparison.broken {
        text += &format!("<p class=\"alarm\">Left out: {}: {}</p>\n", escaped(&broken.name), escaped(&broken.why));
    }
    text
}

fn curves(runs: &[Compared]) -> String {
    let drawn = &runs[..runs.len().min(DRAWN)];
    let loss = |score: &Score| score.loss;
    let accuracy = |score: &Score| 100.0 * score.accuracy;
    let train = |record: &EpochRecord| Some(record.train);
    let validation = |record: &EpochRecord| record.validation;
    [
        overlaid("train-loss", "Training loss", "loss (nats)", drawn, train, loss),
        overlaid("train-accuracy", "Training accuracy", "accuracy (%)", drawn, train, accuracy),
        overlaid("validation-loss", "Validation loss", "loss (nats)", drawn, validation, loss),
        overlaid("validation-accuracy", "Validation accuracy", "accuracy (%)", drawn, validation, accuracy),
    ]
    .concat()
}

fn overlaid(
    id: &str,
    title: &str,
    axis: &str,
    runs: &[Compared],
    part: impl Fn(&EpochRecord) -> Option<Score>,
    value: impl Fn(&Score) -> f64,
) -> String {
    let point = |record: &EpochRecord| (f64::from(record.epoch), part(record).as_ref().map_or(f64::NAN, &value));
    let line = |run: &Compared| Series {
        name: run.name.clone(),
        points: run.document.outcome.epochs.iter().map(point).collect(),
        ringed: None,
    };
    let lines: Vec<Series> = runs.iter().map(line).filter(|line| line.points.iter().any(|point| point.1.is_finite())).collect();
    if lines.is_empty() {
        return String::new();
    }
    let about = "One line a run; each run's own page has the numbers.".to_owned();
    plot(&Plot { id: id.into(), title: title.into(), about, axes: ["epoch".into(), axis.into()], lines })
}

#[cfg(test)]
mod tests {
    use super::super::compared::tests::run;
    use super::*;

    #[test]
    fn the_page_overlays_curves_and_escapes_names() {
        let runs: Vec<_> = (0..10).map(|seed| run("<script>", seed, "0.1", 0.5)).collect();
        let page = page(&Comparison { runs, broken: vec![super::super::Broken { name: "<script>".into(), why: "&".into() }] });
        assert!(!page.contains("<script") && !page.contains("NaN"), "{page}");
        assert_eq!(page.matches("<figure").count(), 4);
        assert!(page.contains("The first 8 of 10") && page.contains("10 seeds"));
    }
}
