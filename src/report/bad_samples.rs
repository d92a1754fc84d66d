//! `bad_samples.tsv`: who was set aside and why. Valid whatever a file is called.

use super::words::printable;
use crate::error::{Error, Result};
use crate::sample::BadSample;
use std::path::Path;

const HEADER: &str = "path\tclass\tstage\treason\twords\n";

/// One row, as it is written: every field escaped, so that a row is one line of five fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadRow {
    /// Relative path, or record number.
    pub path: String,
    /// Class name.
    pub class: String,
    /// The stage that refused it.
    pub stage: String,
    /// Our reason.
    pub reason: String,
    /// The decoder's or the system's words; may be empty.
    pub words: String,
}

impl BadRow {
    /// The row of `sample`.
    pub fn new(sample: &BadSample) -> Self {
        Self {
            path: printable(&sample.path),
            class: printable(&sample.class),
            stage: printable(sample.stage),
            reason: printable(&sample.reason),
            words: printable(&sample.words),
        }
    }
}

/// The text of `bad_samples.tsv`: a header, then one row a sample. Control characters are written `\t`, `\n`, `\u{1b}`, and a
/// backslash as two.
pub fn bad_samples_tsv<'r>(rows: impl IntoIterator<Item = &'r BadRow>) -> String {
    let mut text = HEADER.to_owned();
    for BadRow { path, class, stage, reason, words } in rows {
        text.extend([path, "\t", class, "\t", stage, "\t", reason, "\t", words, "\n"]);
    }
    text
}

/// The rows of a file that [`bad_samples_tsv`] made; none where there is no such file.
///
/// # Errors
/// [`Error::Io`] where it cannot be read, [`Error::Damaged`] where it is something else.
pub fn read_bad_samples(path: &Path) -> Result<Vec<BadRow>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(Error::io("cannot read", path))?,
    };
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    let rows = text.strip_prefix(HEADER).ok_or_else(|| damaged("is not a table of bad samples; remove it".into()))?;
    let rows = rows.lines().enumerate().map(|(number, line)| {
        let short = || damaged(format!("line {} does not have five fields; remove the file", number + 2));
        row(line).ok_or_else(short)
    });
    rows.collect()
}

fn row(line: &str) -> Option<BadRow> {
    let mut fields = line.split('\t').map(str::to_owned);
    let mut next = || fields.next();
    let row = BadRow { path: next()?, class: next()?, stage: next()?, reason: next()?, words: next()? };
    fields.next().is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_one_row_of_five_fields_that_reads_back(texts in proptest::collection::vec("(?s).{0,12}", 4)) {
            let [path, class, reason, words] = texts.try_into().unwrap();
            let row = BadRow::new(&BadSample { path, class, stage: "decode", reason, words });
            let text = bad_samples_tsv([&row, &row]);
            prop_assert_eq!(text.lines().count(), 3);
            prop_assert!(text.lines().all(|line| line.matches('\t').count() == 4));
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("bad_samples.tsv");
            std::fs::write(&file, &text).unwrap();
            prop_assert_eq!(read_bad_samples(&file).unwrap(), [row.clone(), row]);
        }
    }

    #[test]
    fn an_absent_table_is_empty_and_a_foreign_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad_samples.tsv");
        assert_eq!(read_bad_samples(&file).unwrap(), []);
        std::fs::write(&file, "something else").unwrap();
        assert!(read_bad_samples(&file).unwrap_err().to_string().contains("bad_samples.tsv"));
        std::fs::write(&file, format!("{HEADER}a\tb\tc\n")).unwrap();
        assert!(read_bad_samples(&file).unwrap_err().to_string().contains("line 2"));
    }
}
