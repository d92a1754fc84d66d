//! How to get the same again: command, seed, hashes, version and machine.

use super::{Paper, Section};
use crate::report::html::{escaped, table};

pub(super) const SECTION: Section = Section { id: "reproduce", title: "Reproduce it", body };

fn body(paper: &Paper) -> Option<String> {
    let (outcome, machine) = (&paper.document.outcome, &paper.document.timing.machine);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let rows = [
        ("seed", outcome.seed.to_string()),
        ("weights, BLAKE3", known(&outcome.weights_blake3)),
        ("all batches delivered, BLAKE3", known(&outcome.stream_blake3)),
        ("program", format!("augpipe {}", machine.version)),
        ("processor", known(&machine.cpu)),
        ("vector extensions", machine.features.join(", ")),
        ("threads", machine.threads.to_string()),
        ("platform", machine.platform.clone()),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    let table = table("What the result follows from, and what it came to", &["what", "value"], &rows);
    let command = escaped(&paper.command);
    Some(format!(
        "<p>This command trains it again; on any machine, with any number of workers, hashes and scores come out the same.</p>\n\
         <pre tabindex=\"0\" aria-label=\"Command\">{command}</pre>\n<div class=\"words\">{table}</div>\n"
    ))
}
