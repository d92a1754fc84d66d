//! How to get the same again: command, seed, hashes, version and machine.

use super::{Kind, Paper, Section};
use crate::report::html::{escaped, table};

pub(super) const SECTION: Section = Section { id: "reproduce", title: "Reproduce it", body };

fn body(paper: &Paper) -> Option<String> {
    let (outcome, machine) = (&paper.document.outcome, &paper.document.timing.machine);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let set = paper.document.written.as_ref().map(|set| set.export.clone());
    let rows = [
        ("seed", outcome.seed.to_string()),
        ("data, BLAKE3", known(&paper.document.data_blake3)),
        ("the set, BLAKE3 of what every shard repeats", known(&set)),
        ("weights, BLAKE3", known(&outcome.weights_blake3)),
        ("all batches delivered, BLAKE3", known(&outcome.stream_blake3)),
        ("program", format!("augpipe {}", machine.version)),
        ("processor", known(&machine.cpu)),
        ("vector extensions", machine.features.join(", ")),
        ("threads", machine.threads.to_string()),
        ("platform", machine.platform.clone()),
    ];
    let (leaves, again) = match paper.kind() {
        Kind::Trained => {
            (&["the set"][..], "trains it again; on any machine, with any number of workers, hashes and scores come out the same")
        }
        Kind::Wrote => (
            &["weights", "all batches"][..],
            "writes it again, into a folder that you choose; on any machine, with any number of workers, it comes out byte for byte the same",
        ),
        Kind::Delivered => (
            &["the set", "weights"][..],
            "delivers the same again; on any machine, with any number of workers, its hash is the same",
        ),
    };
    let rows = rows.into_iter().filter(|(name, _)| !leaves.iter().any(|other| name.starts_with(other)));
    let rows: Vec<_> = rows.map(|(name, value)| vec![name.to_owned(), value]).collect();
    let table = table("What the result follows from, and what it came to", &["what", "value"], &rows);
    let command = escaped(&paper.command);
    Some(format!(
        "<p>This command {again}.</p>\n\
         <pre tabindex=\"0\" aria-label=\"Command\">{command}</pre>\n<div class=\"words\">{table}</div>\n"
    ))
}
