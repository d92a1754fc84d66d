//! The whole screen: header, progress, stages, the bottleneck, curves, warnings, keys. Draws on any size.

use super::ink::{Ink, bar};
use super::layout::Places;
use super::{Live, curves, stages};
use crate::batch::Part;
use crate::report::words::{count, span, thousands};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};
use std::time::Duration;

/// Below this width only what matters most is said of the progress.
const NARROW: u16 = 60;
/// Cells of the longest bar of progress.
const LONGEST: usize = 60;

/// Draws the run as it stands `now`, in colours if `colour`.
pub fn draw(live: &Live, now: Duration, colour: bool, frame: &mut Frame) {
    let (ink, area, buffer) = (Ink(colour), frame.area(), frame.buffer_mut());
    let (meters, wall) = live.recent();
    let places = Places::of(area, meters.len());
    header(live, now, places.header, ink, buffer);
    progress(live, now, places.progress, ink, buffer);
    stages::draw(&meters, wall, places.titled, places.stages, ink, buffer);
    let sentence = Line::styled(live.bottleneck(), ink.of(Color::Green));
    Paragraph::new(sentence).wrap(Wrap { trim: true }).render(places.sentence, buffer);
    curves::draw(&live.scores, live.first_epoch, places.curves, ink, buffer);
    notes(live, places.notes, ink, buffer);
    let keys = if live.stopping { "stopping …  Ctrl-C: at once" } else { "q: checkpoint, stop  Ctrl-C twice: at once" };
    Line::styled(keys, ink.dim()).render(places.footer, buffer);
}

/// `shapes  train 3/20, 1 set aside  best epoch 2                 12 s`
fn header(live: &Live, now: Duration, area: Rect, ink: Ink, buffer: &mut Buffer) {
    let best = live.best.map_or(String::new(), |epoch| format!("  best epoch {epoch}"));
    let test = live.test.map_or(String::new(), |score| format!("  test accuracy {:.1} %", 100.0 * score.accuracy));
    let doing = Span::styled(format!("  {}", live.doing()), ink.of(Color::Cyan));
    Line::from(vec![Span::styled(live.name.clone(), ink.bold()), doing, Span::raw(best + &test)]).render(area, buffer);
    let time = format!(" {} ", span(now));
    let width = u16::try_from(time.chars().count()).unwrap_or(u16::MAX);
    if area.width / 2 > width {
        Line::raw(time).render(Rect { x: area.right() - width, width, ..area }, buffer);
    }
}

/// `train 3/20 ██████▌·····  1,024/4,800  3,120 images/s  2 s left, 1 min 20 s for all  loss 0.412`
fn progress(live: &Live, now: Duration, area: Rect, ink: Ink, buffer: &mut Buffer) {
    let Some((part, epoch, done, total, loss)) = live.pass else { return };
    let narrow = area.width < NARROW;
    let place = match part {
        Part::Test => "test".to_owned(),
        _ if live.epochs == 0 => "samples".to_owned(),
        part if narrow => format!("{} {}", part.name(), epoch + 1),
        part => format!("{} {}/{}", part.name(), epoch + 1, live.epochs),
    };
    let share = done as f64 / total.max(1) as f64;
    let rate = live.rate().filter(|rate| *rate > 0.0);
    let mut tail = if narrow { format!(" {:.0} %", 100.0 * share) } else { format!("  {}/{}", count(done), count(total)) };
    tail += &format!("  {} images/s", rate.map_or("–".to_owned(), thousands));
    if !narrow {
        let rest = rate.and_then(|rate| Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / rate).ok());
        tail += &rest.map_or(String::new(), |rest| format!("  {} left", span(rest)));
        let all = live.left(now).filter(|_| live.epochs > 0 && part != Part::Test);
        tail += &all.map_or(String::new(), |all| format!(", {} for all", span(all)));
    }
    if area.width >= 100 && live.epochs > 0 {
        tail += &format!("  loss {loss:.3}");
    }
    let room = usize::from(area.width).saturating_sub(place.chars().count() + tail.chars().count() + 1).min(LONGEST);
    let cells = Span::styled(bar(share, room), ink.of(Color::Green));
    Line::from(vec![Span::raw(place + " "), cells, Span::raw(tail)]).render(area, buffer);
}

/// The latest warnings that find room, the newest last; before there are any, which threads were chosen.
fn notes(live: &Live, area: Rect, ink: Ink, buffer: &mut Buffer) {
    let mut lines: Vec<Line> = live.warnings.iter().map(|words| Line::styled(words.clone(), ink.of(Color::Yellow))).collect();
    if lines.is_empty() && !live.workers.is_empty() {
        lines.push(Line::styled(format!("threads: {}", live.workers), Style::new()));
    }
    let first = lines.len().saturating_sub(usize::from(area.height));
    lines.into_iter().skip(first).zip(area.rows()).for_each(|(line, row)| line.render(row, buffer));
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::under_way;
    use super::*;
    use crate::event::{Event, Score};
    use proptest::prelude::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::style::Color;

    fn drawn(live: &Live, colour: bool, (width, height): (u16, u16)) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(live, Duration::from_secs(12), colour, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    fn lines(buffer: &Buffer) -> Vec<String> {
        let row = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect();
        buffer.content().chunks(usize::from(buffer.area().width).max(1)).map(row).collect()
    }

    #[test]
    fn a_usual_terminal_shows_everything() {
        let lines = lines(&drawn(&under_way(), false, (80, 24)));
        let text = lines.join("\n");
        assert!(lines[0].starts_with("t  train 5/8, 1 set aside  best epoch 4") && lines[0].ends_with(" 12 s "), "{text}");
        assert!(lines[1].starts_with("train 5/8 █") && lines[1].contains("240/480  60.0 images/s  4.0 s left"), "{text}");
        assert!(lines[2].contains("queue") && lines[2].contains("█ busy ▒ blocked ░ starved"), "{text}");
        assert!(lines[4].starts_with("load        2  ████████ 2/2"), "{text}");
        assert!(lines[4].contains("1,240") && lines[4].contains("▒") && lines[4].trim_end().ends_with("40 %"), "{text}");
        assert!(lines[8].starts_with("`train` limits: its worker was busy 97 % of the time"), "{text}");
        assert!(text.contains("loss  ⠶ train 0.400  • validation 0.500") && text.contains("accuracy  ⠶ train"), "{text}");
        assert!(text.contains("bad sample: a\\u{1b}[2J.png") && text.contains("something is odd\\nhere"), "{text}");
        assert!(lines[23].starts_with("q: checkpoint, stop"), "{text}");
    }

    #[test]
    fn the_least_terminal_shows_stages_rate_and_bottleneck() {
        let lines = lines(&drawn(&under_way(), false, (40, 10)));
        let text = lines.join("\n");
        assert!(lines[1].starts_with("train 5 █") && lines[1].contains("50 %  60.0 images/s"), "{text}");
        assert!(lines[6].starts_with("train   3/2   █") && lines[6].trim_end().ends_with("97 %"), "{text}");
        assert!(lines[7].starts_with("`train` limits:") && lines[9].starts_with("q: checkpoint, stop"), "{text}");
    }

    #[test]
    fn without_colours_nothing_is_coloured() {
        let plain = |buffer: &Buffer| buffer.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset);
        assert!(plain(&drawn(&under_way(), false, (200, 60))));
        assert!(!plain(&drawn(&under_way(), true, (200, 60))));
    }

    #[test]
    fn numbers_that_are_none_and_foreign_names_are_drawn_like_others() {
        let mut live = under_way();
        live.name = "漢字 ".repeat(99);
        for loss in [f64::NAN, f64::INFINITY, 1e300, -0.0] {
            live.scores.push((Score { loss, accuracy: loss, samples: 0 }, None));
        }
        live.take(&Event::Progress { part: Part::Train, epoch: u32::MAX - 1, done: 9, total: 0, loss: f64::NAN }, Duration::MAX);
        for size in [(80, 24), (40, 10), (200, 60), (1, 1)] {
            drawn(&live, true, size);
        }
    }

    proptest! {
        #[test]
        fn any_size_is_drawn(width in 0..250u16, height in 0..80u16, begun: bool, colour: bool) {
            let live = if begun { under_way() } else { Live::default() };
            let buffer = drawn(&live, colour, (width, height));
            prop_assert_eq!((buffer.area().width, buffer.area().height), (width, height));
        }
    }
}
