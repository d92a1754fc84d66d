//! Posters: rows of pictures with words under each, to be looked at without a browser. Knows no augmentation.

use super::contact_sheet::{fit, paste};
use super::lettering::{advance, fill, line_height, wrapped, write_line};
use crate::sample::{Image, Size};

/// Pixels of a dot of a letter.
const DOT: usize = 2;
/// Pixels between tiles, and around everything.
const GAP: usize = 16;
/// The most lines of words below a tile.
const MOST_LINES: usize = 9;
const INK: [u8; 3] = [26, 26, 26];
const SOFT: [u8; 3] = [98, 98, 98];
const ALARM: [u8; 3] = [160, 30, 20];
const RULE: [u8; 3] = [214, 214, 214];

/// What one tile shows.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    /// A picture, gray or RGB; none leaves room for `notice`.
    pub picture: Option<Image>,
    /// Whether the picture stands back: nothing happened to it here.
    pub faded: bool,
    /// Its title.
    pub title: String,
    /// Words below it, a line each, broken where they are too long.
    pub words: Vec<String>,
    /// Words in the picture's place, in red.
    pub notice: String,
}

/// Tiles with a heading above them.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Above the tiles.
    pub heading: String,
    /// From left to right.
    pub tiles: Vec<Tile>,
}

/// Draws `rows` below `title`, RGB on white; every tile is a square of `tile` pixels, into which its picture is brought as on a
/// contact sheet, with its words below.
pub fn poster(title: &str, rows: &[Row], tile: usize) -> Image {
    let tile = tile.max(8);
    let columns = rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0).max(1);
    let width = (GAP + columns * (tile + GAP)).max(2 * GAP + title.chars().count().min(80) * advance(DOT));
    let title_lines = wrapped(title, (width - 2 * GAP) / advance(DOT));
    let mut top = GAP + title_lines.len() * line_height(DOT) + GAP / 2;
    let below: usize = rows.iter().map(|row| height_of(row, tile)).sum();
    let mut sheet = Image::filled(Size::new((top + below + GAP) as u32, width as u32), 3, 255);
    write_lines(&mut sheet, &title_lines, (GAP, GAP), INK);
    for row in rows {
        draw_row(&mut sheet, row, top, tile);
        top += height_of(row, tile);
    }
    sheet
}

/// Characters that fit below a tile.
fn letters(tile: usize) -> usize {
    tile / advance(DOT)
}

/// Title and words of a tile as lines, the first ones its title.
fn lines_of(tile: &Tile, side: usize) -> (Vec<String>, Vec<String>) {
    let title = wrapped(&tile.title, letters(side));
    let mut words: Vec<String> = tile.words.iter().flat_map(|words| wrapped(words, letters(side))).collect();
    let room = MOST_LINES.saturating_sub(title.len());
    if words.len() > room {
        words.truncate(room.saturating_sub(1));
        words.push("...".to_owned());
    }
    (title, words)
}

fn height_of(row: &Row, tile: usize) -> usize {
    let lines = |shown: &Tile| {
        let (title, words) = lines_of(shown, tile);
        title.len() + words.len()
    };
    let below = row.tiles.iter().map(lines).max().unwrap_or(0);
    GAP + line_height(DOT) + GAP / 2 + tile + GAP / 2 + below * line_height(DOT) + GAP
}

fn draw_row(sheet: &mut Image, row: &Row, top: usize, tile: usize) {
    let width = sheet.width() - 2 * GAP;
    fill(sheet, (GAP, top), (width, 1), RULE);
    let heading: String = row.heading.chars().take(width / advance(DOT)).collect();
    write_line(sheet, &heading, (GAP, top + GAP), DOT, INK);
    let top = top + GAP + line_height(DOT) + GAP / 2;
    for (column, shown) in row.tiles.iter().enumerate() {
        draw_tile(sheet, shown, (GAP + column * (tile + GAP), top), tile);
    }
}

fn draw_tile(sheet: &mut Image, shown: &Tile, (left, top): (usize, usize), tile: usize) {
    let below = top + tile + GAP / 2;
    match &shown.picture {
        Some(picture) => {
            let mut picture = fit(picture, tile);
            if shown.faded {
                picture.pixels_mut().iter_mut().for_each(|value| *value = 255 - (255 - *value) / 3);
            }
            let (y, x) = (top + (tile - picture.height()) / 2, left + (tile - picture.width()) / 2);
            frame(sheet, (x - 1, y - 1), (picture.width() + 2, picture.height() + 2));
            paste(sheet, &picture, y, x);
        }
        None => {
            frame(sheet, (left, top), (tile, tile));
            let lines = wrapped(&shown.notice, tile.saturating_sub(GAP) / advance(DOT));
            let most = tile.saturating_sub(GAP) / line_height(DOT);
            write_lines(sheet, &lines[..lines.len().min(most)], (left + GAP / 2, top + GAP / 2), ALARM);
        }
    }
    let (title, words) = lines_of(shown, tile);
    write_lines(sheet, &title, (left, below), if shown.faded { SOFT } else { INK });
    write_lines(sheet, &words, (left, below + title.len() * line_height(DOT)), SOFT);
}

/// A line around a rectangle, inside of it.
fn frame(sheet: &mut Image, (left, top): (usize, usize), (width, height): (usize, usize)) {
    fill(sheet, (left, top), (width, 1), RULE);
    fill(sheet, (left, top + height - 1), (width, 1), RULE);
    fill(sheet, (left, top), (1, height), RULE);
    fill(sheet, (left + width - 1, top), (1, height), RULE);
}

fn write_lines(sheet: &mut Image, lines: &[String], (left, top): (usize, usize), ink: [u8; 3]) {
    for (number, line) in lines.iter().enumerate() {
        write_line(sheet, line, (left, top + number * line_height(DOT)), DOT, ink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(picture: Option<Image>) -> Tile {
        let words = vec!["degrees -12.5".to_owned(), "a word that is much too long for one line below a tile".to_owned()];
        Tile { picture, title: "rotate".to_owned(), words, ..Tile::default() }
    }

    #[test]
    fn a_picture_stands_in_its_tile_and_fades_where_nothing_happened() {
        let black = Image::filled(Size::new(4, 4), 1, 0);
        let rows = [Row { heading: "one".to_owned(), tiles: vec![tile(Some(black.clone())), tile(Some(black))] }];
        let mut faded = rows.clone();
        faded[0].tiles[1].faded = true;
        let (plain, faded) = (poster("title", &rows, 100), poster("title", &faded, 100));
        let middle = |sheet: &Image, column: usize| {
            let top = GAP + line_height(DOT) + GAP / 2 + GAP + line_height(DOT) + GAP / 2;
            sheet.pixel(top + 50, GAP + column * 116 + 50).to_vec()
        };
        assert_eq!((middle(&plain, 0), middle(&plain, 1)), (vec![0; 3], vec![0; 3]));
        assert_eq!((middle(&faded, 0), middle(&faded, 1)), (vec![0; 3], vec![170; 3]));
    }

    #[test]
    fn rows_may_be_empty_ragged_or_without_pictures_and_tiles_of_any_size() {
        let ragged = [Row::default(), Row { heading: "x".repeat(999), tiles: vec![tile(None); 3] }];
        for side in [0, 8, 20, 300] {
            assert!(poster("", &ragged, side).width() > 3 * side);
        }
        assert!(poster(&"long title ".repeat(40), &[], 96).height() > 2 * GAP);
    }
}
