//! Puts a frame around an image. Knows no chance.

use super::crop::Region;
use super::fresh::{copy, put, written};
use crate::sample::{Image, Size};
use std::mem::MaybeUninit;

/// What the frame shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// A colour, with a value for each channel; a gray image takes the first.
    Constant([u8; 3]),
    /// The nearest pixel of the image.
    Edge,
    /// The image mirrored at its border pixels, which are not repeated.
    Reflect,
    /// The image mirrored at its borders, so that border pixels appear twice.
    Symmetric,
}

/// How wide the frame is on each side, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Columns before the image.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Columns after it.
    pub right: u32,
    /// Rows below it.
    pub bottom: u32,
}

impl Frame {
    /// The size of an image of `size` with the frame around it.
    pub fn around(self, size: Size) -> Size {
        Size::new(self.top + size.height + self.bottom, self.left + size.width + self.right)
    }
}

/// Bytes of a row from which on copying them in large pieces pays.
const LONG: usize = 512;

/// `image` with `frame` around it. Frames wider than the image mirror it again and again, as numpy does.
pub fn pad(image: &Image, frame: Frame, mode: PadMode) -> Image {
    pad_part(image, frame, mode, Region::whole(frame.around(image.size())))
}

/// The part of what [`pad`] makes that is in `region`, which lies inside it; no more than that is made.
pub fn pad_part(image: &Image, frame: Frame, mode: PadMode, region: Region) -> Image {
    let region = region.within(frame.around(image.size()));
    let pixels =
        if image.channels() == 1 { framed::<1>(image, (frame, mode), region) } else { framed::<3>(image, (frame, mode), region) };
    Image::new(region.size(), image.channels(), pixels)
}

fn framed<const C: usize>(image: &Image, (frame, mode): (Frame, PadMode), region: Region) -> Vec<u8> {
    let colour: [MaybeUninit<u8>; C] = std::array::from_fn(|channel| match mode {
        PadMode::Constant(colour) => MaybeUninit::new(colour[channel % 3]),
        _ => MaybeUninit::new(0),
    });
    // One value can be written without minding where a pixel begins.
    let even = match mode {
        PadMode::Constant(colour) => colour[..C].iter().all(|&value| value == colour[0]).then_some(MaybeUninit::new(colour[0])),
        _ => None,
    };
    let blank = |side: &mut [[MaybeUninit<u8>; C]]| match even {
        Some(value) => side.as_flattened_mut().fill(value),
        None => side.fill(colour),
    };
    let (width, end) = (image.width() as u32, region.left + region.width);
    // The image's own columns.
    let inside = frame.left.clamp(region.left, end)..(frame.left + width).clamp(region.left, end);
    let taken = inside.start.saturating_sub(frame.left).min(width) as usize * C;
    let column = |x: u32| place(i64::from(x) - i64::from(frame.left), image.width(), mode);
    let write = |to: &mut [MaybeUninit<u8>]| {
        for (y, to) in (region.top..).zip(to.chunks_exact_mut(region.width as usize * C)) {
            let to = to.as_chunks_mut::<C>().0;
            let Some(row) = place(i64::from(y) - i64::from(frame.top), image.height(), mode).map(|y| image.row(y)) else {
                blank(to);
                continue;
            };
            let (left, to) = to.split_at_mut((inside.start - region.left) as usize);
            let (middle, right) = to.split_at_mut(inside.len());
            let (own, middle) = (&row[taken..taken + inside.len() * C], middle.as_flattened_mut());
            if own.len() < LONG {
                put(own, middle)
            } else {
                copy(own, middle)
            }
            for (first, side) in [(region.left, left), (inside.end, right)] {
                match mode {
                    PadMode::Constant(_) => blank(side),
                    _ => show::<C>(row, (first..).map(column), side),
                }
            }
        }
    };
    // SAFETY: every row is written, and all of it: both sides with what is between them, or a blank one.
    unsafe { written(region.height as usize * region.width as usize * C, write) }
}

/// Writes the pixels of `row` at `places`.
fn show<const C: usize>(row: &[u8], places: impl Iterator<Item = Option<usize>>, side: &mut [[MaybeUninit<u8>; C]]) {
    let row = row.as_chunks::<C>().0;
    for (pixel, from) in side.iter_mut().zip(places) {
        *pixel = row[from.unwrap_or(0)].map(MaybeUninit::new);
    }
}

/// Which of `length` places along one axis the result shows at `place`, counted from where the source begins.
fn place(place: i64, length: usize, mode: PadMode) -> Option<usize> {
    let length = length as i64;
    let mirrored = |period: i64, shift: i64| {
        let place = place.rem_euclid(period.max(1));
        if place < length { place } else { period - shift - place }
    };
    let shown = match mode {
        PadMode::Constant(_) => (0..length).contains(&place).then_some(place)?,
        PadMode::Edge => place.clamp(0, length - 1),
        PadMode::Reflect => mirrored(2 * (length - 1), 0),
        PadMode::Symmetric => mirrored(2 * length, 1),
    };
    Some(shown as usize)
}

/// For each place along one axis of the result, the place in the source that it shows.
pub(super) fn places(before: u32, length: usize, after: u32, mode: PadMode) -> Vec<Option<usize>> {
    (-i64::from(before)..length as i64 + i64::from(after)).map(|at| place(at, length, mode)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::crop::crop;
    use super::*;

    fn padded(pixels: &[u8], mode: PadMode) -> Vec<u8> {
        let image = Image::new(Size::new(1, pixels.len() as u32), 1, pixels.to_vec());
        pad(&image, Frame { left: 4, right: 5, ..Frame::default() }, mode).into_pixels()
    }

    #[test]
    fn frames_wider_than_the_image_repeat_it_as_numpy_does() {
        assert_eq!(padded(&[1, 2, 3], PadMode::Constant([9; 3])), [9, 9, 9, 9, 1, 2, 3, 9, 9, 9, 9, 9]);
        assert_eq!(padded(&[1, 2, 3], PadMode::Edge), [1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3]);
        assert_eq!(padded(&[1, 2, 3], PadMode::Reflect), [1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]);
        assert_eq!(padded(&[1, 2, 3], PadMode::Symmetric), [3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1, 2]);
        for mode in [PadMode::Edge, PadMode::Reflect, PadMode::Symmetric] {
            assert_eq!(padded(&[7], mode), [7; 10]);
        }
    }

    #[test]
    fn a_part_is_what_is_cut_out_of_the_whole() {
        for channels in [1, 3] {
            let size = Size::new(3, 4);
            let image = Image::new(size, channels, (0..12 * channels as u8).collect());
            let frame = Frame { left: 2, top: 5, right: 7, bottom: 1 };
            for mode in [PadMode::Constant([7, 8, 9]), PadMode::Edge, PadMode::Reflect, PadMode::Symmetric] {
                let whole = pad(&image, frame, mode);
                for (top, left, height, width) in [(0, 0, 9, 13), (0, 0, 2, 2), (4, 1, 3, 5), (6, 7, 3, 6), (8, 12, 1, 1)] {
                    let region = Region { top, left, height, width };
                    assert_eq!(pad_part(&image, frame, mode, region), crop(&whole, region), "{mode:?} {region:?}");
                }
            }
        }
    }
}
