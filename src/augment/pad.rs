//! Puts a frame around the image.

use super::crop::{read_mode, read_padding};
use super::read::moving;
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::fused::Motion;
use crate::pixels::pad::{Frame, PadMode, pad};
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "pad",
    about: "Puts a frame around the image: of one colour, or continuing what it shows",
    example: "op = \"pad\"\npadding = 4\npadding_mode = \"reflect\"",
    build: |fields| Box::new(Pad { frame: read_padding(fields), mode: read_mode(fields) }),
};

struct Pad {
    frame: Frame,
    mode: PadMode,
}

impl Op for Pad {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        *image = pad(image, self.frame, self.mode);
    }

    fn motion(&self, (): &(), size: Size) -> Option<Motion> {
        match self.mode {
            PadMode::Constant(fill) => {
                Some(moving(-i64::from(self.frame.left), -i64::from(self.frame.top), self.frame.around(size), fill))
            }
            _ => None,
        }
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        size.map(|size| self.frame.around(size))
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
