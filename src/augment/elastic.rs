//! Bends the image like a sheet of rubber.

use super::read::{Look, numbers};
use super::{Build, Op};
use crate::config::Fields;
use crate::key::Dice;
use crate::pixels::elastic::Displacement;
use crate::pixels::warp::{Places, Sampling};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "elastic",
    about: "Moves every pixel a little, neighbours alike, as if the image were a sheet of rubber",
    example: "op = \"elastic\"\nalpha = 50\nsigma = 5",
    build: |fields| {
        let about = "strength of the moves, one number or [x, y]: as torchvision's, in halves of a pixel on a square image before smoothing";
        let alpha = pair(fields, "alpha", about, 10_000.0, 50.0);
        let about = "how wide moves are smoothed, one number or [x, y]: standard deviation of the Gaussian in pixels";
        let sigma = pair(fields, "sigma", about, 100.0, 5.0);
        Box::new(Elastic { alpha, sigma, look: Look::read_with(fields, Sampling::Bilinear, "bilinear") })
    },
};

/// A number for both axes, or one for each.
fn pair(fields: &Fields, key: &str, about: &str, high: f64, default: f32) -> [f32; 2] {
    let kind = format!("number or list of 2, 0 to {high}");
    let pair = fields.key(key, about).read(kind, [default; 2], |node| match numbers(node, 0.0, high)?[..] {
        [both] => Some([both as f32; 2]),
        [x, y] => Some([x as f32, y as f32]),
        _ => None,
    });
    pair.or_shown([default; 2], &default.to_string())
}

struct Elastic {
    alpha: [f32; 2],
    sigma: [f32; 2],
    look: Look,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    /// Number of the field of moves.
    pattern: u64,
}

impl Op for Elastic {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { pattern: dice.bits() }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let field = Displacement::new(image.size(), self.alpha, self.sigma, draw.pattern);
        self.look.resample(image, Places::Displaced(&field), image.size());
    }

    /// Moves along both axes, and those along one again while they are smoothed.
    fn scratch(&self) -> u64 {
        3 * size_of::<f32>() as u64
    }

    fn is_fixed(&self) -> bool {
        self.alpha == [0.0, 0.0]
    }
}
