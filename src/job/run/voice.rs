//! Who hears a run: the report's files, and a person or a program.

use super::screen::Screen;
use crate::event::{Event, Listener};
use crate::report::{JsonLines, Terminal};

/// Who is listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A person at a terminal, or reading a log.
    Person,
    /// A person in front of a whole screen.
    Screen,
    /// A program: JSON lines on standard output.
    Json,
    /// Nobody, but for warnings.
    Quiet,
}

/// Passes every event on to several listeners, in order.
pub struct Audience<'a>(pub Vec<Box<dyn Listener + 'a>>);

impl Listener for Audience<'_> {
    fn hear(&self, event: &Event) {
        tracing::debug!(?event);
        self.0.iter().for_each(|listener| listener.hear(event));
    }
}

impl Voice {
    /// The listener for this voice.
    pub fn listener(self) -> Box<dyn Listener> {
        self.listener_listing_in("bad_samples.tsv")
    }

    /// The same for a job whose bad samples are listed in `place`.
    pub fn listener_listing_in(self, place: &'static str) -> Box<dyn Listener> {
        match self {
            Voice::Person => Box::new(Terminal::stderr(false).listing_in(place)),
            Voice::Screen => match Screen::open(place) {
                Ok(screen) => Box::new(screen),
                // Lines are better than no run.
                Err(_) => Voice::Person.listener_listing_in(place),
            },
            Voice::Quiet => Box::new(Terminal::stderr(true).listing_in(place)),
            Voice::Json => Box::new(JsonLines::new(Box::new(std::io::stdout()))),
        }
    }
}
