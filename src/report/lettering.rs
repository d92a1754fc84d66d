//! Small letters for pictures that have to speak for themselves: five dots wide, drawn dot by dot. Knows no font file.

use crate::sample::Image;

/// The glyphs from space to tilde: bands of sixteen, nine rows of five dots each, a blank between any two.
const LETTERS: &str = include_str!("letters.txt");
/// Dots of a glyph, across and down.
const DOTS: (usize, usize) = (5, 9);
/// Glyphs side by side in a band.
const BAND: usize = 16;

/// Pixels from one letter to the next, for dots of `scale` pixels.
pub const fn advance(scale: usize) -> usize {
    (DOTS.0 + 1) * scale
}

/// Pixels from one line to the next, for dots of `scale` pixels.
pub const fn line_height(scale: usize) -> usize {
    (DOTS.1 + 1) * scale
}

/// Writes one line of `text` in the colour `ink` onto an RGB `sheet`, its upper left corner at column `left` and row `top`, every
/// dot `scale` pixels squared. A character that has no glyph is drawn as a question mark; what reaches over an edge is left out.
pub fn write_line(sheet: &mut Image, text: &str, (left, top): (usize, usize), scale: usize, ink: [u8; 3]) {
    for (place, symbol) in text.chars().enumerate() {
        for (x, y) in dots(symbol) {
            let corner = (left + place * advance(scale) + x * scale, top + y * scale);
            fill(sheet, corner, (scale, scale), ink);
        }
    }
}

/// Fills the rectangle at column and row `corner`, `size` pixels across and down, as far as it lies on the RGB `sheet`.
pub fn fill(sheet: &mut Image, corner: (usize, usize), size: (usize, usize), ink: [u8; 3]) {
    let (width, height) = (sheet.width(), sheet.height());
    let columns = corner.0.min(width)..(corner.0 + size.0).min(width);
    for y in corner.1.min(height)..(corner.1 + size.1).min(height) {
        let row = &mut sheet.pixels_mut()[y * width * 3..][..width * 3];
        row[columns.start * 3..columns.end * 3].as_chunks_mut::<3>().0.fill(ink);
    }
}

/// The dots of a glyph: column and row, from its upper left corner.
fn dots(symbol: char) -> impl Iterator<Item = (usize, usize)> {
    let number = if (' '..='~').contains(&symbol) { symbol as usize } else { '?' as usize } - ' ' as usize;
    let (first, left) = (number / BAND * (DOTS.1 + 1), number % BAND * (DOTS.0 + 1));
    let rows = LETTERS.lines().skip(first).take(DOTS.1).enumerate();
    rows.flat_map(move |(y, row)| {
        let cells = row.bytes().skip(left).take(DOTS.0).enumerate();
        cells.filter(|&(_, cell)| cell == b'#').map(move |(x, _)| (x, y))
    })
}

/// `text` in lines of at most `most` characters, broken at spaces and underscores where there are some.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_inclusive([' ', '_', '/']) {
        let mut word: Vec<char> = word.chars().collect();
        let used = lines.last().map_or(0, |line| line.chars().count());
        let needed = word.len() - usize::from(word.last() == Some(&' '));
        if used > 0 && used + needed > most {
            lines.push(String::new());
        }
        while word.len() > most {
            let rest = word.split_off(most);
            lines.last_mut().expect("there is always a line").extend(word);
            lines.push(String::new());
            word = rest;
        }
        lines.last_mut().expect("there is always a line").extend(word);
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn every_character_has_a_glyph_of_its_own() {
        let glyphs: std::collections::HashSet<Vec<(usize, usize)>> = (' '..='~').map(|symbol| dots(symbol).collect()).collect();
        assert_eq!(glyphs.len(), 95);
        assert_eq!(dots(' ').count(), 0);
        assert!(dots('ü').eq(dots('?')));
    }

    #[test]
    fn a_line_is_drawn_where_it_should_be_and_cut_at_the_edges() {
        let mut sheet = Image::filled(Size::new(20, 40), 3, 255);
        write_line(&mut sheet, "I", (10, 2), 2, [0; 3]);
        assert_eq!(sheet.pixel(2, 12), [0; 3], "the bar of an I begins at its second dot");
        assert_eq!(sheet.pixel(2, 11), [255; 3]);
        assert_eq!(sheet.pixel(6, 14), [0; 3], "its stem is in the middle");
        write_line(&mut sheet, "too long for any sheet", (30, 15), 3, [9; 3]);
        write_line(&mut sheet, "beside it", (400, 150), 1, [9; 3]);
    }

    #[test]
    fn lines_break_at_words_and_where_they_must() {
        assert_eq!(wrapped("gaussian_noise sigma 0.1", 14), ["gaussian_noise", "sigma 0.1"]);
        assert_eq!(wrapped("gaussian_noise", 10), ["gaussian_", "noise"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""; 0]);
    }
}
