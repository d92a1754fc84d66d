//! Planted faults are found, and what only looks odd is not taken for one.

use super::*;
use crate::config::{Fields, Problems};
use crate::key::Key;
use crate::model::gradient_check::wrong::Wrong;
use crate::model::layer::{Linear, Relu};
use crate::model::preset::{Lenet, Mlp, softmax};
use crate::model::{Convolution, LayerSpec, Numerics, Precision, Shape};
use crate::train::{Setup, TrainConfig};
use std::sync::Arc;

fn trainer(network: &Arc<Network>, threads: usize) -> Trainer {
    let problems = Problems::default();
    let config = TrainConfig::read(&Fields::parse("epochs = 1\nlearning_rate = 0.1", &problems).unwrap());
    assert!(problems.take().is_empty());
    Trainer::new(network.clone(), &config, Setup { seed: 5, batch_size: 16, steps_per_epoch: 1, threads }).unwrap()
}

fn few(network: &Network, spread: f64) -> Few {
    let mut dice = Key::of_run(3, "images").dice();
    let images = (0..SAMPLES * network.input().len()).map(|_| dice.uniform(-spread, spread) as f32).collect();
    Few { images, labels: (0..SAMPLES as u32).map(|sample| sample % network.classes() as u32).collect() }
}

fn levels(network: Network, spread: f64) -> (Vec<Level>, String) {
    let network = Arc::new(network);
    let checks = trainer(&network, 2).self_check(&few(&network, spread), 0.0);
    (checks.iter().map(|check| check.level).collect(), format!("{checks:#?}"))
}

fn linear(out: Option<usize>) -> Box<dyn LayerSpec> {
    Box::new(Linear::new(out, true))
}

fn mlp() -> Network {
    let preset = Mlp { hidden: vec![40, 30], keep_input: 0.8, keep_hidden: 0.5 };
    Network::new(preset.layers(), Shape::new(1, 8, 8), 6).unwrap()
}

#[test]
fn models_that_can_learn_pass() {
    let lenet = Lenet { channels: [4, 6], hidden: 20, keep_hidden: 0.8 };
    let networks = [
        mlp(),
        Network::new(lenet.layers(), Shape::new(3, 12, 12), 4).unwrap(),
        Network::new(softmax(), Shape::new(1, 6, 6), 10).unwrap(),
    ];
    for network in networks {
        let (levels, found) = levels(network, 1.7);
        assert_eq!(levels, [Level::Passed; 3], "{found}");
    }
}

#[test]
fn factors_of_16_bits_do_not_make_a_right_gradient_look_wrong() {
    let numerics = Numerics { convolution: Convolution::Winograd, precision: Precision::Bf16 };
    let mut layers = Lenet { channels: [8, 12], hidden: 20, keep_hidden: 0.8 }.layers();
    layers.iter_mut().for_each(|layer| layer.compute_by(numerics));
    let network = Network::new(layers, Shape::new(3, 12, 12), 4).unwrap().with_label_smoothing(0.1);
    let (levels, found) = levels(network, 1.7);
    assert_eq!(levels[1], Level::Passed, "{found}");
}

#[test]
fn labels_that_have_nothing_to_do_with_the_pictures_are_learned_by_heart_all_the_same() {
    let network = Arc::new(mlp());
    let mut few = few(&network, 1.7);
    Key::of_run(1, "labels").dice().shuffle(&mut few.labels);
    let checks = trainer(&network, 1).self_check(&few, 0.0);
    assert!(checks.iter().all(|check| check.level == Level::Passed), "{checks:#?}");
}

#[test]
fn a_layer_with_a_broken_gradient_fails() {
    let layers = vec![linear(Some(20)), Box::new(Relu), linear(Some(16)), Box::new(Wrong) as Box<dyn LayerSpec>, linear(None)];
    let (levels, found) = levels(Network::new(layers, Shape::vector(12), 4).unwrap(), 1.7);
    assert_eq!(levels[1], Level::Failed, "{found}");
    assert!(found.contains("2.bias or in one behind it"), "{found}");
}

#[test]
fn weights_that_all_begin_at_zero_are_told() {
    let zeros = crate::model::INITIALISERS.iter().find(|entry| entry.name == "zeros").unwrap();
    let zeros = (zeros.build)(&Fields::empty("zeros", &Problems::default()));
    let layers = vec![linear(Some(20)), Box::new(Relu) as Box<dyn LayerSpec>, linear(None)];
    let network = Network::new(layers, Shape::vector(12), 4).unwrap().with_initialiser(zeros);
    let (levels, found) = levels(network, 1.7);
    assert_eq!(levels, [Level::Passed, Level::Warning, Level::Warning], "{found}");
    assert!(found.contains("no gradient reaches 0.weight"), "{found}");
}

#[test]
fn inputs_that_are_not_normalised_show_in_the_first_loss() {
    let (levels, found) = levels(mlp(), 255.0);
    assert_eq!(levels[0], Level::Warning, "{found}");
}

#[test]
fn what_is_found_is_the_same_for_any_number_of_threads_and_the_trainer_stays_as_it_is() {
    let network = Arc::new(mlp());
    let found = |threads| {
        let trainer = trainer(&network, threads);
        let (weights, progress) = (trainer.weights_blake3(), trainer.progress().clone());
        let checks = trainer.self_check(&few(&network, 1.7), 0.1);
        assert!(trainer.weights_blake3() == weights && trainer.progress() == &progress);
        checks
    };
    assert_eq!(found(1), found(3));
}

#[test]
fn what_would_take_too_long_is_left_out_and_a_few_samples_do() {
    let layers = vec![linear(Some(70_000)), linear(None)];
    let network = Network::new(layers, Shape::vector(20_000), 4).unwrap();
    let patient = Patient { network: &network, weights: &[], seed: 0, smoothing: 0.0 };
    assert!(patient.cost() > 2.8e9);
    let few = Few { images: vec![0.0; 4], labels: vec![0; 4] };
    let skipped = one_batch::learn(&patient, &few);
    assert_eq!(skipped.check.level, Level::Skipped, "{}", skipped.check.words);
    let empty = trainer(&Arc::new(mlp()), 1).self_check(&Few::default(), 0.0);
    assert!(empty.iter().all(|check| check.level == Level::Skipped));
}

#[test]
fn first_losses_are_judged_by_the_logarithm_of_the_classes() {
    let level = |loss, classes| judge_initial_loss(loss, classes).level;
    assert_eq!([level(2.3, 10), level(3.5, 10), level(1.4, 10)], [Level::Passed; 3]);
    assert_eq!([level(7.0, 10), level(0.4, 10), level(f64::NAN, 10), level(f64::INFINITY, 2)], [Level::Warning; 4]);
}
