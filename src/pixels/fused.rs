//! Several moves of a picture made in one resampling. Knows no operation.
//!
//! The maps of the moves are multiplied into one, in `f64`, and every pixel of the last canvas is interpolated once, from the source.
//! A pixel whose centre falls outside any canvas on its way back is filled with what the move onto the next canvas fills with: what
//! a crop has cut off does not come back. What lies behind the eye of a perspective is filled, too. Inside, the source's border pixels repeat.
//!
//! Where the whole map shrinks, the part of the source that is seen is first brought down, along its own axes and with antialias, to
//! about the resolution of the result; how far is measured in the middle of the last canvas.

use super::crop::Region;
use super::projective::Projective;
use super::resize::{Interpolation, resize_region};
use super::warp::{Outside, Places, Sampling, paint, resample_onto};
use crate::sample::{Image, Size};
use std::ops::Range;

/// One move of a picture onto a new canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// From the new canvas to the picture before.
    pub map: Projective,
    /// Size of the new canvas.
    pub size: Size,
    /// Colour of what lies outside the picture before.
    pub fill: [u8; 3],
    /// How pixels between pixels are made; none where every new pixel is an old one.
    pub sampling: Option<Sampling>,
}

/// Shrinking by more than this asks for antialias: pixels that lie closer are all seen by bilinear interpolation.
const SHARP: f64 = 1.2;

/// A canvas that pixels of the last one are looked for on.
struct Stop {
    /// From the last canvas.
    map: Projective,
    size: Size,
    /// What a pixel outside becomes.
    fill: [u8; 3],
}

/// `image` after all `motions`. It is sampled as finely as the finest of them samples.
pub fn fused(image: &Image, motions: &[Motion]) -> Image {
    let size = motions.last().map_or(image.size(), |motion| motion.size);
    let sampling = motions.iter().filter_map(|motion| motion.sampling).max().unwrap_or(Sampling::Nearest);
    let mut stops = Vec::with_capacity(motions.len());
    let mut map = Projective::IDENTITY;
    for (index, motion) in motions.iter().enumerate().rev() {
        map = motion.map.after(&map);
        let size = if index == 0 { image.size() } else { motions[index - 1].size };
        stops.push(Stop { map, size, fill: motion.fill });
    }
    let mut out = Image::filled(size, image.channels(), 0);
    let columns = fill_outside(&mut out, &stops);
    if columns.iter().any(|columns| !columns.is_empty()) {
        let reduced = if sampling == Sampling::Nearest { None } else { reduce(image, &map, size) };
        let (source, map) = reduced.as_ref().map_or((image, &map), |(image, map)| (image, map));
        resample_onto(&mut out, source, Places::Projective(map), sampling, Outside::Edge, |y| columns[y].clone());
    }
    out
}

/// Paints what falls outside a canvas, the last one first, and tells for each row the columns that fall outside none.
fn fill_outside(out: &mut Image, stops: &[Stop]) -> Vec<Range<usize>> {
    let (width, channels) = (out.width(), out.channels());
    let rows = out.pixels_mut().chunks_exact_mut(width * channels).enumerate();
    rows.map(|(y, row)| {
        let mut left = 0..width;
        for stop in stops {
            let inside = columns_inside(stop, y as f64 + 0.5, &left);
            for gap in [left.start..inside.start, inside.end..left.end] {
                paint(&mut row[gap.start * channels..gap.end * channels], channels, stop.fill);
            }
            left = inside;
        }
        left
    })
    .collect()
}

/// The columns among `columns` whose centres in the row at `y` fall on the canvas of `stop`; they lie side by side, because a canvas
/// has no dents.
fn columns_inside(stop: &Stop, y: f64, columns: &Range<usize>) -> Range<usize> {
    let [a, b, c, d, e, f, g, h, i] = stop.map.matrix;
    let (width, height) = (f64::from(stop.size.width), f64::from(stop.size.height));
    let (x_line, y_line, depth) = ((a, b * y + c), (d, e * y + f), (g, h * y + i));
    let rest = |side: f64, (slope, at_zero): (f64, f64)| (side * depth.0 - slope, side * depth.1 - at_zero);
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    // Each line must not be negative at x.
    for (slope, at_zero) in [depth, x_line, rest(width, x_line), y_line, rest(height, y_line)] {
        match slope {
            slope if slope > 0.0 => low = low.max(-at_zero / slope),
            slope if slope < 0.0 => high = high.min(-at_zero / slope),
            _ if at_zero >= 0.0 => {}
            _ => high = f64::NEG_INFINITY,
        }
    }
    let column = |x: f64| (x.clamp(0.0, columns.end as f64) as usize).max(columns.start);
    let (start, end) = (column((low - 0.5).ceil()), column((high - 0.5).floor() + 1.0));
    start..end.max(start)
}

/// The part of `image` that a canvas of `size` sees through `map`, brought down to about the canvas's resolution, and the map into it;
/// none where the map does not shrink.
fn reduce(image: &Image, map: &Projective, size: Size) -> Option<(Image, Projective)> {
    let (by_x, by_y) = shrinking(map, size)?;
    let part = seen(image.size(), map, size, (2.0 * by_x.max(by_y)).ceil() + 2.0)?;
    let length = |length: u32, by: f64| ((f64::from(length) / by).ceil() as u32).clamp(1, length);
    let target = Size::new(length(part.height, by_y), length(part.width, by_x));
    let reduced = resize_region(image, part, target, Interpolation::Bilinear, true);
    let scale = |to: u32, from: u32| f64::from(to) / f64::from(from);
    let (x, y) = (scale(target.width, part.width), scale(target.height, part.height));
    let into = Projective::along_axes((x, y), -x * f64::from(part.left), -y * f64::from(part.top));
    Some((reduced, into.after(map)))
}

/// How many source pixels along x and along y a step on the canvas covers, in its middle; none where both do with one.
fn shrinking(map: &Projective, size: Size) -> Option<(f64, f64)> {
    let [a, b, _, d, e, _, g, h, _] = map.matrix;
    let (x, y, depth) = map.at(0.5 * f64::from(size.width), 0.5 * f64::from(size.height));
    let by = |along_x: f64, along_y: f64, at: f64| (along_x - g * at).hypot(along_y - h * at) / depth;
    let (by_x, by_y) = (by(a, b, x), by(d, e, y));
    let enough = |by: f64| if by > SHARP { by } else { 1.0 };
    let known = by_x.is_finite() && by_y.is_finite() && depth > 0.0;
    (known && (by_x > SHARP || by_y > SHARP)).then(|| (enough(by_x), enough(by_y)))
}

/// The part of an image of size `source` that a canvas of `size` sees, and `margin` pixels around it.
fn seen(source: Size, map: &Projective, size: Size, margin: f64) -> Option<Region> {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)].map(|(x, y)| map.at(x, y));
    if !corners.iter().all(|&(x, y, depth)| depth > 0.0 && x.is_finite() && y.is_finite()) {
        return Some(Region::whole(source));
    }
    let range = |of: fn(&(f64, f64, f64)) -> f64, side: u32| {
        let (low, high) = corners.iter().map(of).fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
        let cut = |at: f64| at.clamp(0.0, f64::from(side)) as u32;
        (cut((low - margin).floor()), cut((high + margin).ceil()))
    };
    let ((left, right), (top, bottom)) = (range(|corner| corner.0, source.width), range(|corner| corner.1, source.height));
    (left < right && top < bottom).then(|| Region { top, left, height: bottom - top, width: right - left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::affine::Affine;
    use crate::pixels::resize::resize;

    fn gradient(size: Size) -> Image {
        let value = |y: u32, x: u32, c: u32| (20 + (x * (3 - c) + y * c) / 3) as u8;
        let pixels = (0..size.height).flat_map(|y| (0..size.width).flat_map(move |x| (0..3).map(move |c| value(y, x, c))));
        Image::new(size, 3, pixels.collect())
    }

    fn turned(degrees: f64, size: Size) -> Motion {
        let map = Projective::of_affine(&Affine::rotation(degrees), size, size);
        Motion { map, size, fill: [9, 8, 7], sampling: Some(Sampling::Bilinear) }
    }

    fn moved(left: f64, size: Size) -> Motion {
        Motion { map: Projective::along_axes((1.0, 1.0), left, 0.0), size, fill: [1, 2, 3], sampling: None }
    }

    #[test]
    fn what_a_canvas_cuts_off_does_not_come_back() {
        let size = Size::new(5, 10);
        let out = fused(&gradient(size), &[moved(4.0, size), moved(-4.0, size)]);
        for x in 0..10 {
            let expected = if (4..10).contains(&x) { gradient(size).pixel(2, x).to_vec() } else { vec![1, 2, 3] };
            assert_eq!(out.pixel(2, x), expected, "column {x}");
        }
        let out = fused(&gradient(size), &[moved(4.0, Size::new(5, 3)), moved(-4.0, size)]);
        assert_eq!(out.pixel(2, 6), gradient(size).pixel(2, 6));
        assert_eq!(out.pixel(2, 7), [1, 2, 3]);
    }

    #[test]
    fn a_turn_there_and_back_keeps_what_stayed_on_the_canvas() {
        let size = Size::new(60, 80);
        let image = gradient(size);
        let out = fused(&image, &[turned(30.0, size), turned(-30.0, size)]);
        assert_eq!(out.pixel(0, 0), [9, 8, 7]);
        for (y, x) in (0..60).flat_map(|y| (0..80).map(move |x| (y, x))) {
            if (y as f64 - 29.5).hypot(x as f64 - 39.5) < 29.0 {
                let near = out.pixel(y, x).iter().zip(image.pixel(y, x)).all(|(a, b)| a.abs_diff(*b) <= 1);
                assert!(near, "row {y}, column {x}: {:?}", out.pixel(y, x));
            }
        }
    }

    #[test]
    fn shrinking_averages_over_what_it_covers() {
        let size = Size::new(64, 64);
        let stripes = Image::new(size, 1, (0..64 * 64).map(|i| if i % 2 == 0 { 0 } else { 255 }).collect());
        let half = Motion { map: Projective::along_axes((4.0, 4.0), 0.0, 0.0), size: Size::new(16, 16), ..turned(0.0, size) };
        let out = fused(&stripes, &[half, turned(20.0, Size::new(16, 16))]);
        let inner = (5..11).flat_map(|y| (5..11).map(move |x| (y, x)));
        assert!(inner.map(|(y, x)| out.pixel(y, x)[0]).all(|value| value.abs_diff(127) < 12), "{:?}", out.pixels());
    }

    #[test]
    fn one_shrinking_motion_is_near_a_resize() {
        let image = gradient(Size::new(90, 120));
        let half =
            Motion { map: Projective::along_axes((3.0, 3.0), 0.0, 0.0), size: Size::new(30, 40), ..moved(0.0, image.size()) };
        let out = fused(&image, &[Motion { sampling: Some(Sampling::Bilinear), ..half }]);
        let resized = resize(&image, Size::new(30, 40), Interpolation::Bilinear, true);
        assert!(out.pixels().iter().zip(resized.pixels()).all(|(a, b)| a.abs_diff(*b) <= 1));
    }

    #[test]
    fn maps_that_lead_nowhere_are_no_panic() {
        let image = gradient(Size::new(7, 9));
        for value in [f64::NAN, f64::INFINITY, 0.0, 1e300, -1e300] {
            let broken = Motion { map: Projective { matrix: [value; 9] }, ..turned(5.0, image.size()) };
            let out = fused(&image, &[turned(5.0, image.size()), broken, turned(5.0, image.size())]);
            assert_eq!(out.size(), image.size());
        }
        assert_eq!(fused(&image, &[]), image);
    }
}
