//! Puts a frame around an image. Knows no chance.

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
    let colour = if let PadMode::Constant(colour) = mode { colour } else { [0; 3] };
    let columns = places(frame.left, image.width(), frame.right, mode);
    let rows = places(frame.top, image.height(), frame.bottom, mode);
    let (before, after) = (&columns[..frame.left as usize], &columns[frame.left as usize + image.width()..]);
    let blank = colour[..channels].repeat(columns.len());
    // Every byte is written once: memory that is cleared first takes longer than all the rest.
    let mut pixels = Vec::with_capacity(size.area() as usize * channels);
    for source in rows {
        let Some(source) = source.map(|y| image.row(y)) else {
            pixels.extend_from_slice(&blank);
            continue;
        };
        let show = |places: &[Option<usize>], pixels: &mut Vec<u8>| {
            if let PadMode::Constant(_) = mode {
                return pixels.extend_from_slice(&blank[..places.len() * channels]);
            }
            for from in places.iter().flatten() {
                pixels.extend_from_slice(&source[from * channels..][..channels]);
            }
        };
        show(before, &mut pixels);
        pixels.extend_from_slice(source);
        show(after, &mut pixels);
    }
    Image::new(size, channels, pixels)
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
