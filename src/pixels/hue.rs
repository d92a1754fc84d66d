//! Turns the hue of an image. Knows no chance.
//!
//! RGB → HSV → RGB in `f32` with the results of torchvision's tensor path, bit for bit, on blocks of pixels so that a compiler can
//! do many at a time. What is chosen and not computed is chosen as bytes, of which four times as many fit into a register.

use super::planes::{LANES, Planes};
use crate::sample::Image;

/// Adds `turns` (−0.5 to 0.5 of a full turn, and no more) to every pixel's hue. A gray image stays as it is.
pub fn hue(image: &mut Image, turns: f32) {
    if image.channels() == 3 {
        turn_hue(image.pixels_mut(), within_half(turns));
    }
}

/// `turns` as far as half a turn goes; NaN becomes −0.5.
pub(super) fn within_half(turns: f32) -> f32 {
    turns.max(-0.5).min(0.5)
}

wide! {
    fn turn_hue / turn_hue_plain(pixels: &mut [u8], turns: f32) {
        let (mut planes, mut colours) = (Planes::default(), Colours::default());
        for block in pixels.as_chunks_mut::<3>().0.chunks_mut(LANES) {
            planes.split(block);
            colours.turn(&mut planes, turns);
            planes.join(block);
        }
    }
}

/// The pixels of a block on their way around the colour circle.
pub(super) struct Colours {
    /// The largest channel of each pixel (the first one of equals), and its neighbours in the circle red, green, blue, red.
    largest: [u8; LANES],
    before: [u8; LANES],
    after: [u8; LANES],
    /// Where the largest channel's third of the colour circle has its middle: 0, 2 or 4 sixths.
    third: [u8; LANES],
    /// The smallest channel. Like the largest it is that of the turned colour, too: arithmetic would give it back.
    smallest: [u8; LANES],
    /// The largest channel on the scale 0 to 1.
    value: [f32; LANES],
    /// What its neighbours lack of it.
    before_lacks: [f32; LANES],
    after_lacks: [f32; LANES],
    /// What the smallest channel lacks of it, and the largest itself, but both 1 for grey; and 1 by their product.
    divisor: [f32; LANES],
    whole: [f32; LANES],
    inverse: [f32; LANES],
    saturation: [f32; LANES],
    /// Sixths of the circle from red.
    hue: [f32; LANES],
    /// Whole sixths, and the channel between largest and smallest, after the turn.
    sector: [u8; LANES],
    middle: [u8; LANES],
}

impl Default for Colours {
    fn default() -> Self {
        let (bytes, numbers) = ([0; LANES], [0.0; LANES]);
        Self {
            largest: bytes,
            before: bytes,
            after: bytes,
            third: bytes,
            smallest: bytes,
            value: numbers,
            before_lacks: numbers,
            after_lacks: numbers,
            divisor: numbers,
            whole: numbers,
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
    pub fn turn(&mut self, planes: &mut Planes, turns: f32) {
        self.order(planes);
        self.measure();
        // A hue leaves 0–1 on one side only.
        let (limit, below, above) = if turns < 0.0 { (0.0, 1.0, 0.0) } else { (1.0, 0.0, -1.0) };
        for hue in &mut self.hue {
            let old = *hue * (1.0 / 6.0) + 1.0;
            let new = if old < 1.0 { old } else { old - 1.0 } + turns;
            *hue = (new + if new < limit { below } else { above }) * 6.0;
        }
        self.mix();
        for lane in 0..LANES {
            let channels = in_sector(self.sector[lane], self.largest[lane], self.middle[lane], self.smallest[lane]);
            (planes.red[lane], planes.green[lane], planes.blue[lane]) = channels;
        }
    }

    #[inline(always)]
    fn order(&mut self, planes: &Planes) {
        for lane in 0..LANES {
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
        for lane in 0..LANES {
            let value = unit(self.largest[lane]);
            let (before, after) = (value - unit(self.before[lane]), value - unit(self.after[lane]));
            let chroma = if before > after { before } else { after };
            let flat = chroma == 0.0;
            let (divisor, whole) = if flat { (1.0, 1.0) } else { (chroma, value) };
            (self.value[lane], self.before_lacks[lane], self.after_lacks[lane]) = (value, before, after);
            (self.divisor[lane], self.whole[lane]) = (divisor, whole);
            // One division for three quotients.
            self.inverse[lane] = 1.0 / (divisor * whole);
        }
        for lane in 0..LANES {
            let (before, after) = (self.before_lacks[lane], self.after_lacks[lane]);
            let (divisor, whole, inverse) = (self.divisor[lane], self.whole[lane], self.inverse[lane]);
            let chroma = if before > after { before } else { after };
            self.saturation[lane] = divided(chroma, whole, inverse * divisor);
            let inverse = inverse * whole;
            self.hue[lane] = divided(before, divisor, inverse) + f32::from(self.third[lane]) - divided(after, divisor, inverse);
        }
    }

    #[inline(always)]
    fn mix(&mut self) {
        for lane in 0..LANES {
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

    #[test]
    fn a_third_of_a_turn_moves_red_to_green_and_greys_stay() {
        let mut image = Image::new(Size::new(1, 4), 3, vec![255, 0, 0, 90, 90, 90, 0, 0, 0, 255, 255, 255]);
        hue(&mut image, 1.0 / 3.0);
        assert_eq!(image.pixels(), [0, 255, 0, 90, 90, 90, 0, 0, 0, 255, 255, 255]);
    }
}
