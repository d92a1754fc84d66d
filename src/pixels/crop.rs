//! Cuts a rectangle out of an image. Knows no chance.

use crate::sample::{Image, Size};

/// A rectangle of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Region {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Region {
    /// All of an image of `size`.
    pub fn whole(size: Size) -> Self {
        Self { top: 0, left: 0, height: size.height, width: size.width }
    }

    /// `size` from the row `top` and the column `left` on.
    pub fn at(top: u32, left: u32, size: Size) -> Self {
        Self { top, left, height: size.height, width: size.width }
    }

    /// Height and width.
    pub fn size(self) -> Size {
        Size::new(self.height, self.width)
    }

    /// The part of it that lies inside an image of `size`, at least one pixel.
    pub fn within(self, size: Size) -> Self {
        let (top, left) = (self.top.min(size.height - 1), self.left.min(size.width - 1));
        let height = self.height.clamp(1, size.height - top);
        let width = self.width.clamp(1, size.width - left);
        Self { top, left, height, width }
    }
}

/// The part of `image` in `region`, which is first brought [within](Region::within) it.
pub fn crop(image: &Image, region: Region) -> Image {
    let region = region.within(image.size());
    let (from, length) = (region.left as usize * image.channels(), region.width as usize * image.channels());
    let rows = region.top as usize..(region.top + region.height) as usize;
    let mut pixels = Vec::with_capacity(region.height as usize * length);
    for y in rows {
        pixels.extend_from_slice(&image.row(y)[from..from + length]);
    }
    Image::new(region.size(), image.channels(), pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_outside_is_brought_inside() {
        let image = Image::new(Size::new(2, 3), 1, vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(crop(&image, Region { top: 1, left: 1, height: 9, width: 9 }).pixels(), [5, 6]);
        assert_eq!(crop(&image, Region { top: 7, left: 7, height: 0, width: 0 }).pixels(), [6]);
    }
}
