//! What went wrong, where in the data, and in which stage; and how a panic becomes such a value.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a stage may fail with: any error, or a text.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The first thing, in data order, that went wrong in a run.
#[derive(Debug)]
pub struct Fault {
    /// The stage's name.
    pub stage: String,
    /// Number of the item, counted in that stage's input (a source: in its output). In [`super::Scan::finish`] the count of
    /// items taken.
    pub item: u64,
    /// The error's or the panic's words.
    pub why: String,
    /// The error itself, to be downcast; `None` for a panic.
    pub payload: Option<Failure>,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stage `{}` failed at item {}: {}", self.stage, self.item, self.why)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.payload.as_ref().map(|payload| payload.as_ref() as _)
    }
}

/// A stage's own [`crate::error::Error`] comes out unchanged; anything else becomes [`crate::error::Error::Fault`].
impl From<Fault> for crate::error::Error {
    fn from(fault: Fault) -> Self {
        let Fault { stage, item, why, payload } = fault;
        match payload.map(|payload| payload.downcast::<crate::error::Error>()) {
            Some(Ok(own)) => *own,
            _ => crate::error::Error::Fault { stage, item, why },
        }
    }
}

/// A fault that does not know its place yet.
#[derive(Debug)]
pub(super) struct Cause {
    why: String,
    payload: Option<Failure>,
}

impl Cause {
    /// Names the place.
    pub(super) fn at(self, stage: &str, item: u64) -> Fault {
        Fault { stage: stage.to_owned(), item, why: self.why, payload: self.payload }
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        Self { why: failure.to_string(), payload: Some(failure) }
    }
}

/// What a panic said.
pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Cause {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    Cause { why: format!("panicked: {}", text.unwrap_or("with a value that is not text")), payload: None }
}

/// Runs foreign code; an error or a panic in it becomes a [`Cause`]. What the code was changing must not be used again for
/// anything but to be read or dropped.
pub(super) fn contain<R>(work: impl FnOnce() -> Result<R, Failure>) -> Result<R, Cause> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Cause::from),
        Err(payload) => Err(panicked(payload)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_any_kind_becomes_words() {
        let words = |payload: Box<dyn Any + Send>| {
            contain::<()>(|| std::panic::resume_unwind(payload)).expect_err("it panics").at("s", 3).to_string()
        };
        assert_eq!(words(Box::new("a str")), "stage `s` failed at item 3: panicked: a str");
        assert_eq!(words(Box::new("a String".to_owned())), "stage `s` failed at item 3: panicked: a String");
        assert_eq!(words(Box::new(7)), "stage `s` failed at item 3: panicked: with a value that is not text");
    }

    #[test]
    fn a_stages_own_error_comes_out_unchanged_and_a_foreign_one_is_named() {
        let own = crate::error::Error::Numeric("loss is NaN".into());
        let fault = contain::<()>(|| Err(own.into())).expect_err("it fails").at("train", 5);
        assert!(matches!(fault.into(), crate::error::Error::Numeric(why) if why == "loss is NaN"));
        let fault = contain::<()>(|| Err("torn".into())).expect_err("it fails").at("train", 5);
        assert!(matches!(fault.into(), crate::error::Error::Fault { item: 5, why, .. } if why == "torn"));
    }
}
