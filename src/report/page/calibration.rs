//! Whether the model is right as often as it is sure.

use super::plot::{Plot, Series, plot};
use super::{Paper, Section, percent};
use crate::event::diagnosis::{Bin, Calibration};
use crate::report::escaped;
use crate::report::html::table;
use crate::report::words::count;

pub(super) const SECTION: Section = Section { id: "calibration", title: "Calibration", body };

fn body(paper: &Paper) -> Option<String> {
    let (name, part) = paper.document.diagnosis.as_ref()?.judged()?;
    let calibration = &part.calibration;
    let words = format!(
        "<p>Expected calibration error {} ({name}); mean confidence {} beside an accuracy of {}. On the diagonal, confidence can be \
         taken at its word; below it, the model is surer than it is right.</p>\n<p class=\"soft\">{}</p>\n",
        percent(calibration.expected_error),
        percent(calibration.mean_confidence),
        percent(part.accuracy.value),
        escaped(&calibration.definition)
    );
    Some(words + "<div class=\"plots\">\n" + &drawn(calibration) + "</div>\n" + &numbers(calibration))
}

fn drawn(calibration: &Calibration) -> String {
    let filled = calibration.bins.iter().filter(|bin| bin.samples > 0);
    let points = filled.filter_map(|bin| Some((100.0 * bin.confidence?, 100.0 * bin.accuracy?))).collect();
    let lines = vec![
        Series { name: "accuracy of the bin".into(), points, ringed: None },
        Series { name: "as right as sure".into(), points: vec![(0.0, 0.0), (100.0, 100.0)], ringed: None },
    ];
    let about = "Accuracy of predictions against their mean confidence, by bins; the table holds the same numbers.".into();
    let axes = ["mean confidence (%)".into(), "accuracy (%)".into()];
    plot(&Plot { id: "plot-calibration".into(), title: "Confidence and accuracy".into(), about, axes, lines })
}

fn numbers(calibration: &Calibration) -> String {
    let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
    let row = |bin: &Bin| {
        let bounds = format!("{} to {}", percent(bin.above), percent(bin.to));
        vec![bounds, count(bin.samples), share(bin.confidence), share(bin.accuracy)]
    };
    let rows: Vec<_> = calibration.bins.iter().filter(|bin| bin.samples > 0).map(row).collect();
    table(
        "Predictions by confidence; bins without any are left out",
        &["confidence", "samples", "mean confidence", "accuracy"],
        &rows,
    )
}
