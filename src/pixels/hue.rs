//! Turns the hue of an image. Knows no chance.
//!
//! RGB → HSV → RGB in `f32` exactly as torchvision's tensor path does it, on blocks of pixels so that a compiler can do many at
//! a time.

use crate::sample::Image;

/// Pixels handled together.
const LANES: usize = 16;

/// Adds `turns` (−0.5 to 0.5 of a full turn) to every pixel's hue. A gray image stays as it is.
pub fn hue(image: &mut Image, turns: f32) {
    if image.channels() == 3 {
        turn_hue(image.pixels_mut(), turns);
    }
}

twice! {
    fn turn_hue / turn_hue_plain(pixels: &mut [u8], turns: f32) {
        for block in pixels.chunks_mut(3 * LANES) {
            let mut planes = [[0f32; LANES]; 3];
            for (index, pixel) in block.as_chunks::<3>().0.iter().enumerate() {
                for (plane, &value) in planes.iter_mut().zip(pixel) {
                    plane[index] = f32::from(value);
                }
            }
            turn_planes(&mut planes, turns);
            for (index, pixel) in block.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                *pixel = [0, 1, 2].map(|channel| planes[channel][index] as u8);
            }
        }
    }
}

#[inline(always)]
fn turn_planes(planes: &mut [[f32; LANES]; 3], turns: f32) {
    let [reds, greens, blues] = planes;
    for ((red, green), blue) in reds.iter_mut().zip(greens).zip(blues) {
        let (hue, saturation, value) = hsv(*red * (1.0 / 255.0), *green * (1.0 / 255.0), *blue * (1.0 / 255.0));
        [*red, *green, *blue] = rgb(wrapped(hue + turns), saturation, value).map(|part| part * 255.999);
    }
}

/// x − floor(x) for −1 ≤ x < 2.
#[inline(always)]
fn wrapped(x: f32) -> f32 {
    let x = if x < 0.0 { x + 1.0 } else { x };
    if x >= 1.0 { x - 1.0 } else { x }
}

/// Hue, saturation and value, each 0 to 1, of a colour with parts 0 to 1.
#[inline(always)]
fn hsv(red: f32, green: f32, blue: f32) -> (f32, f32, f32) {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let smaller = |a: f32, b: f32| if a < b { a } else { b };
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
fn rgb(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let sixths = hue * 6.0;
    let whole = sixths as i32;
    let part = sixths - whole as f32;
    let sector = if whole == 6 { 0 } else { whole };
    let unit = |x: f32| x.clamp(0.0, 1.0);
    let low = unit((1.0 - saturation) * value);
    let falling = unit((1.0 - saturation * part) * value);
    let rising = unit((saturation * part + (1.0 - saturation)) * value);
    let pick = |is_value: [i32; 2], is_low: [i32; 2], at_rising: i32| {
        let other = if sector == at_rising { rising } else { falling };
        let other = if sector == is_low[0] || sector == is_low[1] { low } else { other };
        if sector == is_value[0] || sector == is_value[1] { value } else { other }
    };
    [pick([0, 5], [2, 3], 4), pick([1, 2], [4, 5], 0), pick([3, 4], [0, 1], 2)]
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
