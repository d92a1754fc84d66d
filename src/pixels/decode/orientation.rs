//! EXIF orientation: where it stands, and how a picture is turned upright. Knows no other tag.

use super::super::crop::Region;
use crate::sample::{Image, Size};

/// The orientation, 1–8, in a TIFF block as EXIF stores it; 1 where there is none or it makes no sense.
pub(super) fn of_exif(block: &[u8]) -> u8 {
    find(block).filter(|value| (1..=8).contains(value)).unwrap_or(1) as u8
}

/// The value of tag 0x0112 (one SHORT) of the first directory.
pub(super) fn find(block: &[u8]) -> Option<u16> {
    let little = match block.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let pair = [*block.get(at)?, *block.get(at.checked_add(1)?)?];
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| {
        let (first, second) = (u32::from(short(at)?), u32::from(short(at.checked_add(2)?)?));
        Some(if little { second << 16 | first } else { first << 16 | second })
    };
    let directory = long(4)? as usize;
    let count = usize::from(short(directory)?);
    let entry = (0..count).map(|index| directory + 2 + 12 * index).find(|&at| short(at) == Some(0x0112))?;
    let is_one_short = short(entry + 2)? == 3 && long(entry + 4)? == 1;
    is_one_short.then(|| short(entry + 8))?
}

/// `image` as it should be looked at, given its EXIF orientation (CIPA DC-008, tag 0x0112).
pub(super) fn upright(image: Image, orientation: u8) -> Image {
    let Size { height, width } = image.size();
    let (bottom, right) = (height as usize - 1, width as usize - 1);
    // Each arm: the pixel of the stored picture that is seen in row y and column x.
    match orientation {
        2 => rearranged(&image, false, |y, x| (y, right - x)),
        3 => rearranged(&image, false, |y, x| (bottom - y, right - x)),
        4 => rearranged(&image, false, |y, x| (bottom - y, x)),
        5 => rearranged(&image, true, |y, x| (x, y)),
        6 => rearranged(&image, true, |y, x| (bottom - x, y)),
        7 => rearranged(&image, true, |y, x| (bottom - x, right - y)),
        8 => rearranged(&image, true, |y, x| (x, right - y)),
        _ => image,
    }
}

/// The size of a picture stored at `size` once it is upright.
pub(super) fn upright_size(size: Size, orientation: u8) -> Size {
    if (5..=8).contains(&orientation) { Size::new(size.width, size.height) } else { size }
}

/// Where `region` of an upright picture is stored, in a picture of the stored `size`.
pub(super) fn stored_region(region: Region, size: Size, orientation: u8) -> Region {
    let Region { top, left, height, width } = region;
    // Rows and columns from the other end.
    let from_bottom = |at: u32, length: u32| size.height - at - length;
    let from_right = |at: u32, length: u32| size.width - at - length;
    let (top, left) = match orientation {
        2 => (top, from_right(left, width)),
        3 => (from_bottom(top, height), from_right(left, width)),
        4 => (from_bottom(top, height), left),
        5 => (left, top),
        6 => (from_bottom(left, width), top),
        7 => (from_bottom(left, width), from_right(top, height)),
        8 => (left, from_right(top, height)),
        _ => (top, left),
    };
    Region::at(top, left, upright_size(region.size(), orientation))
}

fn rearranged(image: &Image, swapped: bool, from: impl Fn(usize, usize) -> (usize, usize)) -> Image {
    let Size { height, width } = image.size();
    let size = if swapped { Size::new(width, height) } else { Size::new(height, width) };
    let mut pixels = Vec::with_capacity(image.pixels().len());
    for y in 0..size.height as usize {
        for x in 0..size.width as usize {
            let (row, column) = from(y, x);
            pixels.extend_from_slice(image.pixel(row, column));
        }
    }
    Image::new(size, image.channels(), pixels)
}

#[cfg(test)]
mod tests {
    use super::super::super::crop::crop;
    use super::*;

    fn block(little: bool, kind: u16, count: u32, value: u16) -> Vec<u8> {
        let short = |v: u16| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let long = |v: u32| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut bytes = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        bytes.extend(long(8));
        bytes.extend(short(2));
        for (tag, kind, count, value) in [(0x010f, 2, 4, 0), (0x0112, kind, count, value)] {
            bytes.extend(short(tag));
            bytes.extend(short(kind));
            bytes.extend(long(count));
            bytes.extend(short(value));
            bytes.extend([0, 0]);
        }
        bytes
    }

    #[test]
    fn orientation_is_read_in_both_byte_orders_and_garbage_is_upright() {
        for value in 0..=9 {
            let expected = if (1..=8).contains(&value) { value as u8 } else { 1 };
            assert_eq!(of_exif(&block(true, 3, 1, value)), expected);
            assert_eq!(of_exif(&block(false, 3, 1, value)), expected);
        }
        assert_eq!(of_exif(&block(true, 4, 1, 6)), 1);
        assert_eq!(of_exif(&block(true, 3, 2, 6)), 1);
        let whole = block(false, 3, 1, 6);
        assert!((0..whole.len() - 2).all(|cut| of_exif(&whole[..cut]) == 1));
        assert_eq!(of_exif(b"II*\0\xff\xff\xff\xff"), 1);
    }

    #[test]
    fn a_part_of_the_upright_picture_is_an_upright_part_of_the_stored_one() {
        let stored = Image::new(Size::new(5, 7), 3, (0..105).collect());
        for orientation in 0..=9 {
            let whole = upright(stored.clone(), orientation);
            assert_eq!(whole.size(), upright_size(stored.size(), orientation));
            for (top, left, height, width) in [(0, 0, 1, 1), (1, 2, 3, 2), (4, 0, 1, 5), (2, 4, 3, 1), (0, 0, 5, 5)] {
                let region = Region { top, left, height, width };
                let part = crop(&stored, stored_region(region, stored.size(), orientation));
                assert_eq!(upright(part, orientation), crop(&whole, region), "{orientation} {region:?}");
            }
        }
    }

    #[test]
    fn every_orientation_moves_the_stored_corner_where_it_belongs() {
        // The stored picture's first row is 1 2, its second 3 4, its third 5 6.
        let stored = || Image::new(Size::new(3, 2), 1, vec![1, 2, 3, 4, 5, 6]);
        let expected: [&[u8]; 9] = [
            &[1, 2, 3, 4, 5, 6],
            &[1, 2, 3, 4, 5, 6],
            &[2, 1, 4, 3, 6, 5],
            &[6, 5, 4, 3, 2, 1],
            &[5, 6, 3, 4, 1, 2],
            &[1, 3, 5, 2, 4, 6],
            &[5, 3, 1, 6, 4, 2],
            &[6, 4, 2, 5, 3, 1],
            &[2, 4, 6, 1, 3, 5],
        ];
        for (orientation, pixels) in expected.iter().enumerate() {
            let seen = upright(stored(), orientation as u8);
            assert_eq!(seen.pixels(), *pixels, "{orientation}");
            assert_eq!(seen.height(), if orientation >= 5 { 2 } else { 3 });
        }
    }
}
