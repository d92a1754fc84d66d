//! The page of a run: one HTML file with everything in it, light and dark, for any browser, offline; no scripts.
//!
//! A section is a file and two lines here. All of it is a pure function of what is handed in; nothing is read or measured.

mod calibration;
mod census;
mod classes;
mod confusion;
mod curves;
mod diagnosis;
mod hardest;
mod picture;
mod pipeline;
mod plot;
mod reproduce;
mod samples;
mod stages;
mod stored;
mod summary;
mod written;

pub use plot::{Plot, Series, plot};

use super::html::{escaped, frame};
use super::{BadRow, Document};
use crate::sample::Image;

/// The style of this page, and of others that show runs.
pub const STYLE: &str = include_str!("style.css");

/// What a page is made of.
#[derive(Default)]
pub struct Paper {
    /// The run's report.
    pub document: Document,
    /// Samples that were set aside.
    pub bad: Vec<BadRow>,
    /// The pipeline as it was understood, as TOML text.
    pub pipeline: String,
    /// The folder of the run.
    pub folder: String,
    /// The command that runs the same pipeline again.
    pub command: String,
    /// Whether the run came to its end.
    pub finished: bool,
    /// Training samples, each followed by what augmentation makes of it; may be empty.
    pub augmented: Vec<Vec<Image>>,
    /// Pictures of the samples with the greatest losses.
    pub hardest: Vec<HardPicture>,
}

/// A sample of `top_losses`, looked up again.
pub struct HardPicture {
    /// `train`, `validation` or `test`.
    pub part: &'static str,
    /// Its identity.
    pub path: String,
    /// Its picture, or why there is none.
    pub picture: Result<Image, String>,
}

/// What sort of run a page shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It learned.
    Trained,
    /// It wrote an offline set.
    Wrote,
    /// It delivered to nobody, to be measured.
    Delivered,
}

impl Paper {
    fn kind(&self) -> Kind {
        match (&self.document.written, &self.document.delivered) {
            (Some(_), _) => Kind::Wrote,
            (_, Some(_)) => Kind::Delivered,
            _ => Kind::Trained,
        }
    }
}

/// A part of the page with a heading of its own.
struct Section {
    /// What links to it are called.
    id: &'static str,
    /// Its heading.
    title: &'static str,
    /// What stands below, as HTML; none where there is nothing to show.
    body: fn(&Paper) -> Option<String>,
}

/// In the order in which a reader wants them.
const SECTIONS: [Section; 14] = [
    summary::SECTION,
    written::SECTION,
    stored::SECTION,
    curves::SECTION,
    diagnosis::SECTION,
    confusion::SECTION,
    classes::SECTION,
    hardest::SECTION,
    calibration::SECTION,
    samples::SECTION,
    census::SECTION,
    stages::SECTION,
    pipeline::SECTION,
    reproduce::SECTION,
];

/// The whole page.
pub fn page(paper: &Paper) -> String {
    let bodies: Vec<(&Section, String)> =
        SECTIONS.iter().filter_map(|section| (section.body)(paper).map(|body| (section, body))).collect();
    let link = |(section, _): &(&Section, String)| format!("<li><a href=\"#{}\">{}</a></li>\n", section.id, section.title);
    let links: String = bodies.iter().map(link).collect();
    let whole = |(section, body): &(&Section, String)| {
        let Section { id, title, .. } = section;
        format!("<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n")
    };
    let main: String = bodies.iter().map(whole).collect();
    let outcome = &paper.document.outcome;
    let folder = if paper.folder.is_empty() { String::new() } else { format!(" in <code>{}</code>", escaped(&paper.folder)) };
    let run = match paper.kind() {
        Kind::Trained => "A training run",
        Kind::Wrote => "A run that wrote an offline set, reported",
        Kind::Delivered => "A run that delivered one epoch to be measured, and kept nothing",
    };
    let header = format!(
        "<p class=\"soft\">{run}{folder}, seed {}.</p>\n<nav aria-label=\"Sections\">\n<ul>\n{links}</ul>\n</nav>\n",
        outcome.seed
    );
    frame(&format!("{}: report", outcome.name), STYLE, &header, &main)
}

/// A share in per cent.
fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { "–".to_owned() }
}

/// Bytes in MiB.
fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 10.0 { format!("{mebibytes:.1} MiB") } else { format!("{mebibytes:.0} MiB") }
}

#[cfg(test)]
mod tests;
