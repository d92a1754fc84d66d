//! Curves over epochs as SVG: text stays text, no fonts are needed. Knows no event; draws numbers that it is given.

use super::record::EpochRecord;
use super::words::printable;
use plotters::coord::types::{RangedCoordf64, RangedCoordu32};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// Width and height with one row of legend; further rows make a chart taller.
const SIZE: (u32, u32) = (640, 400);
/// The distance between rows of the legend.
const ROW: i32 = 18;
/// Where the legend starts.
const LEGEND: (i32, i32) = (70, 38);
/// Okabe and Ito's colours, told apart by people with any colour vision; the light yellow is left out.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];
const INK: RGBColor = RGBColor(51, 51, 51);
const GRID: RGBColor = RGBColor(225, 225, 225);

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// One value an epoch, from epoch 1 on; the line is interrupted where a value is not finite.
    pub values: Vec<f64>,
    /// The epoch (from 1) that gets a ring.
    pub best: Option<u32>,
}

/// Training and validation loss of one run.
pub fn loss_curves(epochs: &[EpochRecord]) -> String {
    chart("Loss", "loss (nats)", &lines(epochs, |score| score.loss))
}

/// Training and validation accuracy of one run, in per cent.
pub fn accuracy_curves(epochs: &[EpochRecord]) -> String {
    chart("Accuracy", "accuracy (%)", &lines(epochs, |score| 100.0 * score.accuracy))
}

fn lines(epochs: &[EpochRecord], value: impl Fn(&crate::event::Score) -> f64) -> Vec<Line> {
    let best = epochs.iter().rev().find(|record| record.best).map(|record| record.epoch);
    let train = epochs.iter().map(|record| value(&record.train)).collect();
    let validation: Vec<f64> = epochs.iter().map(|record| record.validation.as_ref().map_or(f64::NAN, &value)).collect();
    let mut lines = vec![Line { name: "training".into(), values: train, best: None }];
    if validation.iter().any(|value| value.is_finite()) {
        lines.push(Line { name: "validation".into(), values: validation, best });
    }
    lines
}

/// A chart of one or more `lines` over epochs, 640x400, as the text of an SVG file. Several runs share a chart as lines of their
/// names. The same lines always give the same text.
pub fn chart(title: &str, y_axis: &str, lines: &[Line]) -> String {
    let mut svg = String::new();
    // Drawing into a string fails only where a chart is smaller than its margins, and its size is fixed.
    draw(&mut svg, title, y_axis, lines).unwrap_or_else(|error| panic!("a chart of fixed size: {error}"));
    svg
}

type Drawn = Result<(), Box<dyn std::error::Error>>;
type Area<'s> = DrawingArea<SVGBackend<'s>, plotters::coord::Shift>;
type Chart<'a, 's> = ChartContext<'a, SVGBackend<'s>, Cartesian2d<RangedCoordu32, RangedCoordf64>>;

fn draw(svg: &mut String, title: &str, y_axis: &str, lines: &[Line]) -> Drawn {
    let places = legend_places(lines);
    let bottom = places.last().map_or(LEGEND.1, |(_, y)| *y);
    let root = SVGBackend::with_string(svg, (SIZE.0, SIZE.1 + (bottom - LEGEND.1) as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(printable(title), (LEGEND.0, 10), ("sans-serif", 19).into_font().color(&INK)))?;
    for ((line, place), colour) in lines.iter().zip(&places).zip(COLOURS.iter().cycle()) {
        legend(&root, line, *place, *colour)?;
    }
    let longest = lines.iter().map(|line| line.values.len()).max().unwrap_or(0).max(1) as u32;
    let area = root.margin(bottom + 16, 8, 4, 22);
    let epochs = if longest == 1 { 0..2 } else { 1..longest };
    let mut builder = ChartBuilder::on(&area);
    let mut chart = builder.x_label_area_size(42).y_label_area_size(62).build_cartesian_2d(epochs, values_shown(lines))?;
    mesh(&mut chart, y_axis)?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        series(&mut chart, line, *colour)?;
    }
    root.present()?;
    Ok(())
}

/// Where the legend's entries start: side by side in rows under the title, as wide as their names at a guess.
fn legend_places(lines: &[Line]) -> Vec<(i32, i32)> {
    let (mut x, mut y) = LEGEND;
    let place = |line: &Line| {
        let width = 44 + 8 * entry(line).chars().count() as i32;
        if x + width > SIZE.0 as i32 && x > LEGEND.0 {
            (x, y) = (LEGEND.0, y + ROW);
        }
        let here = (x, y);
        x += width;
        here
    };
    lines.iter().map(place).collect()
}

/// What the legend says of a line. The best epoch stands here, where it covers no other line.
fn entry(line: &Line) -> String {
    let name = printable(&line.name);
    line.best.map_or_else(|| name.clone(), |epoch| format!("{name} (best: epoch {epoch})"))
}

fn legend(root: &Area<'_>, line: &Line, (x, y): (i32, i32), colour: RGBColor) -> Drawn {
    root.draw(&PathElement::new(vec![(x, y), (x + 22, y)], colour.stroke_width(3)))?;
    let style = ("sans-serif", 14).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    root.draw(&Text::new(entry(line), (x + 28, y), style))?;
    Ok(())
}

fn mesh(chart: &mut Chart<'_, '_>, y_axis: &str) -> Drawn {
    let style = ("sans-serif", 14).into_font().color(&INK);
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh().light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK);
    mesh.x_desc("epoch").y_desc(y_axis).axis_desc_style(style.clone()).label_style(style);
    mesh.x_labels(10).y_labels(6).y_label_formatter(&|value| tick(*value));
    mesh.draw()?;
    Ok(())
}

/// A tick's number without trailing zeros.
fn tick(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 || value.abs() >= 1e6 {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".into() } else { short.to_owned() }
}

/// The values that the vertical axis spans: all finite ones with a margin of a twentieth, or one around a lone value.
fn values_shown(lines: &[Line]) -> Range<f64> {
    let finite = lines.iter().flat_map(|line| &line.values).copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 0.0..1.0;
    }
    // Beyond this, differences overflow; such a curve has blown up anyway.
    let (low, high) = (low.max(-1e300), high.min(1e300));
    let margin = if high - low > 1e-9 * high.abs().max(low.abs()) { (high - low) / 20.0 } else { low.abs().max(0.1) / 10.0 };
    low - margin..high + margin
}

fn series(chart: &mut Chart<'_, '_>, line: &Line, colour: RGBColor) -> Drawn {
    let points: Vec<(u32, f64)> = (1..).zip(line.values.iter().copied()).collect();
    for run in points.split(|(_, value)| !value.is_finite()).filter(|run| !run.is_empty()) {
        chart.draw_series(LineSeries::new(run.iter().copied(), colour.stroke_width(2)))?;
        // A lone point is no line, and a few points are easier to find with a dot each.
        let dots = if points.len() <= 30 || run.len() == 1 { run } else { &[] };
        chart.draw_series(dots.iter().map(|point| Circle::new(*point, 2, colour.filled())))?;
    }
    let best = points.iter().filter(|(epoch, value)| Some(*epoch) == line.best && value.is_finite());
    chart.draw_series(best.map(|point| Circle::new(*point, 6, colour.stroke_width(2))))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(name: &str, values: &[f64]) -> Line {
        Line { name: name.into(), values: values.to_vec(), best: Some(1) }
    }

    #[test]
    fn names_and_axes_are_text_and_escaped() {
        let svg = chart("Loss", "loss (nats)", &[line("plain\t<a&b>", &[1.0, 0.5]), line("flipped", &[0.8, 0.2])]);
        for text in ["Loss", "loss (nats)", "epoch", "plain\\t&lt;a&amp;b&gt; (best: epoch 1)", "flipped (best: epoch 1)"] {
            assert!(svg.lines().any(|line| line.trim() == text), "{text} in {svg}");
        }
    }

    #[test]
    fn a_long_legend_makes_room_for_itself() {
        let many: Vec<Line> = (0..60).map(|number| line(&"long name ".repeat(number), &[number as f64])).collect();
        let svg = chart("t", "y", &many);
        assert!(svg.contains("height=\"1444\"") && chart("t", "y", &[]).contains("height=\"400\""), "{}", &svg[..80]);
    }

    #[test]
    fn a_gap_interrupts_the_line() {
        let whole = chart("t", "y", &[line("a", &[1.0, 2.0, 3.0, 4.0, 5.0])]);
        let broken = chart("t", "y", &[line("a", &[1.0, 2.0, f64::NAN, 4.0, 5.0])]);
        let thick =
            |svg: &str| svg.lines().filter(|line| line.starts_with("<polyline") && line.contains("stroke-width=\"2\"")).count();
        assert_eq!((thick(&whole), thick(&broken)), (1, 2));
    }

    #[test]
    fn ticks_have_no_needless_zeros() {
        let cases =
            [(0.0, "0"), (-0.0, "0"), (0.25, "0.25"), (100.0, "100"), (0.00001, "1.0e-5"), (2.5e7, "2.5e7"), (-1e-20, "-1.0e-20")];
        for (value, text) in cases {
            assert_eq!(tick(value), text);
        }
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -2.0..3.0f64, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e300), 1 => Just(f64::MAX)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_values_give_a_whole_chart(values in proptest::collection::vec(value(), 0..40), equal in value(), count in 0..5usize) {
            let lines = [line("one", &values), line("another", &vec![equal; count])];
            let svg = chart("t", "y", &lines);
            prop_assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
            prop_assert_eq!(svg, chart("t", "y", &lines));
        }
    }
}
