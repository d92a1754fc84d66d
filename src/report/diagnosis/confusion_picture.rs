//! A matrix of labels against predictions as a picture with names. Knows counts and names only.

use super::Confusion;
use crate::report::lettering::{advance, fill, line_height, write_line};
use crate::report::words::count;
use crate::sample::{Image, Size};

/// The most classes that a picture shows.
const MOST: usize = 40;
/// Pixels of a dot of a letter.
const DOT: usize = 2;
/// Pixels around everything.
const GAP: usize = 16;
/// The most characters of a class name.
const LETTERS: usize = 18;
const INK: [u8; 3] = [26, 26, 26];
const SOFT: [u8; 3] = [98, 98, 98];
const WHITE: [u8; 3] = [255; 3];
const RULE: [u8; 3] = [214, 214, 214];
/// What the diagonal fades to, and what mistakes fade to, from white.
const RIGHT: [u8; 3] = [0, 84, 140];
const WRONG: [u8; 3] = [190, 60, 0];

/// Mistakes are as dark as their share of the greatest one, or of this share of a row where none is greater.
const FAINT: f64 = 0.1;

/// Draws `confusion`, RGB on white: rows are labels, columns predicted classes, cells with the counts that are not 0. Blue cells on the
/// diagonal are as dark as their share of the row, red ones elsewhere as their share of the greatest mistake. Behind each row stands
/// its recall, above all `title`, as far as it fits.
///
/// Of more than 40 classes, the 40 with the most mistakes are shown. Where pairs were not counted, there is no picture.
pub fn confusion_picture(confusion: &Confusion, names: &[String], title: &str) -> Option<Image> {
    let rows = confusion.rows()?;
    let shown = shown(confusion);
    let labels: Vec<String> = shown.iter().map(|&class| short(names.get(class).map_or("", |name| name.as_str()))).collect();
    let counts: Vec<Vec<u64>> = shown.iter().map(|&label| shown.iter().map(|&class| rows[label][class]).collect()).collect();
    let support: Vec<u64> = shown.iter().map(|&label| rows[label].iter().sum()).collect();
    let left_out = confusion.classes() - shown.len();
    let note = if left_out > 0 { format!(", {} of {} classes", shown.len(), confusion.classes()) } else { String::new() };
    Some(Sheet::new(&labels, &counts, &support).draw(&format!("{title}{note}")))
}

/// Numbers of the classes that are shown, in their order.
fn shown(confusion: &Confusion) -> Vec<usize> {
    let classes = confusion.classes();
    if classes <= MOST {
        return (0..classes).collect();
    }
    let scores = confusion.scores(&[]);
    // What was missed, and what was wrongly found.
    let mistakes = |class: usize| {
        let score = &scores[class];
        let correct = (score.recall.unwrap_or(0.0) * score.support as f64).round() as u64;
        score.support + score.predicted - 2 * correct.min(score.support).min(score.predicted)
    };
    let mut order: Vec<usize> = (0..classes).collect();
    order.sort_by_key(|&class| (std::cmp::Reverse(mistakes(class)), class));
    order.truncate(MOST);
    order.sort_unstable();
    order
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    name.chars().take(LETTERS - 2).chain("..".chars()).collect()
}

struct Sheet<'a> {
    labels: &'a [String],
    counts: &'a [Vec<u64>],
    support: &'a [u64],
    /// The share of a row at which a mistake is darkest.
    worst: f64,
    /// Side of a cell.
    cell: usize,
    /// Column and row of the matrix's upper left corner.
    corner: (usize, usize),
}

impl<'a> Sheet<'a> {
    fn new(labels: &'a [String], counts: &'a [Vec<u64>], support: &'a [u64]) -> Self {
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(1);
        let digits = counts.iter().flatten().map(|&number| count(number).len()).max().unwrap_or(1);
        let cell = (digits * advance(DOT) + 8).max(line_height(DOT) + 12);
        let name = longest * advance(DOT);
        let share = |row: usize, column: usize| counts[row][column] as f64 / support[row].max(1) as f64;
        let places = (0..counts.len()).flat_map(|row| (0..counts.len()).map(move |column| (row, column)));
        let wrong = places.filter(|(row, column)| row != column).map(|(row, column)| share(row, column));
        let worst = wrong.fold(FAINT, f64::max);
        let above = GAP + line_height(DOT) + GAP + line_height(DOT) + name + GAP / 2;
        Self { labels, counts, support, worst, cell, corner: (2 * GAP + line_height(DOT) + name, above) }
    }

    fn draw(&self, title: &str) -> Image {
        let side = self.labels.len() * self.cell;
        let recall = "100 % of 10,000".len() * advance(DOT);
        let width = (self.corner.0 + side + GAP + recall + GAP).max(2 * GAP + title.chars().count().min(80) * advance(DOT));
        let height = self.corner.1 + side + GAP;
        let mut sheet = Image::filled(Size::new(height as u32, width as u32), 3, 255);
        write_line(&mut sheet, title, (GAP, GAP), DOT, INK);
        write_line(&mut sheet, "predicted", (self.corner.0, 2 * GAP + line_height(DOT)), DOT, SOFT);
        write_upwards(&mut sheet, "label", (GAP, self.corner.1 + "label".len() * advance(DOT)), SOFT);
        write_line(&mut sheet, "recall", (self.corner.0 + side + GAP, self.corner.1 - line_height(DOT) - GAP / 2), DOT, SOFT);
        for (place, name) in self.labels.iter().enumerate() {
            self.name(&mut sheet, place, name);
            self.recall(&mut sheet, place);
            (0..self.labels.len()).for_each(|column| self.cell(&mut sheet, place, column));
        }
        sheet
    }

    /// Where text that is `size` pixels high or wide begins, so that it is in the middle of cell `place`.
    fn middle(&self, place: usize, size: usize) -> usize {
        place * self.cell + (self.cell.saturating_sub(size)) / 2
    }

    fn name(&self, sheet: &mut Image, place: usize, name: &str) {
        let (left, top) = self.corner;
        let middle = self.middle(place, line_height(DOT) - DOT);
        let width = name.chars().count() * advance(DOT);
        write_line(sheet, name, (left - GAP / 2 - width, top + middle), DOT, INK);
        write_upwards(sheet, name, (left + middle, top - GAP / 2), INK);
    }

    fn recall(&self, sheet: &mut Image, place: usize) {
        let (support, found) = (self.support[place], self.counts[place][place]);
        let words = match support {
            0 => "no samples".to_owned(),
            _ => format!("{:>3.0} % of {}", 100.0 * found as f64 / support as f64, count(support)),
        };
        let top = self.corner.1 + self.middle(place, line_height(DOT) - DOT);
        write_line(sheet, &words, (self.corner.0 + self.labels.len() * self.cell + GAP, top), DOT, SOFT);
    }

    fn cell(&self, sheet: &mut Image, row: usize, column: usize) {
        let number = self.counts[row][column];
        let corner = (self.corner.0 + column * self.cell, self.corner.1 + row * self.cell);
        let share = number as f64 / self.support[row].max(1) as f64;
        let share = if row == column { share } else { share / self.worst };
        // A mistake that was made once must still be seen.
        let depth = if number == 0 { 0.0 } else { 0.08 + 0.92 * share };
        let colour = fade(if row == column { RIGHT } else { WRONG }, depth);
        fill(sheet, corner, (self.cell + 1, self.cell + 1), RULE);
        fill(sheet, (corner.0 + 1, corner.1 + 1), (self.cell - 1, self.cell - 1), colour);
        if number > 0 {
            let text = count(number);
            let left = self.corner.0 + self.middle(column, text.len() * advance(DOT) - DOT);
            let top = self.corner.1 + self.middle(row, line_height(DOT) - DOT);
            write_line(sheet, &text, (left, top), DOT, if depth > 0.5 { WHITE } else { INK });
        }
    }
}

/// White at 0, `colour` at 1.
fn fade(colour: [u8; 3], depth: f64) -> [u8; 3] {
    colour.map(|value| (255.0 - depth.clamp(0.0, 1.0) * f64::from(255 - value)).round() as u8)
}

/// Writes one line of text from below to above; `corner` is the column and row of its lower left corner.
fn write_upwards(sheet: &mut Image, text: &str, (left, bottom): (usize, usize), ink: [u8; 3]) {
    let (width, height) = ((text.chars().count() * advance(DOT)).max(1), line_height(DOT));
    let mut line = Image::filled(Size::new(height as u32, width as u32), 3, 255);
    write_line(&mut line, text, (0, 0), DOT, ink);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if line.pixel(y, x) == ink && bottom > x {
            fill(sheet, (left + y, bottom - 1 - x), (1, 1), ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class} {}", "x".repeat(class))).collect()
    }

    fn filled(classes: usize) -> Confusion {
        let mut confusion = Confusion::new(classes);
        for label in 0..classes as u32 {
            (0..50).for_each(|_| confusion.take(label, label));
            (0..label).for_each(|_| confusion.take(label, (label + 1) % classes as u32));
        }
        confusion
    }

    #[test]
    fn right_and_wrong_have_their_colours_and_mistakes_are_seen() {
        let picture = confusion_picture(&filled(3), &["a".into(), "b".into(), "c".into()], "t").unwrap();
        let sheet = Sheet::new(&[], &[], &[]);
        let cell = ("50".len() * advance(DOT) + 8).max(line_height(DOT) + 12);
        let name = advance(DOT);
        let corner = (sheet.corner.0 - advance(DOT) + name, sheet.corner.1 - advance(DOT) + name);
        let inside = |row: usize, column: usize| picture.pixel(corner.1 + row * cell + 2, corner.0 + column * cell + 2).to_vec();
        assert_eq!((inside(0, 0), inside(0, 1)), (RIGHT.to_vec(), WHITE.to_vec()));
        let mistake = inside(1, 2);
        assert!(mistake[0] > mistake[2] && mistake != WHITE, "{mistake:?}");
    }

    #[test]
    fn any_number_of_classes_and_any_names_make_a_picture() {
        for classes in [1, 2, 10, 40, 60] {
            let picture = confusion_picture(&filled(classes), &names(classes), &"title ".repeat(30)).unwrap();
            assert!(picture.width() > 40 && picture.height() < 3000, "{classes}: {}", picture.size());
        }
        let most: Vec<usize> = std::iter::once(0).chain(21..60).collect();
        assert_eq!(shown(&filled(60)), most, "those with the most mistakes, missed or wrongly found");
        assert!(confusion_picture(&Confusion::new(3), &[], "").is_some());
        assert!(confusion_picture(&Confusion::new(2000), &[], "").is_none());
    }
}
