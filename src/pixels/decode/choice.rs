//! Which part of a picture is wanted, and how small it may come. Knows no format.

use super::super::crop::Region;
use crate::sample::Size;

/// Most often that a picture is halved: a block of a JPEG is then a pixel.
pub const MOST_HALVINGS: u32 = 3;

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The part, in pixels of the whole picture.
    pub region: Region,
    /// Where it may be decoded at a half, a quarter or an eighth of its size: the least height and width that it must still have.
    pub enough: Option<Size>,
}

impl From<Region> for Choice {
    fn from(region: Region) -> Self {
        Self { region, enough: None }
    }
}

/// What a picture of `size` measures when its sides are halved so often: pixels that reach beyond its end are kept.
pub fn halved(size: Size, halvings: u32) -> Size {
    Size::new(size.height.div_ceil(1 << halvings), size.width.div_ceil(1 << halvings))
}

impl Choice {
    /// How often the sides are halved of a picture of the size `whole`: as often as leaves enough.
    pub fn halvings(self, whole: Size) -> u32 {
        let Some(enough) = self.enough else { return 0 };
        let Region { height, width, .. } = self.region.within(whole);
        let leaves = |&halvings: &u32| height >> halvings >= enough.height.max(1) && width >> halvings >= enough.width.max(1);
        (1..=MOST_HALVINGS).rev().find(leaves).unwrap_or(0)
    }

    /// The part in pixels of the picture whose sides are halved so often: its edges come to the nearest pixels, halves further on. At
    /// least a pixel, and none of those that reach beyond the picture's end by more than half.
    pub fn halved(self, whole: Size, halvings: u32) -> Region {
        let Region { top, left, height, width } = self.region.within(whole);
        let near = |edge: u32| ((u64::from(edge) + (1 << halvings >> 1)) >> halvings) as u32;
        let (bottom, right) = (near(top + height), near(left + width));
        let (top, left) = (near(top), near(left));
        let all = Size::new(near(whole.height).max(1), near(whole.width).max(1));
        Region { top, left, height: bottom - top, width: right - left }.within(all)
    }

    /// The part as it is decoded of a picture of the size `whole`.
    pub fn decoded(self, whole: Size) -> Region {
        self.halved(whole, self.halvings(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_halved_as_often_as_leaves_enough() {
        let whole = Size::new(999, 1001);
        let choice = |height, width, enough| Choice { region: Region { top: 99, left: 0, height, width }, enough };
        let square = |side| Some(Size::new(side, side));
        for (height, width, enough, halvings) in [
            (900, 1001, None, 0),
            (900, 1001, square(224), 2),
            (448, 1001, square(224), 1),
            (447, 1001, square(224), 0),
            (900, 1001, square(1), 3),
            (2, 2, square(1), 1),
            (1, 1, square(1), 0),
            (900, 900, Some(Size::new(900, 1)), 0),
        ] {
            assert_eq!(choice(height, width, enough).halvings(whole), halvings, "{height} {width} {enough:?}");
        }
        assert_eq!(choice(900, 1001, square(224)).decoded(whole), Region { top: 25, left: 0, height: 225, width: 250 });
        assert_eq!(choice(1, 1, None).halved(whole, 3).size(), Size::new(1, 1));
        assert_eq!(halved(whole, 3), Size::new(125, 126));
    }
}
