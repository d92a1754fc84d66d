//! The page of a run that trains nothing: a numbered folder below the pipeline's runs, or the file that was asked for. Knows what goes
//! there from the run, and shows none of it itself.

use super::{PageAt, Request, quoted};
use crate::error::{Error, Result};
use crate::job::claim::ClaimedFolder;
use crate::job::report;
use crate::plan::{Plan, resolved_text};
use crate::report::{Document, Heard, bad_samples_tsv};
use crate::sample::Image;
use std::collections::BTreeSet;

/// Refuses a file that cannot be made, before any work is done.
///
/// # Errors
/// [`Error::Refused`].
pub fn refuse_unwritable(request: &Request) -> Result<()> {
    let PageAt::File(file) = &request.page else { return Ok(()) };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent.is_none_or(|parent| parent.is_dir()) && !file.is_dir() {
        true => Ok(()),
        false => Err(Error::refused(
            format!("the page cannot be written to {}", file.display()),
            "give a file in a folder that is there",
        )),
    }
}

/// Writes the page of a run of which `heard` has heard, whatever its end; `add` puts what came of it into the document.
///
/// # Errors
/// [`Error::Io`] where the file that was asked for cannot be written. In the usual place, a report that cannot be written is an answer:
/// it says why, and what the run was asked for is there all the same.
pub fn leave(
    plan: &Plan,
    request: &Request,
    heard: &Heard,
    sheet: impl FnOnce() -> Vec<Vec<Image>>,
    add: impl FnOnce(&mut Document),
) -> Result<Option<String>> {
    if request.page == PageAt::Nowhere {
        return Ok(None);
    }
    let (mut document, bad) = (heard.document(), heard.bad());
    add(&mut document);
    match &request.page {
        PageAt::File(file) => {
            let sets: String = request.sets.iter().map(|set| format!(" --set {}", quoted(set))).collect();
            let out = if document.written.is_some() { " --out NEW_FOLDER" } else { "" };
            let command = format!("pipeline run {}{sets}{out}", quoted(&request.name));
            report::write_page(file, String::new(), command, resolved_text(plan), document, bad, sheet()).map(|()| None)
        }
        _ => {
            let written = ClaimedFolder::create(&plan.runs, &plan.name, None).and_then(|claimed| {
                claimed.write("pipeline.toml", resolved_text(plan).as_bytes())?;
                claimed.write("bad_samples.tsv", bad_samples_tsv(&bad.iter().cloned().collect::<BTreeSet<_>>()).as_bytes())?;
                claimed.write("report.json", document.to_json().as_bytes())?;
                report::of_run(plan, claimed.path(), document, bad, sheet())?;
                claimed.finish()
            });
            Ok(written.err().map(|error| format!("the run has no report: {error}")))
        }
    }
}
