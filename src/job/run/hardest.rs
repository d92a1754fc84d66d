//! The samples that a model finds hardest, read once more to be looked at. Knows no number but those it is handed.

use crate::batch::{Part, Pass};
use crate::plan::Plan;
use crate::report::diagnosis::Hard;
use crate::report::{Row, Tile, fit, poster, printable};
use crate::sample::Image;
use crate::source::Source;
use crate::stage::Ticket;
use std::collections::HashMap;

/// Tiles in a row, and the side of one in pixels.
const ACROSS: usize = 8;
const TILE: usize = 144;

/// A loss that is shown as 0.00 is none to look at.
const NOTHING: f64 = 0.005;

/// A sheet with the samples of every part, as their files show them, greatest loss first: what each is, what it was taken for, how
/// surely, its loss and its path. The first part has all of its samples on it, the others a row. A sample that cannot be read any
/// more is named without its picture.
pub fn picture(plan: &Plan, parts: &[(Part, &[Hard])]) -> Image {
    let title = format!("{}: samples with the greatest losses", plan.name);
    let shown = |place: usize, hard: &[Hard]| if place == 0 { hard.len() } else { hard.len().min(ACROSS) };
    let parts = parts.iter().enumerate().map(|(place, (part, hard))| (*part, &hard[..shown(place, hard)]));
    let rows: Vec<Row> = parts.flat_map(|(part, hard)| rows(plan, part, hard)).collect();
    poster(&title, &rows, TILE)
}

fn rows(plan: &Plan, part: Part, hard: &[Hard]) -> Vec<Row> {
    let hard: Vec<Hard> = hard.iter().filter(|hard| hard.loss.is_nan() || hard.loss >= NOTHING).cloned().collect();
    if hard.is_empty() {
        return vec![Row { heading: format!("{}: no loss of {NOTHING} or more", part.name()), tiles: Vec::new() }];
    }
    let paths: Vec<&str> = hard.iter().map(|hard| hard.path.as_str()).collect();
    let entries = entries(plan, part, &paths);
    let tiles: Vec<Tile> = hard.iter().map(|hard| tile(plan, part, hard, entries.get(hard.path.as_str()).copied())).collect();
    let heading = |first: usize| if first == 0 { part.name().to_owned() } else { format!("{}, continued", part.name()) };
    let row = |(number, tiles): (usize, &[Tile])| Row { heading: heading(number), tiles: tiles.to_vec() };
    tiles.chunks(ACROSS).enumerate().map(row).collect()
}

/// The pictures of samples by their identities, none larger than a tile, or why one cannot be read.
pub fn read_again(plan: &Plan, part: Part, paths: &[&str]) -> Vec<Result<Image, String>> {
    let entries = entries(plan, part, paths);
    let entry = |path: &&str| entries.get(path).copied().ok_or_else(|| "its file is gone".to_owned());
    paths.iter().map(|path| entry(path).and_then(|entry| read_small(plan, part, entry))).collect()
}

/// Where these samples stand in their source.
fn entries<'h>(plan: &Plan, part: Part, paths: &[&'h str]) -> HashMap<&'h str, u32> {
    let source: &dyn Source = match part {
        Part::Test => plan.data.test.as_deref().unwrap_or(&*plan.data.source),
        _ => &*plan.data.source,
    };
    let wanted: HashMap<&str, ()> = paths.iter().map(|path| (*path, ())).collect();
    let mut found = HashMap::new();
    for &entry in plan.data.parts.of(part) {
        let identity = source.identity(entry as usize);
        if let Some((path, ())) = wanted.get_key_value(&*identity.0) {
            found.insert(*path, entry);
        }
    }
    found
}

fn tile(plan: &Plan, part: Part, hard: &Hard, entry: Option<u32>) -> Tile {
    let name = |class: u32| printable(&plan.data.source.classes()[class as usize]);
    let taken = if hard.label == hard.predicted { "found".to_owned() } else { format!("taken for {}", name(hard.predicted)) };
    let sure = format!("{:.0}% sure", 100.0 * hard.confidence);
    let words = vec![taken, sure, format!("loss {:.2}", hard.loss), printable(&hard.path)];
    let read = entry.map_or(Err("its file is gone".to_owned()), |entry| read(plan, part, entry));
    let (picture, notice) = match read {
        Ok(picture) => (Some(picture), String::new()),
        Err(why) => (None, why),
    };
    Tile { picture, notice, title: name(hard.label), words, faded: false }
}

/// The picture as tiles show it: small ones enlarged.
fn read(plan: &Plan, part: Part, entry: u32) -> Result<Image, String> {
    read_small(plan, part, entry).map(|picture| fit(&picture, TILE))
}

/// The picture, no larger than a tile: never are two whole ones in memory.
fn read_small(plan: &Plan, part: Part, entry: u32) -> Result<Image, String> {
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let part = if part == Part::Test { part } else { Part::Validation };
    let ticket = Ticket { pass: Pass { part, epoch: 0 }, position: 0, entry, last: true };
    let read = load.read(ticket).map_err(|error| error.to_string())?.map_err(|bad| bad.reason.clone())?;
    let picture = read.sample.image;
    Ok(if picture.height().max(picture.width()) > TILE { fit(&picture, TILE) } else { picture })
}
