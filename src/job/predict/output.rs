//! Where rows go: standard output, or a file that is seen whole or not at all. Knows no row.

use crate::error::{Error, Result};
use crate::report::Draft;
use std::io::Write;
use std::path::Path;

/// Takes text.
pub enum Output {
    /// Standard output, and whether its reader has gone away.
    Standard(bool),
    /// A file that is being written.
    File(Box<Draft>),
}

impl Output {
    /// The file `out`, or standard output.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be made.
    pub fn open(out: Option<&Path>) -> Result<Self> {
        Ok(match out {
            None => Output::Standard(false),
            Some(path) => Output::File(Box::new(Draft::create(path)?)),
        })
    }

    /// Writes more text.
    ///
    /// # Errors
    /// [`Error::Io`]; a reader that has gone away (`| head`) is none, see [`Output::is_closed`].
    pub fn write(&mut self, text: &str) -> Result<()> {
        match self {
            Output::Standard(true) => Ok(()),
            Output::Standard(closed) => {
                let mut out = std::io::stdout().lock();
                match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => *closed = true,
                    other => other.map_err(Error::io("cannot write", "standard output"))?,
                }
                Ok(())
            }
            Output::File(draft) => draft.write_all(text.as_bytes()).map_err(Error::io("cannot write", draft.path())),
        }
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        matches!(self, Output::Standard(true))
    }

    /// Gives a file its name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        match self {
            Output::Standard(_) => Ok(()),
            Output::File(draft) => draft.finish(),
        }
    }
}
