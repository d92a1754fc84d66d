//! The four corners and the middle, as five pictures: a prediction over them is their mean.

use super::center_crop::framed;
use super::crop::{Small, holds, too_small};
use super::read::fill;
use super::{Build, Op, Output};
use crate::config::Fields;
use crate::key::Dice;
use crate::pixels::crop::{Region, crop};
use crate::pixels::flip::{flip_horizontal, flip_vertical};
use crate::registry::Entry;
use crate::sample::{Image, Size, View};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "five_crop",
    about: "Makes five pictures of one, its corners and its middle, whose predictions are averaged; in [[evaluate]] only",
    example: "op = \"five_crop\"\nsize = [32, 32]\nsmall = \"pad\"",
    build: |fields| Box::new(Crops::read(fields, None)),
};

/// The turned picture that is cut up, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flip {
    Horizontal,
    Vertical,
}

/// Five parts of one size, and five of the flipped picture where there is a flip.
pub(super) struct Crops {
    size: Size,
    small: Small,
    fill: [u8; 3],
    flip: Option<Flip>,
}

impl Crops {
    pub(super) fn read(fields: &Fields, flip: Option<Flip>) -> Self {
        let size = fields.key("size", "[height, width] of each part; one number makes a square").size().required();
        Self { size, small: Small::read(fields, Small::Quarantine), fill: fill(fields), flip }
    }

    /// In torchvision's order: top left, top right, bottom left, bottom right, middle (its corner rounded half to even).
    fn regions(&self, room: Size) -> [Region; 5] {
        let (bottom, right) = (room.height - self.size.height, room.width - self.size.width);
        let half = |slack: u32| (f64::from(slack) / 2.0).round_ties_even() as u32;
        let corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (half(bottom), half(right))];
        corners.map(|(top, left)| Region::at(top, left, self.size))
    }
}

impl Op for Crops {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    /// Leaves the middle.
    fn apply(&self, (): &(), image: &mut Image) {
        framed(image, self.size, self.small, self.fill);
        *image = crop(image, self.regions(image.size())[4]);
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

    fn output(&self) -> Output {
        Output { views: if self.flip.is_some() { 10 } else { 5 }, floats: false }
    }

    fn views(&self, (): &(), mut image: Image) -> Vec<View> {
        framed(&mut image, self.size, self.small, self.fill);
        let regions = self.regions(image.size());
        let cut = |image: &Image| regions.map(|region| View::Bytes(crop(image, region)));
        let mut views = Vec::from(cut(&image));
        match self.flip {
            Some(Flip::Horizontal) => flip_horizontal(&mut image),
            Some(Flip::Vertical) => flip_vertical(&mut image),
            None => return views,
        }
        views.extend(cut(&image));
        views
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first byte of each view of a picture whose bytes count up.
    fn corners(height: u8, width: u8, flip: Option<Flip>) -> Vec<u8> {
        let image = Image::new(Size::new(height.into(), width.into()), 1, (0..height * width).collect());
        let crops = Crops { size: Size::new(2, 2), small: Small::Quarantine, fill: [0; 3], flip };
        let views = crops.views(&(), image);
        views.iter().map(|view| if let View::Bytes(image) = view { image.pixels()[0] } else { 255 }).collect()
    }

    #[test]
    fn golden_order_is_that_of_torchvision() {
        assert_eq!(corners(4, 5, None), [0, 3, 10, 13, 7]);
        assert_eq!(corners(4, 5, Some(Flip::Horizontal)), [0, 3, 10, 13, 7, 4, 1, 14, 11, 7]);
        assert_eq!(corners(4, 5, Some(Flip::Vertical)), [0, 3, 10, 13, 7, 15, 18, 5, 8, 12]);
    }
}
