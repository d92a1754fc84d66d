//! Confidence against accuracy as a picture. Knows bins only.

use crate::event::diagnosis::{Bin, Calibration};
use crate::report::lettering::{advance, fill, line_height, write_line};
use crate::report::words::count;
use crate::sample::{Image, Size};

/// Pixels of a dot of a letter.
const DOT: usize = 2;
/// Pixels around everything.
const GAP: usize = 16;
/// Side of the square of accuracy over confidence: a multiple of the number of bins.
const SIDE: usize = 390;
/// Height of the bars that count samples.
const COUNTS: usize = 90;
/// Room for the numbers of the vertical axis.
const AXIS: usize = 5 * advance(DOT);
const INK: [u8; 3] = [26, 26, 26];
const SOFT: [u8; 3] = [98, 98, 98];
const RULE: [u8; 3] = [214, 214, 214];
const BAR: [u8; 3] = [0, 114, 178];
const GAP_COLOUR: [u8; 3] = [240, 176, 140];
const COUNT: [u8; 3] = [150, 150, 150];

/// Draws accuracy over confidence, RGB on white: a blue bar a bin as high as its accuracy, orange between it and its mean confidence,
/// the diagonal that calibrated predictions lie on, and below it how many samples each bin has.
pub fn reliability_picture(calibration: &Calibration, title: &str) -> Image {
    let left = GAP + AXIS;
    let legend = "bars: accuracy; orange: its distance to confidence";
    let width = (left + SIDE + GAP).max(2 * GAP + title.chars().count().max(legend.len()).min(80) * advance(DOT));
    let top = GAP + 3 * line_height(DOT) + GAP / 2;
    let counts = top + SIDE + GAP;
    let height = counts + COUNTS + 2 * line_height(DOT) + GAP;
    let mut sheet = Image::filled(Size::new(height as u32, width as u32), 3, 255);
    write_line(&mut sheet, title, (GAP, GAP), DOT, INK);
    let errors = (100.0 * calibration.expected_error, 100.0 * calibration.greatest_error);
    let words = format!("calibration error {:.1} %, greatest {:.1} %", errors.0, errors.1);
    write_line(&mut sheet, &words, (GAP, GAP + line_height(DOT)), DOT, SOFT);
    write_line(&mut sheet, legend, (GAP, GAP + 2 * line_height(DOT)), DOT, SOFT);
    grid(&mut sheet, (left, top));
    let most = calibration.bins.iter().map(|bin| bin.samples).max().unwrap_or(0).max(1);
    for bin in &calibration.bins {
        draw_bin(&mut sheet, bin, (left, top));
        let high = (bin.samples as u128 * (COUNTS as u128 - 4) / u128::from(most)) as usize;
        let high = if bin.samples > 0 { high.max(1) } else { 0 };
        fill(
            &mut sheet,
            (left + place(bin.above) + 1, counts + COUNTS - high),
            (place(bin.to) - place(bin.above) - 2, high),
            COUNT,
        );
    }
    diagonal(&mut sheet, (left, top));
    frame(&mut sheet, (left, counts), COUNTS);
    let below = counts + COUNTS + 4;
    for tick in 0..=5 {
        let text = format!("{:.1}", f64::from(tick) / 5.0);
        let x = left + place(f64::from(tick) / 5.0);
        write_line(&mut sheet, &text, (x.saturating_sub(text.len() * advance(DOT) / 2), below), DOT, SOFT);
    }
    let words = format!("confidence (samples: at most {} a bin)", count(if most == 1 { 1 } else { most }));
    write_line(&mut sheet, &words, (left, below + line_height(DOT)), DOT, SOFT);
    sheet
}

/// Pixels from an axis' beginning to `share` of it.
fn place(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * SIDE as f64).round() as usize
}

fn grid(sheet: &mut Image, (left, top): (usize, usize)) {
    for tick in 0..=5 {
        let y = top + SIDE - place(f64::from(tick) / 5.0);
        fill(sheet, (left, y), (SIDE, 1), RULE);
        write_line(sheet, &format!("{:.1}", f64::from(tick) / 5.0), (GAP, y - line_height(DOT) / 2 + DOT), DOT, SOFT);
    }
    frame(sheet, (left, top), SIDE);
}

fn draw_bin(sheet: &mut Image, bin: &Bin, (left, top): (usize, usize)) {
    let (Some(accuracy), Some(confidence)) = (bin.accuracy, bin.confidence) else { return };
    let (x, wide) = (left + place(bin.above) + 1, place(bin.to) - place(bin.above) - 2);
    let bar = |sheet: &mut Image, from: f64, to: f64, colour| {
        fill(sheet, (x, top + SIDE - place(to)), (wide, place(to) - place(from)), colour);
    };
    bar(sheet, 0.0, accuracy, BAR);
    bar(sheet, accuracy.min(confidence), accuracy.max(confidence), GAP_COLOUR);
    // What is seen of an accuracy of 0, and the edge of a bar under an orange one.
    fill(sheet, (x, (top + SIDE - place(accuracy)).saturating_sub(1)), (wide, 3), BAR);
}

fn diagonal(sheet: &mut Image, (left, top): (usize, usize)) {
    for step in (0..SIDE).filter(|step| step / 6 % 2 == 0) {
        fill(sheet, (left + step, top + SIDE - 1 - step), (2, 2), INK);
    }
}

fn frame(sheet: &mut Image, (left, top): (usize, usize), height: usize) {
    fill(sheet, (left, top), (1, height), SOFT);
    fill(sheet, (left, top + height), (SIDE + 1, 1), SOFT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::diagnosis::calibration::Reliability;

    #[test]
    fn bars_are_as_high_as_accuracy() {
        let mut reliability = Reliability::default();
        (0..10).for_each(|number| reliability.take(0.99, number < 5));
        let picture = reliability_picture(&reliability.calibration(), "t");
        let (left, top) = (GAP + AXIS, GAP + 3 * line_height(DOT) + GAP / 2);
        let at = |share: f64| picture.pixel(top + SIDE - place(share), left + SIDE - 20).to_vec();
        assert_eq!((at(0.3), at(0.75)), (BAR.to_vec(), GAP_COLOUR.to_vec()));
        assert_eq!(picture.pixel(top + SIDE / 3, left + 15), [255; 3], "an empty bin is empty");
    }

    #[test]
    fn nothing_and_a_long_title_make_a_picture() {
        for title in ["", &"long ".repeat(60)] {
            assert!(reliability_picture(&Reliability::default().calibration(), title).width() > SIDE);
        }
    }
}
