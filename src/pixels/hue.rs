//! Turns the hue of an image. Knows no chance.
//!
//! RGB → HSV → RGB in `f32` exactly as torchvision's tensor path does it, on blocks of pixels so that a compiler can do many at
//! a time.

use super::planes::{LANES, Planes};
use super::truncated;
use crate::sample::Image;

/// Adds `turns` (−0.5 to 0.5 of a full turn) to every pixel's hue. A gray image stays as it is.
pub fn hue(image: &mut Image, turns: f32) {
    if image.channels() == 3 {
        turn_hue(image.pixels_mut(), turns);
    }
}

wide! {
    fn turn_hue / turn_hue_plain(pixels: &mut [u8], turns: f32) {
        for block in pixels.as_chunks_mut::<3>().0.chunks_mut(LANES) {
            let mut planes = Planes::split(block);
            for lane in 0..LANES {
                let (red, green, blue) = (unit(planes.red[lane]), unit(planes.green[lane]), unit(planes.blue[lane]));
                let (hue, saturation, value) = hsv(red, green, blue);
                let (red, green, blue) = rgb(wrapped(hue + turns), saturation, value);
                planes.red[lane] = truncated(red * 255.999);
                planes.green[lane] = truncated(green * 255.999);
                planes.blue[lane] = truncated(blue * 255.999);
            }
            planes.join(block);
        }
    }
}

#[inline(always)]
fn unit(byte: u8) -> f32 {
    f32::from(byte) * (1.0 / 255.0)
}

/// x − floor(x) for −1 ≤ x < 2.
#[inline(always)]
fn wrapped(x: f32) -> f32 {
    let x = if x < 0.0 { x + 1.0 } else { x };
    if x >= 1.0 { x - 1.0 } else { x }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Hue, saturation and value, each 0 to 1, of a colour with parts 0 to 1.
#[inline(always)]
fn hsv(red: f32, green: f32, blue: f32) -> (f32, f32, f32) {
    let value = larger(larger(red, green), blue);
    let chroma = value - smaller(smaller(red, green), blue);
    let flat = chroma == 0.0;
    let saturation = chroma / if flat { 1.0 } else { value };
    let divisor = if flat { 1.0 } else { chroma };
    let (rc, gc, bc) = ((value - red) / divisor, (value - green) / divisor, (value - blue) / divisor);
    let not_red = if value == green { rc + 2.0 - bc } else { gc + 4.0 - rc };
    let sixth = if value == red { bc - gc } else { not_red };
    (wrapped(sixth * (1.0 / 6.0) + 1.0), saturation, value)
}

/// The colour with hue, saturation and value 0 to 1.
#[inline(always)]
fn rgb(hue: f32, saturation: f32, value: f32) -> (f32, f32, f32) {
    let sixths = hue * 6.0;
    let whole = f32::from(truncated(sixths));
    let part = sixths - whole;
    let sector = if whole == 6.0 { 0.0 } else { whole };
    let low = (1.0 - saturation) * value;
    let falling = (1.0 - saturation * part) * value;
    let rising = (saturation * part + (1.0 - saturation)) * value;
    (
        picked(sector, [value, falling, low, low, rising, value]),
        picked(sector, [rising, value, value, falling, low, low]),
        picked(sector, [low, low, rising, value, value, falling]),
    )
}

/// The part for the sector 0 to 5 of the colour circle.
#[inline(always)]
fn picked(sector: f32, parts: [f32; 6]) -> f32 {
    let first = if sector == 0.0 { parts[0] } else { parts[1] };
    let second = if sector == 2.0 { parts[2] } else { parts[3] };
    let third = if sector == 4.0 { parts[4] } else { parts[5] };
    let early = if sector < 2.0 { first } else { second };
    if sector < 4.0 { early } else { third }
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
