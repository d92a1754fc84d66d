//! `pipeline report`, and the page that a run leaves: from what lies in the run's folder, and pictures read once more.

use super::run::hardest;
use super::run::quoted;
use super::say;
use crate::batch::Part;
use crate::error::{Error, Result};
use crate::plan::{End, Plan, resolved_text};
use crate::report::page::{HardPicture, Paper, page};
use crate::report::{BadRow, Document, fit, read_bad_samples, write_atomic};
use crate::sample::Image;
use std::path::{Path, PathBuf};

/// The page's name in a run folder.
pub const PAGE: &str = "report.html";
/// Samples on the sheet, and variants of each beside the original.
const SHEET: (usize, u32) = (8, 7);
/// A larger picture is not kept for the sheet.
const SIDE: usize = 96;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder of a run.
    pub run: PathBuf,
    /// Another place for the page.
    pub out: Option<PathBuf>,
}

/// Writes the page of a run from its folder again. Pictures are there where the data still is.
///
/// # Errors
/// [`Error::Refused`] where there is no run; [`Error::Damaged`], [`Error::Io`].
pub fn report(request: &Request) -> Result<()> {
    let folder = &request.run;
    let document = read_document(folder)?;
    let bad = read_bad_samples(&folder.join("bad_samples.tsv"))?;
    let pipeline = folder.join("pipeline.toml");
    let plan = Plan::load(&pipeline.display().to_string(), &[]);
    let text = std::fs::read_to_string(&pipeline).unwrap_or_default();
    let augmented = plan.as_ref().map_or_else(|_| Vec::new(), sheet);
    let out = request.out.clone().unwrap_or_else(|| folder.join(PAGE));
    write(&out, folder, text, document, bad, plan.as_ref().ok(), augmented)?;
    say(&format!("{}\n", out.display()))
}

/// The report of the run in `folder`.
///
/// # Errors
/// [`Error::Refused`] where there is none, [`Error::Damaged`] where it cannot be understood.
pub fn read_document(folder: &Path) -> Result<Document> {
    let path = folder.join("report.json");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("{} cannot be read: {error}", path.display());
        Error::refused(message, "give the folder of a run, like runs/NAME/1")
    })?;
    serde_json::from_str(&text).map_err(|error| Error::Damaged { path, why: error.to_string() })
}

/// Writes the page of a run whose reports have just been written, whatever its end; `document` is what they say.
///
/// # Errors
/// [`Error::Io`].
pub fn of_run(plan: &Plan, folder: &Path, document: Document, bad: Vec<BadRow>, augmented: Vec<Vec<Image>>) -> Result<()> {
    // The report as it lies there shows the same times; it cannot be read back where a loss is not finite.
    let document = read_document(folder).unwrap_or(document);
    write(&folder.join(PAGE), folder, resolved_text(plan), document, bad, Some(plan), augmented)
}

/// Training samples beside their variants, small; of a set, beside those that it has.
pub fn sheet(plan: &Plan) -> Vec<Vec<Image>> {
    let variants = if let End::Write(end) = &plan.end { end.variants.min(SHEET.1) } else { SHEET.1 };
    small(plan.contact_rows(SHEET.0, variants))
}

/// The same pictures, none larger than a page shows them.
pub fn small(rows: Vec<Vec<Image>>) -> Vec<Vec<Image>> {
    let shrink = |picture: Image| if picture.height().max(picture.width()) > SIDE { fit(&picture, SIDE) } else { picture };
    rows.into_iter().map(|row| row.into_iter().map(shrink).collect()).collect()
}

fn write(
    out: &Path,
    folder: &Path,
    pipeline: String,
    document: Document,
    bad: Vec<BadRow>,
    plan: Option<&Plan>,
    augmented: Vec<Vec<Image>>,
) -> Result<()> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let elsewhere = if document.written.is_some() { " --out NEW_FOLDER" } else { "" };
    let command = format!("pipeline run {}{elsewhere}", quoted(&folder.join("pipeline.toml").display().to_string()));
    let hardest = plan.map_or_else(Vec::new, |plan| pictures(plan, &document));
    let (finished, folder) = (finished(&document), folder.display().to_string());
    let paper = Paper { document, bad, pipeline, folder, command, finished, augmented, hardest };
    write_atomic(out, page(&paper).as_bytes())
}

/// Whether a run came to its end.
fn finished(document: &Document) -> bool {
    let trained = document.outcome.stopped.is_some() && document.diagnosis.is_some();
    trained || document.written.is_some() || document.delivered.is_some()
}

/// Writes the page of a run that has no folder of its own.
///
/// # Errors
/// [`Error::Io`].
pub fn write_page(
    out: &Path,
    folder: String,
    command: String,
    pipeline: String,
    document: Document,
    bad: Vec<BadRow>,
    augmented: Vec<Vec<Image>>,
) -> Result<()> {
    let finished = finished(&document);
    let paper = Paper { document, bad, pipeline, folder, command, finished, augmented, hardest: Vec::new() };
    write_atomic(out, page(&paper).as_bytes())
}

/// The pictures of the samples with the greatest losses.
fn pictures(plan: &Plan, document: &Document) -> Vec<HardPicture> {
    let Some(diagnosis) = &document.diagnosis else { return Vec::new() };
    let parts = [(Part::Test, &diagnosis.test), (Part::Validation, &diagnosis.validation), (Part::Train, &diagnosis.train)];
    let known = parts.into_iter().filter_map(|(part, found)| Some((part, found.as_ref()?)));
    let of_part = |(part, found): (Part, &crate::event::diagnosis::PartDiagnosis)| {
        let paths: Vec<&str> = found.top_losses.iter().map(|loss| loss.path.as_str()).collect();
        let pictures = hardest::read_again(plan, part, &paths);
        let named = paths.into_iter().map(str::to_owned).zip(pictures);
        named.map(|(path, picture)| HardPicture { part: part.name(), path, picture }).collect::<Vec<_>>()
    };
    known.flat_map(of_part).collect()
}
