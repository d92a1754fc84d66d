//! The text in which Prometheus and OpenMetrics have metrics. Knows no run.
//!
//! Only what both formats know is written — gauges and counters, no times beside values — because node exporter's textfile
//! collector reads the older of the two.

use std::fmt::Write;

/// Metrics of one name, as they are written.
pub(super) struct Family {
    text: String,
    sample: String,
}

/// A label and its value.
pub(super) type Label<'l> = (&'static str, &'l str);

impl Family {
    /// What can rise and fall. Where `unit` is not empty, `name` ends in it.
    pub fn gauge(name: &str, unit: &str, help: &str) -> Self {
        Self::new(name, unit, help, "gauge", "")
    }

    /// What only grows.
    pub fn counter(name: &str, unit: &str, help: &str) -> Self {
        Self::new(name, unit, help, "counter", "_total")
    }

    fn new(name: &str, unit: &str, help: &str, kind: &str, suffix: &str) -> Self {
        let unit = if unit.is_empty() { String::new() } else { format!("# UNIT {name} {unit}\n") };
        let text = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{unit}");
        Self { text, sample: format!("{name}{suffix}") }
    }

    /// Adds a value.
    pub fn value(mut self, labels: &[Label<'_>], value: f64) -> Self {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let number = if value.is_nan() {
            "NaN".to_owned()
        } else if value.is_infinite() {
            (if value > 0.0 { "+Inf" } else { "-Inf" }).to_owned()
        } else {
            value.to_string()
        };
        // Writing to a string never fails.
        let _ = writeln!(self.text, "{}{{{}}} {number}", self.sample, labels.join(","));
        self
    }

    /// Adds a value where there is one.
    pub fn maybe(self, labels: &[Label<'_>], value: Option<f64>) -> Self {
        match value {
            Some(value) => self.value(labels, value),
            None => self,
        }
    }

    fn is_empty(&self) -> bool {
        self.text.lines().all(|line| line.starts_with('#'))
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

/// The whole text; families without a value are left out.
pub(super) fn exposition(families: impl IntoIterator<Item = Family>) -> String {
    let mut text: String = families.into_iter().filter(|family| !family.is_empty()).map(|family| family.text).collect();
    text.push_str("# EOF\n");
    text
}
