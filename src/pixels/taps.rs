//! Which pixels of an axis make a pixel of another length, and with what weights. Knows no image.

/// For every pixel of the new length, consecutive pixels of the old one and their weights, as whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// Place of the first pixel, and end of its weights in `weights`.
    spans: Vec<(usize, usize)>,
    weights: Vec<i32>,
    /// The weights of a pixel sum to about 2 to this power.
    pub precision: u32,
}

impl Axis {
    /// For every new pixel the place of the first old one, and a weight for it and each that follows.
    pub fn taps(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let starts = std::iter::once(0).chain(self.spans.iter().map(|&(_, end)| end));
        self.spans.iter().zip(starts).map(|(&(first, end), start)| (first, &self.weights[start..end]))
    }

    /// The new length.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// For `count` pixels, whose first tap `taps` tells and whose weights it appends. Weights are held as torch's `uint8` kernels
    /// hold them: 16 bits, as many of them behind the point as the largest weight leaves.
    fn new(count: usize, mut taps: impl FnMut(usize, &mut Vec<f64>) -> usize) -> Self {
        let (mut spans, mut weights) = (Vec::with_capacity(count), Vec::new());
        for index in 0..count {
            let first = taps(index, &mut weights);
            spans.push((first, weights.len()));
        }
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let fits = |precision: &u32| 0.5 + largest * f64::from(1 << (precision + 1)) < f64::from(1 << 15);
        let precision = (0..21).find(|precision| !fits(precision)).unwrap_or(21);
        let weights = weights.into_iter().map(|weight| (weight * f64::from(1 << precision)).round() as i32).collect();
        Self { spans, weights, precision }
    }
}

/// With antialias, as Pillow: `filter`, which is 0 beyond `support`, is widened to cover all pixels where the axis shrinks.
pub(super) fn covering(from: usize, to: usize, support: f64, filter: fn(f64) -> f64) -> Axis {
    let scale = from as f64 / to as f64;
    let wide = scale.max(1.0);
    Axis::new(to, |index, weights| {
        let centre = (index as f64 + 0.5) * scale;
        let first = (centre - support * wide + 0.5).max(0.0) as usize;
        let end = ((centre + support * wide + 0.5) as usize).min(from);
        let start = weights.len();
        weights.extend((first..end).map(|tap| filter((tap as f64 - centre + 0.5) / wide)));
        let sum: f64 = weights[start..].iter().sum();
        weights[start..].iter_mut().for_each(|weight| *weight /= sum);
        first
    })
}

/// The bilinear filter; its support is 1.
pub(super) fn triangle(t: f64) -> f64 {
    (1.0 - t.abs()).max(0.0)
}

/// Keys' cubic filter with a = −0.5; its support is 2.
pub(super) fn cubic(t: f64) -> f64 {
    cubic_with(-0.5, t.abs())
}

/// Keys, *Cubic convolution interpolation for digital image processing*, 1981, for t ≥ 0.
fn cubic_with(a: f64, t: f64) -> f64 {
    match t {
        t if t < 1.0 => ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0,
        t if t < 2.0 => a * (((t - 5.0) * t + 8.0) * t - 4.0),
        _ => 0.0,
    }
}

/// Without antialias: the two pixels around the new centre, by distance.
pub(super) fn two(from: usize, to: usize) -> Axis {
    Axis::new(to, |index, sums| {
        let place = centre(from, to, index).max(0.0);
        gather(from, [place as i64, place as i64 + 1], [1.0 - place.fract(), place.fract()], sums)
    })
}

/// Without antialias: the four pixels around the new centre, by Keys' cubic with a = −0.75.
pub(super) fn four(from: usize, to: usize) -> Axis {
    Axis::new(to, |index, sums| {
        let place = centre(from, to, index);
        let (whole, part) = (place.floor() as i64, place - place.floor());
        let weights = [1.0 + part, part, 1.0 - part, 2.0 - part].map(|t| cubic_with(-0.75, t));
        gather(from, [whole - 1, whole, whole + 1, whole + 2], weights, sums)
    })
}

fn centre(from: usize, to: usize, index: usize) -> f64 {
    (index as f64 + 0.5) * from as f64 / to as f64 - 0.5
}

/// Appends the weights from the first place to the last one and tells the first. Places outside the axis stand for its nearest
/// end, whose weight they add to.
fn gather<const N: usize>(length: usize, places: [i64; N], weights: [f64; N], sums: &mut Vec<f64>) -> usize {
    let places = places.map(|place| place.clamp(0, length as i64 - 1) as usize);
    let start = sums.len();
    sums.resize(start + places[N - 1] - places[0] + 1, 0.0);
    for (place, weight) in places.into_iter().zip(weights) {
        sums[start + place - places[0]] += weight;
    }
    places[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_stay_inside_for_every_pair_of_lengths() {
        for (from, to) in [(1, 1), (1, 7), (7, 1), (2, 3), (3, 2), (500, 224), (3_123, 3), (5, 1000)] {
            let axes = [covering(from, to, 1.0, triangle), covering(from, to, 2.0, cubic), two(from, to), four(from, to)];
            for axis in axes {
                assert_eq!(axis.taps().count(), to);
                for (first, weights) in axis.taps() {
                    let sum = f64::from(weights.iter().sum::<i32>()) / f64::from(1 << axis.precision);
                    assert!((sum - 1.0).abs() < 2e-3, "{from} to {to}: {sum}");
                    assert!(!weights.is_empty() && first + weights.len() <= from, "{from} to {to}: {first}, {weights:?}");
                    assert!(weights.iter().all(|&weight| i16::try_from(weight).is_ok()));
                }
            }
        }
    }
}
