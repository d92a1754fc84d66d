//! Rows for people: paths, classes, and probabilities in percent.

use super::rows::{Columns, Outcome, Row, Rows, reason};
use crate::report::printable;
use crate::source::Source;

/// Longer paths stand out of their column.
const WIDEST: usize = 60;
/// Paths that are looked at for the column's width.
const LOOKED_AT: usize = 1000;

/// Writes aligned columns.
pub struct Table<'a> {
    columns: Columns<'a>,
    /// Characters of the columns of paths and of classes.
    widths: [usize; 2],
}

impl<'a> Table<'a> {
    /// Columns wide enough for the first paths of `source` and for all classes.
    pub fn new(columns: Columns<'a>, source: &dyn Source) -> Self {
        let length = |text: &str| printable(text).chars().count();
        let paths = (0..source.len().min(LOOKED_AT)).map(|index| length(&source.identity(index).0)).max().unwrap_or(0);
        let classes = columns.classes.iter().map(|class| length(class)).max().unwrap_or(0);
        Self { columns, widths: [paths.min(WIDEST), classes.min(WIDEST)] }
    }
}

impl Rows for Table<'_> {
    fn row(&mut self, row: &Row) -> String {
        let [paths, classes] = self.widths;
        let class = |number: usize| printable(&self.columns.classes[number]);
        let text = match &row.outcome {
            Outcome::Bad(bad) => format!("could not be used: {}", printable(&reason(bad))),
            Outcome::Good { ranked, probabilities } => {
                let one = |&number: &usize| format!("{:<classes$} {:>6.2} %", class(number), 100.0 * probabilities[number]);
                let all = (0..probabilities.len()).filter(|number| self.columns.all && !ranked.contains(number));
                ranked.iter().map(one).chain(all.map(|number| one(&number))).collect::<Vec<_>>().join("  ")
            }
        };
        format!("{:<paths$}  {text}\n", printable(row.path))
    }
}
