//! TensorFlow's colour changes on numbers, 0 to 1 where nothing was changed yet. Knows no chance.
//!
//! Hue and saturation go through HSV as `tf.image.adjust_hue` and `adjust_saturation` do, within 5e-7 of them; they take values outside
//! 0 to 1, which a change of brightness before them leaves. Gray pictures have neither.

use crate::sample::FloatImage;

/// x + `delta`.
pub fn brightness(image: &mut FloatImage, delta: f32) {
    image.values_mut().iter_mut().for_each(|value| *value += delta);
}

/// (x − mean) · `factor` + mean, with the mean of each channel by itself.
pub fn contrast(image: &mut FloatImage, factor: f32) {
    let channels = image.channels();
    let mut sums = [0.0f64; 3];
    for pixel in image.values().chunks_exact(channels) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let means = sums.map(|sum| (sum / image.size().area() as f64) as f32);
    for pixel in image.values_mut().chunks_exact_mut(channels) {
        pixel.iter_mut().zip(means).for_each(|(value, mean)| *value = (*value - mean) * factor + mean);
    }
}

/// The saturation of every pixel times `factor` and held within 0 to 1.
pub fn saturation(image: &mut FloatImage, factor: f32) {
    if image.channels() == 3 {
        scale_saturation(image.values_mut(), factor);
    }
}

/// Adds `turns` (−1 to 1 of a full turn) to the hue of every pixel.
pub fn hue(image: &mut FloatImage, turns: f32) {
    if image.channels() == 3 {
        turn_hue(image.values_mut(), turns);
    }
}

/// Holds every value within 0 to 1.
pub fn clip(image: &mut FloatImage) {
    image.values_mut().iter_mut().for_each(|value| *value = smaller(larger(*value, 0.0), 1.0));
}

wide! {
    fn scale_saturation / scale_saturation_plain(values: &mut [f32], factor: f32) {
        for pixel in values.as_chunks_mut::<3>().0 {
            let (hue, low, high) = ranged(*pixel);
            let saturation = if high > 0.0 { (high - low) / high } else { 0.0 };
            let saturation = smaller(larger(saturation * factor, 0.0), 1.0);
            *pixel = colour(hue, high - saturation * high, high);
        }
    }
}

wide! {
    fn turn_hue / turn_hue_plain(values: &mut [f32], turns: f32) {
        for pixel in values.as_chunks_mut::<3>().0 {
            let (hue, low, high) = ranged(*pixel);
            let hue = hue + turns;
            let hue = if hue < 0.0 { hue + 1.0 } else { hue };
            let hue = if hue >= 1.0 { hue - 1.0 } else { hue };
            *pixel = colour(hue, low, high);
        }
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Hue (0 to 1), smallest and greatest part of a colour.
#[inline(always)]
fn ranged([red, green, blue]: [f32; 3]) -> (f32, f32, f32) {
    let (low, high) = (smaller(smaller(red, green), blue), larger(larger(red, green), blue));
    let range = high - low;
    let sixth = 1.0 / (6.0 * if range > 0.0 { range } else { 1.0 });
    let not_red = if high == green { sixth * (blue - red) + 2.0 / 6.0 } else { sixth * (red - green) + 4.0 / 6.0 };
    let hue = if high == red { sixth * (green - blue) } else { not_red };
    let hue = if range > 0.0 { hue } else { 0.0 };
    (if hue < 0.0 { hue + 1.0 } else { hue }, low, high)
}

/// The colour of a hue 0 to 1 whose smallest and greatest parts are given.
#[inline(always)]
fn colour(hue: f32, low: f32, high: f32) -> [f32; 3] {
    let sixths = hue * 6.0;
    // How far a part is from its smallest value, by the distance of the hue from the part's own: a trapezium over the circle.
    let part = |share: f32| low + (high - low) * smaller(larger(share, 0.0), 1.0);
    let from = |place: f32| if sixths > place { sixths - place } else { place - sixths };
    [part(from(3.0) - 1.0), part(2.0 - from(2.0)), part(2.0 - from(4.0))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;
    use proptest::prelude::*;

    /// The picture that the golden values are of, 0 to 1.
    fn golden() -> FloatImage {
        let value = |y: u32, x: u32, c: u32| (7 * x * x + 13 * y * y + 5 * x * y + 97 * c + 31 * x + 17 * y) % 251;
        let values = (0..48).flat_map(|y| (0..64).flat_map(move |x| (0..3).map(move |c| value(y, x, c) as f32 * (1.0 / 255.0))));
        FloatImage::new(Size::new(48, 64), 3, values.collect())
    }

    fn first_pixel(change: impl Fn(&mut FloatImage)) -> [f64; 3] {
        let mut image = golden();
        change(&mut image);
        [0, 1, 2].map(|channel| f64::from(image.values()[channel]))
    }

    #[test]
    fn golden_first_pixels() {
        let cases = [
            (first_pixel(|image| contrast(image, 1.5)), [-0.244731, 0.322463, 0.898148]),
            (first_pixel(|image| saturation(image, 0.5)), [0.380392, 0.570588, 0.760784]),
            (first_pixel(|image| hue(image, 0.15)), [0.304314, 0.0, 0.760784]),
            (first_pixel(|image| hue(image, -0.2)), [0.0, 0.760784, 0.228235]),
        ];
        // Half a unit of the last digit given, and the tolerance of 5e-7.
        let near = |(found, expected): (&f64, &f64)| (found - expected).abs() <= 5e-7 + 5e-7;
        for (found, expected) in cases {
            assert!(found.iter().zip(&expected).all(near), "{found:?} for {expected:?}");
        }
    }

    #[test]
    fn brightness_adds_and_clip_holds() {
        let mut image = FloatImage::new(Size::new(1, 3), 1, vec![0.0, 0.5, 1.0]);
        brightness(&mut image, 0.25);
        assert_eq!(image.values(), [0.25, 0.75, 1.25]);
        brightness(&mut image, -0.5);
        clip(&mut image);
        assert_eq!(image.values(), [0.0, 0.25, 0.75]);
    }

    #[test]
    fn gray_pictures_have_no_hue() {
        let mut image = FloatImage::new(Size::new(1, 3), 1, vec![0.0, 0.5, 1.0]);
        hue(&mut image, 0.3);
        saturation(&mut image, 2.0);
        assert_eq!(image.values(), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn wide_loops_give_the_numbers_of_the_plain_ones() {
        for change in [0.1, 0.7, 1.5] {
            let (mut wide, mut plain) = (golden(), golden());
            scale_saturation(wide.values_mut(), change);
            scale_saturation_plain(plain.values_mut(), change);
            turn_hue(wide.values_mut(), change - 0.8);
            turn_hue_plain(plain.values_mut(), change - 0.8);
            assert_eq!(wide, plain);
        }
    }

    /// Textbook HSV in f64: hue 0 to 1, saturation, value.
    fn hsv([r, g, b]: [f64; 3]) -> [f64; 3] {
        let (v, low) = (r.max(g).max(b), r.min(g).min(b));
        let d = v - low;
        let h = match () {
            () if d == 0.0 => 0.0,
            () if v == r => (g - b) / d / 6.0,
            () if v == g => (b - r) / d / 6.0 + 1.0 / 3.0,
            () => (r - g) / d / 6.0 + 2.0 / 3.0,
        };
        [h.rem_euclid(1.0), if v > 0.0 { d / v } else { 0.0 }, v]
    }

    fn rgb([h, s, v]: [f64; 3]) -> [f64; 3] {
        let (i, f) = ((h * 6.0).floor(), (h * 6.0).fract());
        let (p, q, t) = (v * (1.0 - s), v * (1.0 - s * f), v * (1.0 - s * (1.0 - f)));
        [[v, t, p], [q, v, p], [p, v, t], [p, q, v], [t, p, v], [v, p, q]][i as usize % 6]
    }

    proptest! {
        #[test]
        fn saturation_and_hue_are_those_of_the_formula(
            pixel in prop::array::uniform3(0.0f32..1.2), factor in 0.0f32..2.0, turns in -0.5f32..0.5,
        ) {
            let changed = |change: &dyn Fn(&mut FloatImage)| {
                let mut image = FloatImage::new(Size::new(1, 1), 3, pixel.to_vec());
                change(&mut image);
                [0, 1, 2].map(|channel| f64::from(image.values()[channel]))
            };
            let [h, s, v] = hsv(pixel.map(f64::from));
            let saturated = rgb([h, (s * f64::from(factor)).min(1.0), v]);
            let turned = rgb([(h + f64::from(turns)).rem_euclid(1.0), s, v]);
            let near = |found: [f64; 3], expected: [f64; 3]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 4e-6);
            prop_assert!(near(changed(&|image| saturation(image, factor)), saturated), "{pixel:?}");
            prop_assert!(near(changed(&|image| hue(image, turns)), turned), "{pixel:?}");
        }
    }
}
