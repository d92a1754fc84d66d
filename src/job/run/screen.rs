//! A run on the whole screen of a terminal, which is given back as it was however the run ends. What is shown stands in
//! `report::live`; what would have been said line by line follows when the screen has been left.

use crate::error::{Error, Result};
use crate::event::gauges::Gauges;
use crate::event::{Event, Listener, Meter};
use crate::flow::{Meters, Reading};
use crate::report::Terminal as Lines;
use crate::report::live::{Live, draw};
use indicatif::ProgressDrawTarget;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, execute};
use ratatui::{DefaultTerminal, Terminal, backend::CrosstermBackend};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// From one picture to the next.
const EVERY: Duration = Duration::from_millis(200);

/// Whether the screen is ours. Held while something is drawn, so that nothing is drawn on a screen that was given back.
static OURS: Mutex<bool> = Mutex::new(false);

/// Refuses to begin where there is no screen.
///
/// # Errors
/// [`Error::Refused`] with what to do instead.
pub fn refuse_without_terminal() -> Result<()> {
    let dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    match std::io::stdout().is_terminal() && !dumb {
        true => Ok(()),
        false => Err(Error::refused(
            "--tui needs a terminal to draw on, and standard output is none",
            "leave --tui out: progress goes to standard error; --json tells programs what happens",
        )),
    }
}

/// Gives the terminal back, if it is ours.
pub fn leave() {
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::replace(&mut *ours, false) {
        // Each is tried: what is left of a terminal after the other failed should be as good as it gets.
        let _ = disable_raw_mode();
        let _ = execute!(std::io::stdout(), LeaveAlternateScreen, cursor::Show);
    }
}

fn enter() -> std::io::Result<DefaultTerminal> {
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    *ours = true;
    enable_raw_mode()?;
    execute!(std::io::stdout(), EnterAlternateScreen, cursor::Hide)?;
    Terminal::new(CrosstermBackend::new(std::io::stdout()))
}

/// A flow's counters for whoever wants to look.
pub fn gauges(meters: Meters) -> Gauges {
    let now = |Reading { meter, queued, .. }: Reading| Meter { queue_depth: queued as f64, ..meter };
    Gauges::new(move || meters.readings().into_iter().map(now).collect())
}

/// Text that waits for the screen to be left.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Draws what is heard until it is dropped.
pub struct Screen {
    live: Arc<Mutex<Live>>,
    began: Instant,
    over: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
    lines: Lines,
    kept: Kept,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Where it cannot be had; it is as before then.
    pub fn open(listed: &'static str) -> std::io::Result<Self> {
        let terminal = enter().inspect_err(|_| leave())?;
        let (live, over, began) = (Arc::new(Mutex::new(Live::default())), Arc::new(AtomicBool::new(false)), Instant::now());
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let (shown, ends) = (live.clone(), over.clone());
        let work = move || {
            let _left = Left;
            show(terminal, &shown, began, colour, &ends);
        };
        let drawing = std::thread::Builder::new().name("screen".to_owned()).spawn(work).inspect_err(|_| leave())?;
        let kept = Kept::default();
        let coloured = colour && std::io::stderr().is_terminal();
        let lines = Lines::new(Box::new(kept.clone()), ProgressDrawTarget::hidden(), false, coloured).listing_in(listed);
        Ok(Self { live, began, over, drawing: Some(drawing), lines, kept })
    }
}

impl Listener for Screen {
    fn hear(&self, event: &Event) {
        self.lines.hear(event);
        self.live.lock().unwrap_or_else(PoisonError::into_inner).take(event, self.began.elapsed());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // A drawing thread that has panicked has left the screen all the same.
        let _ = self.drawing.take().map(JoinHandle::join);
        leave();
        let text = std::mem::take(&mut *self.kept.0.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = std::io::stderr().write_all(&text);
    }
}

/// Leaves the screen when it goes, also in a panic.
struct Left;

impl Drop for Left {
    fn drop(&mut self) {
        leave();
    }
}

/// Draws and listens to keys until it is over, or until the terminal is gone.
fn show(mut terminal: DefaultTerminal, live: &Mutex<Live>, began: Instant, colour: bool, over: &AtomicBool) {
    let (mut keys, mut asked) = (true, false);
    while !over.load(Ordering::Acquire) {
        let now = began.elapsed();
        let seen = {
            let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
            live.look(now);
            live.stopping = asked;
            live.clone()
        };
        {
            let ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
            if !*ours || terminal.draw(|frame| draw(&seen, now, colour, frame)).is_err() {
                return;
            }
        }
        match keys.then(|| wait_for_key(over)) {
            Some(Ok(true)) => {
                if asked {
                    // The second time the process ends at once: the screen first.
                    leave();
                }
                asked = true;
                // Heard like a signal from outside, with all that follows from it.
                let _ = signal_hook::low_level::raise(signal_hook::consts::SIGINT);
            }
            Some(Ok(false)) => {}
            Some(Err(_)) => keys = false,
            None => std::thread::sleep(EVERY),
        }
    }
}

/// Waits until the next picture is due; whether one of the keys that stop a run was pressed meanwhile.
fn wait_for_key(over: &AtomicBool) -> std::io::Result<bool> {
    let until = Instant::now() + EVERY;
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|_| !over.load(Ordering::Acquire)) {
        if !event::poll(left.min(EVERY / 4))? {
            continue;
        }
        match event::read()? {
            Input::Key(key) if key.kind != KeyEventKind::Release => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                if matches!((key.code, control), (KeyCode::Char('q' | 'Q'), false) | (KeyCode::Char('c'), true)) {
                    return Ok(true);
                }
            }
            // Drawn anew at once.
            Input::Resize(..) => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}
