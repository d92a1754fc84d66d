//! The contact sheet: a row a sample, a tile a step, its words below.

use super::shown::{Journey, Shown, Stop, why};
use super::{Preview, Replayed};
use crate::job::facts::{facts, lines, number};
use crate::report::{Row, Tile, poster, printable};
use crate::sample::Image;

/// Pixels that a tile measures where there is room.
const TILE: usize = 192;
/// The least of them.
const LEAST: usize = 96;
/// A sheet's width, where tiles can be made small enough.
const WIDTH: usize = 4096;

/// Draws the sheet.
pub fn draw(preview: &Preview) -> Image {
    let rows: Vec<Row> = preview.with_replays().map(|(sample, replayed)| row(sample, replayed)).collect();
    let columns = rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0).max(1);
    let tile = (WIDTH / columns).saturating_sub(16).clamp(LEAST, TILE);
    poster(&format!("{}, epoch {}, seed {}", printable(&preview.plan.name), preview.epoch, preview.plan.seed), &rows, tile)
}

fn row(sample: &Shown, replayed: Option<&Replayed>) -> Row {
    let who = &sample.who;
    let heading = format!("{} | {} | {} {}", printable(&who.identity), printable(&who.class), who.part.name(), who.position);
    let tiles = match &sample.outcome {
        Ok(journey) => tiles(journey, replayed),
        Err(bad) => vec![Tile { title: "set aside".to_owned(), notice: printable(&why(bad)), ..Tile::default() }],
    };
    Row { heading, tiles }
}

fn tiles(journey: &Journey, replayed: Option<&Replayed>) -> Vec<Tile> {
    let shown = |title: &str, picture: &Image| Tile {
        title: title.to_owned(),
        words: vec![picture.size().to_string()],
        picture: Some(picture.clone()),
        ..Tile::default()
    };
    let mut tiles = vec![shown("original", &journey.original)];
    tiles.extend(journey.steps.iter().map(of_step));
    tiles.push(shown("final", &journey.last));
    tiles.extend(journey.other.iter().map(|(name, picture)| shown(&format!("final, {name}"), picture)));
    if let Some(found) = replayed {
        let tile = |(view, picture)| Tile { words: row_words(found, view), ..shown("in its batch", picture) };
        tiles.extend(found.pictures.iter().enumerate().map(tile));
    }
    tiles
}

fn of_step(stop: &Stop) -> Tile {
    let words = match stop.trace.applied {
        true => lines(&facts(&stop.trace.draw)),
        false => vec![format!("not applied, chance {}", number(stop.chance))],
    };
    let picture = Some(stop.picture.clone());
    Tile { picture, faded: !stop.trace.applied, title: stop.trace.name.clone(), words, notice: String::new() }
}

fn row_words(found: &Replayed, view: usize) -> Vec<String> {
    let mut words = vec![format!("batch {}, row {}", found.batch, found.row)];
    let views = found.pictures.len();
    words.extend((views > 1).then(|| format!("view {} of {views}", view + 1)));
    words.push(if found.pure { "unmixed" } else { "mixed" }.to_owned());
    words.extend(found.floats.then(|| "stretched".to_owned()));
    words
}
