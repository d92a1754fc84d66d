//! What the layers of a network take: rows and a table. Measures nothing.

use crate::report::words::{printable, thousands};
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// One layer, or another part of a step. Times are of a step from start to end: work of all threads, divided by their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerRow {
    /// Number and kind of the layer, or what else it is.
    pub name: String,
    /// What it is in a few words; may be empty.
    pub about: String,
    /// Shape of its output; empty for what is no layer.
    pub out_shape: String,
    /// Milliseconds forward.
    pub forward_ms: f64,
    /// Milliseconds backward, or of what has no direction.
    pub backward_ms: f64,
    /// Billions of floating-point operations a second while the threads work on it; none where it computes none to speak of.
    pub gflops: Option<f64>,
    /// That as a share of the peak, 0–1; a kernel that gets by with fewer operations than the plain formula may go past 1.
    pub of_peak: Option<f64>,
    /// Share of the step's time, 0–1.
    pub of_step: f64,
}

impl LayerRow {
    /// A row for `work` forward and backward of `threads` together in a step of `step`, which was `flops` operations.
    pub fn new(name: String, work: [Duration; 2], flops: u64, step: &LayerProfile) -> Self {
        let [forward_ms, backward_ms] = work.map(|time| 1e3 * time.as_secs_f64() / step.threads.max(1) as f64);
        let whole = forward_ms + backward_ms;
        let gflops = (flops > 0 && whole > 0.0).then(|| flops as f64 / whole / 1e6);
        let of_peak = gflops.map(|gflops| gflops / step.peak_gflops).filter(|share| share.is_finite());
        let of_step = if step.metered_step_ms > 0.0 { whole / step.metered_step_ms } else { 0.0 };
        Self { name, forward_ms, backward_ms, gflops, of_peak, of_step, ..Self::default() }
    }
}

/// What a step of training is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerProfile {
    /// Pipeline name.
    pub name: String,
    /// Images in a batch.
    pub batch_size: usize,
    /// Threads of the trainer.
    pub threads: usize,
    /// The instructions in use.
    pub isa: String,
    /// Billions of operations a second that multiply-adds in registers reach on all these threads.
    pub peak_gflops: f64,
    /// Steps that were measured.
    pub steps: u64,
    /// Milliseconds of a step while nothing is measured: the median.
    pub step_ms: f64,
    /// Milliseconds of a step while layers are measured: the mean. Shares are of it.
    pub metered_step_ms: f64,
    /// Layers in order, then loss, update, and what is left.
    pub rows: Vec<LayerRow>,
    /// All layers' operations a step over the time of an unmeasured step, in billions a second.
    pub gflops: f64,
}

/// What the numbers mean.
const MEANING: &str = "A layer's time is what all threads worked on it, divided by their number; waiting is what they did not. Operations are \
                       those of the plain formulas (a multiply-add is two; backward: gradients of weights and of inputs).\n";

impl LayerProfile {
    /// As a table for people.
    pub fn table(&self) -> String {
        let Self { name, batch_size, threads, isa, peak_gflops, step_ms, metered_step_ms, .. } = self;
        let rate = *batch_size as f64 / (step_ms / 1e3);
        let peak = 100.0 * self.gflops / peak_gflops;
        let name_width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(5);
        let shape_width = self.rows.iter().map(|row| row.out_shape.chars().count()).max().unwrap_or(0).max(6);
        let mut text = format!(
            "{}: a step of {batch_size} images takes {step_ms:.2} ms on {} ({} images/s; {metered_step_ms:.2} ms while measured)\n\
             multiply-adds in registers reach {} GFLOP/s ({isa}); the step's layers {} ({peak:.0} %)\n\n",
            printable(name),
            counted(*threads, "thread"),
            thousands(rate),
            thousands(*peak_gflops),
            thousands(self.gflops)
        );
        let _ = writeln!(
            text,
            "{:name_width$}  {:>shape_width$} {:>11} {:>11} {:>8} {:>8} {:>8}",
            "layer", "output", "forward ms", "backward ms", "GFLOP/s", "of peak", "of step"
        );
        for row in &self.rows {
            let percent = |share: f64| format!("{:.1} %", 100.0 * share);
            let (gflops, of_peak) = (row.gflops.map_or("–".to_owned(), thousands), row.of_peak.map_or("–".to_owned(), percent));
            let forward = if row.out_shape.is_empty() { "–".to_owned() } else { format!("{:.3}", row.forward_ms) };
            let _ = writeln!(
                text,
                "{:name_width$}  {:>shape_width$} {forward:>11} {:>11.3} {gflops:>8} {of_peak:>8} {:>8}",
                row.name,
                row.out_shape,
                row.backward_ms,
                percent(row.of_step)
            );
        }
        text + "\n" + MEANING
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_follow_from_times() {
        let step = LayerProfile {
            threads: 2,
            peak_gflops: 100.0,
            metered_step_ms: 20.0,
            batch_size: 64,
            step_ms: 16.0,
            ..Default::default()
        };
        let row = LayerRow::new("0 conv".into(), [4, 12].map(Duration::from_millis), 400_000_000, &step);
        assert_eq!((row.forward_ms, row.backward_ms, row.gflops, row.of_peak, row.of_step), (2.0, 6.0, Some(50.0), Some(0.5), 0.4));
        let idle = LayerRow::new("loss".into(), [Duration::ZERO; 2], 0, &step);
        assert_eq!((idle.gflops, idle.of_peak, idle.of_step), (None, None, 0.0));
        let conv = LayerRow { out_shape: "8×4×4".into(), ..row };
        let table = LayerProfile { rows: vec![conv, idle], ..step }.table();
        assert!(table.contains("64 images takes 16.00 ms on 2 threads (4,000 images/s; 20.00 ms while measured)"), "{table}");
        let lines: Vec<_> = table.lines().skip_while(|line| !line.starts_with("layer")).take(3).collect();
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
        assert!(lines[1].contains("50.0 %") && lines[1].ends_with("40.0 %"), "{table}");
    }
}
