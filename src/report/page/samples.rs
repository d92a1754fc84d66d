//! Training samples beside what augmentation made of them in the first epochs.

use super::picture::image;
use super::{Paper, Section};
use crate::sample::Image;

pub(super) const SECTION: Section = Section { id: "samples", title: "Augmented samples", body };

/// Pixels a side.
const SIDE: usize = 96;

fn body(paper: &Paper) -> Option<String> {
    if paper.augmented.is_empty() {
        return None;
    }
    let row = |(place, row): (usize, &Vec<Image>)| {
        let cell = |(variant, picture): (usize, &Image)| match variant {
            0 => format!(
                "<li class=\"first\">{}</li>\n",
                image(picture, SIDE, &format!("training sample {}, not augmented", place + 1))
            ),
            _ => format!("<li>{}</li>\n", image(picture, SIDE, &format!("training sample {} in epoch {variant}", place + 1))),
        };
        let cells: String = row.iter().enumerate().map(cell).collect();
        format!("<ul class=\"strip\" aria-label=\"Training sample {}\">\n{cells}</ul>\n", place + 1)
    };
    let rows: String = paper.augmented.iter().enumerate().map(row).collect();
    let words =
        "<p>A row is a training sample: as it is evaluated, in a frame, then as it was learned from in the first epochs.</p>\n";
    Some(format!("{words}<div class=\"sheet\">\n{rows}</div>\n"))
}
