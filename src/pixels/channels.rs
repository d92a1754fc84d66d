//! Puts the channels of an image into another order. Knows no chance.

use super::planes::Planes;
use crate::sample::Image;

/// Channel c becomes what channel `order[c]` was; numbers above 2 count as 2. A gray image stays as it is.
pub fn permute(image: &mut Image, order: [u8; 3]) {
    if image.channels() == 3 {
        reorder(image.pixels_mut(), order.map(|channel| usize::from(channel.min(2))));
    }
}

wide! {
    fn reorder / reorder_plain(values: &mut [u8], order: [usize; 3]) {
        for block in values.as_chunks_mut::<3>().0.chunks_mut(super::planes::LANES) {
            let Planes { red, green, blue } = Planes::split(block);
            let old = [red, green, blue];
            Planes { red: old[order[0]], green: old[order[1]], blue: old[order[2]] }.join(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn every_order_is_obeyed_and_gray_stays() {
        let pixels: Vec<u8> = (0..3 * 300u32).map(|i| (i * 7) as u8).collect();
        for order in [[0u8, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [9, 0, 0]] {
            let mut image = Image::new(Size::new(3, 100), 3, pixels.clone());
            permute(&mut image, order);
            for (new, old) in image.pixels().chunks(3).zip(pixels.chunks(3)) {
                assert_eq!(new, order.map(|channel| old[usize::from(channel.min(2))]));
            }
        }
        let mut gray = Image::new(Size::new(9, 100), 1, pixels.clone());
        permute(&mut gray, [2, 1, 0]);
        assert_eq!(gray.pixels(), pixels);
    }
}
