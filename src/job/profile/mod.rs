//! `pipeline profile`: where the time of a pipeline goes, and what would make it faster.

mod layers;

use super::run::refuse_too_large;
use super::say;
use crate::error::Result;
use crate::plan::Plan;
use serde::Serialize;
use std::time::Duration;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// Look at the layers of the network instead of the stages.
    pub layers: bool,
    /// How long things are measured.
    pub time: Duration,
    /// Whether the numbers are printed as JSON.
    pub json: bool,
}

/// Measures, and says what was found.
///
/// # Errors
/// [`crate::error::Error::Refused`] where there is nothing to measure; what kept samples from being read.
pub fn profile(request: &Request) -> Result<()> {
    let plan = Plan::load(&request.name, &request.sets)?;
    refuse_too_large(&plan)?;
    let found = layers::layers(&plan, request.time)?;
    if request.json { say(&as_json(&found)) } else { say(&found.table()) }
}

fn as_json(found: &impl Serialize) -> String {
    serde_json::to_string_pretty(found).unwrap_or_default() + "\n"
}
