//! A census for people. Counts nothing.

use super::balance::Balance;
use super::copies::Group;
use super::counted::Counted;
use super::document::Document;
use super::sizes::{Range, Sizes};
use crate::report::{count, printable, thousands};

/// Columns of a class's bar.
const BAR: u64 = 30;

/// The census as text; of every list, `limit` entries at most.
pub fn text(found: &Document, limit: usize) -> String {
    let classes = match found.labelled {
        true => format!(" in {} classes", count(found.balance.classes.len() as u64)),
        false => " without labels".to_owned(),
    };
    let mut text = format!(
        "{}: {} pictures{classes}, {} ({})\n",
        printable(&found.path),
        count(found.samples),
        size(found.bytes),
        found.source
    );
    if found.parts.len() > 1 {
        let part = |part: &super::document::PartCount| format!("{} {}", part.name, count(part.samples));
        text += &line("parts", &found.parts.iter().map(part).collect::<Vec<_>>().join(", "));
    }
    if !found.left_out.is_empty() {
        text += &line("left out", &inline(&found.left_out));
    }
    text += &(table("formats", &found.formats) + &kinds(found));
    text += &found.sizes.as_ref().map_or(String::new(), |sizes| sizes_text(sizes, limit));
    text += &(damage(found, limit) + &duplicates(found, limit) + &balance(&found.balance, limit));
    text
}

fn line(title: &str, words: &str) -> String {
    format!("{title:<13}{words}\n")
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{} bytes", count(bytes)),
        10_000..=9_999_999 => format!("{} KiB", thousands(bytes as f64 / 1024.0)),
        _ => format!("{} MiB", thousands(bytes as f64 / (1 << 20) as f64)),
    }
}

fn inline(counts: &[Counted]) -> String {
    counts.iter().map(|one| format!("{}: {}", one.name, count(one.count))).collect::<Vec<_>>().join(", ")
}

fn table(title: &str, counts: &[Counted]) -> String {
    let all: u64 = counts.iter().map(|one| one.count).sum();
    let widest = counts.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let row = |(place, one): (usize, &Counted)| {
        let share = 100.0 * one.count as f64 / all.max(1) as f64;
        let words = format!("{:<widest$} {:>10} {share:>6.2} % {:>14}", one.name, count(one.count), size(one.bytes));
        line(if place == 0 { title } else { "" }, &words)
    };
    format!("\n{}", counts.iter().enumerate().map(row).collect::<String>())
}

fn kinds(found: &Document) -> String {
    let rows =
        [("coding", &found.codings), ("colours", &found.colors), ("bits", &found.bit_depths), ("orientation", &found.orientations)];
    let mut text: String =
        rows.iter().filter(|(_, counts)| !counts.is_empty()).map(|(title, counts)| line(title, &inline(counts))).collect();
    let notes: Vec<String> = found.notes.iter().map(|(note, files)| format!("{} {}", count(files), note.words())).collect();
    if !notes.is_empty() {
        text += &line("odd", &notes.join(", "));
    }
    text
}

fn sizes_text(sizes: &Sizes, limit: usize) -> String {
    let range = |range: Range| format!("{} to {}, half below {}", range.min, range.max, range.median);
    let mut text = format!("\n{}", line("height", &range(sizes.height)));
    text += &line("width", &range(sizes.width));
    let Range { min, median, max } = sizes.aspect;
    let shapes =
        format!("landscape {}, portrait {}, square {}", count(sizes.landscape), count(sizes.portrait), count(sizes.square));
    text += &line("width/height", &format!("{min:.3} to {max:.3}, half below {median:.3}; {shapes}"));
    let common: Vec<String> =
        sizes.common.iter().take(limit.min(5)).map(|one| format!("{}x{} {}", one.height, one.width, count(one.count))).collect();
    text + &line("sizes", &format!("{} different; most often {}", count(sizes.distinct), common.join(", ")))
}

fn more(all: usize, limit: usize) -> String {
    let left = all.saturating_sub(limit);
    if left == 0 { String::new() } else { format!("  … and {left} more: --limit {all}, or --json for all\n") }
}

fn damage(found: &Document, limit: usize) -> String {
    let misnamed = found.misnamed.iter().take(limit).map(|one| format!("  {} is {}\n", printable(&one.path), one.format));
    let misnamed = misnamed.collect::<String>() + &more(found.misnamed.len(), limit);
    let mut text = match found.misnamed.len() {
        0 => String::new(),
        files => format!("\n{}{misnamed}", line("misnamed", &format!("{files}: decoded by content"))),
    };
    let bad = &found.damage;
    if bad.count == 0 {
        return text + "\n" + &line("damage", "none: every picture can be used");
    }
    let reasons = format!("{} of {} cannot be used: {}", count(bad.count), count(found.samples), inline(&bad.reasons));
    text += &format!("\n{}", line("damage", &reasons));
    for file in bad.files.iter().take(limit) {
        let words = if file.words.is_empty() { String::new() } else { format!(" ({})", file.words) };
        text += &format!("  {}: {}{}\n", printable(&file.path), printable(&file.reason), printable(&words));
    }
    text + &more(bad.files.len(), limit)
}

fn duplicates(found: &Document, limit: usize) -> String {
    let copies = &found.duplicates;
    if copies.groups.is_empty() {
        return format!("\n{}", line("duplicates", "none"));
    }
    let words = format!(
        "{} copies: {} groups of equal files, {} of equal pixels in different files",
        count(copies.copies),
        count(copies.same_bytes),
        count(copies.same_pixels)
    );
    let harmless: Vec<&Group> = copies.groups.iter().filter(|group| !group.conflict && !group.leak).collect();
    let mut text = format!("\n{}{}", line("duplicates", &words), groups(&harmless, limit, false));
    for (title, is) in [("LABEL CONFLICT", (|group| group.conflict) as fn(&&Group) -> bool), ("LEAK", |group| group.leak)] {
        let wrong: Vec<&Group> = copies.groups.iter().filter(is).collect();
        if !wrong.is_empty() {
            let what = match title {
                "LEAK" => "the same picture in different parts: what was learned is scored on itself",
                _ => "the same picture under different labels: at least one is wrong",
            };
            text += &format!("\n{title}: {}: {}\n{}", count(wrong.len() as u64), what, groups(&wrong, limit, true));
        }
    }
    text
}

/// A line a group: what is equal, and the files, with class and part where these differ.
fn groups(groups: &[&Group], limit: usize, told: bool) -> String {
    let shown = |group: &&Group| {
        let file = |file: &super::copies::Copy| match (told && group.conflict, told && group.leak) {
            (false, false) => printable(&file.path),
            (true, false) => format!("{} ({})", printable(&file.path), printable(&file.class)),
            (false, true) => format!("{} [{}]", printable(&file.path), file.part),
            (true, true) => format!("{} ({}) [{}]", printable(&file.path), printable(&file.class), file.part),
        };
        let files: Vec<String> = group.files.iter().take(limit.max(2)).map(file).collect();
        let rest = group.files.len() - files.len();
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("  same {}: {}{rest}\n", group.same, files.join(" = "))
    };
    groups.iter().take(limit).map(shown).collect::<String>() + &more(groups.len(), limit)
}

fn balance(balance: &Balance, limit: usize) -> String {
    if balance.classes.is_empty() {
        return String::new();
    }
    let most = balance.classes.iter().map(|class| class.usable).max().unwrap_or(0).max(1);
    let widest = balance.classes.iter().map(|class| printable(&class.name).chars().count()).max().unwrap_or(0).min(40);
    // Few classes are shown in their order; of many, the largest and the smallest say most.
    let mut shown: Vec<_> = balance.classes.iter().collect();
    if shown.len() > 2 * limit.max(1) {
        shown.sort_by_key(|class| std::cmp::Reverse(class.usable));
        shown.drain(limit.max(1)..shown.len() - limit.max(1));
    }
    let mut text = "\n".to_owned();
    for (place, class) in shown.iter().enumerate() {
        let cells = (class.usable * BAR).div_ceil(most) as usize;
        let share = 100.0 * class.share;
        let words = format!("{:<widest$} {:>9} {share:>6.2} % {}", printable(&class.name), count(class.usable), "█".repeat(cells));
        text += &line(if place == 0 { "classes" } else { "" }, &words);
    }
    if shown.len() < balance.classes.len() {
        text += &line("", &format!("the {0} largest and the {0} smallest of {1}", limit.max(1), balance.classes.len()));
    }
    if let Some(ratio) = balance.imbalance {
        text += &line("imbalance", &format!("{} : 1, the largest class against the smallest", thousands(ratio)));
    }
    for (title, names) in [("empty", &balance.empty), ("near empty", &balance.near_empty)] {
        if !names.is_empty() {
            let rest = names.len().saturating_sub(limit);
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            let listed: Vec<String> = names.iter().take(limit).map(|name| printable(name)).collect();
            text += &line(title, &(listed.join(", ") + &rest));
        }
    }
    text
}
