//! Which part of a picture TensorFlow's crops take. Knows no pixel and no chance.

use crate::pixels::crop::Region;
use crate::sample::Size;

/// The middle that is left when `fraction` (more than 0, at most 1) of each side is kept, as `tf.image.central_crop` takes it: the part
/// starts at trunc((side − side · fraction)/2) and ends as far from the other end.
pub fn central(size: Size, fraction: f64) -> Region {
    let start = |side: u32| {
        let side = f64::from(side);
        ((side - side * fraction) / 2.0) as u32
    };
    let (top, left) = (start(size.height), start(size.width));
    Region { top, left, height: size.height - 2 * top, width: size.width - 2 * left }
}

/// A part of `size` in the middle of `room`, which is no smaller; its corner truncated, as TF-slim's.
pub fn middle(room: Size, size: Size) -> Region {
    let start = |room: u32, side: u32| room.saturating_sub(side) / 2;
    Region::at(start(room.height, size.height), start(room.width, size.width), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_the_central_part_of_seven_eighths() {
        assert_eq!(central(Size::new(375, 500), 0.875), Region { top: 23, left: 31, height: 329, width: 438 });
        assert_eq!(central(Size::new(1, 9), 1.0), Region::whole(Size::new(1, 9)));
        assert_eq!(central(Size::new(1, 2), 0.01), Region::whole(Size::new(1, 2)), "a pixel is always left");
    }

    #[test]
    fn the_middle_truncates() {
        assert_eq!(middle(Size::new(256, 341), Size::new(224, 224)), Region { top: 16, left: 58, height: 224, width: 224 });
    }
}
