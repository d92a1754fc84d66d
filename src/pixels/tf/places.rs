//! Where on an old axis each pixel of a new one lies, in TensorFlow's `f32`. Knows no image.

/// How pixels are counted when a place on the new axis is looked up on the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centres {
    /// o · in/out: TensorFlow 1, and `tf.compat.v1` to this day. Pictures move by up to half a pixel.
    Legacy,
    /// (o + 1/2) · in/out − 1/2: TensorFlow 2.
    HalfPixel,
    /// The same, and where a picture shrinks a new pixel is made of all that it covers: TensorFlow 2 with `antialias`. A triangle
    /// of in/out pixels to either side says how much each weighs.
    Antialias,
}

/// A pixel between two: their places, and how far it lies from the first towards the second, 0 to 1.
pub(super) struct Between {
    pub low: usize,
    pub high: usize,
    pub part: f32,
}

/// Four pixels around a place, and their weights.
pub(super) struct Around {
    pub places: [usize; 4],
    pub weights: [f32; 4],
}

/// The pixels that a new one covers, and the share of each.
pub(super) struct Covered {
    pub first: usize,
    pub weights: Vec<f32>,
}

/// Old length divided by new: every place is a multiple of it.
pub(super) fn ratio(from: u32, to: u32) -> f32 {
    from as f32 / to as f32
}

fn source(index: u32, ratio: f32, centres: Centres) -> f32 {
    match centres {
        Centres::Legacy => index as f32 * ratio,
        Centres::HalfPixel | Centres::Antialias => (index as f32 + 0.5) * ratio - 0.5,
    }
}

/// `place` as an index into an axis of `from` pixels.
fn bound(place: i64, from: u32) -> usize {
    place.clamp(0, i64::from(from) - 1) as usize
}

/// For each of the new pixels `window` of an axis brought from `from` to `to`.
pub(super) fn between(from: u32, to: u32, window: std::ops::Range<u32>, centres: Centres) -> Vec<Between> {
    let ratio = ratio(from, to);
    let one = |index| {
        let place = source(index, ratio, centres);
        let whole = place.floor();
        let high = if centres == Centres::Legacy { whole as i64 + 1 } else { place.ceil() as i64 };
        Between { low: bound(whole as i64, from), high: bound(high, from), part: place - whole }
    };
    window.map(one).collect()
}

/// The pixel at or before the place: TensorFlow 1's nearest neighbour.
pub(super) fn nearest(from: u32, to: u32, window: std::ops::Range<u32>) -> Vec<usize> {
    let ratio = ratio(from, to);
    window.map(|index| bound(source(index, ratio, Centres::Legacy).floor() as i64, from)).collect()
}

/// Places are told apart by this many steps between two pixels: TensorFlow looks its cubic up in a table.
const STEPS: f32 = 1024.0;

/// Keys' cubic with a = −0.75, looked up at the nearest 1/1024; pixels outside repeat the edge.
pub(super) fn around(from: u32, to: u32, window: std::ops::Range<u32>) -> Vec<Around> {
    let ratio = ratio(from, to);
    let one = |index| {
        let place = source(index, ratio, Centres::Legacy);
        let whole = place.floor();
        let near = ((place - whole) * STEPS).round_ties_even() / STEPS;
        let far = 1.0 - near;
        let weights = [outer(near), inner(near), inner(far), outer(far)];
        Around { places: [-1, 0, 1, 2].map(|step| bound(whole as i64 + step, from)), weights }
    };
    window.map(one).collect()
}

/// The cubic at t, 0 to 1; computed in `f64`, as the table is, and rounded once.
fn inner(t: f32) -> f32 {
    const A: f64 = -0.75;
    let t = f64::from(t);
    (((A + 2.0) * t - (A + 3.0)) * t * t + 1.0) as f32
}

/// The cubic at 1 + t.
fn outer(t: f32) -> f32 {
    const A: f64 = -0.75;
    let t = f64::from(t) + 1.0;
    (((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A) as f32
}

/// The pixels under the new one, the first and the last by the part that it covers.
pub(super) fn covered(from: u32, to: u32, window: std::ops::Range<u32>) -> Vec<Covered> {
    let ratio = ratio(from, to);
    let one = |index: u32| {
        let (start, end) = (index as f32 * ratio, (index + 1) as f32 * ratio);
        let first = bound(start.floor() as i64, from);
        let last = bound(end.ceil() as i64 - 1, from).max(first);
        let share = |pixel: usize| {
            let pixel = pixel as f32;
            match (pixel < start, pixel + 1.0 > end) {
                (true, true) => ratio,
                (true, false) => pixel + 1.0 - start,
                (false, true) => end - pixel,
                (false, false) => 1.0,
            }
        };
        Covered { first, weights: (first..=last).map(share).collect() }
    };
    window.map(one).collect()
}

/// The pixels under a triangle around the new one, at least one pixel to either side, and their shares, which sum to 1: the spans
/// of TensorFlow's `ScaleAndTranslate`, step by step in `f32`.
pub(super) fn under_triangle(from: u32, to: u32, window: std::ops::Range<u32>) -> Vec<Covered> {
    let ratio = 1.0 / (to as f32 / from as f32);
    let wide = ratio.max(1.0);
    let one = |index: u32| {
        let middle = (index as f32 + 0.5) * ratio;
        let first = bound((middle - wide - 0.5).ceil() as i64, from);
        let last = bound((middle + wide - 0.5).floor() as i64, from).max(first);
        let height = |pixel: usize| (1.0 - ((pixel as f32 + 0.5 - middle) * (1.0 / wide)).abs()).max(0.0);
        let heights: Vec<f32> = (first..=last).map(height).collect();
        let shares = 1.0 / heights.iter().sum::<f32>();
        Covered { first, weights: heights.into_iter().map(|height| height * shares).collect() }
    };
    window.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_places_begin_at_the_first_pixel_and_half_pixel_ones_between() {
        let places = |centres| between(4, 2, 0..2, centres).iter().map(|at| (at.low, at.high, at.part)).collect::<Vec<_>>();
        assert_eq!(places(Centres::Legacy), [(0, 1, 0.0), (2, 3, 0.0)]);
        assert_eq!(places(Centres::HalfPixel), [(0, 1, 0.5), (2, 3, 0.5)]);
        assert_eq!(nearest(5, 2, 0..2), [0, 2]);
    }

    #[test]
    fn cubic_weights_sum_to_one_and_stand_on_the_pixel_where_there_is_no_fraction() {
        for (from, to) in [(1, 9), (9, 1), (30, 299), (299, 30)] {
            for at in around(from, to, 0..to) {
                assert!((at.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                assert!(at.places.iter().all(|&place| place < from as usize));
            }
        }
        assert_eq!(around(4, 4, 2..3)[0].weights, [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn shares_under_a_triangle_sum_to_one_and_are_those_of_two_pixels_where_nothing_shrinks() {
        for (from, to) in [(4u32, 3u32), (3, 4), (375, 299), (1, 7), (7, 1), (65_535, 3), (3, 65_535)] {
            let all = under_triangle(from, to, 0..to);
            for (at, two) in all.iter().zip(between(from, to, 0..to, Centres::HalfPixel)) {
                assert!((at.weights.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{from} to {to}");
                assert!(at.first + at.weights.len() <= from as usize);
                let inside = two.low + 1 == two.high;
                if to >= from && inside {
                    let share = at.weights.get(two.high - at.first).copied().unwrap_or(0.0);
                    assert!((share - two.part).abs() < 1e-2, "{from} to {to}: {share} for {}", two.part);
                }
            }
        }
    }

    #[test]
    fn covered_shares_sum_to_the_ratio_and_stay_inside() {
        for (from, to) in [(4u32, 3u32), (3, 4), (375, 299), (1, 7), (7, 1), (1000, 3)] {
            for at in covered(from, to, 0..to) {
                let sum: f32 = at.weights.iter().sum();
                assert!((sum - ratio(from, to)).abs() < 2e-3 * ratio(from, to).max(1.0), "{from} to {to}: {sum}");
                assert!(at.first + at.weights.len() <= from as usize);
            }
        }
        let thirds = covered(4, 3, 0..3);
        assert_eq!((thirds[1].first, thirds[1].weights.len()), (1, 2));
    }
}
