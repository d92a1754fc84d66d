//! Cuts a part of one size out of the middle.

use super::crop::{Small, enlarge, holds, too_small};
use super::read::{fill, moving};
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::crop::{Region, crop};
use crate::pixels::fused::Motion;
use crate::pixels::pad::{Frame, PadMode, pad};
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "center_crop",
    about: "Cuts a part of one size out of the middle",
    example: "op = \"center_crop\"\nsize = [32, 32]",
    build: |fields| {
        let size = fields.key("size", "[height, width] of the part; one number makes a square").size().required();
        Box::new(CenterCrop { size, small: Small::read(fields, Small::Pad), fill: fill(fields) })
    },
};

struct CenterCrop {
    size: Size,
    small: Small,
    fill: [u8; 3],
}

/// Enlarges an image that is smaller than `part`, or puts around it what it lacks.
pub(super) fn framed(image: &mut Image, part: Size, small: Small, fill: [u8; 3]) {
    let size = image.size();
    if holds(size, part) {
        return;
    }
    if small == Small::Resize {
        return enlarge(image, part);
    }
    *image = pad(image, frame(size, part), PadMode::Constant(fill));
}

/// What an image of `size` lacks of `part`, in halves, the smaller one before it.
fn frame(size: Size, part: Size) -> Frame {
    let (lacks_y, lacks_x) = (part.height.saturating_sub(size.height), part.width.saturating_sub(size.width));
    Frame { left: lacks_x / 2, top: lacks_y / 2, right: lacks_x.div_ceil(2), bottom: lacks_y.div_ceil(2) }
}

impl CenterCrop {
    /// First row and column of the part of an image of `size` that holds it.
    fn corner(&self, size: Size) -> (u32, u32) {
        let middle = |full: u32, part: u32| (f64::from(full - part) / 2.0).round_ties_even() as u32;
        (middle(size.height, self.size.height), middle(size.width, self.size.width))
    }
}

impl Op for CenterCrop {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        framed(image, self.size, self.small, self.fill);
        let (top, left) = self.corner(image.size());
        *image = crop(image, Region::at(top, left, self.size));
    }

    fn part(&self, (): &(), size: Size) -> Option<(Region, ())> {
        holds(size, self.size).then(|| {
            let (top, left) = self.corner(size);
            (Region::at(top, left, self.size), ())
        })
    }

    fn motion(&self, (): &(), size: Size) -> Option<Motion> {
        if !holds(size, self.size) && self.small == Small::Resize {
            return None;
        }
        let frame = frame(size, self.size);
        let (top, left) = self.corner(frame.around(size));
        let from = |at: u32, padding: u32| i64::from(at) - i64::from(padding);
        Some(moving(from(left, frame.left), from(top, frame.top), self.size, self.fill))
    }

    fn refuses(&self, size: Size) -> Option<String> {
        let fits = self.small != Small::Quarantine || holds(size, self.size);
        (!fits).then(|| too_small(size, self.size))
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.size)
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(width: u32, part: u32) -> Vec<u8> {
        let mut image = Image::new(Size::new(1, width), 1, (1..=width as u8).collect());
        CenterCrop { size: Size::new(1, part), small: Small::Pad, fill: [0; 3] }.apply(&(), &mut image);
        image.into_pixels()
    }

    #[test]
    fn the_middle_rounds_half_to_even_and_small_images_get_a_frame() {
        assert_eq!(columns(5, 2), [3, 4]);
        assert_eq!(columns(7, 2), [3, 4]);
        assert_eq!(columns(6, 2), [3, 4]);
        assert_eq!(columns(2, 5), [0, 1, 2, 0, 0]);
    }
}
