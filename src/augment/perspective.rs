//! Shows the image as if seen from the side.

use super::read::Look;
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::fused::Motion;
use crate::pixels::projective::{Corners, Projective};
use crate::pixels::warp::{Places, Sampling};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "perspective",
    about: "Moves the four corners of the image inwards, each by itself, as if it were seen from the side",
    example: "op = \"perspective\"\ndistortion_scale = 0.5\np = 0.5",
    build: |fields| {
        let about = "how far corners move at most: 1 is to the middle of the image";
        let distortion = fields.key("distortion_scale", about).number(Limits::UNIT).or(0.5);
        Box::new(Perspective { distortion, look: Look::read_with(fields, Sampling::Bilinear, "bilinear") })
    },
};

struct Perspective {
    distortion: f64,
    look: Look,
}

/// Where the corners go, in whole pixels (x, y): top left, top right, bottom right, bottom left.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    corners: [[i32; 2]; 4],
}

/// The pixels in the corners of an image of `size`.
fn corners(size: Size) -> [[i32; 2]; 4] {
    let (right, bottom) = (size.width as i32 - 1, size.height as i32 - 1);
    [[0, 0], [right, 0], [right, bottom], [0, bottom]]
}

impl Draw {
    /// The map for an image of `size`; the identity where the corners make none.
    fn map(&self, size: Size) -> Projective {
        let points = |corners: [[i32; 2]; 4]| -> Corners { corners.map(|corner| corner.map(f64::from)) };
        Projective::from_corners(&points(corners(size)), &points(self.corners)).unwrap_or(Projective::IDENTITY)
    }
}

impl Op for Perspective {
    type Draw = Draw;
    const DEFAULT_P: f64 = 0.5;

    /// Each coordinate moves by 0 … ⌊`distortion_scale` · ⌊side / 2⌋⌋ pixels, each as likely, in torchvision's order.
    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let mut inwards = |from: i32, side: u32| {
            let by = dice.below((self.distortion * f64::from(side / 2)) as u64 + 1) as i32;
            if from == 0 { by } else { from - by }
        };
        Draw { corners: corners(size).map(|[x, y]| [inwards(x, size.width), inwards(y, size.height)]) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        self.look.resample(image, Places::Projective(&draw.map(image.size())), image.size());
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        self.look.motion(draw.map(size), size)
    }

    fn is_fixed(&self) -> bool {
        self.distortion == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fields, Problems};

    #[test]
    fn corners_that_stay_change_nothing() {
        for text in ["", "interpolation = 'nearest'", "interpolation = 'bicubic'\nedge = 'edge'"] {
            let look = Look::read_with(&Fields::parse(text, &Problems::default()).expect("TOML"), Sampling::Bilinear, "");
            let op = Perspective { distortion: 0.0, look };
            for (height, width) in [(1, 1), (1, 9), (2, 2), (31, 47)] {
                let size = Size::new(height, width);
                let image = Image::new(size, 3, (0..size.area() * 3).map(|i| (i * i % 251) as u8).collect());
                let mut same = image.clone();
                op.apply(&Draw { corners: corners(size) }, &mut same);
                // At the very border rounding may put a pixel outside by a hair, where torchvision's recipe darkens it.
                assert!(same.pixels().iter().zip(image.pixels()).all(|(a, b)| a.abs_diff(*b) <= 1), "{size} {text}");
            }
        }
    }
}
