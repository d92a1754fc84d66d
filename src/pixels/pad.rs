//! Puts a frame around an image. Knows no chance.

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

/// `image` with `frame` around it. Frames wider than the image mirror it again and again, as numpy does.
pub fn pad(image: &Image, frame: Frame, mode: PadMode) -> Image {
    let pixels = if image.channels() == 1 { framed::<1>(image, frame, mode) } else { framed::<3>(image, frame, mode) };
    Image::new(frame.around(image.size()), image.channels(), pixels)
}

fn framed<const C: usize>(image: &Image, frame: Frame, mode: PadMode) -> Vec<u8> {
    let colour = if let PadMode::Constant(colour) = mode { colour } else { [0; 3] };
    let columns = places(frame.left, image.width(), frame.right, mode);
    let rows = places(frame.top, image.height(), frame.bottom, mode);
    let (before, after) = (&columns[..frame.left as usize], &columns[frame.left as usize + image.width()..]);
    let blank = colour[..C].repeat(columns.len());
    let write = |to: &mut [MaybeUninit<u8>]| {
        for (row, to) in rows.iter().zip(to.chunks_exact_mut(blank.len())) {
            let Some(row) = row.map(|y| image.row(y)) else {
                copy(&blank, to);
                continue;
            };
            let (left, to) = to.split_at_mut(before.len() * C);
            let (middle, right) = to.split_at_mut(row.len());
            copy(row, middle);
            for (places, side) in [(before, left), (after, right)] {
                match mode {
                    PadMode::Constant(_) => put(&blank[..side.len()], side),
                    _ => show::<C>(row, places, side),
                }
            }
        }
    };
    // SAFETY: every row is written, and all of it: both sides with what is between them, or a blank one.
    unsafe { written(rows.len() * blank.len(), write) }
}

/// Writes the pixels of `row` at `places`.
fn show<const C: usize>(row: &[u8], places: &[Option<usize>], side: &mut [MaybeUninit<u8>]) {
    let row = row.as_chunks::<C>().0;
    for (pixel, from) in side.as_chunks_mut::<C>().0.iter_mut().zip(places) {
        *pixel = row[from.unwrap_or(0)].map(MaybeUninit::new);
    }
}

/// For each place along one axis of the result, the place in the source that it shows.
pub(super) fn places(before: u32, length: usize, after: u32, mode: PadMode) -> Vec<Option<usize>> {
    let length = length as i64;
    let inside = |place: i64| (0..length).contains(&place).then_some(place);
    let mirrored = |place: i64, period: i64, shift: i64| {
        let place = place.rem_euclid(period.max(1));
        if place < length { place } else { period - shift - place }
    };
    (-i64::from(before)..length + i64::from(after))
        .map(|place| match mode {
            PadMode::Constant(_) => inside(place),
            PadMode::Edge => Some(place.clamp(0, length - 1)),
            PadMode::Reflect => Some(mirrored(place, 2 * (length - 1), 0)),
            PadMode::Symmetric => Some(mirrored(place, 2 * length, 1)),
        })
        .map(|place| place.map(|place| place as usize))
        .collect()
}

#[cfg(test)]
mod tests {
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
}
