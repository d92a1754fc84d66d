//! A profile for the terminal.

use super::measured::{PartCost, Profile, StageProfile};
use super::verdict::Verdict;
use crate::report::words::{printable, thousands};
use serde::Serialize;
use std::fmt::Write;

/// What was predicted, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// Workers of every stage.
    pub workers: Vec<usize>,
    /// Samples a second that were expected.
    pub predicted: f64,
    /// Samples a second that were measured.
    pub measured: f64,
}

impl Proof {
    /// By how much the measurement differs from the prediction, as a share of the measurement.
    pub fn error(&self) -> f64 {
        (self.predicted - self.measured) / self.measured
    }

    /// In a line.
    pub fn words(&self, profile: &Profile) -> String {
        let stages = profile.stages.iter().zip(&self.workers).filter(|(stage, _)| stage.parallel);
        let workers: Vec<String> = stages.map(|(stage, workers)| format!("{} ×{workers}", stage.stage)).collect();
        format!(
            "verified with {}: predicted {} images/s, measured {} ({:+.0} %)\n",
            workers.join(", "),
            thousands(self.predicted),
            thousands(self.measured),
            100.0 * self.error()
        )
    }
}

/// Stages by themselves, together, their parts, and the verdict, as far as there are such.
pub fn table(profile: &Profile, verdict: Option<&Verdict>, proof: Option<&Proof>) -> String {
    let mut text = format!("{}: {} cores, {}\n", printable(&profile.name), profile.cores, profile.packed());
    text += "\neach stage by itself, inputs in memory (milliseconds an image)\n";
    let _ =
        writeln!(text, "{:<9} {:>7} {:>10} {:>9} {:>9} {:>9} {:>9}", "stage", "workers", "images/s", "mean", "p50", "p99", "CPU");
    for stage in &profile.stages {
        for alone in &stage.alone {
            let mark = if alone.workers == stage.workers { "*" } else { "" };
            let [mean, p50, p99, cpu] = [alone.mean_ms, alone.p50_ms, alone.p99_ms, alone.cpu_ms].map(milliseconds);
            let (workers, rate) = (format!("{}{mark}", alone.workers), thousands(alone.rate));
            let _ = writeln!(text, "{:<9} {workers:>7} {rate:>10} {mean:>9} {p50:>9} {p99:>9} {cpu:>9}", stage.stage);
        }
    }
    if let Some(rate) = profile.rate {
        text += &together(profile, rate);
    }
    for stage in &profile.stages {
        text += &parts(stage, stage.part_word(), &stage.operations);
        text += &parts(stage, "class", &heaviest(&stage.classes));
    }
    let proof = proof.map_or(String::new(), |proof| proof.words(profile));
    let sentence = verdict.map_or(String::new(), |verdict| format!("\n{}\n", verdict.sentence));
    text + &sentence + &proof
}

fn together(profile: &Profile, rate: f64) -> String {
    let used = profile.cores_busy.map_or(String::new(), |share| format!(", {:.0} % of the cores' time", 100.0 * share));
    let mut text = format!("\nall together for {:.1} s: {} images/s{used}\n", profile.seconds, thousands(rate));
    let _ = writeln!(
        text,
        "{:<9} {:>7} {:>7} {:>8} {:>8} {:>7} {:>9}",
        "stage", "workers", "busy", "starved", "blocked", "CPU", "queue"
    );
    for stage in &profile.stages {
        let Some(now) = &stage.together else { continue };
        let [busy, starved, blocked] = [now.busy, now.starved, now.blocked].map(percent);
        let cpu = now.cpu.map_or("–".to_owned(), percent);
        let queue = if now.capacity == 0 { "–".to_owned() } else { format!("{:.1}/{}", now.queue, now.capacity) };
        let _ = writeln!(text, "{:<9} {:>7} {busy:>7} {starved:>8} {blocked:>8} {cpu:>7} {queue:>9}", stage.stage, stage.workers);
    }
    text
}

fn parts(stage: &StageProfile, what: &str, parts: &[PartCost]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let width = parts.iter().map(|part| printable(&part.name).chars().count()).max().unwrap_or(0).max(what.len());
    let mut text = format!("\n{} by {what}\n{what:<width$} {:>9} {:>7}\n", stage.stage, "ms/image", "share");
    for part in parts {
        let _ = writeln!(text, "{:<width$} {:>9} {:>7}", printable(&part.name), milliseconds(part.ms), percent(part.share));
    }
    text
}

/// Classes that stand out; none where all cost about what their number says.
pub(super) fn heaviest(classes: &[PartCost]) -> Vec<PartCost> {
    let mut heavy: Vec<_> =
        classes.iter().filter(|class| class.share > 2.0 * class.samples && class.share > 0.05).cloned().collect();
    heavy.sort_by(|a, b| b.share.total_cmp(&a.share));
    heavy.truncate(5);
    heavy
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Three digits that matter, down to a microsecond.
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms >= 99.95 => format!("{ms:.0}"),
        ms if ms >= 9.995 => format!("{ms:.1}"),
        ms if ms >= 0.9995 => format!("{ms:.2}"),
        ms => format!("{ms:.4}"),
    }
}
