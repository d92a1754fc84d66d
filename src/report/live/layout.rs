//! What finds room on a screen of any size, and where.

use ratatui::layout::Rect;

/// Rows that curves need to say anything, and columns.
const CURVES: (u16, u16) = (6, 24);

/// The screen from top to bottom; what found no room has no height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    /// Name, phase, time.
    pub header: Rect,
    /// The pass under way.
    pub progress: Rect,
    /// The stages.
    pub stages: Rect,
    /// Whether these have a line of titles.
    pub titled: bool,
    /// The bottleneck.
    pub sentence: Rect,
    /// Loss and accuracy.
    pub curves: Rect,
    /// Warnings.
    pub notes: Rect,
    /// Keys.
    pub footer: Rect,
}

impl Places {
    /// Divides `area` where there are so many stages: what matters most gets its rows first.
    pub fn of(area: Rect, stages: usize) -> Self {
        let tall = area.height >= 14;
        let stages = u16::try_from(stages).unwrap_or(u16::MAX);
        let mut left = area.height;
        let mut take = |rows: u16| {
            let got = rows.min(left);
            left -= got;
            got
        };
        let [header, progress, footer] = [take(1), take(1), take(1)];
        let titled = tall && stages > 0;
        let stage_rows = take(stages.saturating_add(u16::from(titled)));
        let sentence = take(if area.height >= 20 && area.width < 150 { 2 } else { 1 });
        let notes = take(match area.height {
            30.. => 4,
            18.. => 2,
            _ => 1,
        });
        let curves = if left >= CURVES.0 && area.width >= CURVES.1 { left } else { 0 };
        let notes = notes + left - curves;
        let mut y = area.y;
        let mut place = |height: u16| {
            let rect = Rect { y, height, ..area };
            y += height;
            rect
        };
        let (header, progress, stages, sentence) = (place(header), place(progress), place(stage_rows), place(sentence));
        let (curves, notes, footer) = (place(curves), place(notes), place(footer));
        Self { header, progress, stages, titled, sentence, curves, notes, footer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_given_away_once(width in 0..300u16, height in 0..120u16, stages in 0..9usize) {
            let area = Rect { x: 3, y: 2, width, height };
            let places = Places::of(area, stages);
            let rects = [places.header, places.progress, places.stages, places.sentence, places.curves, places.notes, places.footer];
            let mut y = area.y;
            for rect in rects {
                prop_assert_eq!((rect.x, rect.y, rect.width), (area.x, y, width));
                y += rect.height;
            }
            prop_assert_eq!(y, area.bottom());
        }
    }

    #[test]
    fn forty_by_ten_holds_all_five_stages_and_what_limits() {
        let places = Places::of(Rect::new(0, 0, 40, 10), 5);
        let heights = [places.header, places.progress, places.stages, places.sentence, places.notes, places.footer];
        assert_eq!(heights.map(|rect| rect.height), [1, 1, 5, 1, 1, 1]);
        assert!(Places::of(Rect::new(0, 0, 80, 24), 5).curves.height >= 8);
    }
}
