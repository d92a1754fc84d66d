//! Rows as JSON: one document, or an object a line. Both are written as the rows come, however many there are.

use super::super::ensemble::Ensemble;
use super::rows::{Columns, Outcome, Row, Rows, Summary};
use serde_json::{Value, json};

/// An object a line.
pub struct JsonLines<'a>(pub Columns<'a>);

/// One document: `model`, `predictions`, and at the end `predicted` and `bad`.
pub struct Json<'a> {
    lines: JsonLines<'a>,
    model: Value,
    first: bool,
}

impl<'a> Json<'a> {
    /// A document that says which model has spoken, and with which others.
    pub fn new(columns: Columns<'a>, ensemble: &Ensemble) -> Self {
        let mut model = ensemble.as_json();
        model["classes"] = json!(ensemble.first().card.classes);
        Self { lines: JsonLines(columns), model, first: true }
    }
}

impl JsonLines<'_> {
    fn object(&self, row: &Row) -> Value {
        let class = |number: usize| self.0.classes[number].as_str();
        let (ranked, probabilities) = match &row.outcome {
            Outcome::Good { ranked, probabilities } => (ranked, probabilities),
            Outcome::Bad(bad) => {
                let error = json!({ "stage": bad.stage, "reason": bad.reason, "words": bad.words });
                return json!({ "path": row.path, "error": error });
            }
        };
        let likeliest = ranked.first().copied().unwrap_or(0);
        let mut object = json!({ "path": row.path, "class": class(likeliest), "probability": probabilities[likeliest] });
        if self.0.top > 1 {
            object["top"] = ranked.iter().map(|&c| json!({ "class": class(c), "probability": probabilities[c] })).collect();
        }
        if self.0.all {
            object["probabilities"] = (0..probabilities.len()).map(|c| (class(c).to_owned(), json!(probabilities[c]))).collect();
        }
        object
    }
}

impl Rows for JsonLines<'_> {
    fn row(&mut self, row: &Row) -> String {
        format!("{}\n", self.object(row))
    }
}

impl Rows for Json<'_> {
    fn begin(&mut self) -> String {
        format!("{{\n\"model\": {},\n\"predictions\": [", self.model)
    }

    fn row(&mut self, row: &Row) -> String {
        let mark = if std::mem::take(&mut self.first) { "" } else { "," };
        format!("{mark}\n{}", self.lines.object(row))
    }

    fn end(&mut self, summary: &Summary) -> String {
        format!("\n],\n\"predicted\": {}, \"bad\": {}\n}}\n", summary.predicted, summary.bad)
    }
}
