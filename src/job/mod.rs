//! What a user can run, one file a job. The only layer that prints.

pub mod data;

use crate::error::Error;
use std::io::Write;

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
