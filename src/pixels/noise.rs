//! Gaussian noise as a fixed pattern: element i of pattern s is always the same number. Knows no generator: s is drawn elsewhere.
//!
//! The pattern is Philox 4×32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, 2011) with the key s and the
//! block number as counter; the four words of a block make four normals by Box–Muller, with ln, sin and cos as the polynomials of
//! the Cephes library. Only additions, products, quotients and square roots in `f32` take part, so the bytes are the same on
//! every platform, and since nothing is consumed, no thread can disturb another.

use crate::sample::Image;

/// Blocks made together. They interleave: normal w of block b of a group stands at 16·w + b.
const LANES: usize = 16;

/// Normals in a group of blocks.
const GROUP: usize = 4 * LANES;

/// Adds trunc(255·(`mean` + `sigma`·n)) to every value, n the element's number in the standard normal pattern `seed`, then
/// clamps to 0–255 if `clip`, or else wraps around 256, as torchvision's `gaussian_noise` does on `uint8`.
pub fn add_gaussian(image: &mut Image, mean: f32, sigma: f32, seed: u64, clip: bool) {
    add(image.pixels_mut(), mean, sigma, seed, clip);
}

twice! {
    fn add / add_plain(pixels: &mut [u8], mean: f32, sigma: f32, seed: u64, clip: bool) {
        for (group, values) in pixels.chunks_mut(GROUP).enumerate() {
            let normals = normals(seed, group as u64);
            for (value, normal) in values.iter_mut().zip(normals) {
                let change = ((normal * sigma + mean) * 255.0).clamp(-32768.0, 32767.0) as i32;
                let sum = i32::from(*value) + change;
                *value = if clip { sum.clamp(0, 255) as u8 } else { sum as u8 };
            }
        }
    }
}

/// The normals 64·`group` … 64·`group` + 63 of the pattern `seed`.
#[inline(always)]
pub fn normals(seed: u64, group: u64) -> [f32; GROUP] {
    let words = philox(seed, group * LANES as u64);
    let mut out = [0f32; GROUP];
    for pair in 0..2 {
        let (cosines, sines) = out[pair * 2 * LANES..][..2 * LANES].split_at_mut(LANES);
        for lane in 0..LANES {
            (cosines[lane], sines[lane]) = box_muller(words[2 * pair][lane], words[2 * pair + 1][lane]);
        }
    }
    out
}

/// The four words of the blocks `first` … `first` + 15.
#[inline(always)]
fn philox(seed: u64, first: u64) -> [[u32; LANES]; 4] {
    let mut key = [seed as u32, (seed >> 32) as u32];
    let mut words = [[0; LANES]; 4];
    for lane in 0..LANES {
        let block = first + lane as u64;
        (words[0][lane], words[1][lane]) = (block as u32, (block >> 32) as u32);
    }
    for _ in 0..10 {
        for lane in 0..LANES {
            let left = u64::from(words[0][lane]) * 0xD251_1F53;
            let right = u64::from(words[2][lane]) * 0xCD9E_8D57;
            words[0][lane] = (right >> 32) as u32 ^ words[1][lane] ^ key[0];
            words[2][lane] = (left >> 32) as u32 ^ words[3][lane] ^ key[1];
            words[1][lane] = right as u32;
            words[3][lane] = left as u32;
        }
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    words
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
    const SERIES: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333_1e-1,
    ];
    let series = SERIES.iter().fold(0.0, |sum, part| sum * t + part);
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
        (0..groups).flat_map(|group| normals(seed, group)).collect()
    }

    #[test]
    fn philox_gives_the_published_words() {
        // Known answers of the authors' test vectors, for the counter 0 and the key 0.
        let words = philox(0, 0);
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
        let normals = pattern(1, 16_000);
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
        let (first, second) = (pattern(1, 4_000), pattern(2, 4_000));
        let correlation = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() / a.len().min(b.len()) as f64
        };
        assert!(correlation(&first, &second).abs() < 0.01);
        for shift in [1, 2, 3, 16, 32, 48, 64] {
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
    const PINNED: u64 = 5_338_579_196_797_789_414;

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
