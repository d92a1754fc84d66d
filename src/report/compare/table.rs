//! Runs side by side for the terminal.

use super::compared::{Compared, Comparison, Group};
use crate::event::Score;
use crate::report::words::{printable, span, thousands};
use std::fmt::Write;
use std::time::Duration;

/// The titles of the columns.
pub(super) const TITLES: [&str; 9] = ["run", "epochs", "train", "validation", "test", "time", "core-s", "samples/s", "ended"];

/// A row: loss and accuracy of the chosen epoch and of the test.
pub(super) fn row(run: &Compared) -> Vec<String> {
    let score =
        |score: Option<Score>| score.map_or("–".to_owned(), |score| format!("{:.4} {:.2} %", score.loss, 100.0 * score.accuracy));
    let (outcome, timing) = (&run.document.outcome, &run.document.timing);
    let number = |value: Option<f64>| value.map_or("–".to_owned(), thousands);
    let best = outcome.best_epoch.map_or(String::new(), |best| format!(", best {best}"));
    vec![
        run.name.clone(),
        format!("{}{best}", outcome.epochs.len()),
        score(run.chosen().map(|record| record.train)),
        score(run.validation()),
        score(outcome.test),
        span(Duration::try_from_secs_f64(timing.wall_seconds).unwrap_or_default()),
        number(timing.core_seconds),
        number(run.rate()),
        run.stopped(),
    ]
}

/// What a group came to, in a line.
pub(super) fn group_words(group: &Group) -> String {
    let of = |name: &str, interval: &Option<super::Interval>, scale: f64, unit: &str, digits: usize| {
        interval.map(|interval| format!("{name} {}{unit}", interval.words(scale, digits, false)))
    };
    let parts = [
        of("test accuracy", &group.test_accuracy, 100.0, " %", 2),
        of("test loss", &group.test_loss, 1.0, "", 4),
        of("validation accuracy", &group.validation_accuracy, 100.0, " %", 2),
        of("validation loss", &group.validation_loss, 1.0, "", 4),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{} seeds ({}): {}", group.runs.len(), group.runs.join(", "), parts.join(", "))
}

/// The table, what differs, groups of seeds, and what is broken.
pub fn table(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = comparison.runs.iter().map(row).collect();
    let mut text = aligned(&TITLES.map(str::to_owned), &rows);
    let differing = comparison.differing();
    if !differing.is_empty() {
        let value = |run: &Compared, key: &String| run.settings.get(key).cloned().unwrap_or_else(|| "not given".to_owned());
        let titles: Vec<String> =
            std::iter::once("what differs".to_owned()).chain(comparison.runs.iter().map(|run| run.name.clone())).collect();
        let line = |key: &String| std::iter::once(key.clone()).chain(comparison.runs.iter().map(|run| value(run, key))).collect();
        text += "\n";
        text += &aligned(&titles, &differing.iter().map(line).collect::<Vec<_>>());
    }
    let groups = comparison.groups();
    if !groups.is_empty() {
        text += "\nequal but for their seeds, mean and 95 % interval (Student's t)\n";
        groups.iter().for_each(|group| text += &format!("  {}\n", printable(&group_words(group))));
    }
    for names in comparison.other_data().iter().skip(1) {
        let _ = writeln!(text, "\nof another data set, not to be compared with the others: {}", printable(&names.join(", ")));
    }
    for broken in &comparison.broken {
        let _ = writeln!(text, "\nleft out: {}: {}", printable(&broken.name), printable(&broken.why));
    }
    text
}

/// Columns side by side, the first to the left; foreign text is made harmless.
pub(super) fn aligned(titles: &[String], rows: &[Vec<String>]) -> String {
    let safe = |row: &[String]| row.iter().map(|cell| printable(cell)).collect::<Vec<_>>();
    let all: Vec<Vec<String>> = std::iter::once(safe(titles)).chain(rows.iter().map(|row| safe(row))).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| {
            let room = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            if column == 0 { format!("{cell}{room}") } else { format!("  {room}{cell}") }
        };
        row.iter().enumerate().map(cell).collect::<String>().trim_end().to_owned() + "\n"
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::compared::tests::run;
    use super::*;

    #[test]
    fn the_table_names_everything_and_lines_up() {
        let runs = vec![run("runs/x/1", 1, "0.1", 0.5), run("runs/x/2\u{1b}", 2, "0.1", 0.75)];
        let broken = vec![super::super::Broken { name: "nowhere".into(), why: "no report".into() }];
        let text = table(&Comparison { runs, broken });
        assert!(text.contains("seed ") && text.contains("left out: nowhere: no report") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("2 seeds (runs/x/1, runs/x/2\\u{1b}): test accuracy 62.50 ± 158.82 %"), "{text}");
        let ends: Vec<_> = text.lines().take(3).map(|line| line.chars().count()).collect();
        assert!(ends[0] == ends[1] && ends[1] == ends[2], "{text}");
    }
}
