//! Laws of all update rules, and the formula of each.

use super::*;
use crate::config::Problems;
use crate::key::Key;
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;

fn read(text: &str) -> (Arc<dyn Optimizer>, Vec<String>) {
    let problems = Problems::default();
    let train = Fields::parse(text, &problems).unwrap();
    let (_, optimizer) = build_optimizer(&train.tagged("optimizer", "name", "").unwrap());
    (
        optimizer.into(),
        problems.take().into_iter().map(|problem| problem.message + " | " + &problem.help.unwrap_or_default()).collect(),
    )
}

fn read_example(entry: &Entry<BuildOptimizer>, more: &str) -> (Arc<dyn Optimizer>, Vec<String>) {
    read(&format!("[optimizer]\n{}\n{more}", entry.example))
}

fn rule(text: &str) -> Arc<dyn Optimizer> {
    let (optimizer, problems) = read(&format!("optimizer = {text}"));
    assert!(problems.is_empty(), "{text}: {problems:?}");
    optimizer
}

fn plain(optimizer: Arc<dyn Optimizer>) -> Descent {
    let parts = vec![Part::new(0..usize::MAX, 1, PartKind::Other)];
    Descent { optimizer, penalties: Penalties::default(), clip: Clip::default(), batch_size: 1, parts }
}

/// Parts of a row of `length`: matrices of so many rows at `weights`, and something else between them.
fn parts(length: usize, weights: &[(Range<usize>, usize)]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut end = 0;
    for (range, units) in weights.iter().cloned().chain([(length..length, 1)]) {
        parts.push(Part::new(end..range.start, 1, PartKind::Other));
        end = range.end;
        parts.push(Part::new(range, units, PartKind::Matrix));
    }
    parts.retain(|part| !part.range.is_empty());
    parts
}

/// The same with `weight_decay` on matrices, or on everything.
fn decaying(parts: Vec<Part>, weight_decay: f64, all: bool) -> Vec<Part> {
    let decay = |part: &Part| if all || part.is_penalised() { weight_decay } else { 0.0 };
    parts.into_iter().map(|part| Part { weight_decay: decay(&part), ..part }).collect()
}

/// Numbers between −1 and 1, different for every `name`.
fn noise(name: &str, count: usize) -> Vec<f32> {
    let mut dice = Key::of_run(3, name).dice();
    (0..count).map(|_| dice.uniform(-1.0, 1.0) as f32).collect()
}

/// Parameters after `steps` steps over the quadratic bowl whose gradient is w · slope.
fn walk(descent: &Descent, rates: impl Fn(u64) -> f64, steps: u64, start: &[f32]) -> Vec<f32> {
    let (mut params, mut state) = (start.to_vec(), descent.fresh(start.len()));
    let slopes = noise("slopes", start.len());
    for step in 0..steps {
        let mut grads: Vec<f32> = params.iter().zip(&slopes).map(|(w, s)| w * (1.5 + s)).collect();
        let scale = prepare(descent, &mut params, &mut grads).unwrap();
        assert!(descent.update(&mut state, rates(step), scale, &mut params, &mut grads).finite);
    }
    assert_eq!(state.step, steps);
    params
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn prepare(descent: &Descent, params: &mut [f32], grads: &mut [f32]) -> Option<f32> {
    let all = 0..grads.len();
    descent.prepare(1, params, grads, std::slice::from_ref(&all))
}

#[test]
fn every_rule_builds_from_its_example_and_refuses_an_unknown_key() {
    for entry in OPTIMIZERS {
        let (optimizer, problems) = read_example(entry, "");
        assert!(problems.is_empty() && optimizer.slots().len() <= SLOTS, "{}: {problems:?}", entry.name);
        let (_, problems) = read_example(entry, "momentun = 1");
        assert!(problems.len() == 1 && problems[0].contains("`momentun`"), "{}: {problems:?}", entry.name);
        let bare = rule(&format!("\"{}\"", entry.name));
        assert!(bare.slots().len() <= SLOTS);
    }
    let (_, problems) = read("optimizer = { name = \"adan\", betas = [0.1, 0.2] }");
    assert!(problems.len() == 1 && problems[0].contains("did you mean \"adam\""), "{problems:?}");
    assert_eq!(read("optimizer = { name = \"sgd\", nesterov = true }").1.len(), 1);
    assert_eq!(read("optimizer = { name = \"adam\", betas = [0.9, 1.0] }").1.len(), 1);
}

#[test]
fn every_rule_goes_downhill_and_gives_the_same_bits_on_any_number_of_threads() {
    let start = noise("start", 3 * PIECE + 17);
    for entry in OPTIMIZERS {
        let mut descent = plain(read_example(entry, "").0);
        descent.penalties = Penalties { l1: 0.01, l2: 0.3 };
        descent.clip = Clip { norm: Some(40.0), value: Some(2.0) };
        descent.parts = decaying(parts(start.len(), &[(5..101, 8), (300..300 + 128 * 200, 128)]), 0.01, false);
        descent.parts[2].max_norm = Some(1.0);
        descent.parts[3].max_norm = Some(8.0);
        let walks = [1, 2, 3, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| walk(&descent, |_| 0.01, 6, &start))
        });
        assert!(walks.iter().all(|walk| *walk == walks[0]), "{}", entry.name);
        let size = |params: &[f32]| params.iter().map(|w| f64::from(w * w)).sum::<f64>();
        assert!(size(&walks[0]) < size(&start), "{}", entry.name);
    }
}

proptest! {
    /// What becomes of one parameter depends on itself alone: any cut of the work gives the same bits.
    #[test]
    fn every_rule_is_element_wise(cut in 0usize..40, step in 1u64..1000, learning_rate in 1e-5..1.0f64) {
        for entry in OPTIMIZERS {
            let optimizer = read_example(entry, "").0;
            let (params, grads, kept) = (noise("w", 40), noise("g", 40), optimizer.slots().len());
            let slots = [noise("a", 40), noise("b", 40)].map(|row| row.iter().map(|v| v.abs()).collect::<Vec<f32>>());
            let run = |range: std::ops::Range<usize>| {
                let (mut w, mut s) = (params[range.clone()].to_vec(), slots.clone().map(|row| row[range.clone()].to_vec()));
                let mut rows = s.iter_mut().take(kept).map(Vec::as_mut_slice);
                let rows = std::array::from_fn(|_| rows.next().unwrap_or_default());
                optimizer.update(Moment { step, learning_rate }, &mut w, &grads[range], rows);
                (w, s)
            };
            let (whole, left, right) = (run(0..40), run(0..cut), run(cut..40));
            prop_assert_eq!(whole.0, [left.0, right.0].concat());
            for slot in 0..SLOTS {
                prop_assert_eq!(&whole.1[slot], &[left.1[slot].clone(), right.1[slot].clone()].concat());
            }
        }
    }

    /// The tutorial: with plain descent, L2 multiplies W by 1 − αλ/m before the data step.
    #[test]
    fn l2_is_weight_decay_for_plain_descent(rate in 1e-3..0.5f64, lambda in 1e-3..2.0f64, batch_size in 1usize..64) {
        let start = noise("start", 50);
        let mut penalised = plain(rule("\"sgd\""));
        (penalised.batch_size, penalised.penalties.l2, penalised.parts) = (batch_size, lambda, parts(50, &[(0..30, 5)]));
        let (mut params, mut grads) = (start.clone(), noise("data", 50));
        penalised.update(&mut penalised.fresh(50), rate, 1.0, &mut params, &mut grads);
        for (place, (w, g)) in start.iter().zip(noise("data", 50)).enumerate() {
            let shrink = if place < 30 { 1.0 - rate * lambda / batch_size as f64 } else { 1.0 };
            let expected = f64::from(*w) * shrink - rate * f64::from(g);
            prop_assert!((f64::from(params[place]) - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn l2_is_not_weight_decay_for_adam_and_adamw_makes_it_so() {
    let start = noise("start", 50);
    let walk_with = |name: &str, l2: f64, weight_decay: f64| {
        let mut descent = plain(rule(name));
        (descent.penalties.l2, descent.parts) = (l2, decaying(parts(50, &[(0..50, 5)]), weight_decay, false));
        walk(&descent, |_| 0.05, 4, &start)
    };
    let (coupled, decoupled) = (walk_with("\"adam\"", 0.0, 0.3), walk_with("\"adamw\"", 0.0, 0.3));
    assert_eq!(coupled, walk_with("\"adam\"", 0.3, 0.0), "coupled, both are λW in the gradient for batches of one");
    assert!(largest_difference(&coupled, &decoupled) > 1e-3);
    assert_eq!(walk_with("\"adam\"", 0.0, 0.0), walk_with("\"adamw\"", 0.0, 0.0));
}

#[test]
fn weight_decay_concerns_what_it_is_asked_to() {
    let start = noise("start", 50);
    for name in ["\"sgd\"", "\"adamw\""] {
        let walk_with = |all, weights: &[(Range<usize>, usize)]| {
            let mut descent = plain(rule(name));
            descent.parts = decaying(parts(50, weights), 0.3, all);
            walk(&descent, |_| 0.05, 4, &start)
        };
        let (some, all, none) = (walk_with(false, &[(0..20, 4)]), walk_with(true, &[(0..20, 4)]), walk_with(false, &[]));
        assert_eq!(all, walk_with(false, &[(0..50, 5)]));
        assert_eq!((&some[..20], &some[20..]), (&all[..20], &none[20..]));
    }
}

#[test]
fn momentum_is_an_exponentially_weighted_average_at_another_rate() {
    // v ← βv + (1−β)g with rate α is μ = β with rate α(1−β).
    let (beta, rate, start) = (0.9f64, 0.3, noise("start", 20));
    let descent = plain(rule("{ name = \"sgd\", momentum = 0.9 }"));
    let ours = walk(&descent, |_| rate * (1.0 - beta), 30, &start);
    let slopes = noise("slopes", 20);
    for place in 0..20 {
        let (mut w, mut v) = (f64::from(start[place]), 0.0);
        for _ in 0..30 {
            v = beta * v + (1.0 - beta) * w * (1.5 + f64::from(slopes[place]));
            w -= rate * v;
        }
        assert!((w - f64::from(ours[place])).abs() < 1e-5);
    }
}

#[test]
fn bias_correction_makes_the_first_averages_honest() {
    // An average of equal gradients is that gradient from the first step on: every step of Adam has the size of the rate.
    let optimizer = rule("\"adam\"");
    let (mut w, mut m, mut v) = ([0.0f32; 2], [0.0f32; 2], [0.0f32; 2]);
    for step in 1..=50 {
        optimizer.update(Moment { step, learning_rate: 0.01 }, &mut w, &[0.5, -3.0], [&mut m, &mut v]);
        let expected = 0.01 * step as f32;
        assert!((w[0] + expected).abs() < 1e-5 && (w[1] - expected).abs() < 1e-5, "{step}: {w:?}");
    }
}

#[test]
fn rules_with_momentum_zero_are_plain() {
    let start = noise("start", 20);
    let walk_of = |text: &str| walk(&plain(rule(text)), |_| 0.02, 5, &start);
    assert_eq!(walk_of("{ name = \"rmsprop\", momentum = 0 }"), walk_of("\"rmsprop\""));
    assert!(largest_difference(&walk_of("{ name = \"rmsprop\", momentum = 1e-7 }"), &walk_of("\"rmsprop\"")) < 1e-6);
    assert!(largest_difference(&walk_of("{ name = \"sgd\", momentum = 1e-7 }"), &walk_of("\"sgd\"")) < 1e-6);
    let nesterov = "{ name = \"sgd\", momentum = 0.9, nesterov = true }";
    assert!(largest_difference(&walk_of(nesterov), &walk_of("{ name = \"sgd\", momentum = 0.9 }")) > 1e-3);
}

#[test]
fn clipping_keeps_the_direction_and_bounds_the_length() {
    let mut descent = plain(rule("\"sgd\""));
    descent.clip.norm = Some(0.5);
    let (start, data) = (noise("start", 2 * PIECE), noise("data", 2 * PIECE));
    let (mut params, mut grads) = (start.clone(), data.clone());
    let scale = prepare(&descent, &mut params, &mut grads).unwrap();
    let exact = data.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
    assert!((f64::from(scale) * exact - 0.5).abs() < 1e-6);
    let updated = descent.update(&mut descent.fresh(params.len()), 1.0, scale, &mut params, &mut grads);
    assert!((updated.norm - exact).abs() < 1e-9 * exact);
    for ((after, before), g) in params.iter().zip(&start).zip(&data) {
        assert!((after - (before - g * (0.5 / exact) as f32)).abs() < 1e-6);
    }
}

#[test]
fn what_is_not_finite_is_told_apart() {
    let descent = plain(rule("\"sgd\""));
    let (mut params, mut grads) = (vec![1.0; PIECE + 5], vec![1.0; PIECE + 5]);
    grads[PIECE + 1] = f32::NAN;
    assert_eq!(prepare(&descent, &mut params, &mut grads), None);
    grads[PIECE + 1] = 1e30;
    assert_eq!(prepare(&descent, &mut params, &mut grads), Some(1.0));
    let updated = descent.update(&mut descent.fresh(params.len()), 1e20, 1.0, &mut params, &mut grads);
    assert!(updated.norm.is_finite() && !updated.finite);
}

#[test]
fn elements_are_clipped_before_the_norm_and_infinity_is_still_seen() {
    let mut descent = plain(rule("\"sgd\""));
    descent.clip = Clip { norm: Some(1.0), value: Some(2.0) };
    let (mut params, mut grads) = (vec![0.0; 3], vec![10.0, -1.0, 2.0]);
    let scale = prepare(&descent, &mut params, &mut grads).unwrap();
    assert!((scale - 1.0 / 3.0).abs() < 1e-6, "{scale}");
    assert_eq!(descent.update(&mut descent.fresh(3), 1.0, scale, &mut params, &mut grads).norm, 105f64.sqrt());
    for (w, expected) in params.iter().zip([-2.0, 1.0, -2.0]) {
        assert!((w - expected / 3.0f32).abs() < 1e-6, "{params:?}");
    }
    let mut grads = vec![1.0, f32::INFINITY, 1.0];
    assert_eq!(prepare(&descent, &mut params, &mut grads), None);
}

#[test]
fn parts_learn_at_their_own_rates_and_with_0_stay_as_they_are() {
    let start = noise("start", 60);
    for entry in OPTIMIZERS {
        let walk_at = |rates: [f64; 2], rate: f64| {
            let mut descent = plain(read_example(entry, "").0);
            descent.penalties.l1 = 0.01;
            descent.parts = decaying(parts(60, &[(0..30, 5), (30..60, 3)]), 0.2, false);
            descent.parts.iter_mut().zip(rates).for_each(|(part, rate)| part.rate = rate);
            descent.parts[1].max_norm = Some(1.0);
            walk(&descent, |_| rate, 5, &start)
        };
        let (one, two, mixed) = (walk_at([1.0; 2], 0.01), walk_at([1.0; 2], 0.02), walk_at([1.0, 2.0], 0.01));
        assert_eq!((&mixed[..30], &mixed[30..]), (&one[..30], &two[30..]), "{}", entry.name);
        let frozen = walk_at([1.0, 0.0], 0.01);
        assert_eq!((&frozen[..30], &frozen[30..]), (&one[..30], &start[30..]), "{}", entry.name);
    }
}

#[test]
fn what_does_not_learn_counts_in_no_norm() {
    let mut descent = plain(rule("\"sgd\""));
    descent.clip.norm = Some(1.0);
    descent.parts = (0..3).map(|at| Part::new(2 * at..2 * at + 2, 1, PartKind::Other)).collect();
    (descent.parts[0].rate, descent.parts[2].until) = (0.0, 0);
    let (mut params, mut grads) = (vec![0.0; 6], vec![100.0, 0.0, 3.0, 4.0, 0.0, f32::NAN]);
    let scale = prepare(&descent, &mut params, &mut grads).unwrap();
    assert!((scale - 0.2).abs() < 1e-6, "{scale}");
    assert_eq!(descent.update(&mut descent.fresh(6), 1.0, scale, &mut params, &mut grads).norm, 5.0);
    assert!(params[..2] == [0.0; 2] && params[4..] == [0.0; 2] && (params[3] + 0.8).abs() < 1e-6, "{params:?}");
    assert_eq!((descent.learned_from(1), descent.learned_from(2)), (2, 2));
    descent.parts[1].until = 1;
    assert_eq!((descent.learned_from(1), descent.learned_from(2)), (2, 6));
}

#[test]
fn every_rule_keeps_units_below_their_max_norm() {
    let start = noise("start", 60);
    for entry in OPTIMIZERS {
        let mut descent = plain(read_example(entry, "").0);
        descent.parts = parts(60, &[(0..48, 6)]);
        descent.parts[0].max_norm = Some(0.5);
        let after = walk(&descent, |_| 1e-4, 1, &start);
        for unit in after[..48].chunks(8) {
            let norm = unit.iter().map(|w| w * w).sum::<f32>().sqrt();
            assert!((norm - 0.5).abs() < 1e-5, "{}: all start longer: {norm}", entry.name);
        }
        assert!(largest_difference(&after[48..], &start[48..]) < 1e-2);
    }
}

#[test]
fn muon_leaves_what_is_no_matrix_to_its_other_rule() {
    let start = noise("start", 60);
    let walk_with = |text: &str| {
        let mut descent = plain(rule(text));
        descent.parts = parts(60, &[(0..40, 5)]);
        walk(&descent, |_| 0.01, 7, &start)
    };
    for other in ["sgd", "rmsprop", "adam"] {
        let (muon, plain) =
            (walk_with(&format!("{{ name = \"muon\", others = \"{other}\" }}")), walk_with(&format!("\"{other}\"")));
        assert_eq!(muon[40..], plain[40..], "{other}");
        assert!(largest_difference(&muon[..40], &plain[..40]) > 1e-3);
    }
    let (_, problems) = read("optimizer = { name = \"muon\", others = \"muon\" }");
    assert!(problems.len() == 1 && problems[0].contains("muon itself"), "{problems:?}");
}
