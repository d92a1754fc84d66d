//! A small canvas: filled shapes with soft edges by drawing large and averaging. Uses only + − · / on floats, so that every
//! machine draws the same bytes. Knows nothing of what is drawn.

use crate::sample::{Image, Size};

/// Every pixel is the mean of this many squared.
const FINE: usize = 4;

/// Red, green, blue, 0–255.
pub type Colour = [f64; 3];
/// Column and row in pixels, from the top left corner.
pub type Point = (f64, f64);

/// A shape to be filled.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Corners in order; what they enclose an odd number of times is inside.
    Polygon(Vec<Point>),
    /// Centre, half width, half height.
    Ellipse(Point, f64, f64),
}

impl Shape {
    /// A rectangle by its left, top, right and bottom edge.
    pub fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Shape::Polygon(vec![(left, top), (right, top), (right, bottom), (left, bottom)])
    }

    fn contains(&self, (x, y): Point) -> bool {
        match self {
            Shape::Ellipse((cx, cy), a, b) => {
                let (dx, dy) = ((x - cx) / a, (y - cy) / b);
                dx * dx + dy * dy <= 1.0
            }
            Shape::Polygon(corners) => {
                let edges = corners.iter().zip(corners.iter().cycle().skip(1));
                let crossed =
                    edges.filter(|((x0, y0), (x1, y1))| (*y0 > y) != (*y1 > y) && x < x0 + (y - y0) * (x1 - x0) / (y1 - y0));
                crossed.count() % 2 == 1
            }
        }
    }

    /// Left, top, right, bottom.
    fn bounds(&self) -> [f64; 4] {
        match self {
            Shape::Ellipse((x, y), a, b) => [x - a, y - b, x + a, y + b],
            Shape::Polygon(corners) => corners.iter().fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |[l, t, r, b], (x, y)| {
                [l.min(*x), t.min(*y), r.max(*x), b.max(*y)]
            }),
        }
    }
}

/// A square picture in the making.
#[derive(Clone, Debug)]
pub struct Canvas {
    side: usize,
    fine: Vec<Colour>,
}

impl Canvas {
    /// `side` pixels squared, black.
    pub fn new(side: usize) -> Self {
        Self { side, fine: vec![[0.0; 3]; side * side * FINE * FINE] }
    }

    /// Fills `shape` with `colour`; `cover` 1 hides what was there, less lets it shine through.
    pub fn fill(&mut self, shape: &Shape, colour: Colour, cover: f64) {
        self.shade(shape, cover, |_| colour);
    }

    /// The same with a colour that depends on the row.
    pub fn shade(&mut self, shape: &Shape, cover: f64, colour: impl Fn(f64) -> Colour) {
        let limit = self.side * FINE;
        let [left, top, right, bottom] = shape.bounds().map(|edge| edge * FINE as f64);
        // The conversion saturates, so that shapes may reach over every edge.
        let (columns, rows) = (left as usize..(right as usize + 1).min(limit), top as usize..(bottom as usize + 1).min(limit));
        let place = |at: usize| (at as f64 + 0.5) / FINE as f64;
        for row in rows {
            let ink = colour(place(row));
            for column in columns.clone().filter(|column| shape.contains((place(*column), place(row)))) {
                let dot = &mut self.fine[row * limit + column];
                *dot = std::array::from_fn(|c| dot[c] * (1.0 - cover) + ink[c] * cover);
            }
        }
    }

    /// The finished picture; `disturb` is added to every value in order.
    pub fn finish(&self, mut disturb: impl FnMut() -> f64) -> Image {
        let mut pixels = Vec::with_capacity(self.side * self.side * 3);
        for (y, x) in (0..self.side).flat_map(|y| (0..self.side).map(move |x| (y, x))) {
            for value in self.mean(y, x) {
                pixels.push((value + disturb()).clamp(0.0, 255.0).round() as u8);
            }
        }
        Image::new(Size::new(self.side as u32, self.side as u32), 3, pixels)
    }

    fn mean(&self, y: usize, x: usize) -> Colour {
        let mut sum = [0.0; 3];
        for row in y * FINE..(y + 1) * FINE {
            for dot in &self.fine[row * self.side * FINE + x * FINE..][..FINE] {
                sum = std::array::from_fn(|c| sum[c] + dot[c]);
            }
        }
        sum.map(|value| value / (FINE * FINE) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(shape: &Shape) -> Image {
        let mut canvas = Canvas::new(8);
        canvas.fill(shape, [255.0, 128.0, 0.0], 1.0);
        canvas.finish(|| 0.0)
    }

    #[test]
    fn a_rectangle_covers_exactly_its_pixels_and_halves_of_others() {
        let picture = drawn(&Shape::rectangle(2.0, 3.0, 4.5, 6.0));
        for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
            let expected = match (y, x) {
                (3..6, 2..4) => [255, 128, 0],
                (3..6, 4) => [128, 64, 0],
                _ => [0, 0, 0],
            };
            assert_eq!(picture.pixel(y, x), expected, "{y} {x}");
        }
    }

    #[test]
    fn an_ellipse_has_the_area_of_an_ellipse() {
        let picture = drawn(&Shape::Ellipse((4.0, 4.0), 3.0, 2.0));
        let area: f64 = picture.pixels().iter().step_by(3).map(|value| f64::from(*value) / 255.0).sum();
        assert!((area - 6.0 * std::f64::consts::PI).abs() < 0.4, "{area}");
    }

    #[test]
    fn shapes_may_reach_over_every_edge() {
        assert!(drawn(&Shape::rectangle(-50.0, -9.0, 99.0, 1e9)).pixels().chunks(3).all(|pixel| pixel == [255, 128, 0]));
        assert!(drawn(&Shape::Ellipse((-20.0, 4.0), 3.0, 3.0)).pixels().iter().all(|value| *value == 0));
        assert!(drawn(&Shape::Polygon(vec![])).pixels().iter().all(|value| *value == 0));
    }

    #[test]
    fn half_a_cover_lets_half_shine_through() {
        let mut canvas = Canvas::new(1);
        canvas.fill(&Shape::rectangle(0.0, 0.0, 1.0, 1.0), [200.0; 3], 1.0);
        canvas.fill(&Shape::rectangle(0.0, 0.0, 1.0, 1.0), [100.0, 0.0, 200.0], 0.5);
        assert_eq!(canvas.finish(|| 0.0).pixels(), [150, 100, 200]);
    }
}
