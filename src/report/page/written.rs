//! What a set that was written holds.

use super::{Paper, Section, mebibytes};
use crate::report::html::table;
use crate::report::words::count;

pub(super) const SECTION: Section = Section { id: "set", title: "The set", body };

/// More classes are not listed.
const MOST: usize = 200;

fn body(paper: &Paper) -> Option<String> {
    let set = paper.document.written.as_ref()?;
    let share = set.share.as_ref().map_or("the whole set".to_owned(), |share| format!("share {share} of the set"));
    let layout = if set.layout == "shards" { "tar archives, as WebDataset reads them" } else { "a folder for each class" };
    let rows = [
        ("folder", set.path.clone()),
        ("written", share),
        ("layout", layout.to_owned()),
        ("pictures are stored as", set.encoding.clone()),
        ("variants of each sample, and one rendition for evaluation", count(u64::from(set.variants))),
        ("pictures stored", count(set.pictures)),
        ("bytes of these, with their records", format!("{} ({})", count(set.bytes), mebibytes(set.bytes))),
        ("shards that are whole, of all of the set", format!("{} of {}", count(set.shards), count(set.of))),
        ("shards kept from an earlier run", count(set.kept)),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    Some(format!("<div class=\"words\">{}</div>\n{}", table("What lies in the folder", &["what", "value"], &rows), classes(paper)))
}

fn classes(paper: &Paper) -> String {
    let (names, Some(set)) = (&paper.document.outcome.classes, &paper.document.written) else { return String::new() };
    let row = |(name, &[stored, aside]): (&String, &[u64; 2])| {
        let pictures = stored * (u64::from(set.variants) + 1);
        vec![name.clone(), count(stored), count(pictures), count(aside)]
    };
    let rows: Vec<_> = names.iter().zip(&set.classes).take(MOST).map(row).collect();
    let more = if names.len() > MOST { format!("<p>The first {MOST} of {} classes.</p>\n", names.len()) } else { String::new() };
    table("Samples of each class", &["class", "samples stored", "pictures", "set aside"], &rows) + &more
}
