//! Rows as comma-separated values (RFC 4180): path, class and probability, the next likeliest, all classes where they are asked for,
//! and what was wrong.

use super::rows::{Columns, Outcome, Row, Rows, reason};

/// Writes CSV.
pub struct Csv<'a>(pub Columns<'a>);

impl Csv<'_> {
    fn line(&self, fields: impl IntoIterator<Item = String>) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory cannot fail.
        let _ = writer.write_record(fields);
        String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }
}

impl Rows for Csv<'_> {
    fn begin(&mut self) -> String {
        let ranked = (1..=self.0.top).flat_map(|place| {
            let mark = if place == 1 { String::new() } else { format!("_{place}") };
            [format!("class{mark}"), format!("probability{mark}")]
        });
        let all = self.0.classes.iter().filter(|_| self.0.all).map(|class| format!("p({class})"));
        self.line(["path".to_owned()].into_iter().chain(ranked).chain(all).chain(["error".to_owned()]))
    }

    fn row(&mut self, row: &Row) -> String {
        let classes = self.0.classes;
        let all = if self.0.all { classes.len() } else { 0 };
        let values: Vec<String> = match &row.outcome {
            Outcome::Good { ranked, probabilities } => {
                let ranked = ranked.iter().flat_map(|&class| [classes[class].clone(), probabilities[class].to_string()]);
                ranked.chain(probabilities[..all].iter().map(f64::to_string)).chain([String::new()]).collect()
            }
            Outcome::Bad(bad) => std::iter::repeat_n(String::new(), 2 * self.0.top + all).chain([reason(bad)]).collect(),
        };
        self.line([row.path.to_owned()].into_iter().chain(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::BadSample;

    #[test]
    fn every_line_has_as_many_fields_whatever_names_hold() {
        let classes = ["a,b".to_owned(), "say \"c\"\n".to_owned()];
        let mut csv = Csv(Columns { classes: &classes, top: 2, all: true });
        let (path, words) = ("d, e.png".to_owned(), "x, y".to_owned());
        let bad = BadSample { path, class: String::new(), stage: "decode", reason: "truncated".to_owned(), words };
        let good = Outcome::Good { ranked: vec![1, 0], probabilities: &[0.25, 0.75] };
        let text = csv.begin()
            + &csv.row(&Row { path: "p.png", outcome: good })
            + &csv.row(&Row { path: &bad.path, outcome: Outcome::Bad(&bad) });
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let lines: Vec<Vec<String>> = reader.deserialize().collect::<Result<_, _>>().unwrap();
        assert_eq!(lines[0], ["path", "class", "probability", "class_2", "probability_2", "p(a,b)", "p(say \"c\"\n)", "error"]);
        assert_eq!(lines[1], ["p.png", "say \"c\"\n", "0.75", "a,b", "0.25", "0.25", "0.75", ""]);
        assert_eq!(lines[2], ["d, e.png", "", "", "", "", "", "", "truncated: x, y"]);
    }
}
