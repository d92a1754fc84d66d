//! Gaussian noise as a fixed pattern: element i of pattern s is always the same number. Knows no generator: s is drawn elsewhere.
//!
//! The pattern is Philox 4×32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, 2011) with the key s and the
//! block number as counter; the four words of a block make four normals by Box–Muller, with ln, sin and cos as the polynomials of
//! the Cephes library. Only additions, products, quotients and square roots in `f32` take part, so the bytes are the same on
//! every platform, and since nothing is consumed, no thread can disturb another.

use crate::sample::Image;

/// Blocks made together: so many that loops over them stay loops, which compilers make wide. They interleave: normal w of
/// block b of a group stands at 64·w + b.
pub(super) const LANES: usize = 64;

/// Normals in a group of blocks.
pub(super) const GROUP: usize = 4 * LANES;

/// Adds trunc(255·(`mean` + `sigma`·n)) to every value, n the element's number in the standard normal pattern `seed`, then
/// clamps to 0–255 if `clip`, or else wraps around 256, as torchvision's `gaussian_noise` does on `uint8`.
pub fn add_gaussian(image: &mut Image, mean: f32, sigma: f32, seed: u64, clip: bool) {
    add(image.pixels_mut(), mean, sigma, seed, clip);
}

wide! {
    fn add / add_plain(pixels: &mut [u8], mean: f32, sigma: f32, seed: u64, clip: bool) {
        let mut normals = [0f32; GROUP];
        for (group, values) in pixels.chunks_mut(GROUP).enumerate() {
            draw(seed, group as u64, &mut normals);
            for (value, normal) in values.iter_mut().zip(&normals) {
                let change = levels((normal * sigma + mean) * 255.0);
                let sum = i32::from(*value) + change;
                *value = if clip { sum.clamp(0, 255) as u8 } else { sum as u8 };
            }
        }
    }
}

/// x cut towards 0, as far as 16 bits go.
#[inline(always)]
fn levels(x: f32) -> i32 {
    let x = if x > -32768.0 { x } else { -32768.0 };
    let x = if x < 32767.0 { x } else { 32767.0 };
    // SAFETY: x lies between the bounds and is no NaN, as the comparisons above leave it, so it fits.
    unsafe { x.to_int_unchecked::<i32>() }
}

/// The normals 256·`group` … 256·`group` + 255 of the pattern `seed`.
#[inline(always)]
fn draw(seed: u64, group: u64, normals: &mut [f32; GROUP]) {
    let mut words = [[0; LANES]; 4];
    philox(seed, group * LANES as u64, &mut words);
    let (first, second) = normals.split_at_mut(2 * LANES);
    pairs(&words[0], &words[1], first);
    pairs(&words[2], &words[3], second);
}

#[inline(always)]
fn pairs(radii: &[u32; LANES], angles: &[u32; LANES], normals: &mut [f32]) {
    let (cosines, sines) = normals.split_at_mut(LANES);
    for (((&radius, &angle), cosine), sine) in radii.iter().zip(angles).zip(cosines).zip(sines) {
        (*cosine, *sine) = box_muller(radius, angle);
    }
}

/// The four words of the blocks `first` … `first` + 63.
///
/// Words are the lower halves of 64 bits; what stands above them is never looked at, so nothing clears it.
#[inline(always)]
pub(super) fn philox(seed: u64, first: u64, words: &mut [[u32; LANES]; 4]) {
    let [one, two, three, four] = words;
    for lane in 0..LANES {
        let block = first + lane as u64;
        let (mut a, mut b, mut c, mut d) = (block, block >> 32, 0, 0);
        let mut key = [seed as u32, (seed >> 32) as u32];
        for _ in 0..10 {
            let left = (a & 0xFFFF_FFFF) * 0xD251_1F53;
            let right = (c & 0xFFFF_FFFF) * 0xCD9E_8D57;
            a = (right >> 32) ^ b ^ u64::from(key[0]);
            c = (left >> 32) ^ d ^ u64::from(key[1]);
            (b, d) = (right, left);
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        (one[lane], two[lane], three[lane], four[lane]) = (a as u32, b as u32, c as u32, d as u32);
    }
}

/// Fills `first` and `second`, of one length, with numbers spread evenly over −1 … 1: element i is made of the upper and lower half of
/// word i of the pattern `seed`.
pub(super) fn uniform_words(seed: u64, first: &mut [f32], second: &mut [f32]) {
    spread(seed, first, second);
}

wide! {
    fn spread / spread_plain(seed: u64, first: &mut [f32], second: &mut [f32]) {
        let mut words = [[0; LANES]; 4];
        for (group, (first, second)) in first.chunks_mut(GROUP).zip(second.chunks_mut(GROUP)).enumerate() {
            philox(seed, (group * LANES) as u64, &mut words);
            for ((first, second), &word) in first.iter_mut().zip(second).zip(words.as_flattened()) {
                // Halves of steps: the numbers lie evenly around 0.
                *first = ((word >> 16) as i32 as f32 + 0.5) * (1.0 / 32_768.0) - 1.0;
                *second = ((word & 0xFFFF) as i32 as f32 + 0.5) * (1.0 / 32_768.0) - 1.0;
            }
        }
    }
}

/// Two independent normals from two words; none is beyond ±5.77, because a word's upper 24 bits make the radius.
#[inline(always)]
fn box_muller(radius: u32, angle: u32) -> (f32, f32) {
    let uniform = ((radius >> 8) as i32 + 1) as f32 * (1.0 / (1 << 24) as f32);
    let radius = (-2.0 * ln(uniform)).sqrt();
    let (cosine, sine) = turn((angle >> 8) as i32);
    (radius * cosine, radius * sine)
}

/// The natural logarithm for 0 < x ≤ 1, at most 0.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const HALF_ROOT: i32 = 0x3F35_04F3;
    let exponent = (x.to_bits() as i32 - HALF_ROOT) >> 23;
    let t = f32::from_bits((x.to_bits() as i32 - (exponent << 23)) as u32) - 1.0;
    let series = 7.037_683_6e-2 * t - 1.151_461e-1;
    let series = (series * t + 1.167_699_9e-1) * t - 1.242_014_1e-1;
    let series = (series * t + 1.424_932_3e-1) * t - 1.666_805_8e-1;
    let series = (series * t + 2.000_071_5e-1) * t - 2.499_999_4e-1;
    let series = series * t + 3.333_333e-1;
    let whole = t + (t * t * t * series - 0.5 * t * t) + exponent as f32 * std::f32::consts::LN_2;
    if whole > 0.0 { 0.0 } else { whole }
}

/// Cosine and sine of `part` / 2²⁴ of a full turn, 0 ≤ `part` < 2²⁴.
#[inline(always)]
fn turn(part: i32) -> (f32, f32) {
    let quarter = (part + (1 << 21)) >> 22;
    let x = (part - (quarter << 22)) as f32 * (std::f32::consts::FRAC_PI_2 / (1 << 22) as f32);
    let z = x * x;
    let sine = x + x * z * (z * (z * -1.951_529_6e-4 + 8.332_161e-3) - 1.666_665_5e-1);
    let cosine = 1.0 - 0.5 * z + z * z * (z * (z * 2.443_315_7e-5 - 1.388_731_6e-3) + 4.166_664_6e-2);
    let swapped = quarter & 1 == 1;
    let (a, b) = if swapped { (sine, cosine) } else { (cosine, sine) };
    let a = if (quarter + 1) & 2 == 2 { -a } else { a };
    (a, if quarter & 2 == 2 { -b } else { b })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    fn pattern(seed: u64, groups: u64) -> Vec<f32> {
        let mut normals = [0f32; GROUP];
        let mut all = Vec::new();
        for group in 0..groups {
            draw(seed, group, &mut normals);
            all.extend(normals);
        }
        all
    }

    #[test]
    fn philox_gives_the_published_words() {
        // Known answers of the authors' test vectors, for the counter 0 and the key 0.
        let mut words = [[0; LANES]; 4];
        philox(0, 0, &mut words);
        let first: Vec<u32> = words.iter().map(|word| word[0]).collect();
        assert_eq!(first, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    }

    #[test]
    fn logarithm_sine_and_cosine_are_those_of_the_standard_library_to_rounding() {
        for step in 1..=100_000u32 {
            let x = step as f32 / 100_000.0;
            assert!((f64::from(ln(x)) - f64::from(x).ln()).abs() <= 1e-6 * f64::from(x).ln().abs().max(0.1), "{x}");
            let part = (step * 167) as i32 % (1 << 24);
            let angle = f64::from(part) * std::f64::consts::TAU / f64::from(1 << 24);
            let (cosine, sine) = turn(part);
            assert!((f64::from(cosine) - angle.cos()).abs() < 3e-7 && (f64::from(sine) - angle.sin()).abs() < 3e-7, "{part}");
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn the_pattern_is_standard_normal() {
        let normals = pattern(1, 4_000);
        let count = normals.len() as f64;
        let moment = |power: i32| normals.iter().map(|&n| f64::from(n).powi(power)).sum::<f64>() / count;
        let bounds = [(1, 0.0, 0.004), (2, 1.0, 0.006), (3, 0.0, 0.02), (4, 3.0, 0.05)];
        for (power, expected, tolerance) in bounds {
            assert!((moment(power) - expected).abs() < tolerance, "moment {power}: {}", moment(power));
        }
        for (limit, share) in [(1.0, 0.682_689), (2.0, 0.954_500), (3.0, 0.997_300)] {
            let within = normals.iter().filter(|n| n.abs() < limit).count() as f64 / count;
            assert!((within - share).abs() < 0.002, "{within} within {limit}");
        }
    }

    #[test]
    fn neighbours_and_seeds_are_independent() {
        let (first, second) = (pattern(1, 1_000), pattern(2, 1_000));
        let correlation = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() / a.len().min(b.len()) as f64
        };
        assert!(correlation(&first, &second).abs() < 0.01);
        for shift in [1, 2, 3, 64, 128, 192, 256] {
            assert!(correlation(&first, &first[shift..]).abs() < 0.01, "shift {shift}");
        }
    }

    #[test]
    fn the_wide_loop_gives_the_bytes_of_the_plain_one_and_both_are_pinned() {
        let mut wide = vec![128u8; 10_001];
        let mut plain = wide.clone();
        add(&mut wide, 0.01, 0.2, 0x0123_4567_89AB_CDEF, true);
        add_plain(&mut plain, 0.01, 0.2, 0x0123_4567_89AB_CDEF, true);
        assert_eq!(wide, plain);
        // A changed value here changes every recorded run.
        assert_eq!(crate::key::hash_name(&format!("{wide:?}")), PINNED);
    }
    const PINNED: u64 = 635_358_021_848_146_778;

    #[test]
    fn clipping_stays_in_range_and_wrapping_keeps_the_change() {
        let clipped = |clip| {
            let mut image = Image::filled(Size::new(64, 64), 1, 250);
            add_gaussian(&mut image, 0.5, 0.0, 1, clip);
            image.pixels()[0]
        };
        assert_eq!((clipped(true), clipped(false)), (255, (250 + 127 - 256) as u8));
    }
}
