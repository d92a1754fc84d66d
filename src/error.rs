//! What can go wrong, one variant a boundary, each with its exit code. Configuration problems point into the file.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Text that a problem can point into: a pipeline file, or a `--set` argument.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// What to call it: a path, or `--set`.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// One thing wrong with what the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: names the key and the offending value.
    pub message: String,
    /// What to do about it: the nearest valid name, the allowed range.
    pub help: Option<String>,
    /// Where it stands: a text, and bytes in it.
    pub place: Option<(Arc<SourceText>, Range<usize>)>,
}

impl Problem {
    /// A problem that stands nowhere in a file.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        let help = help.into();
        Self { message: message.into(), help: (!help.is_empty()).then_some(help), place: None }
    }
}

/// Why work did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Refused before work started; every problem that was found.
    #[error("refused: {}", .0.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// Too many samples had to be set aside.
    #[error("{0}")]
    TooManyBad(String),
    /// The file system, or another resource, failed.
    #[error("{what} {}: {source}", .path.display())]
    Io {
        /// What was being done: "cannot read".
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stored file does not hold what it should.
    #[error("{}: {why}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A stage failed in a way that is a bug of ours; contained and named.
    #[error("stage `{stage}` failed at item {item}: {why}")]
    Fault {
        /// The stage's name.
        stage: String,
        /// The item's number in data order.
        item: u64,
        /// What happened.
        why: String,
    },
    /// A result is not the one that it should be on every machine.
    #[error("{0}")]
    Unmet(String),
    /// A loss, gradient or weight was not finite.
    #[error("{0}")]
    Numeric(String),
    /// The user, or the system, asked us to stop.
    #[error("interrupted by signal {signal}; {resume}")]
    Interrupted {
        /// 2 (SIGINT) or 15 (SIGTERM).
        signal: i32,
        /// How to go on.
        resume: String,
    },
}

impl Error {
    /// The process's exit code: 1 a reference is not met, 2 refused, 3 too many bad samples, 4 I/O or resources, 5 numeric failure, 130/143 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Unmet(_) => 1,
            Error::Refused(_) => 2,
            Error::TooManyBad(_) => 3,
            Error::Io { .. } | Error::Damaged { .. } | Error::Fault { .. } => 4,
            Error::Numeric(_) => 5,
            Error::Interrupted { signal, .. } => 128 + *signal as u8,
        }
    }

    /// A refusal with one problem.
    pub fn refused(message: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Refused(vec![Problem::new(message, help)])
    }

    /// Turns an [`std::io::Error`] into ours: `fs::read(path).map_err(Error::io("cannot read", path))`.
    pub fn io(what: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { what, path, source }
    }
}

/// The candidate nearest to `name`, if one is near enough to be what was meant (Damerau–Levenshtein distance at most a third
/// of the longer name, or one contains the other).
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let scored = candidates.into_iter().map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    let near = scored.filter(|(distance, candidate)| {
        let longer = name.chars().count().max(candidate.chars().count());
        *distance <= (longer / 3).max(1) || (name.len() >= 3 && (candidate.contains(name) || name.contains(candidate)))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}
