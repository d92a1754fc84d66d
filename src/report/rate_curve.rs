//! The curve of a learning-rate finder as SVG, over a logarithmic axis. Knows no trainer; draws numbers that it is given.

use plotters::prelude::*;
use std::ops::Range;

/// One rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLine {
    /// The rate, more than 0.
    pub rate: f64,
    /// The loss with it.
    pub loss: f64,
    /// The smoothed loss.
    pub smoothed: f64,
}

const SIZE: (u32, u32) = (640, 400);
const INK: RGBColor = RGBColor(51, 51, 51);
const GRID: RGBColor = RGBColor(225, 225, 225);
const LOSS: RGBColor = RGBColor(170, 200, 220);
const SMOOTHED: RGBColor = RGBColor(0, 114, 178);
const CHOSEN: RGBColor = RGBColor(213, 94, 0);

/// A chart of the losses over the rates, 640x400, with a line at the rate that is suggested. The same points give the same text.
pub fn rate_curve(points: &[RateLine], suggestion: Option<f64>) -> String {
    let mut svg = String::new();
    // Drawing into a string fails only where a chart is smaller than its margins, and its size is fixed.
    draw(&mut svg, points, suggestion).unwrap_or_else(|error| panic!("a chart of fixed size: {error}"));
    svg
}

fn draw(svg: &mut String, points: &[RateLine], suggestion: Option<f64>) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let title = suggestion.map_or("Learning rate".to_owned(), |rate| format!("Learning rate (suggested: {rate:.2e})"));
    root.draw(&Text::new(title, (70, 10), ("sans-serif", 19).into_font().color(&INK)))?;
    let (rates, losses) = (rates_shown(points), losses_shown(points));
    let area = root.margin(40, 8, 4, 22);
    let mut builder = ChartBuilder::on(&area);
    let mut chart = builder.x_label_area_size(42).y_label_area_size(62).build_cartesian_2d(rates.log_scale(), losses.clone())?;
    let style = ("sans-serif", 14).into_font().color(&INK);
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK).label_style(style.clone()).axis_desc_style(style);
    mesh.x_desc("learning rate").y_desc("loss (nats)").x_label_formatter(&|rate| format!("{rate:.0e}"));
    mesh.draw()?;
    let line = |value: fn(&RateLine) -> f64| {
        let shown = points.iter().filter(move |point| value(point).is_finite());
        shown.map(|point| (point.rate, value(point).clamp(losses.start, losses.end))).collect::<Vec<_>>()
    };
    chart.draw_series(LineSeries::new(line(|point| point.loss), LOSS.stroke_width(1)))?;
    chart.draw_series(LineSeries::new(line(|point| point.smoothed), SMOOTHED.stroke_width(2)))?;
    if let Some(rate) = suggestion {
        chart.draw_series(LineSeries::new([(rate, losses.start), (rate, losses.end)], CHOSEN.stroke_width(2)))?;
    }
    root.present()?;
    Ok(())
}

fn rates_shown(points: &[RateLine]) -> Range<f64> {
    match points {
        [first, .., last] if first.rate < last.rate => first.rate..last.rate,
        [only, ..] => only.rate / 2.0..only.rate * 2.0,
        [] => 1e-6..1.0,
    }
}

/// From a little below the lowest smoothed loss to twice the first: what blows up leaves the chart.
fn losses_shown(points: &[RateLine]) -> Range<f64> {
    let finite = || points.iter().map(|point| point.smoothed).filter(|loss| loss.is_finite());
    let (low, first) = (finite().fold(f64::INFINITY, f64::min), finite().next().unwrap_or(1.0));
    let high = (2.0 * first).clamp(1e-9, 1e300);
    let low = low.min(high / 2.0);
    (low - (high - low) / 20.0)..high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_points_give_a_whole_chart() {
        let point = |number: i32, loss: f64| RateLine { rate: 1e-5 * 1.5f64.powi(number), loss, smoothed: loss };
        let falling: Vec<_> = (0..40).map(|number| point(number, 2.3 / f64::from(1 + number))).collect();
        let blown: Vec<_> =
            falling.iter().copied().chain([point(41, 1e300), point(42, f64::NAN), point(43, f64::INFINITY)]).collect();
        for points in [&falling[..], &blown, &falling[..1], &[], &[point(0, 0.0), point(1, 0.0)], &[point(0, f64::NAN)]] {
            for suggestion in [None, Some(1e-3)] {
                let svg = rate_curve(points, suggestion);
                assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
                assert_eq!(svg.contains("suggested: 1.00e-3"), suggestion.is_some());
                assert_eq!(svg, rate_curve(points, suggestion));
            }
        }
    }
}
