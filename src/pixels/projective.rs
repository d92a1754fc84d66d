//! Maps that keep straight lines straight, as 3×3 matrices. Knows no pixels.

use super::affine::Affine;
use crate::sample::Size;

/// A map from output to source coordinates, both in pixels from the image's top left corner, x to the right and y down: the pixel in
/// row 0 and column 0 has its centre at (0.5, 0.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projective {
    /// Row by row: source (x, y) = (m0·x + m1·y + m2, m3·x + m4·y + m5) / (m6·x + m7·y + m8).
    pub matrix: [f64; 9],
}

/// Four points (x, y): top left, top right, bottom right, bottom left.
pub type Corners = [[f64; 2]; 4];

impl Projective {
    /// Every point stays where it is.
    pub const IDENTITY: Self = Self { matrix: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0] };

    /// Source (x, y) = (`scale_x`·x + `left`, `scale_y`·y + `top`).
    pub fn along_axes(scale: (f64, f64), left: f64, top: f64) -> Self {
        Self { matrix: [scale.0, 0.0, left, 0.0, scale.1, top, 0.0, 0.0, 1.0] }
    }

    /// `map` from the canvas `out` into an image of size `source`.
    pub fn of_affine(map: &Affine, source: Size, out: Size) -> Self {
        let [a, b, c, d, e, f] = map.matrix;
        let to_centre = Self::along_axes((1.0, 1.0), -0.5 * f64::from(out.width), -0.5 * f64::from(out.height));
        let (x, y) = (0.5 * f64::from(source.width), 0.5 * f64::from(source.height));
        Self { matrix: [a, b, c + x, d, e, f + y, 0.0, 0.0, 1.0] }.after(&to_centre)
    }

    /// The map that brings the picture's points `start` to `end`, as torchvision's `perspective` has it; none where there is no such
    /// map, because three of the points lie on a line.
    pub fn from_corners(start: &Corners, end: &Corners) -> Option<Self> {
        let mut rows = [[0.0; 9]; 8];
        for (rows, (to, from)) in rows.as_chunks_mut::<2>().0.iter_mut().zip(start.iter().zip(end)) {
            let [x, y] = *from;
            rows[0] = [x, y, 1.0, 0.0, 0.0, 0.0, -to[0] * x, -to[0] * y, to[0]];
            rows[1] = [0.0, 0.0, 0.0, x, y, 1.0, -to[1] * x, -to[1] * y, to[1]];
        }
        let [a, b, c, d, e, f, g, h] = solved(rows)?;
        // The points are in front of the eye, wherever the origin is: the same map with all signs turned.
        let sign = if g * end[0][0] + h * end[0][1] + 1.0 < 0.0 { -1.0 } else { 1.0 };
        Some(Self { matrix: [a, b, c, d, e, f, g, h, 1.0].map(|value| sign * value) })
    }

    /// First `first`, then this map.
    pub fn after(&self, first: &Self) -> Self {
        let (a, b) = (&self.matrix, &first.matrix);
        let cell = |index: usize| (0..3).map(|k| a[index / 3 * 3 + k] * b[k * 3 + index % 3]).sum();
        Self { matrix: std::array::from_fn(cell) }
    }

    /// Where (x, y) goes, and what it was divided by: not positive for what lies behind the eye.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64, f64) {
        let [a, b, c, d, e, f, g, h, i] = self.matrix;
        let depth = g * x + h * y + i;
        ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth, depth)
    }
}

/// The solution of eight equations, each with its right side last, by elimination with pivots.
fn solved(mut rows: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let pivot = (column..8).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let chosen = rows[column];
        if chosen[column].abs() <= 1e-9 {
            return None;
        }
        for (_, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != column) {
            let factor = row[column] / chosen[column];
            row.iter_mut().zip(chosen).for_each(|(value, chosen)| *value -= factor * chosen);
        }
    }
    let solution: [f64; 8] = std::array::from_fn(|index| rows[index][8] / rows[index][index]);
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SQUARE: Corners = [[0.0, 0.0], [96.0, 0.0], [96.0, 60.0], [0.0, 60.0]];

    proptest! {
        #[test]
        fn corners_go_where_they_are_sent(moves in prop::array::uniform8(0.0f64..20.0)) {
            let [a, b, c, d, e, f, g, h] = moves;
            let end = [[a, b], [96.0 - c, d], [96.0 - e, 60.0 - f], [g, 60.0 - h]];
            let map = Projective::from_corners(&SQUARE, &end).expect("a map");
            for (to, from) in SQUARE.iter().zip(end) {
                let (x, y, depth) = map.at(from[0], from[1]);
                prop_assert!((x - to[0]).abs() < 1e-8 && (y - to[1]).abs() < 1e-8 && depth > 0.0, "{x} {y} {depth}");
            }
        }
    }

    #[test]
    fn points_are_in_front_of_the_eye_where_the_origin_is_not() {
        let end = [[17.0, 20.0], [76.0, 0.0], [96.0, 60.0], [0.0, 41.0]];
        let map = Projective::from_corners(&SQUARE, &end).expect("a map");
        assert!(map.at(0.0, 0.0).2 < 0.0 && end.iter().all(|&[x, y]| map.at(x, y).2 > 0.0), "{map:?}");
    }

    #[test]
    fn corners_that_stay_make_the_identity_and_a_line_makes_no_map() {
        let identity = Projective::from_corners(&SQUARE, &SQUARE).expect("a map");
        assert!(identity.matrix.iter().zip(Projective::IDENTITY.matrix).all(|(a, b)| (a - b).abs() < 1e-14), "{identity:?}");
        assert_eq!(Projective::from_corners(&SQUARE, &[[1.0, 1.0]; 4]), None);
        assert_eq!(Projective::from_corners(&[[0.0, 0.0]; 4], &[[0.0, 0.0]; 4]), None);
    }

    #[test]
    fn an_affine_map_between_centres_is_the_same_map_between_corners() {
        let (source, out) = (Size::new(30, 50), Size::new(40, 20));
        let map = Projective::of_affine(&Affine::rotation(90.0), source, out);
        let (x, y, depth) = map.at(10.0, 20.0);
        assert!((x - 25.0).abs() < 1e-12 && (y - 15.0).abs() < 1e-12 && depth == 1.0);
        // Counter-clockwise: what is seen at the top comes from the right.
        let (x, y, _) = map.at(10.0, 15.0);
        assert!((x - 30.0).abs() < 1e-12 && (y - 15.0).abs() < 1e-12, "{x} {y}");
    }
}
