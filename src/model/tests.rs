//! What holds for a network as a whole: batches, threads, instruction sets, its arena.

use super::preset::{Lenet, Mlp};
use super::{Network, Noise, Shape, Tally, Workspace};
use crate::batch::Targets;
use crate::isa::{Isa, only};
use crate::kernel::reduce;
use crate::key::Key;

const NOISE: Noise = Noise { seed: 1, step: 2 };

fn lenet() -> Network {
    let preset = Lenet { channels: [5, 19], hidden: 21, keep_hidden: 0.6 };
    Network::new(preset.layers(), Shape::new(2, 11, 13), 4).unwrap()
}

fn mlp() -> Network {
    let preset = Mlp { hidden: vec![37, 20], keep_input: 0.8, keep_hidden: 0.5 };
    Network::new(preset.layers(), Shape::new(1, 9, 7), 4).unwrap().with_label_smoothing(0.1)
}

/// Everything that normalises, and blocks in each other, at odd sizes.
fn residual(convolution: &str) -> Network {
    let layers = r#"layers = [
            { layer = "whiten" }, "batch_norm", "gelu",
            { layer = "residual", branch = [
                { layer = "conv", out = 16, kernel = 3, padding = 1, groups = 2 }, "batch_norm",
                { layer = "residual", branch = [{ layer = "conv", out = 16, kernel = 3, padding = 1, groups = 16 }, "silu",
                    { layer = "conv", out = 16, kernel = 5, padding = 2 }] },
                { layer = "conv", out = 19, kernel = 3, stride = 2, padding = 1 }, "batch_norm",
            ], shortcut = [{ layer = "conv", out = 19, kernel = 1, stride = 2 }, "batch_norm"] },
            "leaky_relu", { layer = "max_pool", kernel = 3, stride = 2, padding = 1 }, { layer = "avg_pool", kernel = 2, stride = 1 },
            { layer = "linear", out = 10 }, "batch_norm", "relu", { layer = "dropout", keep = 0.8 }, "linear", { layer = "scale", factor = 0.5 },
        ]"#;
    read(&format!("convolution = \"{convolution}\"\n{layers}"))
}

fn read(model: &str) -> Network {
    let problems = crate::config::Problems::default();
    let model = crate::model::read(&crate::config::Fields::parse(model, &problems).unwrap());
    assert!(problems.take().is_empty());
    Network::new(model.layers, Shape::new(2, 11, 13), 4).unwrap()
}

fn batch(network: &Network, count: usize) -> (Vec<f32>, Vec<u32>) {
    let mut dice = Key::of_run(3, "images").dice();
    let images = (0..count * network.input().len()).map(|_| dice.uniform(-1.0, 1.0) as f32).collect();
    (images, (0..count).map(|_| dice.below(4) as u32).collect())
}

/// Bits of a gradient and of the state after it, and the tallies of training and evaluation.
fn step(network: &Network, workspace: &mut Workspace, count: usize) -> (Vec<u32>, Tally, Tally) {
    let ((images, labels), mut parameters) = (batch(network, count), network.initialise(7));
    let mut gradient = vec![f32::NAN; network.parameter_count()];
    let trained = network.loss_and_gradient(workspace, &parameters, &images, &labels, NOISE, &mut gradient);
    network.remember(workspace, &mut parameters);
    let evaluated = network.evaluate(workspace, &parameters, &images, &labels);
    assert!(reduce::all_finite(&gradient));
    gradient.extend_from_slice(&parameters[network.parameter_count()..]);
    (gradient.into_iter().map(f32::to_bits).collect(), trained, evaluated)
}

/// Shares of the classes of `count` images, each row of sum 1.
fn shares(classes: usize, count: usize) -> Vec<f32> {
    let mut dice = Key::of_run(4, "shares").dice();
    (0..count).flat_map(|_| dice.dirichlet(&vec![1.0; classes])).map(|share| share as f32).collect()
}

/// Bits of the gradient, and the tally, of a batch with soft targets.
fn soft_step(network: &Network, workspace: &mut Workspace, count: usize) -> (Vec<u32>, Tally) {
    let ((images, _), parameters) = (batch(network, count), network.initialise(7));
    let (shares, mut gradient) = (shares(network.classes(), count), vec![f32::NAN; network.parameter_count()]);
    let soft = Targets::Soft(&shares);
    let tally = network.loss_and_gradient(workspace, &parameters, &images, soft, NOISE, &mut gradient);
    (gradient.into_iter().map(f32::to_bits).collect(), tally)
}

#[test]
fn soft_targets_give_the_same_bits_on_any_number_of_threads_and_every_instruction_set() {
    for network in [lenet(), mlp()] {
        let mut workspace = network.workspace(150);
        for count in [150, 1, 2] {
            let expected = soft_step(&network, &mut network.workspace(count), count);
            assert!(expected.1.count == count as u64 && expected.1.loss_sum > 0.0);
            for threads in [1, 2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert!(pool.install(|| soft_step(&network, &mut workspace, count)) == expected, "{threads} threads");
            }
            for isa in Isa::available() {
                assert!(only(isa, || soft_step(&network, &mut workspace, count)) == expected, "{isa:?}");
            }
        }
    }
}

#[test]
fn the_gradient_of_soft_targets_is_that_of_their_loss() {
    for smoothing in [0.0, 0.2] {
        let network =
            Network::new(crate::model::preset::softmax(), Shape::new(1, 2, 3), 4).unwrap().with_label_smoothing(smoothing);
        let ((images, _), mut parameters, shares) = (batch(&network, 5), network.initialise(7), shares(4, 5));
        let (mut workspace, mut gradient) = (network.workspace(5), vec![0.0; network.parameter_count()]);
        let mut mean_loss = |parameters: &[f32], gradient: &mut [f32]| {
            let soft = Targets::Soft(&shares);
            network.loss_and_gradient(&mut workspace, parameters, &images, soft, NOISE, gradient).loss_sum / 5.0
        };
        mean_loss(&parameters, &mut gradient);
        let mut scratch = gradient.clone();
        for place in 0..parameters.len() {
            let old = parameters[place];
            let [(above, to), (below, from)] = [1.0 / 64.0, -1.0 / 64.0].map(|by: f32| {
                parameters[place] = old + by;
                (mean_loss(&parameters, &mut scratch), f64::from(parameters[place]))
            });
            parameters[place] = old;
            assert!(((above - below) / (to - from) - f64::from(gradient[place])).abs() < 1e-4, "{place}");
        }
    }
}

#[test]
fn shares_that_are_all_one_class_are_that_label() {
    for network in [lenet(), mlp()] {
        let ((images, labels), parameters) = (batch(&network, 9), network.initialise(7));
        let one_hot: Vec<f32> = labels.iter().flat_map(|&label| (0..4).map(move |class| f32::from(class == label))).collect();
        let mut workspace = network.workspace(9);
        let [mut hard, mut soft] = [0, 1].map(|_| vec![0.0; parameters.len()]);
        let by_label = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut hard);
        let shares = Targets::Soft(&one_hot);
        let by_share = network.loss_and_gradient(&mut workspace, &parameters, &images, shares, NOISE, &mut soft);
        assert!((by_label.loss_sum / by_share.loss_sum - 1.0).abs() < 1e-12);
        assert_eq!((by_label.correct, by_label.count), (by_share.correct, by_share.count));
        assert!(hard.iter().zip(soft).all(|(hard, soft)| (hard - soft).abs() < 1e-6));
    }
}

#[test]
fn neither_threads_nor_instructions_nor_earlier_batches_show() {
    for network in [lenet(), mlp(), residual("direct"), residual("winograd")] {
        let mut workspace = network.workspace(37);
        for count in [37, 1, 20] {
            let expected = step(&network, &mut network.workspace(count), count);
            for threads in [1, 2, 3, 4, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert!(pool.install(|| step(&network, &mut workspace, count)) == expected, "{threads} threads, {count} images");
            }
            for isa in Isa::available() {
                assert!(only(isa, || step(&network, &mut workspace, count)) == expected, "{isa:?}, {count} images");
            }
        }
    }
}

/// Also where learning begins within a block, a layer or a tensor.
#[test]
fn what_is_no_longer_learned_has_no_gradient_and_all_else_the_same() {
    let airbench = r#"layers = [{ layer = "whiten" }, "gelu", { layer = "conv", out = 8, kernel = 3, padding = 1, bias = false },
        { layer = "max_pool", kernel = 2 }, "batch_norm", "gelu", { layer = "conv", out = 5, kernel = 3 }, "batch_norm", "relu", "linear"]"#;
    let networks = [lenet(), mlp(), read(airbench), read(&format!("convolution = \"winograd\"\n{airbench}")), residual("direct")];
    for network in networks {
        let ((images, labels), parameters) = (batch(&network, 7), network.initialise(7));
        let count = network.parameter_count();
        let gradient = |from: usize| {
            let (mut workspace, mut gradient) = (network.workspace(7), vec![f32::NAN; count]);
            workspace.learn_from(from);
            let tally = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut gradient);
            (tally, gradient)
        };
        let (tally, whole) = gradient(0);
        let trained: Vec<_> = network.spans().iter().filter(|span| span.trained).map(|span| span.range()).collect();
        let mut spared = 0;
        for from in trained.iter().flat_map(|range| [range.start, range.start + 1]).chain([count]) {
            let (same, some) = gradient(from);
            assert!(same == tally && some[from..] == whole[from..], "from {from}");
            let begin = some.iter().position(|&value| value != 0.0).unwrap_or(count);
            assert!(some[begin..] == whole[begin..], "from {from}");
            spared = spared.max(begin);
        }
        assert!(spared > trained[0].end, "something is spared");
    }
}

#[test]
fn the_gradient_of_a_batch_is_the_mean_over_its_images() {
    let preset = Lenet { channels: [3, 4], hidden: 9, keep_hidden: 1.0 };
    let network = Network::new(preset.layers(), Shape::new(2, 8, 9), 4).unwrap();
    let ((images, labels), parameters) = (batch(&network, 6), network.initialise(7));
    let mut workspace = network.workspace(6);
    let mut whole = vec![0.0; parameters.len()];
    let tally = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut whole);
    let (mut mean, mut loss) = (vec![0.0f64; parameters.len()], 0.0);
    for (image, label) in images.chunks(network.input().len()).zip(labels.chunks(1)) {
        let mut one = vec![0.0; parameters.len()];
        loss += network.loss_and_gradient(&mut workspace, &parameters, image, label, NOISE, &mut one).loss_sum;
        mean.iter_mut().zip(one).for_each(|(mean, one)| *mean += f64::from(one) / 6.0);
    }
    assert!((loss - tally.loss_sum).abs() < 1e-6 * loss);
    assert!(whole.iter().zip(mean).all(|(&whole, mean)| (f64::from(whole) - mean).abs() < 1e-6));
}

#[test]
fn untrained_networks_lose_about_the_logarithm_of_the_number_of_classes() {
    let network = mlp().with_initialiser(Box::new(crate::model::initialise::Zeros));
    let (_, trained, evaluated) = step(&network, &mut network.workspace(20), 20);
    assert!((evaluated.loss_sum / 20.0 - 4f64.ln()).abs() < 1e-12 && evaluated.count == 20 && trained.count == 20);
}

#[test]
fn a_small_batch_can_be_learned_by_heart() {
    for network in [lenet(), mlp().with_label_smoothing(0.0)] {
        let ((images, labels), mut parameters) = (batch(&network, 16), network.initialise(7));
        let (mut workspace, mut gradient) = (network.workspace(16), vec![0.0; network.parameter_count()]);
        for step in 0..400 {
            network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, Noise { seed: 1, step }, &mut gradient);
            parameters.iter_mut().zip(&gradient).for_each(|(parameter, gradient)| *parameter -= 0.1 * gradient);
        }
        let tally = network.evaluate(&mut workspace, &parameters, &images, &labels);
        assert!(tally.correct == 16 && tally.loss_sum / 16.0 < 0.05, "{tally:?}");
    }
}

#[test]
fn nan_and_infinity_give_a_loss_that_is_not_finite_and_no_panic() {
    for bad in [f32::NAN, f32::INFINITY] {
        for network in [lenet(), residual("direct"), residual("winograd")] {
            let ((mut images, labels), parameters) = (batch(&network, 3), network.initialise(7));
            images.fill(bad);
            let mut gradient = vec![0.0; network.parameter_count()];
            let mut workspace = network.workspace(3);
            let tally = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut gradient);
            assert!(!tally.loss_sum.is_finite() && tally.correct == 0);
            assert!(!reduce::all_finite(&gradient));
        }
    }
}

#[test]
fn views_are_averaged_as_by_hand_whatever_the_workspace_holds() {
    let network = lenet();
    let ((images, _), parameters, labels) = (batch(&network, 30), network.initialise(7), [0, 3, 1]);
    let mut whole = network.workspace(30);
    let logits = network.logits(&mut whole, &parameters, &images, 30).to_vec();
    let mut by_hand = Tally::default();
    for (sample, &label) in labels.iter().enumerate() {
        let mut mean = [0.0f64; 4];
        for row in logits[sample * 40..][..40].chunks(4) {
            let powers: Vec<f64> = row.iter().map(|&logit| f64::from(logit).exp()).collect();
            let sum: f64 = powers.iter().sum();
            mean.iter_mut().zip(powers).for_each(|(mean, power)| *mean += power / sum / 10.0);
        }
        by_hand.loss_sum -= mean[label as usize].ln();
        by_hand.correct += u64::from(mean.iter().all(|&other| other <= mean[label as usize]));
    }
    let found = network.evaluate_views(&mut whole, &parameters, &images, &labels, 10);
    assert!((found.loss_sum - by_hand.loss_sum).abs() < 1e-9 && found.correct == by_hand.correct, "{found:?} {by_hand:?}");
    for capacity in [1, 4, 7, 10] {
        let mut small = network.workspace(capacity);
        assert_eq!(network.evaluate_views(&mut small, &parameters, &images, &labels, 10), found, "{capacity}");
    }
    assert_eq!(network.evaluate_views(&mut whole, &parameters, &[], &[], 10), Tally::default());
}

#[test]
fn an_empty_batch_comes_to_nothing() {
    let network = mlp();
    let mut workspace = network.workspace(4);
    let (parameters, mut gradient) = (network.initialise(1), vec![f32::NAN; network.parameter_count()]);
    assert_eq!(network.evaluate(&mut workspace, &parameters, &[], &[]), Tally::default());
    assert_eq!(network.loss_and_gradient(&mut workspace, &parameters, &[], &[], NOISE, &mut gradient), Tally::default());
    assert!(gradient.iter().all(|&value| value == 0.0));
    let nobody = Targets::Soft(&[]);
    assert_eq!(network.loss_and_gradient(&mut workspace, &parameters, &[], nobody, NOISE, &mut gradient), Tally::default());
}

#[test]
fn the_parameters_lie_in_one_arena_without_gaps_and_biases_start_at_0() {
    let network = residual("winograd");
    assert_eq!(network.spans().iter().filter(|span| span.name == "3.branch.2.branch.0.weight").count(), 1);
    let first_state = network.spans().iter().position(|span| !span.trained).unwrap();
    assert!(network.spans()[first_state..].iter().all(|span| !span.trained && !span.decay));
    assert_eq!(network.spans()[first_state].start, network.parameter_count());
    let network = lenet();
    let ends = network.spans().iter().scan(0, |end, span| {
        let fits = span.start == *end;
        *end += span.len;
        Some((fits, *end))
    });
    assert!(ends.clone().all(|(fits, _)| fits) && ends.last().map(|(_, end)| end) == Some(network.arena_len()));
    assert_eq!(network.spans().iter().map(|span| span.name.as_str()).collect::<Vec<_>>()[..3], ["0.weight", "0.bias", "3.weight"]);
    let parameters = network.initialise(7);
    for span in network.spans() {
        assert_eq!(span.decay, parameters[span.range()].iter().any(|&value| value != 0.0), "{}", span.name);
    }
    assert_eq!(network.summary().iter().map(|layer| layer.parameters).sum::<usize>(), network.parameter_count());
    assert!(parameters == network.initialise(7) && parameters != network.initialise(8));
}

#[test]
fn dropout_differs_from_step_to_step_and_is_off_in_evaluation() {
    let network = mlp();
    let ((images, labels), parameters) = (batch(&network, 9), network.initialise(7));
    let (mut workspace, mut gradient) = (network.workspace(9), vec![0.0; parameters.len()]);
    let mut loss =
        |step| network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, Noise { seed: 1, step }, &mut gradient);
    assert!(loss(1) != loss(2) && loss(1) == loss(1));
}

#[test]
fn what_is_made_anew_and_what_goes_back_in_the_cache_have_the_bits_of_what_is_kept_and_goes_by_itself() {
    let model = |precision| {
        let layers = r#"layers = [
            { layer = "conv", out = 16, kernel = 3, padding = 1 }, "batch_norm", "relu",
            { layer = "conv", out = 19, kernel = 3, padding = 1 }, "batch_norm", "leaky_relu", { layer = "dropout", keep = 0.7 },
            { layer = "conv", out = 24, kernel = 3 }, "batch_norm", "relu", { layer = "max_pool", kernel = 2 },
            { layer = "conv", out = 16, kernel = 5, padding = 2, bias = false }, "gelu", "batch_norm",
            { layer = "conv", out = 16, kernel = 3, padding = 1 }, "batch_norm", "sigmoid",
            { layer = "linear", out = 10 }, "relu", "linear",
        ]"#;
        read(&format!("convolution = \"winograd\"\nprecision = \"{precision}\"\n{layers}"))
    };
    for precision in ["f32", "bf16"] {
        let (network, mut plain) = (model(precision), model(precision));
        assert!(network.plan.stages.iter().filter(|stage| !stage.kept).count() == 4);
        assert!(network.plan.stages.iter().filter(|stage| stage.in_place).count() > 6);
        for stage in &mut plain.plan.stages {
            (stage.kept, stage.in_place) = (true, false);
        }
        for count in [1, 5, 37] {
            let expected = step(&plain, &mut plain.workspace(count), count);
            assert_eq!(step(&network, &mut network.workspace(40), count), expected, "{precision}, {count} images");
        }
    }
}
