//! Our affine warps against another library's, written by other people from another description: the same pixels but for ties.

use augpipe::pixels::affine::Affine;
use augpipe::pixels::warp::{Sampling, warp};
use augpipe::sample::{Image, Size};
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp as reference};

const SIDE: (u32, u32) = (37, 50);

/// Smooth, so that a coordinate that is off by a rounding error changes a pixel by little.
fn smooth() -> Image {
    let (height, width) = SIDE;
    let value = |y: u32, x: u32, c: u32| {
        (110.0 + 70.0 * (f64::from(x) / 9.0 + f64::from(c)).sin() + 60.0 * (f64::from(y) / 7.0).cos()) as u8
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| value(y, x, c)))).collect();
    Image::new(Size::new(height, width), 3, pixels)
}

/// Clockwise turn by `degrees`, then scaling, about the true centre, as the other library writes it.
fn projection(degrees: f32, scale: f32) -> Projection {
    let (cx, cy) = ((SIDE.1 as f32 - 1.0) / 2.0, (SIDE.0 as f32 - 1.0) / 2.0);
    Projection::translate(cx, cy)
        * Projection::rotate(degrees.to_radians())
        * Projection::scale(scale, scale)
        * Projection::translate(-cx, -cy)
}

#[test]
fn rotations_and_scalings_agree_away_from_the_border() {
    let image = smooth();
    let picture = image::RgbImage::from_raw(SIDE.1, SIDE.0, image.pixels().to_vec()).unwrap();
    for (degrees, scale) in [(0.0, 1.0), (12.0, 1.0), (-33.0, 1.0), (0.0, 1.3), (71.0, 0.8), (180.0, 1.0)] {
        let ours = warp(&image, &Affine::new(degrees, (0.0, 0.0), scale, (0.0, 0.0)), image.size(), Sampling::Bilinear, 0);
        let border = Border::Constant(image::Rgb([0, 0, 0]));
        let theirs = reference(&picture, projection(degrees as f32, scale as f32), Interpolation::Bilinear, border);
        let mut compared = 0;
        for y in 0..image.height() {
            for x in 0..image.width() {
                // Both fade into the border, by different rules.
                let (dy, dx) = (y as f64 - 18.0, x as f64 - 24.5);
                if dx.hypot(dy) * (1.0 / scale).max(1.0) > 15.0 {
                    continue;
                }
                compared += 1;
                let theirs = theirs.get_pixel(x as u32, y as u32).0;
                for (a, b) in ours.pixel(y, x).iter().zip(theirs) {
                    // Theirs cuts fractions off after each of its two passes, ours rounds once.
                    assert!(a.abs_diff(b) <= 2, "{degrees}° ×{scale} at row {y}, column {x}: {a} and {b}");
                }
            }
        }
        assert!(compared > 300, "only {compared} pixels were compared");
    }
}
