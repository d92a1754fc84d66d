//! What a user can run, one file a job. The only layer that prints.

pub mod ablate;
pub mod card;
pub mod catalogue;
pub mod check;
pub mod claim;
pub mod compare;
pub mod data;
pub mod describe;
mod ensemble;
pub mod evaluate;
pub mod export;
mod facts;
pub mod find_lr;
pub mod list;
pub mod predict;
pub mod preview;
pub mod profile;
pub mod report;
pub mod run;
pub mod schema;
mod served;
pub mod strip;
pub mod tune;
pub mod verify;

use crate::config::render;
use crate::error::{Error, Result};
use std::io::{IsTerminal, Write};

/// Whether standard error takes colours.
pub fn stderr_takes_color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says on standard error what went wrong and what to do.
pub fn show_error(error: &Error) {
    let text = match error {
        Error::Refused(problems) => render(problems, stderr_takes_color()),
        Error::Interrupted { .. } => format!("{error}\n"),
        other => format!("error: {other}\n"),
    };
    // Nothing is left to be done where even standard error is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Prints to standard output; a reader that has gone away (`| head`) is no error.
///
/// # Errors
/// [`Error::Io`] for anything else that keeps the text from being written.
pub fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io("cannot write", "standard output")(error)),
        _ => Ok(()),
    }
}

/// Keeps contained panics from printing their own text: the fault that they become names them.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Runs a job; should it panic, that is an error with a name, not an abort.
///
/// # Errors
/// The job's own, or [`Error::Fault`].
pub fn contained(job: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let why = format!("{}: this is a bug, please report it", text.unwrap_or("no words"));
        Err(Error::Fault { stage: "pipeline".to_owned(), item: 0, why })
    })
}

/// Logs to standard error where the variable `PIPELINE_LOG` asks for it: `debug` tells every event, `trace` every chunk too;
/// `augpipe::flow=trace` those of one module.
pub fn start_log() {
    use tracing_subscriber::fmt::format::FmtSpan;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Layer, filter::Targets, registry};
    let Some(wanted) = std::env::var("PIPELINE_LOG").ok().and_then(|text| text.parse::<Targets>().ok()) else { return };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_span_events(FmtSpan::CLOSE);
    let lines = lines.with_ansi(stderr_takes_color()).with_thread_names(true);
    // A second subscriber is refused only where one is set already: then that one is the log.
    let _ = tracing::subscriber::set_global_default(registry().with(lines.with_filter(wanted)));
}
