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
    /// filter of most decoders), others are repeated.
    pub fn row(&self, y: usize, across: (usize, usize), down: (usize, usize), out: &mut [u8]) {
        let doubled = |(own, most): (usize, usize)| 2 * own == most;
        let near = self.stored(y * down.0 / down.1);
        let far = match (doubled(down), y % 2) {
            (false, _) => near,
            (true, 0) => self.stored((y / 2).saturating_sub(1)),
            (true, _) => self.stored(y / 2 + 1),
        };
        // Sums of four samples each; halves are rounded up and down in turns, so that no drift adds up.
        let sum = |x: usize| 3 * u32::from(near[x]) + u32::from(far[x]);
        if !doubled(across) {
            for (x, out) in out.iter_mut().enumerate() {
                *out = ((sum(x * across.0 / across.1) + 1 + (y as u32 & 1)) >> 2) as u8;
            }
            return;
        }
        let last = self.width - 1;
        for (x, out) in out.iter_mut().enumerate() {
            let (own, side) = (x / 2, if x % 2 == 0 { (x / 2).saturating_sub(1) } else { (x / 2 + 1).min(last) });
            *out = ((3 * sum(own) + sum(side) + 8 - (x as u32 & 1)) >> 4) as u8;
        }
    }
}

/// Writes the 8 × 8 samples of one block: dequantised, inverse DCT in f32, shifted by 128, rounded, clamped.
fn inverse(block: &[i16; 64], steps: &[u16; 64], out: &mut [u8], stride: usize) {
    let mut rows = [[0f32; 8]; 8];
    for (place, value) in rows.as_flattened_mut().iter_mut().enumerate() {
        *value = f32::from(block[place]) * f32::from(steps[place]);
    }
    let rows = transposed(&pass(&transposed(&pass(&rows))));
    for (y, row) in rows.iter().enumerate() {
        for (out, value) in out[y * stride..].iter_mut().zip(row) {
            *out = (value + 128.5).clamp(0.0, 255.0) as u8;
        }
    }
}

fn transposed(rows: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    std::array::from_fn(|y| std::array::from_fn(|x| rows[x][y]))
}

/// The one-dimensional inverse DCT down each of 8 columns: even and odd coefficients apart, then their sums and differences.
fn pass(rows: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    let mix = |terms: [(usize, f32); 4]| -> [f32; 8] {
        std::array::from_fn(|x| {
            let [a, b, c, d] = terms.map(|(row, factor)| rows[row][x] * factor);
            (a + b) + (c + d)
        })
    };
    let c = COSINE;
    let even = [
        mix([(0, c[0]), (4, c[4]), (2, c[2]), (6, c[6])]),
        mix([(0, c[0]), (4, -c[4]), (2, c[6]), (6, -c[2])]),
        mix([(0, c[0]), (4, -c[4]), (2, -c[6]), (6, c[2])]),
        mix([(0, c[0]), (4, c[4]), (2, -c[2]), (6, -c[6])]),
    ];
    let odd = [
        mix([(1, c[1]), (3, c[3]), (5, c[5]), (7, c[7])]),
        mix([(1, c[3]), (3, -c[7]), (5, -c[1]), (7, -c[5])]),
        mix([(1, c[5]), (3, -c[1]), (5, c[7]), (7, c[3])]),
        mix([(1, c[7]), (3, -c[5]), (5, c[3]), (7, -c[1])]),
    ];
    std::array::from_fn(|y| {
        let half = if y < 4 { y } else { 7 - y };
        std::array::from_fn(|x| if y < 4 { even[half][x] + odd[half][x] } else { even[half][x] - odd[half][x] })
    })
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
            plane(vec![77; 8]).row(y, (1, 2), (1, 2), &mut out);
            assert_eq!(out, [77; 8]);
            plane(vec![77; 8]).row(y / 2, (1, 2), (1, 1), &mut out);
            assert_eq!(out, [77; 8]);
        }
        plane(vec![0, 40, 80, 120, 0, 40, 80, 120]).row(0, (1, 2), (1, 1), &mut out);
        assert_eq!(out, [0, 10, 30, 50, 70, 90, 110, 120]);
    }
}
