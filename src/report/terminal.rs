//! Progress for people: a bar that lives, a line an epoch, a table at the end. Knows no file; whoever makes it says where to draw.

use super::bad_samples::BadRow;
use super::diagnosis::{diagnosis_lines, self_check_lines};
use super::stages::{limiting_stage, stage_table};
use super::words::{count, printable, span, thousands};
use crate::batch::Part;
use crate::event::diagnosis::Diagnosis;
use crate::event::{Event, Facts, Listener, Meter, Score};
use crate::sample::NoteCounts;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Bad samples that are named one by one; the rest is counted.
const NAMED: usize = 5;

/// Draws a bar on a terminal and writes lines that stay.
pub struct Terminal(Mutex<State>);

struct State {
    out: Box<dyn Write + Send>,
    bar: ProgressBar,
    quiet: bool,
    colour: bool,
    pass: Option<(Part, u32)>,
    epochs: u32,
    bad: HashSet<String>,
    odd: NoteCounts,
    /// Whether training is under way.
    training: bool,
    /// Where bad samples are listed.
    listed: &'static str,
}

impl Terminal {
    /// Lines to `out`, a bar to `target`. `quiet` leaves warnings only; `colour` marks the best epoch and warnings.
    pub fn new(out: Box<dyn Write + Send>, target: ProgressDrawTarget, quiet: bool, colour: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, if quiet { ProgressDrawTarget::hidden() } else { target });
        bar.set_style(style());
        let (bad, odd) = (HashSet::new(), NoteCounts::default());
        Self(Mutex::new(State {
            out,
            bar,
            quiet,
            colour,
            pass: None,
            epochs: 0,
            bad,
            odd,
            training: false,
            listed: "bad_samples.tsv",
        }))
    }

    /// The same for a job whose bad samples are listed in `place`.
    pub fn listing_in(self, place: &'static str) -> Self {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).listed = place;
        self
    }

    /// Lines on the standard error stream, and no bar: for jobs that write to the same screen.
    pub fn lines(quiet: bool, colour: bool) -> Self {
        Self::new(Box::new(std::io::stderr()), ProgressDrawTarget::hidden(), quiet, colour)
    }

    /// The standard error stream: a bar only where it is a terminal, colour only there and where `NO_COLOR` is not set.
    pub fn stderr(quiet: bool) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let target = if terminal { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        Self::new(Box::new(std::io::stderr()), target, quiet, colour)
    }
}

/// ` train 12/20 ━━━━━╸    1,024/4,800  3,120 images/s  2 s left  loss 0.412`
fn style() -> ProgressStyle {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{} images/s", thousands(state.per_sec()));
    };
    let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{} left", span(state.eta()));
    };
    let template = "{prefix} {bar:16} {human_pos}/{human_len}  {rate}  {left}  {wide_msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", rate).with_key("left", left).progress_chars("━╸ ")
}

impl Listener for Terminal {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
    }
}

impl State {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Planned(facts) => self.line(&planned(facts)),
            Event::WorkersChosen(choice) => self.line(&format!("workers: {}", printable(&choice.words()))),
            Event::Started { first_epoch, epochs, .. } => {
                (self.epochs, self.training) = (*epochs, true);
                if *first_epoch > 0 {
                    self.line(&format!("taken up again after epoch {first_epoch}/{epochs}"));
                }
            }
            Event::Progress { part, epoch, done, total, loss } => self.progress(*part, *epoch, *done, *total, *loss),
            Event::Quarantined(sample) => self.bad(BadRow::new(sample)),
            Event::Odd(more) => self.odd.join(more),
            Event::Epoch { .. } => {
                let line = epoch_line(event, self.epochs, self.colour);
                self.line(&line);
            }
            Event::Tested(score) => self.line(&format!("test         {}  ({} samples)", scored(score), count(score.samples))),
            Event::Warning(message) => self.warning(message),
            Event::FirstBatch { .. } | Event::Flowing(_) | Event::Weights { .. } | Event::Pictured(_) => {}
            Event::SelfChecked(found) => {
                let (passed, wrong) = self_check_lines(found);
                self.line(&passed);
                wrong.iter().for_each(|words| self.warning(words));
            }
            Event::Diagnosed(found) => self.diagnosis(found),
            Event::Trained { .. } => {
                self.training = false;
                self.bar.finish_and_clear();
            }
            Event::Finished { meters, wall } => self.finished(meters, *wall),
        }
    }

    fn warning(&mut self, words: &str) {
        let line = format!("{} {}", self.painted("33", "warning:"), printable(words));
        self.always(&line);
    }

    /// Nothing that must be heard by those who want silence: it says no more than the scores did.
    fn diagnosis(&mut self, found: &Diagnosis) {
        self.bar.finish_and_clear();
        let warnings = found.warnings.iter().map(|words| format!("  {} {}", self.painted("33", "warning:"), printable(words)));
        let lines: Vec<String> = diagnosis_lines(found).into_iter().chain(warnings).collect();
        self.line(&format!("\n{}", lines.join("\n")));
    }

    fn progress(&mut self, part: Part, epoch: u32, done: u64, total: u64, loss: f64) {
        if self.pass != Some((part, epoch)) {
            self.pass = Some((part, epoch));
            self.bar.reset();
            self.bar.set_length(total);
            let place = match part {
                Part::Test => part.name().to_owned(),
                // Nothing is learned: an offline set is being written.
                _ if self.epochs == 0 => "samples".to_owned(),
                _ => format!("{} {}/{}", part.name(), epoch + 1, self.epochs),
            };
            self.bar.set_prefix(place);
        }
        let bad = if self.bad.is_empty() { String::new() } else { format!("  {} bad", count(self.bad.len() as u64)) };
        let loss = if self.epochs == 0 { String::new() } else { format!("loss {loss:.3}") };
        self.bar.set_message(loss + &bad);
        self.bar.set_position(done);
    }

    fn bad(&mut self, row: BadRow) {
        let words = if row.words.is_empty() { String::new() } else { format!(": {}", row.words) };
        let class = if row.class.is_empty() { String::new() } else { format!(" ({})", row.class) };
        let line = format!("{} {}{class}: {}{words}", self.painted("33", "bad sample:"), row.path, row.reason);
        if !self.bad.insert(row.path) {
            return;
        }
        match self.bad.len() {
            number if number <= NAMED => self.always(&line),
            number if number == NAMED + 1 => self.always("more bad samples are only counted from here on"),
            _ => {}
        }
    }

    fn finished(&mut self, meters: &[Meter], wall: Duration) {
        self.bar.finish_and_clear();
        if !self.bad.is_empty() {
            self.line(&format!("bad samples set aside: {}; see {}", count(self.bad.len() as u64), self.listed));
        }
        if !self.odd.is_empty() {
            let each: Vec<String> = self.odd.iter().map(|(note, files)| format!("{} {}", count(files), note.words())).collect();
            self.line(&format!("odd files, used all the same: {}", each.join(", ")));
        }
        if !meters.is_empty() {
            self.line(&format!("\n{}{}", stage_table(meters, wall), in_lines(limiting_stage(meters, wall))));
        }
        self.line(&format!("{} {}", if self.training { "stopped after" } else { "done in" }, span(wall)));
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&mut self, line: &str) {
        if !self.quiet {
            self.always(line);
        }
    }

    /// A line that stays, above the bar. A terminal that has gone away is no reason to stop working.
    fn always(&mut self, line: &str) {
        let out = &mut self.out;
        let mut put = || drop(writeln!(out, "{line}").and_then(|()| out.flush()));
        // A bar that has not begun would be drawn empty after the line.
        if self.pass.is_some() { self.bar.suspend(put) } else { put() }
    }
}

fn planned(facts: &Facts) -> String {
    let [train, validation, test] = facts.samples.map(count);
    let mut line = format!("{}: {train} training", printable(&facts.name));
    let _ = write!(line, ", {validation} validation, {test} test samples of {} classes", facts.classes.len());
    if facts.parameters > 0 {
        let _ = write!(line, "\n{} parameters to learn", count(facts.parameters));
    }
    line
}

/// A sentence of two parts on two lines.
fn in_lines(sentence: String) -> String {
    sentence.replace("); ", ");\n").replace("), ", "),\n")
}

/// `epoch  3/20  train loss 0.412 acc 86.1 %  val loss 0.388 acc 87.0 %  4.1 s best`: fits a line of 80 characters. The rest is in
/// `metrics.csv`.
fn epoch_line(event: &Event, epochs: u32, colour: bool) -> String {
    let Event::Epoch { epoch, train, validation, wall, best, .. } = event else { return String::new() };
    let digits = epochs.to_string().len();
    let mut line = format!("epoch {:>digits$}/{epochs}  train {}", epoch + 1, scored(train));
    if let Some(validation) = validation {
        let _ = write!(line, "  val {}", scored(validation));
    }
    let _ = write!(line, "  {}", span(*wall));
    match (best, colour) {
        (true, true) => line.push_str(" \u{1b}[32mbest\u{1b}[0m"),
        (true, false) => line.push_str(" best"),
        (false, _) => {}
    }
    line
}

pub(super) fn scored(score: &Score) -> String {
    format!("loss {:.3} acc {:>4.1} %", score.loss, 100.0 * score.accuracy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fold::tests::{bad, whole_run};
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(events: &[Event], quiet: bool, colour: bool) -> String {
        let paper = Paper::default();
        let terminal = Terminal::new(Box::new(paper.clone()), ProgressDrawTarget::hidden(), quiet, colour);
        events.iter().for_each(|event| terminal.hear(event));
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_epoch_is_one_line() {
        let text = written(&whole_run(), false, false);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("epoch")).collect();
        let first = "epoch 1/3  train loss 0.700 acc 55.0 %  val loss 0.800 acc 30.0 %  1.5 s best";
        assert_eq!((lines.len(), lines[0]), (3, first), "{text}");
        assert!(!lines[2].contains("best"));
        assert!(text.contains("test         loss 0.300 acc 96.0 %  (480 samples)"), "{text}");
    }

    #[test]
    fn without_a_terminal_nothing_moves_and_nothing_is_coloured() {
        let text = written(&whole_run(), false, false);
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
        assert!(written(&whole_run(), false, true).contains("\u{1b}[32mbest\u{1b}[0m"));
    }

    #[test]
    fn quiet_leaves_warnings_only_and_names_steer_nothing() {
        let events = [whole_run(), vec![Event::Warning("two\nlines\u{1b}[2J".into())]].concat();
        let text = written(&events, true, false);
        let expected = [
            "bad sample: b.png (cat): truncated: unexpected end",
            "bad sample: a.png (cat): truncated: unexpected end",
            "warning: two\\nlines\\u{1b}[2J",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn many_bad_samples_do_not_flood() {
        let events: Vec<Event> = (0..200).map(|number| bad(&format!("{}.png", number % 100))).collect();
        let text = written(&events, false, false);
        assert_eq!(text.lines().count(), NAMED + 1, "{text}");
    }
}
