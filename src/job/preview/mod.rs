//! `pipeline preview`: what happens to a sample on its way to the model, step by step, as a contact sheet and a page.

mod original;
mod page;
mod pick;
mod replay;
mod sheet;
mod shown;

use super::{run, say};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::{printable, write_atomic, write_png};
use replay::Replayed;
use shown::Shown;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file, or the folder of a run.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// Whose dice are thrown.
    pub epoch: u32,
    /// Identities; where there are none, the first ones of the epoch's pass are shown.
    pub samples: Vec<String>,
    /// How many samples, where none is named.
    pub count: usize,
    /// Folder for the two files.
    pub out: Option<PathBuf>,
    /// Whether the batches of the run are made again, and the rows taken out of them.
    pub replay: bool,
    /// Whether one JSON document is printed instead of words.
    pub json: bool,
}

/// Everything that sheet and page tell.
struct Preview<'p> {
    plan: &'p Plan,
    epoch: u32,
    samples: Vec<Shown>,
    /// One a sample, where they were asked for.
    replayed: Vec<Option<Replayed>>,
}

impl Preview<'_> {
    fn with_replays(&self) -> impl Iterator<Item = (&Shown, Option<&Replayed>)> {
        let replayed = self.replayed.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        self.samples.iter().zip(replayed)
    }
}

/// Writes `preview.png` and `preview.html` and says where they are.
///
/// # Errors
/// [`Error::Refused`] for a pipeline or a sample that there is not; [`Error::Fault`] should two ways to the same picture differ.
pub fn preview(request: &Request) -> Result<()> {
    let signals = run::signals::Signals::install()?;
    let run = original::RunPast::of(&request.name);
    let file = run.as_ref().map_or(request.name.clone(), |run| run.pipeline().display().to_string());
    let plan = Plan::load(&file, &request.sets)?;
    let folder = match (&request.out, &run) {
        (Some(out), _) => out.clone(),
        (None, Some(run)) => run.folder.join("preview"),
        (None, None) => plan.runs.join(&plan.name).join("preview"),
    };
    run::refuse_inside_data(&plan, &folder)?;
    let picked = pick::pick(&plan, request.epoch, &request.samples, request.count)?;
    let samples = shown::show(&plan, &picked)?;
    let replayed = match request.replay {
        true => replay::replay(&plan, &picked, &samples, &original::moments(&plan, run.as_ref(), &signals)?, &signals)?,
        false => Vec::new(),
    };
    let preview = Preview { plan: &plan, epoch: request.epoch, samples, replayed };
    std::fs::create_dir_all(&folder).map_err(Error::io("cannot make", &folder))?;
    let (sheet, page) = (folder.join("preview.png"), folder.join("preview.html"));
    write_png(&sheet, &sheet::draw(&preview))?;
    write_atomic(&page, page::write(&preview)?.as_bytes())?;
    say(&if request.json { as_json(&preview, &sheet, &page) } else { as_text(&preview, &sheet, &page) })
}

fn as_text(preview: &Preview, sheet: &Path, page: &Path) -> String {
    let mut text = String::new();
    for (sample, replayed) in preview.with_replays() {
        let name = printable(&sample.who.identity);
        match (&sample.outcome, replayed) {
            (Err(bad), _) => text += &format!("{name}: set aside: {}\n", printable(&shown::why(bad))),
            (Ok(_), Some(found)) => text += &format!("{name}: {}\n", found.sentence()),
            (Ok(_), None) => {}
        }
    }
    text + &format!("{}\n{}\n", page.display(), sheet.display())
}

fn as_json(preview: &Preview, sheet: &Path, page: &Path) -> String {
    let samples: Vec<_> = preview.with_replays().map(|(sample, replayed)| sample.as_json(replayed)).collect();
    let document = serde_json::json!({
        "pipeline": preview.plan.name, "seed": preview.plan.seed, "epoch": preview.epoch,
        "page": page.display().to_string(), "sheet": sheet.display().to_string(), "samples": samples,
    });
    format!("{document:#}\n")
}
