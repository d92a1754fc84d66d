//! What storing the pictures after each operation would cost and save.

use super::stages::with_names;
use super::{Paper, Section, mebibytes};
use crate::report::html::table;
use crate::report::{Prefix, count};

pub(super) const SECTION: Section = Section { id: "stored", title: "What storing costs and saves", body };

fn body(paper: &Paper) -> Option<String> {
    let costs = paper.document.written.as_ref()?.costs.as_ref()?;
    let row = |prefix: &Prefix| {
        let after = prefix.after.clone().unwrap_or("decoding".to_owned());
        let seconds = [prefix.online_seconds, prefix.stored_seconds].map(|seconds| format!("{seconds:.2} s"));
        [after, prefix.variants.to_string(), mebibytes(prefix.disk_bytes)].into_iter().chain(seconds).collect::<Vec<_>>()
    };
    let rows: Vec<_> = costs.prefixes.iter().map(row).collect();
    let caption = format!("Pictures stored after each operation, as measured on {} samples", count(costs.measured as u64));
    let titles = ["stored after", "variants", "on disk", "processor time of an epoch up to there", "of an epoch from the set"];
    Some(format!("<p class=\"verdict\">{}</p>\n{}", with_names(&costs.advice), table(&caption, &titles, &rows)))
}
