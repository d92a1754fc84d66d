//! Cuts a part of one size out of a random place.

use super::read::{counts, fill, moving};
use super::{Build, Op};
use crate::config::Fields;
use crate::key::Dice;
use crate::pixels::crop::{Region, crop};
use crate::pixels::fused::Motion;
use crate::pixels::pad::{Frame, PadMode, pad, pad_part};
use crate::pixels::resize::{Interpolation, resize};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "crop",
    about: "Cuts a part of one size out of a random place, after padding the image if asked to",
    example: "op = \"crop\"\nsize = [32, 32]\npadding = 4\nsmall = \"pad\"",
    build: |fields| {
        let size = fields.key("size", "[height, width] of the part; one number makes a square").size().required();
        let padding = read_padding(fields);
        let mode = read_mode(fields);
        let small = read_small(fields);
        Box::new(Crop { size, padding, mode, small })
    },
};

/// What happens to an image that is smaller than the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Small {
    Quarantine,
    Pad,
    Resize,
}

impl Small {
    /// The key `small`.
    pub(super) fn read(fields: &Fields, default: Small) -> Self {
        let choices = [("quarantine", Small::Quarantine), ("pad", Small::Pad), ("resize", Small::Resize)];
        let shown = choices.iter().find(|(_, small)| *small == default).map_or("", |(word, _)| word);
        let about = "what is done with an image that is too small: set aside, padded, or enlarged with its proportions kept";
        fields.key("small", about).choice(&choices).or_shown(default, shown)
    }
}

/// Why an image of `size` is set aside.
pub(super) fn too_small(size: Size, part: Size) -> String {
    format!("image {size} is smaller than the crop {part}")
}

/// Whether `part` fits into an image of `size`.
pub(super) fn holds(size: Size, part: Size) -> bool {
    size.height >= part.height && size.width >= part.width
}

/// The smallest size with the proportions of `size` that holds `part`.
pub(super) fn covering(size: Size, part: Size) -> Size {
    let scaled = |side: u32, to: u32, from: u32| (u64::from(side) * u64::from(to)).div_ceil(u64::from(from)).min(65_535) as u32;
    if u64::from(part.height) * u64::from(size.width) >= u64::from(part.width) * u64::from(size.height) {
        Size::new(part.height, scaled(size.width, part.height, size.height).max(part.width))
    } else {
        Size::new(scaled(size.height, part.width, size.width).max(part.height), part.width)
    }
}

/// `image` at the [`covering`] size.
pub(super) fn enlarge(image: &mut Image, part: Size) {
    *image = resize(image, covering(image.size(), part), Interpolation::Bilinear, true);
}

fn read_small(fields: &Fields) -> Small {
    let about = "torchvision's word for `small = \"pad\"`: a side that is too short gets what it lacks at both ends";
    let pads = fields.key("pad_if_needed", about).flag().or(false);
    let small = Small::read(fields, if pads { Small::Pad } else { Small::Quarantine });
    if pads && small != Small::Pad {
        let message = format!("`pad_if_needed` in {} contradicts `small`", fields.name());
        fields.complain("pad_if_needed", message, "say it once, with `small`");
    }
    small
}

pub(super) fn read_padding(fields: &Fields) -> Frame {
    let about = "pixels put around the image first: one number, [x, y], or [left, top, right, bottom]";
    let kind = "integer or list of 2 or 4, 0 to 4096".to_owned();
    let padding = fields.key("padding", about).read(kind, Frame::default(), |node| match counts(node, 4096)?[..] {
        [all] => Some(Frame { left: all, top: all, right: all, bottom: all }),
        [x, y] => Some(Frame { left: x, top: y, right: x, bottom: y }),
        [left, top, right, bottom] => Some(Frame { left, top, right, bottom }),
        _ => None,
    });
    padding.or_shown(Frame::default(), "0")
}

pub(super) fn read_mode(fields: &Fields) -> PadMode {
    let constant = PadMode::Constant(fill(fields));
    let choices =
        [("constant", constant), ("edge", PadMode::Edge), ("reflect", PadMode::Reflect), ("symmetric", PadMode::Symmetric)];
    fields.key("padding_mode", "what the padding shows").choice(&choices).or_shown(constant, "constant")
}

struct Crop {
    size: Size,
    padding: Frame,
    mode: PadMode,
    small: Small,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    top: u32,
    left: u32,
}

impl Crop {
    /// All padding of an image of `size`: a side that is still too short gets what it lacks at both ends, as torchvision does.
    fn frame(&self, size: Size) -> Frame {
        let mut frame = self.padding;
        if self.small == Small::Pad {
            let padded = frame.around(size);
            let (lacks_y, lacks_x) = (self.size.height.saturating_sub(padded.height), self.size.width.saturating_sub(padded.width));
            frame = Frame {
                left: frame.left + lacks_x,
                top: frame.top + lacks_y,
                right: frame.right + lacks_x,
                bottom: frame.bottom + lacks_y,
            };
        }
        frame
    }

    /// The size out of which the part is cut.
    fn room(&self, size: Size) -> Size {
        let padded = self.frame(size).around(size);
        if holds(padded, self.size) { padded } else { covering(padded, self.size) }
    }
}

impl Crop {
    /// First row and column of the part of an image of `size`, which holds it.
    fn corner(&self, draw: &Draw, size: Size) -> (u32, u32) {
        (draw.top.min(size.height - self.size.height), draw.left.min(size.width - self.size.width))
    }
}

impl Op for Crop {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let room = self.room(size);
        let top = dice.below(u64::from(room.height - self.size.height) + 1) as u32;
        let left = dice.below(u64::from(room.width - self.size.width) + 1) as u32;
        Draw { top, left }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let frame = self.frame(image.size());
        let padded = frame.around(image.size());
        if frame != Frame::default() && holds(padded, self.size) {
            let (top, left) = self.corner(draw, padded);
            *image = pad_part(image, frame, self.mode, Region::at(top, left, self.size));
            return;
        }
        if frame != Frame::default() {
            *image = pad(image, frame, self.mode);
        }
        if !holds(image.size(), self.size) {
            enlarge(image, self.size);
        }
        let (top, left) = self.corner(draw, image.size());
        *image = crop(image, Region::at(top, left, self.size));
    }

    fn part(&self, draw: &Draw, size: Size) -> Option<(Region, Draw)> {
        let is_inside = self.padding == Frame::default() && holds(size, self.size);
        is_inside.then(|| {
            let (top, left) = self.corner(draw, size);
            (Region::at(top, left, self.size), Draw { top: 0, left: 0 })
        })
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        let frame = self.frame(size);
        let padded = frame.around(size);
        let fill = match self.mode {
            PadMode::Constant(fill) => fill,
            _ if frame == Frame::default() => [0; 3],
            _ => return None,
        };
        holds(padded, self.size).then(|| {
            let (top, left) = self.corner(draw, padded);
            let from = |at: u32, padding: u32| i64::from(at) - i64::from(padding);
            moving(from(left, frame.left), from(top, frame.top), self.size, fill)
        })
    }

    fn refuses(&self, size: Size) -> Option<String> {
        let fits = self.small != Small::Quarantine || holds(self.padding.around(size), self.size);
        (!fits).then(|| too_small(size, self.size))
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crop_of(padding: u32, small: Small) -> Crop {
        let padding = Frame { left: padding, top: padding, right: padding, bottom: padding };
        Crop { size: Size::new(32, 32), padding, mode: PadMode::Edge, small }
    }

    #[test]
    fn small_images_are_set_aside_padded_or_enlarged() {
        let small = Size::new(20, 40);
        assert_eq!(crop_of(0, Small::Quarantine).refuses(small).as_deref(), Some("image 20x40 is smaller than the crop 32x32"));
        assert_eq!(crop_of(6, Small::Quarantine).refuses(small), None);
        assert_eq!(crop_of(0, Small::Pad).room(small), Size::new(44, 40));
        assert_eq!(crop_of(0, Small::Resize).room(small), Size::new(32, 64));
        assert_eq!(crop_of(0, Small::Resize).room(Size::new(1, 1)), Size::new(32, 32));
        assert_eq!(covering(Size::new(7, 3), Size::new(5, 5)), Size::new(12, 5));
    }
}
