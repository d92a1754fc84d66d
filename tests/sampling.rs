//! What operations draw, by its statistics: ranges, means, rates and independence, through the public interface alone.

use augpipe::augment::{Chain, StepTrace};
use augpipe::config::{Fields, Problems};
use augpipe::key::Key;
use augpipe::sample::{Image, Size};
use serde_json::Value;
use std::collections::BTreeMap;

fn chain(text: &str) -> Chain {
    let problems = Problems::default();
    let fields = Fields::parse(text, &problems).expect("TOML");
    let chain = Chain::build(&[fields]);
    assert!(problems.take().is_empty(), "{text}");
    chain
}

/// What the step did to `count` samples of one size, each in its own epoch.
fn traces(text: &str, size: Size, count: u64) -> Vec<StepTrace> {
    let chain = chain(text);
    let image = Image::filled(size, 1, 7);
    let trace = |epoch| {
        let place = Key { run: 5, epoch, sample: 1_000 + epoch % 10, op: 0 };
        chain.apply_traced(place, &mut image.clone()).expect("applies").remove(0)
    };
    (0..count).map(trace).collect()
}

/// One number of every draw.
fn numbers(text: &str, size: Size, count: u64, key: &str) -> Vec<f64> {
    traces(text, size, count).iter().map(|trace| trace.draw[key].as_f64().expect(key)).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Numbers spread evenly over low … high: none outside, and every tenth of the range has its tenth.
fn assert_uniform(numbers: &[f64], low: f64, high: f64) {
    let mut tenths = [0u32; 10];
    for &number in numbers {
        assert!((low - 1e-6..=high + 1e-6).contains(&number), "{number} outside {low} to {high}");
        tenths[(((number - low) / (high - low) * 10.0) as usize).min(9)] += 1;
    }
    assert_even(&tenths);
}

/// Counts that differ by chance only: each within five standard deviations of their mean.
fn assert_even(counts: &[u32]) {
    let expected = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
    let bound = 5.0 * expected.sqrt();
    assert!(counts.iter().all(|&count| (f64::from(count) - expected).abs() < bound), "{counts:?}");
}

fn counted<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, u32> {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

#[test]
fn resized_crop_keeps_the_known_share_of_a_photograph() {
    let size = Size::new(375, 500);
    let draws = traces("op = 'resized_crop'\nsize = 1\ninterpolation = 'nearest'", size, 20_000);
    let side = |draw: &Value, key: &str| draw[key].as_f64().expect(key);
    let area = |draw: &Value| side(draw, "height") * side(draw, "width") / size.area() as f64;
    let mut areas: Vec<f64> = draws.iter().map(|trace| area(&trace.draw)).collect();
    areas.sort_by(f64::total_cmp);
    assert!((mean(&areas) - 0.432).abs() < 0.005, "mean {}", mean(&areas));
    assert!((areas[areas.len() / 2] - 0.420).abs() < 0.01, "median {}", areas[areas.len() / 2]);
    for trace in &draws {
        let (top, left) = (side(&trace.draw, "top"), side(&trace.draw, "left"));
        let (height, width) = (side(&trace.draw, "height"), side(&trace.draw, "width"));
        assert!(top + height <= 375.0 && left + width <= 500.0);
        assert!((0.74..1.35).contains(&(width / height)), "{width}x{height}");
    }
    let small = draws.iter().filter(|trace| area(&trace.draw) < 0.3);
    let places: Vec<f64> = small.map(|trace| side(&trace.draw, "top") / (375.0 - side(&trace.draw, "height"))).collect();
    assert_uniform(&places, 0.0, 1.0);
}

#[test]
fn angles_factors_and_slants_fill_their_ranges_evenly() {
    let dot = Size::new(1, 1);
    assert_uniform(&numbers("op = 'rotate'\ndegrees = 30", dot, 10_000, "degrees"), -30.0, 30.0);
    assert_uniform(&numbers("op = 'rotate'\ndegrees = [10, 20]", dot, 10_000, "degrees"), 10.0, 20.0);
    assert_uniform(&numbers("op = 'scale'\nscale = [0.5, 2]", dot, 10_000, "scale"), 0.5, 2.0);
    assert_uniform(&numbers("op = 'shear'\nx = 5\ny = [3, 9]", dot, 10_000, "y"), 3.0, 9.0);
    assert_uniform(&numbers("op = 'brightness'\nfactor = 0.4", dot, 10_000, "factor"), 0.6, 1.4);
    assert_uniform(&numbers("op = 'contrast'\nfactor = 1.5", dot, 10_000, "factor"), 0.0, 2.5);
    assert_uniform(&numbers("op = 'saturation'\nfactor = [0.2, 0.3]", dot, 10_000, "factor"), 0.2, 0.3);
    assert_uniform(&numbers("op = 'hue'\nshift = 0.5", dot, 10_000, "shift"), -0.5, 0.5);
    assert_uniform(&numbers("op = 'gaussian_noise'\nsigma = [0.1, 0.3]", dot, 10_000, "sigma"), 0.1, 0.3);
}

#[test]
fn steps_are_applied_at_their_rate() {
    for (text, p) in [("op = 'horizontal_flip'", 0.5), ("op = 'vertical_flip'\np = 0.2", 0.2), ("op = 'rotate90'", 1.0)] {
        let applied = traces(text, Size::new(1, 1), 20_000).iter().filter(|trace| trace.applied).count() as f64;
        assert!((applied / 20_000.0 - p).abs() < 0.015, "{text}: {applied}");
    }
}

#[test]
fn coins_of_one_epoch_say_nothing_about_the_next() {
    let coins: Vec<bool> = traces("op = 'horizontal_flip'", Size::new(1, 1), 20_000).iter().map(|trace| trace.applied).collect();
    for apart in [1, 2, 10] {
        let equal = coins.iter().zip(&coins[apart..]).filter(|(a, b)| a == b).count() as f64;
        assert!((equal / (coins.len() - apart) as f64 - 0.5).abs() < 0.02, "{apart} apart: {equal}");
    }
}

#[test]
fn quarter_turns_and_crop_corners_are_all_as_likely() {
    let turns = numbers("op = 'rotate90'", Size::new(2, 2), 8_000, "turns");
    let counts = counted(turns.iter().map(|&turns| turns as u32));
    assert_eq!(counts.len(), 4);
    assert_even(&counts.into_values().collect::<Vec<_>>());
    let draws = traces("op = 'crop'\nsize = [4, 3]", Size::new(8, 5), 15_000);
    let counts = counted(draws.iter().map(|trace| trace.draw.to_string()));
    assert_eq!(counts.len(), 5 * 3, "both ends included: {counts:?}");
    assert_even(&counts.into_values().collect::<Vec<_>>());
}

#[test]
fn moves_are_whole_pixels_up_to_the_fraction_of_each_side() {
    let draws = traces("op = 'translate'\ntranslate = [0.1, 0.25]", Size::new(20, 100), 20_000);
    for (key, most) in [("x", 10), ("y", 5)] {
        let counts = counted(draws.iter().map(|trace| trace.draw[key].as_i64().expect(key)));
        assert_eq!(counts.keys().copied().collect::<Vec<_>>(), (-most..=most).collect::<Vec<_>>(), "{key}");
        let inner: Vec<u32> = counts.iter().filter(|(place, _)| place.abs() < most).map(|(_, &count)| count).collect();
        assert_even(&inner);
    }
}

#[test]
fn color_jitter_uses_every_order_alike_and_factors_do_not_depend_on_it() {
    let text = "op = 'color_jitter'\nbrightness = 0.4\ncontrast = 0.3\nsaturation = 0.2\nhue = 0.1";
    let draws = traces(text, Size::new(1, 1), 24_000);
    let counts = counted(draws.iter().map(|trace| trace.draw["order"].to_string()));
    assert_eq!(counts.len(), 24);
    assert_even(&counts.into_values().collect::<Vec<_>>());
    for (key, low, high) in [("brightness", 0.6, 1.4), ("contrast", 0.7, 1.3), ("saturation", 0.8, 1.2), ("hue", -0.1, 0.1)] {
        let first = draws.iter().filter(|trace| trace.draw["order"][0] == key);
        assert_uniform(&first.map(|trace| trace.draw[key].as_f64().expect(key)).collect::<Vec<_>>(), low, high);
    }
}

#[test]
fn noise_has_its_mean_and_deviation_and_no_memory() {
    let mut image = Image::filled(Size::new(400, 500), 3, 128);
    let place = Key { run: 1, epoch: 0, sample: 4, op: 0 };
    chain("op = 'gaussian_noise'\nmean = 0.05\nsigma = 0.1").apply(place, &mut image).expect("applies");
    let change: Vec<f64> = image.pixels().iter().map(|&value| f64::from(value) - 128.0).collect();
    // Levels are truncated towards 0, which takes half a level from the size of most of them.
    let centre = mean(&change);
    let deviation = mean(&change.iter().map(|change| (change - centre).powi(2)).collect::<Vec<_>>()).sqrt();
    assert!((centre - 0.05 * 255.0).abs() < 0.4, "mean {centre}");
    assert!((deviation - 0.1 * 255.0).abs() < 0.4, "deviation {deviation}");
    for apart in [1, 2, 3, 1500] {
        let products: Vec<f64> = change.iter().zip(&change[apart..]).map(|(a, b)| (a - centre) * (b - centre)).collect();
        assert!((mean(&products) / deviation.powi(2)).abs() < 0.01, "{apart} apart");
    }
}

#[test]
fn perspective_corners_move_evenly_up_to_their_bound() {
    let size = Size::new(20, 30);
    let traces = traces("op = 'perspective'\np = 1\ndistortion_scale = 0.5", size, 2_000);
    let bounds = [f64::from((0.5f64 * 15.0) as u32), f64::from((0.5f64 * 10.0) as u32)];
    for (corner, start) in [[0.0, 0.0], [29.0, 0.0], [29.0, 19.0], [0.0, 19.0]].iter().enumerate() {
        for axis in 0..2 {
            let moved = |trace: &StepTrace| trace.draw["corners"][corner][axis].as_f64().expect("a number") - start[axis];
            let inwards: Vec<f64> =
                traces.iter().map(|trace| if start[axis] == 0.0 { moved(trace) } else { -moved(trace) }).collect();
            assert!(inwards.iter().all(|by| (0.0..=bounds[axis]).contains(by)), "corner {corner}, axis {axis}");
            let counts = counted(inwards.iter().map(|&by| by as i64));
            assert_eq!(counts.len(), bounds[axis] as usize + 1);
            assert_even(&counts.into_values().collect::<Vec<_>>());
        }
    }
    let applied = |text| self::traces(text, size, 2_000).iter().filter(|trace| trace.applied).count();
    assert!(applied("op = 'perspective'").abs_diff(1_000) < 110, "half of all samples by default");
}

#[test]
fn elastic_moves_pixels_by_what_smoothed_noise_says() {
    // On a ramp of one level a pixel the change of a value is the move along x.
    let size = Size::new(140, 140);
    let ramp = Image::new(size, 1, (0..140 * 140).map(|i| (i % 140) as u8).collect());
    let chain = chain("op = 'elastic'\nalpha = 80\nsigma = 4\nedge = 'edge'");
    let (mut squares, mut count) = (0.0, 0.0);
    for epoch in 0..5 {
        let mut bent = ramp.clone();
        chain.apply(Key { run: 5, epoch, sample: 1, op: 0 }, &mut bent).expect("applies");
        for (y, x) in (20..120).flat_map(|y| (20..120).map(move |x| (y, x))) {
            squares += (f64::from(bent.pixel(y, x)[0]) - f64::from(ramp.pixel(y, x)[0])).powi(2);
            count += 1.0;
        }
    }
    // Noise even over ±1 spreads by 1/√3; a Gaussian averages over 4πσ² of it; half of alpha pixels; rounding adds 1/12.
    let expected: f64 = (40f64.powi(2) / 3.0 / (4.0 * std::f64::consts::PI * 16.0) + 1.0 / 12.0).sqrt();
    let spread = (squares / count).sqrt();
    assert!((spread / expected - 1.0).abs() < 0.1, "{spread} for {expected}");
}
