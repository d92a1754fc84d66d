//! Puts a frame around an image. Knows no chance.

use super::warp::paint;
use crate::sample::{Image, Size};

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
    let size = frame.around(image.size());
    let channels = image.channels();
    let mut out = Image::filled(size, channels, 0);
    if let PadMode::Constant(colour) = mode {
        paint(out.pixels_mut(), channels, colour);
    }
    let columns = places(frame.left, image.width(), frame.right, mode);
    let rows = places(frame.top, image.height(), frame.bottom, mode);
    let (left, middle) = (frame.left as usize * channels, image.width() * channels);
    let stride = out.width() * channels;
    for (row, source) in out.pixels_mut().chunks_exact_mut(stride).zip(rows) {
        let Some(source) = source.map(|y| image.row(y)) else { continue };
        row[left..left + middle].copy_from_slice(source);
        for x in (0..frame.left as usize).chain(frame.left as usize + image.width()..size.width as usize) {
            if let Some(from) = columns[x] {
                row[x * channels..][..channels].copy_from_slice(&source[from * channels..][..channels]);
            }
        }
    }
    out
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
