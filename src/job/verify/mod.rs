//! `pipeline verify`: recomputes the reference table on this machine, with every instruction set that its processor has, and says
//! row by row what holds.
//!
//! The table is data: a row is one line in one of the files beside this one, and tests walk the same rows.

mod formula;
mod numbers;
mod operations;
mod policies;
mod resizes;
mod row;

pub use formula::{crc32, formula_image};
pub use row::{Check, Row, Verdict};

use super::say;
use crate::error::{Error, Result};
use crate::isa::{Isa, only};
use serde_json::json;

/// Every row of the table.
pub fn rows() -> Vec<Row> {
    [operations::rows(), resizes::rows(), policies::rows(), numbers::rows()].into_iter().flatten().collect()
}

/// Prints the table with what was found.
///
/// # Errors
/// [`Error::Unmet`] where a row does not hold.
pub fn verify(json: bool) -> Result<()> {
    let (rows, sets) = (rows(), Isa::available());
    let input = formula_image();
    let found: Vec<Vec<Verdict>> =
        sets.iter().map(|&isa| only(isa, || rows.iter().map(|row| row.judge(&input)).collect())).collect();
    let failed = (0..rows.len()).filter(|&row| found.iter().any(|found| !found[row].holds)).count();
    let summary = summary(rows.len(), &sets, &found);
    say(&if json { as_json(&rows, &sets, &found, failed) } else { as_text(&rows, &sets, &found) + &summary + "\n" })?;
    if failed == 0 { Ok(()) } else { Err(Error::Unmet(summary)) }
}

/// How many rows equal their reference on every instruction set, come within one level of it, or fail somewhere.
fn summary(rows: usize, sets: &[Isa], found: &[Vec<Verdict>]) -> String {
    let everywhere = |test: fn(&Verdict) -> bool| (0..rows).filter(|&row| found.iter().all(|found| test(&found[row]))).count();
    let (held, equal) = (everywhere(|verdict| verdict.holds), everywhere(|verdict| verdict.holds && !verdict.near));
    let (sets, machine) = (words(sets).join(", "), std::env::consts::ARCH);
    format!("{rows} rows on {sets} ({machine}): {equal} equal, {} within one level, {} FAIL", held - equal, rows - held)
}

fn words(sets: &[Isa]) -> Vec<String> {
    sets.iter().map(|isa| format!("{isa:?}").to_lowercase()).collect()
}

fn as_text(rows: &[Row], sets: &[Isa], found: &[Vec<Verdict>]) -> String {
    let mut text = String::new();
    let verdicts = |place: usize| found.iter().map(move |found| found[place].in_a_word());
    let mut place = 0;
    for group in rows.chunk_by(|a, b| a.group == b.group) {
        let width = group.iter().map(|row| row.reference().len()).max().unwrap_or(0).max(10);
        let line = |name: &str, reference: &str, cells: Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!("  {cell:<10}")).collect();
            format!("  {name:<46} {reference:<width$}{}\n", cells.trim_end())
        };
        text += &format!("{}\n{}", group[0].group, line("", "reference", words(sets)));
        for row in group {
            text += &line(&row.name, &row.reference(), verdicts(place).collect());
            place += 1;
        }
        text += "\n";
    }
    text
}

fn as_json(rows: &[Row], sets: &[Isa], found: &[Vec<Verdict>], failed: usize) -> String {
    let row = |(place, row): (usize, &Row)| {
        let verdicts = words(sets).into_iter().zip(found).map(|(set, found)| (set, json!(found[place])));
        let holds = found.iter().all(|found| found[place].holds);
        let verdicts: serde_json::Map<String, serde_json::Value> = verdicts.collect();
        json!({ "group": row.group, "name": row.name, "reference": row.reference(), "holds": holds, "found": verdicts })
    };
    let table: Vec<serde_json::Value> = rows.iter().enumerate().map(row).collect();
    let document = json!({
        "program": env!("CARGO_PKG_VERSION"), "architecture": std::env::consts::ARCH, "instruction_sets": words(sets),
        "rows": table, "failed": failed, "holds": failed == 0,
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Image;

    #[test]
    fn rows_have_names_of_their_own_and_stand_in_groups() {
        let rows = rows();
        let names: std::collections::HashSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), rows.len());
        assert!(rows.len() > 100, "{}", rows.len());
        let groups: Vec<&str> = rows.chunk_by(|a, b| a.group == b.group).map(|rows| rows[0].group).collect();
        assert_eq!(groups.len(), groups.iter().collect::<std::collections::HashSet<_>>().len());
    }

    #[test]
    fn bytes_of_another_picture_do_not_hold() {
        let other = Image::filled(formula_image().size(), 3, 1);
        let of_bytes = |row: &Row| !matches!(row.check, Check::Numbers { .. });
        assert!(rows().iter().filter(|row| of_bytes(row)).all(|row| !row.judge(&other).holds));
    }

    #[test]
    fn the_summary_counts_what_holds_to_a_level_apart() {
        let verdict = |holds, near| Verdict { holds, near, found: String::new() };
        let found = [vec![verdict(true, false), verdict(true, true)], vec![verdict(true, false), verdict(false, true)]];
        let text = summary(2, &[Isa::Plain, Isa::Avx2], &found);
        assert!(text.starts_with("2 rows on plain, avx2 (") && text.ends_with("1 equal, 0 within one level, 1 FAIL"), "{text}");
    }
}
