//! Training samples beside what augmentation made of them in the first epochs.

use super::picture::image;
use super::{Kind, Paper, Section};
use crate::sample::Image;

pub(super) const SECTION: Section = Section { id: "samples", title: "Augmented samples", body };

/// Pixels a side.
const SIDE: usize = 96;

fn body(paper: &Paper) -> Option<String> {
    if paper.augmented.is_empty() {
        return None;
    }
    let (sample, made, words) = match paper.kind() {
        Kind::Trained => {
            ("training sample", "in epoch", "as it is evaluated, in a frame, then as it was learned from in the first epochs")
        }
        Kind::Wrote => ("sample", "as variant", "as it is stored for evaluation, in a frame, then its first variants"),
        Kind::Delivered => {
            ("training sample", "in epoch", "as it is evaluated, in a frame, then as the first epochs would show it")
        }
    };
    let row = |(place, row): (usize, &Vec<Image>)| {
        let cell = |(variant, picture): (usize, &Image)| match variant {
            0 => format!("<li class=\"first\">{}</li>\n", image(picture, SIDE, &format!("{sample} {}, not augmented", place + 1))),
            // Variants count from 0, epochs from 1.
            _ => {
                let number = if paper.kind() == Kind::Wrote { variant - 1 } else { variant };
                format!("<li>{}</li>\n", image(picture, SIDE, &format!("{sample} {} {made} {number}", place + 1)))
            }
        };
        let cells: String = row.iter().enumerate().map(cell).collect();
        format!("<ul class=\"strip\" aria-label=\"Sample {}\">\n{cells}</ul>\n", place + 1)
    };
    let rows: String = paper.augmented.iter().enumerate().map(row).collect();
    let words = format!("<p>A row is a {sample}: {words}.</p>\n");
    Some(format!("{words}<div class=\"sheet\">\n{rows}</div>\n"))
}
