//! Turns the hue of an image. Knows no chance.
//!
//! RGB → HSV → RGB in `f32` with the results of torchvision's tensor path, bit for bit, on blocks of pixels so that a compiler can
//! do many at a time. What is chosen and not computed is chosen as bytes, of which four times as many fit into a register.

use super::fresh::{put, written};
use super::planes::{MANY, Planes};
use crate::sample::Image;
use std::mem::MaybeUninit;

/// Adds `turns` (−0.5 to 0.5 of a full turn, and no more) to every pixel's hue. A gray image stays as it is.
pub fn hue(image: &mut Image, turns: f32) {
    if image.channels() == 3 {
        turn_hue(image.pixels_mut(), within_half(turns));
    }
}

/// A picture of `image` with its hue turned by `turns`.
pub fn with_hue_turned(image: &Image, turns: f32) -> Image {
    if image.channels() != 3 {
        return image.clone();
    }
    // SAFETY: as many bytes are written as are read.
    let pixels = unsafe { written(image.pixels().len(), |to| turn_hue_onto(image.pixels(), to, within_half(turns))) };
    Image::new(image.size(), 3, pixels)
}

/// `turns` as far as half a turn goes; NaN becomes −0.5.
pub(super) fn within_half(turns: f32) -> f32 {
    if turns >= -0.5 { turns.min(0.5) } else { -0.5 }
}

wide! {
    fn turn_hue / turn_hue_plain(pixels: &mut [u8], turns: f32) {
        let (mut planes, mut colours) = (Planes::<MANY>::default(), Colours::default());
        for block in pixels.as_chunks_mut::<3>().0.chunks_mut(MANY) {
            planes.take(block);
            colours.turn(&mut planes, turns);
            planes.join(block);
        }
    }
}

wide! {
    fn turn_hue_onto / turn_hue_onto_plain(pixels: &[u8], to: &mut [MaybeUninit<u8>], turns: f32) {
        let (mut planes, mut colours) = (Planes::<MANY>::default(), Colours::default());
        let mut near = [[0; 3]; MANY];
        for (block, to) in pixels.as_chunks::<3>().0.chunks(MANY).zip(to.chunks_mut(3 * MANY)) {
            planes.take(block);
            colours.turn(&mut planes, turns);
            let turned = &mut near[..block.len()];
            planes.join(turned);
            put(turned.as_flattened(), to);
        }
    }
}

/// The pixels of a block on their way around the colour circle.
pub(super) struct Colours {
    /// The largest channel of each pixel (the first one of equals), and its neighbours in the circle red, green, blue, red.
    largest: [u8; MANY],
    before: [u8; MANY],
    after: [u8; MANY],
    /// Where the largest channel's third of the colour circle has its middle: 0, 2 or 4 sixths.
    third: [u8; MANY],
    /// The smallest channel. Like the largest it is that of the turned colour, too: arithmetic would give it back.
    smallest: [u8; MANY],
    /// The largest channel on the scale 0 to 1.
    value: [f32; MANY],
    /// What its neighbours lack of it.
    before_lacks: [f32; MANY],
    after_lacks: [f32; MANY],
    /// 1 by the product of the largest channel and what the smallest lacks of it.
    inverse: [f32; MANY],
    saturation: [f32; MANY],
    /// Sixths of the circle from red.
    hue: [f32; MANY],
    /// Whole sixths, and the channel between largest and smallest, after the turn.
    sector: [u8; MANY],
    middle: [u8; MANY],
}

impl Default for Colours {
    fn default() -> Self {
        let (bytes, numbers) = ([0; MANY], [0.0; MANY]);
        Self {
            largest: bytes,
            before: bytes,
            after: bytes,
            third: bytes,
            smallest: bytes,
            value: numbers,
            before_lacks: numbers,
            after_lacks: numbers,
            inverse: numbers,
            saturation: numbers,
            hue: numbers,
            sector: bytes,
            middle: bytes,
        }
    }
}

impl Colours {
    /// Turns the hue of a block by `turns`, −0.5 to 0.5.
    ///
    /// Several short loops, because a processor looks ahead over many pixels only of a short one.
    #[inline(always)]
    pub fn turn(&mut self, planes: &mut Planes<MANY>, turns: f32) {
        self.order(planes);
        self.measure();
        self.wrap(turns);
        self.mix();
        for lane in 0..MANY {
            let channels = in_sector(self.sector[lane], self.largest[lane], self.middle[lane], self.smallest[lane]);
            (planes.red[lane], planes.green[lane], planes.blue[lane]) = channels;
        }
    }

    #[inline(always)]
    fn order(&mut self, planes: &Planes<MANY>) {
        for lane in 0..MANY {
            let (red, green, blue) = (planes.red[lane], planes.green[lane], planes.blue[lane]);
            let largest = red.max(green).max(blue);
            let (is_red, is_green) = (red == largest, green == largest);
            let (before, after) = if is_green { (red, blue) } else { (green, red) };
            self.largest[lane] = largest;
            self.before[lane] = if is_red { blue } else { before };
            self.after[lane] = if is_red { green } else { after };
            self.third[lane] = if is_red { 0 } else { 4 - 2 * u8::from(is_green) };
            self.smallest[lane] = red.min(green).min(blue);
        }
    }

    #[inline(always)]
    fn measure(&mut self) {
        /// Nothing beside a difference of colours or a colour, but no zero where that is one: such a pixel comes out with hue and
        /// saturation 0.
        const TINY: f32 = 1e-15;
        for lane in 0..MANY {
            let value = unit(self.largest[lane]);
            let (before, after) = (value - unit(self.before[lane]), value - unit(self.after[lane]));
            let chroma = if before > after { before } else { after };
            (self.value[lane], self.before_lacks[lane], self.after_lacks[lane]) = (value, before, after);
            // One division for three quotients.
            self.inverse[lane] = 1.0 / ((chroma + TINY) * (value + TINY));
        }
        for lane in 0..MANY {
            let (before, after, inverse) = (self.before_lacks[lane], self.after_lacks[lane], self.inverse[lane]);
            let chroma = if before > after { before } else { after };
            let (divisor, whole) = (chroma + TINY, self.value[lane] + TINY);
            self.saturation[lane] = divided(chroma, whole, inverse * divisor);
            let inverse = inverse * whole;
            self.hue[lane] = divided(before, divisor, inverse) + f32::from(self.third[lane]) - divided(after, divisor, inverse);
        }
    }

    #[inline(always)]
    fn wrap(&mut self, turns: f32) {
        // A hue leaves 0–1 on one side only.
        let (limit, below, above) = if turns < 0.0 { (0.0, 1.0, 0.0) } else { (1.0, 0.0, -1.0) };
        for hue in &mut self.hue {
            let old = *hue * (1.0 / 6.0) + 1.0;
            let new = if old < 1.0 { old } else { old - 1.0 } + turns;
            *hue = (new + if new < limit { below } else { above }) * 6.0;
        }
    }

    #[inline(always)]
    fn mix(&mut self) {
        for lane in 0..MANY {
            let (saturation, sector) = (self.saturation[lane], whole(self.hue[lane]));
            let part = saturation * (self.hue[lane] - sector as f32);
            let middle = if sector & 1 == 1 { 1.0 - part } else { part + (1.0 - saturation) };
            self.sector[lane] = sector as u8;
            self.middle[lane] = whole(middle * self.value[lane] * 255.999) as u8;
        }
    }
}

/// Red, green and blue for a sixth 0 to 5 of the colour circle, the largest channel, the one between, and the smallest; the
/// sixth number 6 is the first one.
#[inline(always)]
fn in_sector(sector: u8, value: u8, middle: u8, low: u8) -> (u8, u8, u8) {
    let sector = if sector == 6 { 0 } else { sector };
    let chosen = |largest: (u8, u8), between: (u8, u8)| {
        let other = if (sector == between.0) | (sector == between.1) { middle } else { low };
        if (sector == largest.0) | (sector == largest.1) { value } else { other }
    };
    (chosen((0, 5), (1, 4)), chosen((1, 2), (0, 3)), chosen((3, 4), (2, 5)))
}

/// A byte on the scale 0 to 1. Times 255.999 it is that byte and a fraction.
#[inline(always)]
fn unit(byte: u8) -> f32 {
    f32::from(byte) * (1.0 / 255.0)
}

/// x without its fraction, for 0 ≤ x < 2³¹.
#[inline(always)]
fn whole(x: f32) -> i32 {
    // SAFETY: hues lie in 0–6 and channels in 0–256, because saturation, value and what is made of them lie in 0–1, give or take a
    // rounding; a turn is no NaN, and divisors are more than 0.
    unsafe { x.to_int_unchecked() }
}

/// x / y, where `inverse` is 1 / y but for some rounding: a product, and what is missing added to it (Markstein, *Computation of
/// elementary functions on the IBM RISC System/6000 processor*, 1990). For all colours this is the quotient to the last bit.
#[inline(always)]
fn divided(x: f32, y: f32, inverse: f32) -> f32 {
    let near = x * inverse;
    let missing = (-near).mul_add(y, x);
    missing.mul_add(inverse, near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn the_wide_loop_gives_the_bytes_of_the_plain_one() {
        let pixels: Vec<u8> = (0..30_003u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        for turns in [-0.5, -0.13, 0.0, 0.27, 0.5] {
            let (mut wide, mut plain) = (pixels.clone(), pixels.clone());
            turn_hue(&mut wide, turns);
            turn_hue_plain(&mut plain, turns);
            assert_eq!(wide, plain);
        }
    }

    /// torchvision's recipe, one colour at a time.
    fn recipe(colour: [u8; 3], turns: f32) -> [u8; 3] {
        let [red, green, blue] = colour.map(|byte| f32::from(byte) * (1.0 / 255.0));
        let (value, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let chroma = value - least;
        let saturation = chroma / if chroma == 0.0 { 1.0 } else { value };
        let [rc, gc, bc] = [red, green, blue].map(|part| (value - part) / if chroma == 0.0 { 1.0 } else { chroma });
        let not_red = if value == green { 2.0 + rc - bc } else { 4.0 + gc - rc };
        let hue = (if value == red { bc - gc } else { not_red } * (1.0 / 6.0) + 1.0) % 1.0;
        let hue = (hue + turns).rem_euclid(1.0) * 6.0;
        let part = hue - hue.floor();
        let (p, q) = ((1.0 - saturation) * value, (1.0 - saturation * part) * value);
        let t = (saturation * part + (1.0 - saturation)) * value;
        let parts = match hue.floor() as u32 % 6 {
            0 => [value, t, p],
            1 => [q, value, p],
            2 => [p, value, t],
            3 => [p, q, value],
            4 => [t, p, value],
            _ => [value, p, q],
        };
        parts.map(|part| (part * 255.999) as u8)
    }

    #[test]
    fn every_largest_and_smallest_channel_give_the_bytes_of_the_recipe() {
        let mut colours = Vec::new();
        for (largest, smallest) in (0..=255u8).flat_map(|largest| (0..=largest).map(move |smallest| (largest, smallest))) {
            let share = (u32::from(largest) * 7 + u32::from(smallest) * 3) % 256;
            let middle = smallest + (u32::from(largest - smallest) * share / 255) as u8;
            for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let parts = [largest, middle, smallest];
                colours.push([parts[a], parts[b], parts[c]]);
            }
        }
        for turns in [-0.5, -0.21, 0.0, 0.1, 0.5] {
            let mut turned = Image::new(Size::new(1, colours.len() as u32), 3, colours.concat());
            hue(&mut turned, turns);
            for (colour, turned) in colours.iter().zip(turned.pixels().as_chunks::<3>().0) {
                assert_eq!(*turned, recipe(*colour, turns), "{colour:?} turned by {turns}");
            }
        }
    }

    #[test]
    fn turns_beyond_a_half_and_none_at_all_are_no_panic() {
        for turns in [7.0, -7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            hue(&mut Image::new(Size::new(1, 2), 3, vec![0, 0, 0, 9, 200, 13]), turns);
        }
    }

    #[test]
    fn a_third_of_a_turn_moves_red_to_green_and_greys_stay() {
        let mut image = Image::new(Size::new(1, 4), 3, vec![255, 0, 0, 90, 90, 90, 0, 0, 0, 255, 255, 255]);
        hue(&mut image, 1.0 / 3.0);
        assert_eq!(image.pixels(), [0, 255, 0, 90, 90, 90, 0, 0, 0, 255, 255, 255]);
    }
}
