//! The picture that operations are shown on: bright and dark, soft and sharp, and the same from no two sides. Knows no operation.

use crate::job::data::raster::{Canvas, Shape};
use crate::sample::Image;

/// Its height and width in pixels.
const SIDE: usize = 160;

/// A house by the sea under a sky with a sun, a fence of fine slats, and a letter F, 160x160 RGB; the same bytes everywhere.
pub fn scene() -> Image {
    let mut canvas = Canvas::new(SIDE);
    let side = SIDE as f64;
    let sky = |y: f64| [90.0 + 0.9 * y, 150.0 + 0.6 * y, 235.0 - 0.1 * y];
    canvas.shade(&Shape::rectangle(0.0, 0.0, side, 100.0), 1.0, sky);
    canvas.fill(&Shape::Ellipse((126.0, 30.0), 17.0, 17.0), [255.0, 224.0, 92.0], 1.0);
    for (x, y, width) in [(40.0, 26.0, 24.0), (54.0, 20.0, 16.0), (96.0, 54.0, 18.0)] {
        canvas.fill(&Shape::Ellipse((x, y), width, 0.42 * width), [255.0; 3], 0.8);
    }
    canvas.shade(&Shape::rectangle(0.0, 82.0, side, 104.0), 1.0, |y| [20.0, 190.0 - 1.2 * (y - 40.0), 190.0]);
    canvas.shade(&Shape::rectangle(0.0, 104.0, side, side), 1.0, |y| [96.0, 190.0 - 0.7 * (y - 60.0), 62.0]);
    house(&mut canvas);
    fence(&mut canvas);
    canvas.finish(|| 0.0)
}

fn house(canvas: &mut Canvas) {
    canvas.fill(&Shape::rectangle(22.0, 68.0, 82.0, 128.0), [226.0, 205.0, 176.0], 1.0);
    canvas.fill(&Shape::Polygon(vec![(14.0, 70.0), (52.0, 38.0), (90.0, 70.0)]), [176.0, 52.0, 40.0], 1.0);
    canvas.fill(&Shape::rectangle(60.0, 98.0, 76.0, 128.0), [92.0, 58.0, 36.0], 1.0);
    canvas.fill(&Shape::rectangle(60.0, 76.0, 76.0, 90.0), [36.0, 52.0, 84.0], 1.0);
    // The letter F on the wall.
    for (left, top, right, bottom) in [(30.0, 76.0, 35.0, 118.0), (35.0, 76.0, 52.0, 81.0), (35.0, 94.0, 47.0, 99.0)] {
        canvas.fill(&Shape::rectangle(left, top, right, bottom), [24.0; 3], 1.0);
    }
}

fn fence(canvas: &mut Canvas) {
    for slat in 0..15 {
        let left = 96.0 + 4.0 * f64::from(slat);
        canvas.fill(&Shape::rectangle(left, 112.0, left + 2.0, 140.0), [250.0, 250.0, 244.0], 1.0);
    }
    canvas.fill(&Shape::rectangle(96.0, 118.0, 154.0, 120.0), [250.0, 250.0, 244.0], 1.0);
    for (place, ink) in
        [[226.0, 40.0, 52.0], [40.0, 60.0, 214.0], [250.0, 200.0, 30.0], [140.0, 40.0, 170.0]].into_iter().enumerate()
    {
        canvas.fill(&Shape::Ellipse((14.0 + 19.0 * place as f64, 146.0), 6.0, 6.0), ink, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::scene;
    use crate::pixels::flip::{flip_horizontal, flip_vertical};
    use crate::pixels::rotate90::rotate90;

    #[test]
    fn the_scene_is_always_the_same_and_looks_different_from_every_side() {
        let picture = scene();
        assert_eq!(picture, scene());
        let mut turned = picture.clone();
        for turn in 0..4 {
            for flip in [None, Some(flip_horizontal as fn(&mut crate::sample::Image)), Some(flip_vertical)] {
                let mut other = turned.clone();
                flip.into_iter().for_each(|flip| flip(&mut other));
                assert!((turn == 0 && flip.is_none()) == (other == picture), "{turn}");
            }
            rotate90(&mut turned, 1);
        }
    }
}
