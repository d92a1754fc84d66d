//! What each part of a recipe is worth: runs with everything beside runs without it, seed by seed.

use super::compared::Compared;
use super::student::{Interval, interval};
use super::table::aligned;
use crate::event::Score;
use crate::report::html::{escaped, frame, table};
use crate::report::page::{Plot, STYLE, Series, plot};
use crate::report::words::printable;
use serde::Serialize;

/// One switch.
#[derive(Clone, Debug, Default)]
pub struct AblationRow {
    /// What is switched off.
    pub switch: String,
    /// What that changes in the pipeline.
    pub overrides: Vec<String>,
    /// Finished runs without it, each with the place of its seed.
    pub runs: Vec<(usize, Compared)>,
    /// Why there are fewer than asked for; empty where there are not.
    pub missing: String,
}

/// All switches of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Ablation {
    /// The pipeline's name.
    pub name: String,
    /// Runs with everything, each with the place of its seed.
    pub whole: Vec<(usize, Compared)>,
    /// Runs without something.
    pub rows: Vec<AblationRow>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What a switch gains and costs: runs with it minus runs without it, mean of paired differences.
#[derive(Clone, Debug, Serialize)]
pub struct Gain {
    /// What it is.
    pub switch: String,
    /// What is set to go without it.
    pub overrides: Vec<String>,
    /// The part that is compared.
    pub part: &'static str,
    /// Mean accuracy without it.
    pub without: Option<Interval>,
    /// Accuracy that it gains, as a share.
    pub accuracy: Option<Interval>,
    /// Loss that it adds; below 0 is better.
    pub loss: Option<Interval>,
    /// Core-seconds that it costs.
    pub core_seconds: Option<Interval>,
    /// Why it was not measured, or with fewer seeds.
    pub missing: String,
}

impl Ablation {
    /// The part by which runs are compared: test samples, or validation samples where a run has none of those.
    pub fn part(&self) -> &'static str {
        let tested = self.whole.iter().all(|(_, run)| run.document.outcome.test.is_some());
        if tested { "test" } else { "validation" }
    }

    fn score(&self, run: &Compared) -> Option<Score> {
        if self.part() == "test" { run.document.outcome.test } else { run.validation() }
    }

    /// Accuracy of the runs with everything.
    pub fn base(&self) -> Option<Interval> {
        let values: Vec<f64> = self.whole.iter().filter_map(|(_, run)| Some(self.score(run)?.accuracy)).collect();
        interval(&values)
    }

    /// What every switch gains and costs.
    pub fn gains(&self) -> Vec<Gain> {
        self.rows.iter().map(|row| self.gain(row)).collect()
    }

    fn gain(&self, row: &AblationRow) -> Gain {
        let pair = |(seed, without): &(usize, Compared)| {
            let (_, with) = self.whole.iter().find(|(other, _)| other == seed)?;
            Some((with.clone(), without.clone()))
        };
        let pairs: Vec<(Compared, Compared)> = row.runs.iter().filter_map(pair).collect();
        let difference = |value: &dyn Fn(&Compared) -> Option<f64>| {
            let of_pair = |(with, without): &(Compared, Compared)| Some(value(with)? - value(without)?);
            interval(&pairs.iter().filter_map(of_pair).collect::<Vec<_>>())
        };
        let without: Vec<f64> = row.runs.iter().filter_map(|(_, run)| Some(self.score(run)?.accuracy)).collect();
        Gain {
            switch: row.switch.clone(),
            overrides: row.overrides.clone(),
            part: self.part(),
            without: interval(&without),
            accuracy: difference(&|run| Some(self.score(run)?.accuracy)),
            loss: difference(&|run| Some(self.score(run)?.loss)),
            core_seconds: difference(&|run| run.document.timing.core_seconds),
            missing: row.missing.clone(),
        }
    }
}

const TITLES: [&str; 7] =
    ["switched off", "accuracy without", "accuracy gained by it", "loss added by it", "core-seconds it costs", "gain", "seeds"];

/// The rows of the table, that with everything first.
fn rows(ablation: &Ablation) -> Vec<Vec<String>> {
    let words = |interval: Option<Interval>, scale: f64, digits: usize, signed: bool, unit: &str| {
        interval.map_or("–".to_owned(), |interval| interval.words(scale, digits, signed) + unit)
    };
    let seeds = |count: usize, missing: &str| if missing.is_empty() { count.to_string() } else { format!("{count} ({missing})") };
    let dash = || "–".to_owned();
    let base = vec![
        "nothing".to_owned(),
        words(ablation.base(), 100.0, 2, false, " %"),
        dash(),
        dash(),
        dash(),
        dash(),
        seeds(ablation.whole.len(), ""),
    ];
    let row = |gain: &Gain| {
        let sure = match gain.accuracy {
            Some(found) if found.is_certain() && found.mean > 0.0 => "helps",
            Some(found) if found.is_certain() => "hurts",
            Some(_) => "not certain",
            None => "–",
        };
        vec![
            gain.switch.clone(),
            words(gain.without, 100.0, 2, false, " %"),
            words(gain.accuracy, 100.0, 2, true, " points"),
            words(gain.loss, 1.0, 4, true, ""),
            words(gain.core_seconds, 1.0, 1, true, ""),
            sure.to_owned(),
            seeds(gain.accuracy.map_or(0, |found| found.count), &gain.missing),
        ]
    };
    std::iter::once(base).chain(ablation.gains().iter().map(row)).collect()
}

fn about(ablation: &Ablation) -> String {
    format!(
        "Scores of the {} part; mean and 95 % interval (Student's t) over seeds, gains from pairs of runs with the same seed: with \
         everything minus without.",
        ablation.part()
    )
}

/// The table for the terminal.
pub fn ablation_table(ablation: &Ablation) -> String {
    let table = aligned(&TITLES.map(str::to_owned), &rows(ablation));
    let warnings: String = ablation.warnings.iter().map(|words| format!("warning: {}\n", printable(words))).collect();
    format!("{}: what each part is worth\n{table}{}\n{warnings}", printable(&ablation.name), about(ablation))
}

/// The page: the table, and for every switch curves with and without it.
pub fn ablation_page(ablation: &Ablation) -> String {
    let warning = |words: &String| format!("<p class=\"alarm\">{}</p>\n", escaped(words));
    let mut main = ablation.warnings.iter().map(warning).collect::<String>();
    main += &format!(
        "<h2>What each part is worth</h2>\n<p>{}</p>\n{}",
        escaped(&about(ablation)),
        table("Runs with everything beside runs without one part", &TITLES, &rows(ablation))
    );
    for (place, row) in ablation.rows.iter().enumerate().filter(|(_, row)| !row.runs.is_empty()) {
        let overrides = escaped(&row.overrides.join("\n"));
        let plots = [
            with_and_without(ablation, row, &format!("loss-{place}"), "Validation loss", "loss (nats)", |score| score.loss),
            with_and_without(ablation, row, &format!("accuracy-{place}"), "Validation accuracy", "accuracy (%)", |score| {
                100.0 * score.accuracy
            }),
        ];
        main += &format!(
            "<section aria-labelledby=\"switch-{place}\">\n<h2 id=\"switch-{place}\">{}</h2>\n<pre tabindex=\"0\" aria-label=\"What is set\">{overrides}</pre>\n\
             <div class=\"plots\">\n{}</div>\n</section>\n",
            escaped(&row.switch),
            plots.concat()
        );
    }
    frame(
        &format!("{}: with and without", ablation.name),
        STYLE,
        "<p class=\"soft\">An ablation: one part switched off at a time.</p>\n",
        &main,
    )
}

fn with_and_without(
    ablation: &Ablation,
    row: &AblationRow,
    id: &str,
    title: &str,
    axis: &str,
    value: impl Fn(&Score) -> f64,
) -> String {
    let lines = vec![
        Series { name: "with (mean of seeds)".into(), points: mean_curve(&ablation.whole, &value), ringed: None },
        Series { name: format!("without {}", row.switch), points: mean_curve(&row.runs, &value), ringed: None },
    ];
    let last = |line: &Series| line.points.last().map_or("none".to_owned(), |point| format!("{:.4}", point.1));
    let about = format!("After the last epoch {} with it, {} without it.", last(&lines[0]), last(&lines[1]));
    plot(&Plot { id: id.into(), title: title.into(), about, axes: ["epoch".into(), axis.into()], lines })
}

/// The mean over runs at every epoch that all of them reached; of training samples where nothing is validated.
fn mean_curve(runs: &[(usize, Compared)], value: impl Fn(&Score) -> f64) -> Vec<(f64, f64)> {
    let epochs = runs.iter().map(|(_, run)| run.document.outcome.epochs.len()).min().unwrap_or(0);
    let mean = |place: usize| {
        let of_run = |(_, run): &(usize, Compared)| {
            let record = &run.document.outcome.epochs[place];
            value(record.validation.as_ref().unwrap_or(&record.train))
        };
        runs.iter().map(of_run).sum::<f64>() / runs.len().max(1) as f64
    };
    (0..epochs).map(|place| (place as f64 + 1.0, mean(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::compared::tests::run;
    use super::*;

    #[test]
    fn gains_are_means_of_pairs_with_the_same_seed() {
        let whole = vec![(0, run("a", 1, "x", 0.9)), (1, run("b", 2, "x", 0.8)), (2, run("c", 3, "x", 0.5))];
        let runs = vec![(0, run("d", 1, "y", 0.8)), (1, run("e", 2, "y", 0.72))];
        let row = AblationRow { switch: "<script>".into(), overrides: vec!["l2=0".into()], runs, missing: "seed 3 failed".into() };
        let ablation = Ablation { name: "n".into(), whole, rows: vec![row], warnings: vec!["<script>".into()] };
        let gain = &ablation.gains()[0];
        assert_eq!(gain.part, "test");
        let found = gain.accuracy.unwrap();
        assert!((found.mean - 0.09).abs() < 1e-12 && found.count == 2, "{found:?}");
        assert!((found.half_width.unwrap() - 12.706 * 0.01).abs() < 1e-9);
        let (page, text) = (ablation_page(&ablation), ablation_table(&ablation));
        assert!(!page.contains("<script") && page.matches("<figure").count() == 2, "{page}");
        assert!(
            text.contains("+9.00 ± 12.71 points") && text.contains("not certain") && text.contains("2 (seed 3 failed)"),
            "{text}"
        );
    }
}
