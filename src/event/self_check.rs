//! What a look at model and data before the first step has found, as data. Knows no model.

use serde::{Deserialize, Serialize};

/// The checks that were made, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Each with its outcome.
    pub checks: Vec<Check>,
}

impl SelfCheck {
    /// The worst outcome of all; [`Level::Passed`] where there are no checks.
    pub fn level(&self) -> Level {
        self.checks.iter().map(|check| check.level).filter(|level| *level != Level::Skipped).max().unwrap_or(Level::Passed)
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `labels`, `inputs`, `initial_loss`, `gradient` or `one_batch`.
    pub name: String,
    /// How it came out.
    pub level: Level,
    /// What was measured, and where it did not pass, what to look at.
    pub words: String,
}

impl Check {
    /// A check with its outcome.
    pub fn new(name: &str, level: Level, words: impl Into<String>) -> Self {
        Self { name: name.to_owned(), level, words: words.into() }
    }
}

/// How a check came out; later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It would have taken too long, or does not concern this model.
    Skipped,
    /// As it should be.
    Passed,
    /// It looks wrong and may be meant.
    Warning,
    /// Training cannot work like this: the run is refused.
    Failed,
}
