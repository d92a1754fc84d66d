//! What a user can run, one file a job. The only layer that prints.

pub mod catalogue;
pub mod check;
pub mod claim;
pub mod data;
pub mod describe;
pub mod list;
pub mod run;

use crate::config::render;
use crate::error::Error;
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
pub fn say(text: &str) -> crate::error::Result<()> {
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
