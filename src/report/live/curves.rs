//! Loss and accuracy over the epochs, as lines of braille and of dots. Draws numbers that it is given.

use super::ink::Ink;
use crate::event::Score;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

/// Points that are drawn of a line at most; beyond, only every so many.
const MOST: usize = 1000;
/// From this width on loss and accuracy stand side by side; below there is room for the loss.
const BOTH: u16 = 60;
/// Colours that tell training and validation apart where there are colours; the marks do everywhere.
const COLOURS: [Color; 2] = [Color::Cyan, Color::Magenta];
const MARKS: [(Marker, &str); 2] = [(Marker::Braille, "⠶ train"), (Marker::Dot, "• validation")];

type Points = Vec<(f64, f64)>;
/// Of training and of validation.
type Scores = (Score, Option<Score>);

/// Draws the scores of all epochs from `first_epoch`, from 0.
pub fn draw(scores: &[Scores], first_epoch: u32, area: Rect, ink: Ink, buffer: &mut Buffer) {
    let step = scores.len().div_ceil(MOST).max(1);
    let line = |of: fn(&Scores) -> Option<f64>| -> Points {
        let place = |at: usize| f64::from(first_epoch) + 1.0 + at as f64;
        let last = scores.len().saturating_sub(1);
        let kept = scores.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last);
        kept.filter_map(|(at, scores)| Some((place(at), of(scores).filter(|value| value.is_finite())?))).collect()
    };
    let both = area.width >= BOTH;
    let left = Rect { width: if both { area.width / 2 - 1 } else { area.width }, ..area };
    let losses = [line(|(train, _)| Some(train.loss)), line(|(_, validation)| Some(validation.as_ref()?.loss))];
    chart("loss", &losses, |loss| format!("{loss:.3}"), left, ink, buffer);
    if both {
        let right = Rect { x: left.right() + 2, width: area.width - left.width - 2, ..area };
        let shares = [line(|(train, _)| Some(percent(train))), line(|(_, validation)| validation.as_ref().map(percent))];
        chart("accuracy", &shares, |percent| format!("{percent:.1} %"), right, ink, buffer);
    }
}

fn percent(score: &Score) -> f64 {
    100.0 * score.accuracy
}

fn chart(title: &str, parts: &[Points; 2], shown: fn(f64) -> String, area: Rect, ink: Ink, buffer: &mut Buffer) {
    let mut words = format!("{title}  ");
    for (points, (_, name)) in parts.iter().zip(MARKS) {
        words += &points.last().map_or(String::new(), |last| format!("{name} {}  ", shown(last.1)));
    }
    Line::styled(words, ink.bold()).render(Rect { height: area.height.min(1), ..area }, buffer);
    let (Some(x), Some(y)) = (bounds(parts, |point| point.0), bounds(parts, |point| point.1)) else { return };
    let line = |place: usize| {
        let set = Dataset::default().marker(MARKS[place].0).graph_type(GraphType::Line).style(ink.of(COLOURS[place]));
        set.data(&parts[place])
    };
    let epoch = |at: f64| format!("{at:.0}");
    let axes = [Axis::default().bounds(x).labels(x.map(epoch)), Axis::default().bounds(y).labels(y.map(shown))];
    let [x_axis, y_axis] = axes.map(|axis| axis.style(ink.dim()));
    let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
    Chart::new(vec![line(0), line(1)]).legend_position(None).x_axis(x_axis).y_axis(y_axis).render(below, buffer);
}

/// From the least to the greatest, and never nothing; none without points.
fn bounds(parts: &[Points; 2], of: fn(&(f64, f64)) -> f64) -> Option<[f64; 2]> {
    let values = || parts.iter().flatten().map(of);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let room = if high > low { 0.0 } else { (high.abs() / 100.0).max(1e-3) };
    (low <= high).then_some([low - room, high + room])
}
