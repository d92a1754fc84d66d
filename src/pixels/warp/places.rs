//! Where the pixels of a warped image come from: coordinates, a row at a time. Knows no pixel.
//!
//! Coordinates follow torchvision's tensor path in `f32`, step by step, so that the same pixels are chosen at ties.

use crate::pixels::affine::Affine;
use crate::pixels::elastic::Displacement;
use crate::pixels::projective::Projective;
use crate::sample::Size;

/// From where each pixel of a new image is taken.
#[derive(Clone, Copy, Debug)]
pub enum Places<'m> {
    /// An affine map between the centres of both images.
    Affine(&'m Affine),
    /// A projective map.
    Projective(&'m Projective),
    /// The same place, moved a little. Pixels beyond the field are not moved.
    Displaced(&'m Displacement),
}

impl Places<'_> {
    /// By how many whole pixels, right and down, an image of `source` is moved on a canvas of `out`, if that is all that is done.
    pub(super) fn whole_move(&self, source: Size, out: Size) -> Option<(i64, i64)> {
        let Places::Affine(map) = self else { return None };
        let [a, b, x, c, d, y] = map.matrix;
        let only_moves = source == out && [a, b, c, d] == [1.0, 0.0, 0.0, 1.0];
        // Beyond this `f32` coordinates have no halves, and the image is out of sight anyway.
        let whole = |by: f64| by.fract() == 0.0 && by.abs() < f64::from(1 << 22);
        (only_moves && whole(x) && whole(y)).then_some((-x as i64, -y as i64))
    }
}

impl Places<'_> {
    /// Whether the places of a row, as they are rounded, never turn back along either axis.
    ///
    /// So it is with an affine map: each of its steps (a product with a constant, sums with constants) keeps order, and so does
    /// rounding.
    pub(super) fn is_straight(&self) -> bool {
        matches!(self, Places::Affine(_))
    }

    /// How far the place of the pixel below is from that of a pixel, right and down, in the middle of a canvas of size `out`.
    pub(super) fn step_down(&self, out: Size) -> (f64, f64) {
        match self {
            Places::Affine(map) => (map.matrix[1], map.matrix[4]),
            Places::Projective(map) => {
                let (x, y) = (0.5 * f64::from(out.width), 0.5 * f64::from(out.height));
                let place = |y| {
                    let (x, y, depth) = map.at(x, y);
                    (x / depth, y / depth)
                };
                let (here, below) = (place(y), place(y + 1.0));
                (below.0 - here.0, below.1 - here.1)
            }
            Places::Displaced(_) => (0.0, 1.0),
        }
    }
}

/// [`Places`] between two images, in the numbers that a row's loop needs.
pub(super) struct Grid<'m> {
    recipe: Recipe<'m>,
    size: (f32, f32),
}

enum Recipe<'m> {
    Affine { rows: [f32; 6], middle: (f32, f32) },
    Projective { rows: [f32; 9] },
    Displaced(&'m Displacement),
}

impl<'m> Grid<'m> {
    /// From an image of size `out` into one of size `source`.
    pub fn new(places: Places<'m>, source: Size, out: Size) -> Self {
        let size = (source.width as f32, source.height as f32);
        let (x, y) = (0.5 * size.0, 0.5 * size.1);
        let recipe = match places {
            Places::Affine(map) => {
                let m = map.matrix.map(|value| value as f32);
                let middle = ((out.width as f32 - 1.0) * 0.5, (out.height as f32 - 1.0) * 0.5);
                Recipe::Affine { rows: [m[0] / x, m[1] / x, m[2] / x, m[3] / y, m[4] / y, m[5] / y], middle }
            }
            Places::Projective(map) => {
                let [a, b, c, d, e, f, g, h, i] = map.matrix.map(|value| value as f32);
                Recipe::Projective { rows: [a / x, b / x, c / x, d / y, e / y, f / y, g, h, i] }
            }
            Places::Displaced(field) => Recipe::Displaced(field),
        };
        Self { recipe, size }
    }

    /// Where the pixels of row `y` from column `from` on come from, in pixels from the centre of the top left one.
    pub fn row(&self, y: usize, from: usize, xs: &mut [f32], ys: &mut [f32]) {
        match &self.recipe {
            Recipe::Affine { rows, middle } => affine_row(rows, *middle, self.size, (from as i32, y as i32), xs, ys),
            Recipe::Projective { rows } => projective_row(rows, self.size, (from as i32, y as i32), xs, ys),
            Recipe::Displaced(field) => displaced_row(field.row(y), (from, y), xs, ys),
        }
    }
}

/// Pixels from the centre of the first one where the normalised coordinates of torch's `grid_sample` are `x` − 1.
#[inline(always)]
fn pixels(x: f32, side: f32) -> f32 {
    x.mul_add(side * 0.5, -0.5)
}

wide! {
    fn affine_row / affine_row_plain(
        rows: &[f32; 6], middle: (f32, f32), size: (f32, f32), at: (i32, i32), xs: &mut [f32], ys: &mut [f32],
    ) {
        let [a, b, c, d, e, f] = *rows;
        let y = at.1 as f32 - middle.1;
        let (yb, ye) = (y * b, y * e);
        for (index, (out_x, out_y)) in xs.iter_mut().zip(ys).enumerate() {
            let x = (at.0 + index as i32) as f32 - middle.0;
            *out_x = pixels(x * a + yb + c + 1.0, size.0);
            *out_y = pixels(x * d + ye + f + 1.0, size.1);
        }
    }
}

wide! {
    fn projective_row / projective_row_plain(rows: &[f32; 9], size: (f32, f32), at: (i32, i32), xs: &mut [f32], ys: &mut [f32]) {
        let [a, b, c, d, e, f, g, h, i] = *rows;
        let y = at.1 as f32 + 0.5;
        let (yb, ye, yh) = (y * b, y * e, y * h);
        for (index, (out_x, out_y)) in xs.iter_mut().zip(ys).enumerate() {
            let x = (at.0 + index as i32) as f32 + 0.5;
            let depth = x * g + yh + i;
            *out_x = pixels((x * a + yb + c) / depth - 1.0 + 1.0, size.0);
            *out_y = pixels((x * d + ye + f) / depth - 1.0 + 1.0, size.1);
        }
    }
}

fn displaced_row((moves_x, moves_y): (&[f32], &[f32]), (from, y): (usize, usize), xs: &mut [f32], ys: &mut [f32]) {
    for (index, (out_x, out_y)) in xs.iter_mut().zip(ys.iter_mut()).enumerate() {
        (*out_x, *out_y) = ((from + index) as f32, y as f32);
    }
    xs.iter_mut().zip(moves_x.iter().skip(from)).for_each(|(x, by)| *x += by);
    ys.iter_mut().zip(moves_y.iter().skip(from)).for_each(|(y, by)| *y += by);
}

wide! {
    /// Brings each place into 0 … `most`: to the nearer end.
    fn clamp / clamp_plain(places: &mut [f32], most: f32) {
        for place in places {
            *place = clamped(*place, most);
        }
    }
}

wide! {
    /// Brings each place into 0 … `most`: mirrored at both ends, as often as it takes.
    fn mirror / mirror_plain(places: &mut [f32], most: f32) {
        let period = 2.0 * most;
        for place in places {
            let x = place.abs();
            let x = x - (x / period).floor() * period;
            *place = clamped(if x > most { period - x } else { x }, most);
        }
    }
}

/// x within 0 … `most`; NaN becomes 0.
#[inline(always)]
fn clamped(x: f32, most: f32) -> f32 {
    let x = if x > 0.0 { x } else { 0.0 };
    if x < most { x } else { most }
}

/// Brings the places of a row along an axis of `length` pixels inside it, for the rules that look nowhere else.
pub(super) fn fold(mirrored: bool, length: usize, places: &mut [f32]) {
    let most = length as f32 - 1.0;
    if mirrored { mirror(places, most) } else { clamp(places, most) }
}
