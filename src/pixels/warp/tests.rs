//! The warps against their own rules, a pixel at a time. Knows no loop.

use super::super::rotate90::rotate90;
use super::*;
use crate::isa::{Isa, only};
use crate::pixels::projective::Projective;
use proptest::prelude::*;

const RULES: [Outside; 5] =
    [Outside::Fill([0; 3]), Outside::Fill([7, 80, 255]), Outside::Exact([7, 80, 255]), Outside::Edge, Outside::Reflect];
const SAMPLINGS: [Sampling; 3] = [Sampling::Nearest, Sampling::Bilinear, Sampling::Bicubic];

fn picture(size: Size, channels: usize) -> Image {
    Image::new(size, channels, (0..size.area() as u32 * channels as u32).map(|i| (i % 9_973 * (i % 9_973) % 251) as u8).collect())
}

/// The rules of every sampling, one pixel at a time.
fn slow(image: &Image, places: Places, size: Size, sampling: Sampling, outside: Outside) -> Vec<f32> {
    let grid = Grid::new(places, image.size(), size);
    let width = size.width as usize;
    let (mut xs, mut ys, mut out) = (vec![0.0; width], vec![0.0; width], Vec::new());
    for y in 0..size.height as usize {
        grid.row(y, 0, &mut xs, &mut ys);
        if outside.colour().is_none() {
            fold(outside == Outside::Reflect, image.width(), &mut xs);
            fold(outside == Outside::Reflect, image.height(), &mut ys);
        }
        for (&x, &y) in xs.iter().zip(&ys) {
            out.extend((0..image.channels()).map(|c| slow_value(image, (x, y), c, sampling, outside)));
        }
    }
    out
}

fn slow_value(image: &Image, (x, y): (f32, f32), c: usize, sampling: Sampling, outside: Outside) -> f32 {
    let (first, taps) = match sampling {
        Sampling::Nearest => (0.0, 1),
        Sampling::Bilinear => (0.0, 2),
        Sampling::Bicubic => (-1.0, 4),
    };
    let (x, y) = if taps == 1 { (x.round_ties_even(), y.round_ties_even()) } else { (x, y) };
    let weights = |t: f32| -> Vec<f32> {
        let cubic = |t: f32| match t {
            t if t <= 1.0 => (1.25 * t - 2.25) * t * t + 1.0,
            t => ((-0.75 * t + 3.75) * t - 6.0) * t + 3.0,
        };
        match taps {
            1 => vec![1.0],
            2 => vec![1.0 - t, t],
            _ => vec![cubic(t + 1.0), cubic(t), cubic(1.0 - t), cubic(2.0 - t)],
        }
    };
    let (columns, rows) = (weights(x - x.floor()), weights(y - y.floor()));
    let (mut sum, mut coverage) = (0.0, 0.0);
    for (j, row) in rows.iter().enumerate() {
        for (i, column) in columns.iter().enumerate() {
            let at = |place: f32, index: usize| (place.floor() + first) as i64 + index as i64;
            let place = (outside.place(at(x, i), image.width()), outside.place(at(y, j), image.height()));
            if let (Some(x), Some(y)) = place {
                sum = f32::from(image.pixel(y, x)[c]).mul_add(column * row, sum);
                coverage += column * row;
            }
        }
    }
    match outside {
        Outside::Fill(colour) if taps == 1 && coverage == 0.0 => f32::from(colour[c]),
        Outside::Fill(_) if taps == 1 => sum,
        Outside::Fill(colour) => (sum - f32::from(colour[c])) * coverage + f32::from(colour[c]),
        Outside::Exact(colour) => sum + (1.0 - coverage) * f32::from(colour[c]),
        _ => sum,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn fast_loops_follow_the_rules_pixel_by_pixel(
        height in 1u32..40, width in 1u32..90, out_width in 1u32..150, channels in prop::sample::select(vec![1usize, 3]),
        degrees in -180.0f64..180.0, scale in 0.3f64..3.0, moved in -20.0f64..20.0, tilt in -0.004f64..0.004,
    ) {
        let (image, size) = (picture(Size::new(height, width), channels), Size::new(11, out_width));
        let affine = Affine::new(degrees, (moved, -moved), scale, (5.0, 0.0));
        let mut projective = Projective::of_affine(&affine, image.size(), size);
        (projective.matrix[6], projective.matrix[7]) = (tilt, -tilt);
        for places in [Places::Affine(&affine), Places::Projective(&projective)] {
            for (sampling, outside) in SAMPLINGS.into_iter().flat_map(|sampling| RULES.map(|outside| (sampling, outside))) {
                let fast = resample(&image, places, size, sampling, outside);
                let slow = slow(&image, places, size, sampling, outside);
                for (index, (&fast, slow)) in fast.pixels().iter().zip(slow).enumerate() {
                    let rounded = slow.clamp(0.0, 255.0).round_ties_even() as u8;
                    // Sixteen weights are summed in another order.
                    let tie = sampling == Sampling::Bicubic && (slow - f32::from(fast)).abs() < 0.501;
                    prop_assert!(fast == rounded || tie, "{sampling:?} {outside:?} at {index}: {fast} for {slow}");
                }
            }
        }
    }

    #[test]
    fn the_identity_changes_nothing_and_quarter_turns_are_exact(
        side in 1u32..40, width in 1u32..70, channels in prop::sample::select(vec![1usize, 3]), turns in 0u32..4,
    ) {
        let identity = Affine::new(0.0, (0.0, 0.0), 1.0, (0.0, 0.0));
        for sampling in SAMPLINGS {
            let image = picture(Size::new(side, width), channels);
            prop_assert_eq!(&warp(&image, &identity, image.size(), sampling, 9), &image);
            let mut turned = picture(Size::new(side, side), channels);
            let warped = warp(&turned, &Affine::rotation(f64::from(turns) * 90.0), turned.size(), sampling, 0);
            rotate90(&mut turned, turns);
            // At the very border rounding may put a pixel outside by a hair, where torchvision's recipe darkens it.
            let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 1;
            prop_assert!(!warped.pixels().iter().zip(turned.pixels()).any(far));
        }
    }

    #[test]
    fn whole_moves_are_exact(x in -9i32..9, y in -9i32..9, height in 1u32..20, width in 1u32..20) {
        let image = picture(Size::new(height, width), 3);
        let moved = warp(&image, &Affine::new(0.0, (x.into(), y.into()), 1.0, (0.0, 0.0)), image.size(), Sampling::Nearest, 7);
        for (row, column) in (0..height as i32).flat_map(|row| (0..width as i32).map(move |column| (row, column))) {
            let inside = (0..height as i32).contains(&(row - y)) && (0..width as i32).contains(&(column - x));
            let expected = if inside { image.pixel((row - y) as usize, (column - x) as usize) } else { &[7; 3] };
            prop_assert_eq!(moved.pixel(row as usize, column as usize), expected);
        }
    }
}

proptest! {
    #[test]
    fn where_a_straight_row_enters_and_leaves_is_what_looking_at_every_place_tells(
        height in 2u32..40, width in 8u32..90, count in 1usize..300, channels in prop::sample::select(vec![1usize, 3]),
        degrees in prop::sample::select(vec![0.0, 90.0, 180.0, 270.0, 1e-7, 17.0, 100.0, 200.0, 280.0]),
        zoom in -3.0f64..9.0, moved in -20.0f64..20.0, y in 0usize..11,
    ) {
        let image = picture(Size::new(height, width), channels);
        let affine = Affine::new(degrees, (moved, -moved), zoom.exp(), (5.0, 0.0));
        let mut brush =
            Brush::new(&image, Places::Affine(&affine), Size::new(11, 300), Sampling::Bilinear, Outside::Fill([0; 3]));
        let used = count.next_multiple_of(64);
        brush.grid.row(y, 0, &mut brush.part.xs[..used], &mut brush.part.ys[..used]);
        let row = &brush.part;
        let all = |within: &dyn Fn(f32, f32) -> bool| (0..count).filter(|&at| within(row.xs[at], row.ys[at])).collect::<Vec<_>>();
        let (w, h) = brush.source.size;
        let inside = all(&|x, y| x >= 0.0 && x < w - 1.0 && y >= 0.0 && y < h - 1.0);
        let reached = all(&|x, y| x >= -1.0 && x < w && y >= -1.0 && y < h);
        let offset = |&at: &usize| (row.ys[at] as usize * width as usize + row.xs[at] as usize) * channels;
        match straight::columns(&brush.source, row, count) {
            Some(found) => {
                prop_assert_eq!(found.inside.collect::<Vec<_>>(), &inside[..]);
                prop_assert_eq!(found.reached.collect::<Vec<_>>(), reached);
                prop_assert!(inside.iter().all(|at| offset(at) as i32 <= brush.source.limit));
            }
            None => prop_assert!(inside.iter().any(|at| {
                row.ys[*at] >= h - 2.0 || row.xs[*at] >= w - 2.0 - 7.0 / channels as f32
            }), "a row that touches no last row and no last column is told"),
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bytes_on_rows_of_several_parts() {
    let image = picture(Size::new(37, 700), 3);
    let map = Affine::new(17.0, (2.0, -3.0), 0.8, (11.0, 3.0));
    for (sampling, outside) in SAMPLINGS.into_iter().flat_map(|sampling| RULES.map(|outside| (sampling, outside))) {
        let made = || resample(&image, Places::Affine(&map), Size::new(40, 1_100), sampling, outside);
        let widest = made();
        assert!(Isa::available().into_iter().all(|isa| only(isa, made) == widest), "{sampling:?} {outside:?}");
        let slow = slow(&image, Places::Affine(&map), Size::new(40, 1_100), sampling, outside);
        let near = |(&fast, slow): (&u8, &f32)| (f32::from(fast) - slow.clamp(0.0, 255.0)).abs() < 0.501;
        assert!(widest.pixels().iter().zip(&slow).all(near), "{sampling:?} {outside:?}");
    }
}

#[test]
fn a_flat_picture_stays_flat_where_its_border_is_repeated_or_blended_exactly() {
    let image = Image::filled(Size::new(20, 30), 3, 200);
    let map = Affine::rotation(33.0);
    for sampling in SAMPLINGS {
        for outside in [Outside::Exact([200; 3]), Outside::Edge, Outside::Reflect] {
            let out = resample(&image, Places::Affine(&map), image.size(), sampling, outside);
            assert!(out.pixels().iter().all(|&value| value == 200), "{sampling:?} {outside:?}");
        }
    }
    let seam = resample(&image, Places::Affine(&map), image.size(), Sampling::Bilinear, Outside::Fill([200; 3]));
    assert!(seam.pixels().iter().any(|&value| value < 200), "torchvision's rule fades twice");
}

#[test]
fn what_lies_far_outside_or_nowhere_is_no_panic() {
    let image = Image::filled(Size::new(5, 7), 1, 200);
    for far in [1e30, -1e30, 1e7, -1e7] {
        let map = Affine { matrix: [1.0, 0.0, far, 0.0, 1.0, 0.0] };
        for (sampling, outside) in SAMPLINGS.into_iter().flat_map(|sampling| RULES.map(|outside| (sampling, outside))) {
            let out = resample(&image, Places::Affine(&map), image.size(), sampling, outside);
            let expected = outside.colour().map_or(200, |colour| colour[0]);
            assert!(out.pixels().iter().all(|&value| value == expected), "{far} {sampling:?}: {:?}", out.pixels());
            let nowhere = Affine { matrix: [f64::NAN, 0.0, f64::INFINITY, 0.0, far, 0.0] };
            resample(&image, Places::Affine(&nowhere), image.size(), sampling, outside);
            let steep = Affine { matrix: [far, 0.0, 0.0, 0.0, far, 0.0] };
            resample(&image, Places::Affine(&steep), image.size(), sampling, outside);
            resample(&image, Places::Affine(&steep), Size::new(2, 1), sampling, outside);
        }
    }
}

proptest! {
    #[test]
    fn whole_moves_by_copies_are_those_by_sampling(
        x in -30i32..30, y in -30i32..30, height in 1u32..25, width in 1u32..25, channels in prop::sample::select(vec![1usize, 3]),
    ) {
        let (image, map) = (picture(Size::new(height, width), channels), Affine::new(0.0, (x.into(), y.into()), 1.0, (0.0, 0.0)));
        prop_assert_eq!(Places::Affine(&map).whole_move(image.size(), image.size()), Some((x.into(), y.into())));
        for outside in [Outside::Fill([9, 80, 255]), Outside::Exact([0; 3])] {
            let mut sampled = Image::filled(image.size(), channels, 0);
            paint(sampled.pixels_mut(), channels, outside.colour().unwrap());
            resample_onto(&mut sampled, &image, Places::Affine(&map), Sampling::Nearest, outside, |_| 0..width as usize);
            prop_assert_eq!(resample(&image, Places::Affine(&map), image.size(), Sampling::Nearest, outside), sampled);
        }
    }
}
