//! The affine map of a warp, around the true centre of the image. Knows no pixels.

use crate::sample::Size;

/// A 2×3 matrix from output to source coordinates, both in pixels from the image's centre, x to the right and y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// `[m0, m1, m2, m3, m4, m5]`: source x = m0·x + m1·y + m2, source y = m3·x + m4·y + m5.
    pub matrix: [f64; 6],
}

impl Affine {
    /// The map that samples a picture turned clockwise by `degrees`, scaled by `scale`, sheared by `shear` (x, y) degrees and
    /// moved by `translate` (x, y) pixels: torchvision's inverse affine matrix with its centre at (0, 0).
    pub fn new(degrees: f64, translate: (f64, f64), scale: f64, shear: (f64, f64)) -> Self {
        let (turn, shear_x, shear_y) = (degrees.to_radians(), shear.0.to_radians(), shear.1.to_radians());
        let a = (turn - shear_y).cos() / shear_y.cos();
        let b = -(a * shear_x.tan() + turn.sin());
        let c = (turn - shear_y).sin() / shear_y.cos();
        let d = turn.cos() - c * shear_x.tan();
        let (m0, m1, m3, m4) = (d / scale, -b / scale, -c / scale, a / scale);
        let (x, y) = translate;
        Self { matrix: [m0, m1, -m0 * x - m1 * y, m3, m4, -m3 * x - m4 * y] }
    }

    /// The map that samples a picture turned counter-clockwise by `degrees`.
    pub fn rotation(degrees: f64) -> Self {
        Self::new(-degrees, (0.0, 0.0), 1.0, (0.0, 0.0))
    }

    /// The canvas that holds all of a turned image of `size`: its corners, cut to 1e-4, rounded outwards.
    pub fn expanded(&self, size: Size) -> Size {
        let (half_width, half_height) = (size.width as f32 * 0.5, size.height as f32 * 0.5);
        let m = self.matrix.map(|value| value as f32);
        let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0f32)].map(|(x, y)| {
            let (x, y) = (x * half_width, y * half_height);
            (x * m[0] + y * m[1] + m[2] + half_width, x * m[3] + y * m[4] + m[5] + half_height)
        });
        Size::new(extent(corners.map(|(_, y)| y)), extent(corners.map(|(x, _)| x)))
    }
}

fn extent(places: [f32; 4]) -> u32 {
    let cut = |place: f32| (place * 1e4).trunc() * 1e-4;
    let (low, high) = places.iter().fold((f32::MAX, f32::MIN), |(low, high), &place| (low.min(place), high.max(place)));
    ((cut(high).ceil() - cut(low).floor()) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_torchvisions() {
        let expected = [0.78606841, 0.28610550, -0.49996291, -0.21568254, 0.80493819, 1.02062073];
        let got = Affine::new(15.0, (1.0, -1.0), 1.2, (5.0, 0.0)).matrix;
        assert!(got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-8), "{got:?}");
    }

    #[test]
    fn a_quarter_turn_swaps_the_sides_and_a_half_turn_keeps_them() {
        let size = Size::new(30, 50);
        assert_eq!(Affine::rotation(90.0).expanded(size), Size::new(50, 30));
        assert_eq!(Affine::rotation(180.0).expanded(size), size);
        assert_eq!(Affine::rotation(0.0).expanded(Size::new(1, 1)), Size::new(1, 1));
    }
}
