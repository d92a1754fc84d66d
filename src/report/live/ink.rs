//! Colours where there are colours, and bars of cells. What must be told apart is told apart without colours, too.

use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub struct Ink(pub bool);

impl Ink {
    /// A colour, where there are colours.
    pub fn of(self, colour: Color) -> Style {
        if self.0 { Style::new().fg(colour) } else { Style::new() }
    }

    /// Bold type, which is no colour.
    pub fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// For what stands back.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

/// `width` cells, filled from the left to an eighth of a cell.
pub fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let filled = if share.is_finite() { (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize } else { 0 };
    let used = filled.div_ceil(8).min(width);
    "█".repeat(filled / 8) + EIGHTHS[filled % 8] + &"·".repeat(width - used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bar_is_as_wide_as_asked_for(share in proptest::num::f64::ANY, width in 0..200usize) {
            prop_assert_eq!(bar(share, width).chars().count(), width);
        }
    }

    #[test]
    fn a_bar_shows_its_share() {
        assert_eq!((bar(0.0, 3), bar(0.5, 3), bar(1.0, 3)), ("···".into(), "█▌·".into(), "███".into()));
    }
}
