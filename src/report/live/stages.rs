//! The stages on the screen: a line each with its queue, its rate, and how its workers spent the last seconds.

use super::ink::{Ink, bar};
use crate::event::Meter;
use crate::report::words::thousands;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::time::Duration;

/// Marks and colours of time at work, without room and without input; the marks alone tell them apart.
const SHARES: [(&str, Color); 3] = [("█", Color::Green), ("▒", Color::Yellow), ("░", Color::Blue)];
/// From this width on there is room for everything.
const WIDE: u16 = 72;
/// Cells of the longest bar.
const LONGEST: usize = 50;

/// One line a stage, of what it did over `wall`, below a line of titles if `titled`; what finds no room is left out.
pub fn draw(stages: &[Meter], wall: Duration, titled: bool, area: Rect, ink: Ink, buffer: &mut Buffer) {
    let wide = area.width >= WIDE;
    let mut lines = Vec::with_capacity(stages.len() + 1);
    if titled {
        let [busy, blocked, starved] = SHARES.map(|(mark, _)| mark);
        let legend = format!("{busy} busy {blocked} blocked {starved} starved");
        let columns = match wide {
            true => format!("{:<9}{:>4}  {:<15}{:>9}  ", "stage", "×", "queue", "a second"),
            false => "stage   queue ".to_owned(),
        };
        lines.push(Line::styled(columns + &legend, ink.bold()));
    }
    let line = if wide { whole } else { short };
    lines.extend(stages.iter().map(|stage| line(stage, wall, usize::from(area.width), ink)));
    for (line, row) in lines.into_iter().zip(area.rows()) {
        line.render(row, buffer);
    }
}

/// `load      2  ████···· 2/4      1,234  ██████▒▒░░  62 %`
fn whole(stage: &Meter, wall: Duration, width: usize, ink: Ink) -> Line<'static> {
    let (queue, numbers) = match stage.queue_capacity {
        0 => Default::default(),
        capacity => (bar(stage.queue_depth / capacity as f64, 8), waiting(stage)),
    };
    let rate = if wall.is_zero() { 0.0 } else { stage.items as f64 / wall.as_secs_f64() };
    let mut spans = vec![
        Span::raw(format!("{:<9}{:>4}  ", name(stage, 9), stage.workers)),
        Span::styled(format!("{queue:<8} "), ink.of(Color::Cyan)),
        Span::raw(format!("{numbers:<6}{:>9}  ", thousands(rate))),
    ];
    // Beside the bar stand 41 characters and 6.
    spans.extend(shares(stage, wall, width.saturating_sub(47).min(LONGEST), ink));
    Line::from(spans)
}

/// `load    2/4   ██████▒▒░░  62 %`
fn short(stage: &Meter, wall: Duration, width: usize, ink: Ink) -> Line<'static> {
    let mut spans = vec![Span::raw(format!("{:<8}{:<6}", name(stage, 7), waiting(stage)))];
    spans.extend(shares(stage, wall, width.saturating_sub(20), ink));
    Line::from(spans)
}

fn name(stage: &Meter, most: usize) -> String {
    stage.stage.chars().take(most).collect()
}

/// Chunks in the input channel, and its room; nothing where there is none.
fn waiting(stage: &Meter) -> String {
    match stage.queue_capacity {
        0 => String::new(),
        capacity => format!("{:.0}/{capacity}", stage.queue_depth),
    }
}

/// A bar of `width` cells, at work, without room, without input, and the share at work. A stage that does nothing has none.
fn shares(stage: &Meter, wall: Duration, width: usize, ink: Ink) -> Vec<Span<'static>> {
    let all = wall.as_secs_f64() * stage.workers as f64;
    let share = |time: Duration| if all > 0.0 { (time.as_secs_f64() / all).clamp(0.0, 1.0) } else { 0.0 };
    let mut from = 0;
    let mut part = |share: f64, (mark, colour): (&'static str, Color)| {
        let cells = ((share * width as f64).round() as usize).min(width - from);
        from += cells;
        Span::styled(mark.repeat(cells), ink.of(colour))
    };
    let [busy, blocked, starved] = [stage.busy, stage.blocked, stage.starved].map(share);
    let mut spans = vec![part(busy, SHARES[0]), part(blocked, SHARES[1]), part(starved, SHARES[2])];
    spans.push(Span::raw(" ".repeat(width - from)));
    spans.push(Span::raw(format!("{:>4.0} %", 100.0 * busy)));
    spans
}
