//! Coefficients → samples of one component, and its enlargement to the picture's size. Knows no colour and no bit.

use super::blocks::Blocks;

/// cos(kπ/16) / 2 for k = 1 … 7, and 1/√8 for k = 0: the DCT's basis (T.81, A.3.3).
const COSINE: [f32; 8] =
    [0.353_553_4, 0.490_392_65, 0.461_939_75, 0.415_734_8, 0.353_553_4, 0.277_785_1, 0.191_341_72, 0.097_545_16];

/// Samples of one component, 0–255.
pub(super) struct Plane {
    width: usize,
    height: usize,
    stride: usize,
    samples: Vec<u8>,
}

impl Plane {
    /// The samples behind `blocks`, whose coefficients count in `steps`; `picture` are the samples across and down that hold
    /// picture.
    pub fn new(blocks: &Blocks, steps: &[u16; 64], picture: (usize, usize)) -> Self {
        let stride = blocks.across * 8;
        let (width, height) = picture;
        let mut samples = vec![0; stride * height.div_ceil(8) * 8];
        for row in 0..height.div_ceil(8) {
            for column in 0..width.div_ceil(8) {
                let start = row * 8 * stride + column * 8;
                inverse(blocks.block(row, column), steps, &mut samples[start..], stride);
            }
        }
        Self { width, height, stride, samples }
    }

    fn stored(&self, y: usize) -> &[u8] {
        &self.samples[y.min(self.height - 1) * self.stride..][..self.width]
    }

    /// Row `y` of the plane enlarged to the picture's size, of which `out` is as wide. `across` and `down` are this
    /// component's sampling factor and the largest one. A factor of 2 is interpolated (weights 3/4 and 1/4, the triangle
    /// filter of most decoders), others are repeated. `sums` is room to work in.
    pub fn row(&self, y: usize, across: (usize, usize), down: (usize, usize), sums: &mut Vec<u16>, out: &mut [u8]) {
        let doubled = |(own, most): (usize, usize)| 2 * own == most;
        let near = self.stored(y * down.0 / down.1);
        let far = match (doubled(down), y % 2) {
            (false, _) => near,
            (true, 0) => self.stored((y / 2).saturating_sub(1)),
            (true, _) => self.stored(y / 2 + 1),
        };
        if across.0 == across.1 && !doubled(down) {
            out.copy_from_slice(&near[..out.len()]);
            return;
        }
        // Four times the sample; halves are then rounded up and down in turns, so that no drift adds up.
        sums.clear();
        sums.extend(near.iter().zip(far).map(|(&near, &far)| 3 * u16::from(near) + u16::from(far)));
        if doubled(across) {
            widen(sums, out);
        } else if across.0 == across.1 {
            let half = 1 + (y as u16 & 1);
            out.iter_mut().zip(sums).for_each(|(out, &mut sum)| *out = ((sum + half) >> 2) as u8);
        } else {
            let half = 1 + (y as u16 & 1);
            out.iter_mut().enumerate().for_each(|(x, out)| *out = ((sums[x * across.0 / across.1] + half) >> 2) as u8);
        }
    }
}

/// Doubles a row of fourfold samples in width.
fn widen(sums: &[u16], out: &mut [u8]) {
    let last = sums.len() - 1;
    let left = |at: usize| ((3 * sums[at] + sums[at.saturating_sub(1)] + 8) >> 4) as u8;
    let right = |at: usize| ((3 * sums[at] + sums[(at + 1).min(last)] + 7) >> 4) as u8;
    out[0] = left(0);
    if out.len() > 1 {
        out[1] = right(0);
    }
    // Between the ends, neighbours need no check.
    let from = 2.min(out.len());
    for (pair, near) in out[from..].chunks_exact_mut(2).zip(sums.windows(3)) {
        pair[0] = ((3 * near[1] + near[0] + 8) >> 4) as u8;
        pair[1] = ((3 * near[1] + near[2] + 7) >> 4) as u8;
    }
    for (x, out) in out.iter_mut().enumerate().skip((2 * last).max(2)) {
        *out = if x % 2 == 0 { left(x / 2) } else { right(x / 2) };
    }
}

/// Writes the 8 × 8 samples of one block: dequantised, inverse DCT in f32, shifted by 128, rounded, clamped.
fn inverse(block: &[i16; 64], steps: &[u16; 64], out: &mut [u8], stride: usize) {
    if block[1..].iter().all(|&value| value == 0) {
        let value = f32::from(block[0]) * f32::from(steps[0]) / 8.0;
        out.chunks_mut(stride).take(8).for_each(|row| row[..8].fill((value + 128.5).clamp(0.0, 255.0) as u8));
        return;
    }
    let mut rows = [[0f32; 8]; 8];
    for (place, value) in rows.as_flattened_mut().iter_mut().enumerate() {
        *value = f32::from(block[place]) * f32::from(steps[place]);
    }
    pass(&mut rows);
    let mut rows: [[f32; 8]; 8] = std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]));
    pass(&mut rows);
    for (y, out) in out.chunks_mut(stride).take(8).enumerate() {
        for (out, column) in out.iter_mut().zip(&rows) {
            *out = (column[y] + 128.5).clamp(0.0, 255.0) as u8;
        }
    }
}

/// The one-dimensional inverse DCT down each of 8 columns: even and odd coefficients apart, then their sums and differences.
fn pass(rows: &mut [[f32; 8]; 8]) {
    let [c0, c1, c2, c3, _, c5, c6, c7] = COSINE;
    (0..8).for_each(|x| {
        let [v0, v1, v2, v3, v4, v5, v6, v7]: [f32; 8] = std::array::from_fn(|y| rows[y][x]);
        let (sum, difference) = ((v0 + v4) * c0, (v0 - v4) * c0);
        let (low, high) = (v2 * c2 + v6 * c6, v2 * c6 - v6 * c2);
        let even = [sum + low, difference + high, difference - high, sum - low];
        let odd = [
            (v1 * c1 + v3 * c3) + (v5 * c5 + v7 * c7),
            (v1 * c3 - v3 * c7) - (v5 * c1 + v7 * c5),
            (v1 * c5 - v3 * c1) + (v5 * c7 + v7 * c3),
            (v1 * c7 - v3 * c5) + (v5 * c3 - v7 * c1),
        ];
        for half in 0..4 {
            rows[half][x] = even[half] + odd[half];
            rows[7 - half][x] = even[half] - odd[half];
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_defining_double_sum() {
        let block: [i16; 64] = std::array::from_fn(|i| ((i * 37 % 23) as i16 - 11) * i16::from(i % 3 == 0));
        let steps = [3; 64];
        let mut out = [0; 64];
        inverse(&block, &steps, &mut out, 8);
        let scale = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
        let cosine = |n: usize, k: usize| ((2 * n + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos();
        for y in 0..8 {
            for x in 0..8 {
                let terms = (0..64).map(|i| {
                    let (v, u) = (i / 8, i % 8);
                    scale(u) * scale(v) / 4.0 * f64::from(block[i]) * 3.0 * cosine(x, u) * cosine(y, v)
                });
                let exact = (terms.sum::<f64>() + 128.0).clamp(0.0, 255.0);
                assert!((f64::from(out[8 * y + x]) - exact).abs() < 0.51, "{y} {x}: {} for {exact}", out[8 * y + x]);
            }
        }
    }

    #[test]
    fn enlargement_keeps_constants_and_ramps() {
        let plane = |samples: Vec<u8>| Plane { width: 4, height: 2, stride: 4, samples };
        let mut out = [0; 8];
        for y in 0..4 {
            plane(vec![77; 8]).row(y, (1, 2), (1, 2), &mut Vec::new(), &mut out);
            assert_eq!(out, [77; 8]);
            plane(vec![77; 8]).row(y / 2, (1, 2), (1, 1), &mut Vec::new(), &mut out);
            assert_eq!(out, [77; 8]);
        }
        plane(vec![0, 40, 80, 120, 0, 40, 80, 120]).row(0, (1, 2), (1, 1), &mut Vec::new(), &mut out);
        assert_eq!(out, [0, 10, 30, 50, 70, 90, 110, 120]);
    }
}
