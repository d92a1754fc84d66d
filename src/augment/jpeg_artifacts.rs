//! Shows the image as it would be after being stored as a JPEG.

use super::read::counts;
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::jpeg::jpeg_artifacts;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "jpeg_artifacts",
    about: "Shows the image as it would be after being stored as a JPEG",
    example: "op = \"jpeg_artifacts\"\nquality = [30, 90]",
    build: |fields| {
        let about = "quality of the JPEG, 100 is best; an interval draws a whole number anew for every image";
        let quality = fields.key("quality", about).read("integer or [low, high], 1 to 100".to_owned(), (1, 1), |node| {
            let (low, high) = match counts(node, 100)?[..] {
                [quality] => (quality, quality),
                [low, high] => (low, high),
                _ => return None,
            };
            (1 <= low && low <= high).then_some((low, high))
        });
        Box::new(JpegArtifacts { quality: quality.required() })
    },
};

struct JpegArtifacts {
    quality: (u32, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    quality: u8,
}

impl Op for JpegArtifacts {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { quality: dice.integer(i64::from(self.quality.0), i64::from(self.quality.1)) as u8 }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        jpeg_artifacts(image, draw.quality);
    }

    fn is_fixed(&self) -> bool {
        self.quality.0 == self.quality.1
    }
}
