//! `pipeline data census`: what a data set is made of, and what is wrong with it. Changes nothing.

mod balance;
mod copies;
mod counted;
mod document;
mod look;
mod sizes;
mod text;

use super::crew;
use super::input::Input;
use crate::error::{Error, Result};
use crate::job::say;
use document::Document;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct CensusRequest {
    /// A folder, the files of a data set, or a pipeline.
    pub given: String,
    /// Keys of the source, or overrides of the pipeline.
    pub sets: Vec<String>,
    /// Most entries of a list; `--json` lists all.
    pub limit: usize,
    /// Threads; none is one a core.
    pub workers: Option<u16>,
    /// Whether one JSON document is printed.
    pub json: bool,
}

/// Looks at every picture once, and prints what was found. Damage is found, not suffered: it is no error.
///
/// # Errors
/// [`Error::Refused`] where there is no such data, [`Error::TooManyBad`] where no picture can be used.
pub fn census(request: &CensusRequest) -> Result<()> {
    let input = Input::open(&request.given, &request.sets)?;
    let places = input.places();
    let facts = crew::each(places.len(), request.workers, "looking", |index| look::look(&input, places[index]))?;
    let found = Document::of(&input, &facts);
    say(&match request.json {
        true => serde_json::to_string_pretty(&found).unwrap_or_default() + "\n",
        false => text::text(&found, request.limit),
    })?;
    match found.usable {
        0 => Err(Error::TooManyBad(format!("none of {} pictures of {} can be used", found.samples, input.what))),
        _ => Ok(()),
    }
}
