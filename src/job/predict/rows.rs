//! A row a picture, and the forms in which rows are written. Knows no model.

use super::super::ensemble::Ensemble;
use super::Request;
use super::csv::Csv;
use super::json::{Json, JsonLines};
use super::table::Table;
use crate::sample::BadSample;
use crate::source::Source;
use std::io::IsTerminal;
use std::path::Path;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// Comma-separated, with a line of titles.
    Csv,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// What a file's name asks for; otherwise a table on a terminal, and CSV where a program reads.
    pub fn usual(out: Option<&Path>) -> Self {
        match out.map(|out| out.extension().and_then(|extension| extension.to_str()).unwrap_or_default()) {
            Some("json") => Format::Json,
            Some("jsonl" | "ndjson") => Format::JsonLines,
            None if std::io::stdout().is_terminal() => Format::Table,
            _ => Format::Csv,
        }
    }

    /// The writer of rows in this form.
    pub fn rows<'a>(self, ensemble: &'a Ensemble, source: &dyn Source, request: &Request) -> Box<dyn Rows + 'a> {
        let classes = &ensemble.first().card.classes;
        let columns = Columns { classes, top: request.top.min(classes.len()), all: request.probabilities };
        match self {
            Format::Table => Box::new(Table::new(columns, source)),
            Format::Csv => Box::new(Csv(columns)),
            Format::Json => Box::new(Json::new(columns, ensemble)),
            Format::JsonLines => Box::new(JsonLines(columns)),
        }
    }
}

/// What a row has.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Names of the classes.
    pub classes: &'a [String],
    /// How many of the likeliest are named.
    pub top: usize,
    /// Whether all of them have their probability.
    pub all: bool,
}

/// What became of a picture.
pub enum Outcome<'a> {
    /// The likeliest classes, the likeliest first, and the probabilities of all.
    Good {
        /// Numbers of classes.
        ranked: Vec<usize>,
        /// One a class.
        probabilities: &'a [f64],
    },
    /// Why it could not be used.
    Bad(&'a BadSample),
}

/// One picture.
pub struct Row<'a> {
    /// Its path.
    pub path: &'a str,
    /// What became of it.
    pub outcome: Outcome<'a>,
}

/// How many pictures there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// With a class.
    pub predicted: u64,
    /// Without.
    pub bad: u64,
}

/// Turns rows into text.
pub trait Rows {
    /// What stands before the first row.
    fn begin(&mut self) -> String {
        String::new()
    }

    /// A row.
    fn row(&mut self, row: &Row) -> String;

    /// What stands behind the last.
    fn end(&mut self, summary: &Summary) -> String {
        let _ = summary;
        String::new()
    }
}

/// Our reason and the decoder's words.
pub fn reason(bad: &BadSample) -> String {
    if bad.words.is_empty() { bad.reason.clone() } else { format!("{}: {}", bad.reason, bad.words) }
}
