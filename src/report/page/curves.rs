//! Loss, accuracy and learning rate over epochs, with the numbers in a table.

use super::plot::{Plot, Series, number, plot};
use super::{Paper, Section};
use crate::event::Score;
use crate::report::EpochRecord;
use crate::report::html::table;

pub(super) const SECTION: Section = Section { id: "curves", title: "Curves", body };

fn body(paper: &Paper) -> Option<String> {
    let epochs = &paper.document.outcome.epochs;
    let last = epochs.last()?;
    let plots = [
        scores("loss", "Loss", "loss (nats)", epochs, |score| score.loss),
        scores("accuracy", "Accuracy", "accuracy (%)", epochs, |score| 100.0 * score.accuracy),
        rate(epochs),
    ];
    let words = format!(
        "<p>Training samples are scored as they are learned from, augmented and with dropout; validation samples after each epoch. \
         {}.</p>\n",
        if last.epoch == 1 { "One epoch".to_owned() } else { format!("{} epochs", last.epoch) }
    );
    Some(format!("{words}<div class=\"plots\">\n{}</div>\n{}", plots.concat(), numbers(epochs)))
}

fn scores(id: &str, title: &str, axis: &str, epochs: &[EpochRecord], value: impl Fn(&Score) -> f64) -> String {
    let best = epochs.iter().rposition(|record| record.best);
    let x = |record: &EpochRecord| f64::from(record.epoch);
    let train: Vec<_> = epochs.iter().map(|record| (x(record), value(&record.train))).collect();
    let validation: Vec<_> = epochs.iter().map(|record| (x(record), record.validation.as_ref().map_or(f64::NAN, &value))).collect();
    let last = |name: &str, points: &[(f64, f64)]| points.last().map_or(String::new(), |last| format!("{name} {}", number(last.1)));
    let validated = validation.iter().any(|point| point.1.is_finite());
    let mut about = format!("After the last epoch: {}", last("training", &train));
    let mut lines = vec![Series { name: "training".into(), points: train, ringed: best.filter(|_| !validated) }];
    if validated {
        about += &format!(", {}", last("validation", &validation));
        let best_words = best.map_or(String::new(), |place| format!(" (ring: best epoch, {})", epochs[place].epoch));
        lines.push(Series { name: format!("validation{best_words}"), points: validation, ringed: best });
    }
    about += ". The table below holds all numbers.";
    plot(&Plot { id: format!("plot-{id}"), title: title.into(), about, axes: ["epoch".into(), axis.into()], lines })
}

fn rate(epochs: &[EpochRecord]) -> String {
    let points: Vec<_> = epochs.iter().map(|record| (f64::from(record.epoch), record.learning_rate)).collect();
    let rates = || points.iter().map(|point| point.1);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(f64::NEG_INFINITY, f64::max));
    let about = format!("The rate of each epoch's last step, from {} to {}.", number(low), number(high));
    let lines = vec![Series { name: "learning rate".into(), points, ringed: None }];
    let axes = ["epoch".into(), "learning rate".into()];
    plot(&Plot { id: "plot-rate".into(), title: "Learning rate".into(), about, axes, lines })
}

fn numbers(epochs: &[EpochRecord]) -> String {
    let row = |record: &EpochRecord| {
        let of = |score: Option<Score>| match score {
            Some(score) => [format!("{:.4}", score.loss), format!("{:.2} %", 100.0 * score.accuracy)],
            None => ["–".to_owned(), "–".to_owned()],
        };
        let [train_loss, train_accuracy] = of(Some(record.train));
        let [loss, accuracy] = of(record.validation);
        let best = if record.best { "best so far" } else { "" };
        vec![
            record.epoch.to_string(),
            train_loss,
            train_accuracy,
            loss,
            accuracy,
            format!("{:.3e}", record.learning_rate),
            best.to_owned(),
        ]
    };
    let rows: Vec<_> = epochs.iter().map(row).collect();
    let titles = ["epoch", "training loss", "training accuracy", "validation loss", "validation accuracy", "learning rate", ""];
    let table = table("Loss in nats, accuracy and learning rate after each epoch", &titles, &rows);
    format!("<details>\n<summary>All numbers of the curves</summary>\n{table}</details>\n")
}
