//! What operations that hold others, and automatic policies, choose, by its statistics, through the public interface alone.

use augpipe::augment::{Branch, Chain, StepTrace};
use augpipe::config::{Fields, Problems};
use augpipe::key::Key;
use augpipe::sample::{Image, Size};
use serde_json::Value;
use std::collections::BTreeMap;

fn chain(text: &str) -> Chain {
    let problems = Problems::default();
    let fields = Fields::parse(text, &problems).expect("TOML");
    let chain = Chain::build(&fields.tables("augment", "op", ""));
    assert_eq!(problems.take(), [], "{text}");
    chain
}

/// What a chain did to `count` samples, each in its own epoch.
fn traces(chain: &Chain, size: Size, count: u64) -> Vec<Vec<StepTrace>> {
    let image = Image::filled(size, 1, 7);
    let trace = |epoch| chain.apply_traced(Key { run: 5, epoch, sample: 17, op: 0 }, &mut image.clone()).expect("applies");
    (0..count).map(trace).collect()
}

/// The draws of a chain of one step that is always applied.
fn draws(step: &str, size: Size, count: u64) -> Vec<Value> {
    traces(&chain(&format!("[[augment]]\n{step}")), size, count).into_iter().map(|mut trace| trace.remove(0).draw).collect()
}

/// The names of the steps that had their turn, in its order.
fn turns(draw: &Value) -> Vec<String> {
    draw.as_array().expect("turns").iter().map(|turn| turn["name"].as_str().expect("name").to_owned()).collect()
}

fn counted<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeMap<T, u32> {
    let mut counts = BTreeMap::new();
    items.into_iter().for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

/// Pearson's chi-square test against even counts: by Wilson and Hilferty's normal approximation, five deviations are allowed.
fn assert_even<T: std::fmt::Debug>(counts: &BTreeMap<T, u32>, kinds: usize) {
    assert_eq!(counts.len(), kinds, "{counts:?}");
    let expected = f64::from(counts.values().sum::<u32>()) / kinds as f64;
    let square: f64 = counts.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    let freedom = kinds as f64 - 1.0;
    let spread = 2.0 / (9.0 * freedom);
    let normal = ((square / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    assert!(normal.abs() < 5.0, "chi-square {square:.1} with {freedom} degrees of freedom: {counts:?}");
}

/// A rate that differs from `p` by chance only: five standard deviations.
fn assert_rate(hits: usize, of: usize, p: f64, what: &str) {
    let bound = 5.0 * (p * (1.0 - p) / of as f64).sqrt();
    let rate = hits as f64 / of as f64;
    assert!((rate - p).abs() <= bound, "{what}: {rate} instead of {p}");
}

/// Mean and variance, each within five percent, or five standard deviations of the mean.
fn assert_moments(numbers: &[f64], mean: f64, variance: f64, what: &str) {
    let count = numbers.len() as f64;
    let got = numbers.iter().sum::<f64>() / count;
    let got_variance = numbers.iter().map(|number| (number - got).powi(2)).sum::<f64>() / count;
    assert!((got - mean).abs() < 5.0 * (variance / count).sqrt(), "{what}: mean {got} instead of {mean}");
    assert!((got_variance / variance - 1.0).abs() < 0.05, "{what}: variance {got_variance} instead of {variance}");
}

const DOT: Size = Size::new(1, 1);
const FOUR: &str =
    "ops = ['rotate90', { op = 'rotate90', name = 'b' }, { op = 'rotate90', name = 'c' }, { op = 'rotate90', name = 'd' }]";

#[test]
fn random_order_uses_every_order_alike() {
    let draws = draws(&format!("op = 'random_order'\n{FOUR}"), DOT, 12_000);
    assert_even(&counted(draws.iter().map(turns)), 24);
}

#[test]
fn one_of_picks_by_weight_and_then_the_picked_coin_decides() {
    let text = "op = 'one_of'\nweights = [1, 2, 0, 5]\nops = ['horizontal_flip', 'rotate90', { op = 'rotate90', name = 'never' }, { op = 'rotate90', name = 'last', p = 0.1 }]";
    let draws = draws(text, DOT, 16_000);
    assert!(draws.iter().all(|draw| turns(draw).len() == 1));
    let rate =
        |name: &str, applied: bool| draws.iter().filter(|draw| draw[0]["name"] == name && draw[0]["applied"] == applied).count();
    for (name, applied, p) in [
        ("horizontal_flip", true, 1.0 / 16.0),
        ("horizontal_flip", false, 1.0 / 16.0),
        ("rotate90", true, 0.25),
        ("never", true, 0.0),
        ("last", true, 0.0625),
        ("last", false, 0.5625),
    ] {
        assert_rate(rate(name, applied), draws.len(), p, name);
    }
}

#[test]
fn some_of_picks_every_set_alike_and_keeps_the_order_of_the_file() {
    let draws_of = |keys: &str| draws(&format!("op = 'some_of'\n{keys}\n{FOUR}"), DOT, 12_000);
    let pairs = counted(draws_of("count = 2").iter().map(turns));
    assert!(pairs.keys().all(|pair| pair[1] == "rotate90" || pair[0] == "rotate90" || pair[0] < pair[1]));
    assert!(pairs.keys().all(|pair| pair[1] != "rotate90"), "the first of the file comes first: {pairs:?}");
    assert_even(&pairs, 6);
    let varying = draws_of("count = [1, 3]");
    assert_even(&counted(varying.iter().map(|draw| turns(draw).len())), 3);
    for name in ["rotate90", "b", "c", "d"] {
        assert_rate(varying.iter().filter(|draw| turns(draw).iter().any(|turn| turn == name)).count(), varying.len(), 0.5, name);
    }
    let twice = draws_of("count = 2\nreplace = true");
    assert_rate(twice.iter().filter(|draw| turns(draw)[0] == turns(draw)[1]).count(), twice.len(), 0.25, "the same twice");
}

/// The names on the way to every step that was applied.
fn applied(trace: &Value, way: &str, found: &mut Vec<String>) {
    if trace["applied"] == true {
        let way = format!("{way}/{}", trace["name"].as_str().expect("name"));
        trace["draw"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|inner| inner.is_object())
            .for_each(|inner| applied(inner, &way, found));
        found.push(way);
    }
}

fn branches<'b>(branch: &'b Branch, way: &str, found: &mut Vec<(String, &'b Branch)>) {
    let way = format!("{way}/{}", branch.name);
    branch.steps.iter().for_each(|inner| branches(inner, &way, found));
    found.push((way, branch));
}

#[test]
fn every_step_of_a_nested_chain_is_applied_as_often_as_its_tree_says() {
    let text = "
        [[augment]]
        op = 'sometimes'
        p = 0.8
        ops = [{ op = 'random_order', ops = [{ op = 'horizontal_flip' }, { op = 'some_of', count = [0, 2], ops = ['rotate90', 'vertical_flip', { op = 'rotate90', p = 0.3, name = 'third' }] }] }]
        [[augment]]
        op = 'one_of'
        p = 0.9
        weights = [1, 3]
        ops = ['vertical_flip', { op = 'some_of', count = [1, 3], replace = true, ops = ['horizontal_flip', { op = 'one_of', p = 0.7, ops = ['rotate90', 'vertical_flip'] }] }]
    ";
    let chain = chain(text);
    let samples = traces(&chain, DOT, 20_000);
    let mut rates: BTreeMap<String, usize> = BTreeMap::new();
    for sample in &samples {
        let mut found = Vec::new();
        let steps = serde_json::to_value(sample).expect("JSON");
        steps.as_array().into_iter().flatten().for_each(|step| applied(step, "", &mut found));
        found.sort();
        found.dedup();
        found.into_iter().for_each(|way| *rates.entry(way).or_default() += 1);
    }
    let (tree, mut expected) = (chain.tree(None), Vec::new());
    tree.iter().for_each(|branch| branches(branch, "", &mut expected));
    assert_eq!(expected.len(), 14);
    for (way, branch) in expected {
        assert_rate(rates.get(&way).copied().unwrap_or(0), samples.len(), branch.probability, &way);
    }
}

#[test]
fn auto_augment_uses_all_25_pairs_alike_and_each_operation_at_its_rate() {
    use augpipe::augment::policy::{CIFAR10, IMAGENET, SVHN};
    for (name, table) in [("imagenet", IMAGENET), ("cifar10", CIFAR10), ("svhn", SVHN)] {
        let draws = draws(&format!("op = 'auto_augment'\npolicy = '{name}'"), DOT, 10_000);
        assert_even(&counted(draws.iter().map(|draw| draw["pair"].as_u64())), 25);
        for (number, pair) in table.iter().enumerate() {
            let picked: Vec<&Value> = draws.iter().filter(|draw| draw["pair"] == number).collect();
            let both: f64 = pair.iter().map(|(_, p, _)| p).product();
            let hits = picked.iter().filter(|draw| draw["changes"].as_array().is_some_and(|changes| changes.len() == 2)).count();
            assert_rate(hits, picked.len(), both, &format!("{name} {number}"));
        }
        let changes: Vec<&Value> = draws.iter().flat_map(|draw| draw["changes"].as_array().expect("changes")).collect();
        let turned: Vec<f64> = magnitudes(&changes, "rotate").into_iter().chain(magnitudes(&changes, "shear_x")).collect();
        let up = turned.iter().filter(|&&magnitude| magnitude > 0.0).count();
        if !turned.is_empty() {
            assert_rate(up, turned.len(), 0.5, "positive signs");
        }
    }
    let pairs = counted(IMAGENET.iter().map(|pair| format!("{pair:?}")));
    assert_eq!(pairs.values().filter(|&&count| count == 2).count(), 5, "five pairs stand twice");
}

/// The magnitudes of one operation.
fn magnitudes(changes: &[&Value], op: &str) -> Vec<f64> {
    changes.iter().filter(|change| change["op"] == op).map(|change| change["magnitude"].as_f64().expect("magnitude")).collect()
}

#[test]
fn rand_augment_picks_all_14_operations_alike_with_repeats_at_one_magnitude() {
    let draws = draws("op = 'rand_augment'", Size::new(2, 3), 14_000);
    let op = |draw: &Value, at: usize| draw[at]["op"].as_str().expect("op").to_owned();
    assert_even(&counted(draws.iter().map(|draw| op(draw, 0))), 14);
    assert_even(&counted(draws.iter().map(|draw| (op(draw, 0), op(draw, 1)))), 14 * 14);
    let changes: Vec<&Value> = draws.iter().flat_map(|draw| draw.as_array().expect("changes")).collect();
    let turns = magnitudes(&changes, "rotate");
    assert!(turns.iter().all(|turn| (turn.abs() - 9.0).abs() < 1e-5), "bin 9 of 31 is 9 degrees");
    assert_rate(turns.iter().filter(|&&turn| turn > 0.0).count(), turns.len(), 0.5, "turns to the left");
    assert!(magnitudes(&changes, "posterize").iter().all(|&bits| bits == 7.0), "no sign");
}

#[test]
fn trivial_augment_picks_every_operation_and_every_bin_alike() {
    let draws = draws("op = 'trivial_augment'", DOT, 30_000);
    assert_even(&counted(draws.iter().map(|draw| draw["op"].as_str())), 14);
    let changes: Vec<&Value> = draws.iter().collect();
    for (op, step) in [("rotate", 4.5), ("shear_y", 0.033), ("solarize", 1.0 / 30.0)] {
        let bins = magnitudes(&changes, op).into_iter().map(|magnitude| (magnitude.abs() / step).round() as u32);
        assert_even(&counted(bins), 31);
    }
}

#[test]
fn aug_mix_weighs_chains_by_dirichlet_and_draws_depth_operation_and_bin_alike() {
    let draws_of = |keys: &str| draws(&format!("op = 'aug_mix'\n{keys}"), DOT, 6_000);
    let number = |value: &Value| value.as_f64().expect("number");
    let usual = draws_of("");
    let originals: Vec<f64> = usual.iter().map(|draw| number(&draw["original"])).collect();
    assert_moments(&originals, 0.5, 1.0 / 12.0, "weight of the original");
    for chain in 0..3 {
        let share = |draw: &Value| number(&draw["chains"][chain]["weight"]) / (1.0 - number(&draw["original"]));
        let shares: Vec<f64> = usual.iter().filter(|draw| number(&draw["original"]) < 0.999).map(share).collect();
        assert_moments(&shares, 1.0 / 3.0, 1.0 / 18.0, "share of a chain");
    }
    let chains: Vec<&Value> = usual.iter().flat_map(|draw| draw["chains"].as_array().expect("chains")).collect();
    let depth = |chain: &&Value| chain["changes"].as_array().expect("changes").len();
    assert_even(&counted(chains.iter().map(depth)), 3);
    let changes: Vec<&Value> = chains.iter().flat_map(|chain| chain["changes"].as_array().expect("changes")).collect();
    assert_even(&counted(changes.iter().map(|change| change["op"].as_str())), 13);
    let bins = magnitudes(&changes, "rotate").into_iter().map(|turn| (turn.abs() * 0.3).round() as u32);
    assert_even(&counted(bins), 3);

    let other = draws_of("alpha = 4\nmixture_width = 2\nchain_depth = 4\nall_ops = false");
    let originals: Vec<f64> = other.iter().map(|draw| number(&draw["original"])).collect();
    assert_moments(&originals, 0.5, 1.0 / 36.0, "weight of the original, alpha 4");
    let chains: Vec<&Value> = other.iter().flat_map(|draw| draw["chains"].as_array().expect("chains")).collect();
    assert!(chains.len() == 12_000 && chains.iter().all(|chain| depth(chain) == 4));
    let changes = chains.iter().flat_map(|chain| chain["changes"].as_array().expect("changes"));
    assert_even(&counted(changes.map(|change| change["op"].as_str())), 9);
}
