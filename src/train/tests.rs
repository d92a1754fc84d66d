//! Laws of training, over every update rule and every schedule.

use super::*;
use crate::config::{Fields, Problems};
use crate::error::Error;
use crate::event::Score;
use crate::key::Key;
use crate::model::{Network, Noise, Shape};
use crate::optim::OPTIMIZERS;
use crate::optim::schedule::SCHEDULES;
use std::path::Path;

pub(super) const INPUTS: usize = 12;
pub(super) const CLASSES: usize = 5;

pub(super) fn network() -> Network {
    let layers =
        "layers = [{ layer = \"linear\", out = 16 }, \"batch_norm\", \"tanh\", { layer = \"dropout\", keep = 0.9 }, \"linear\"]";
    network_of(layers)
}

/// The network that a table `[model]` asks for.
fn network_of(text: &str) -> Network {
    let problems = Problems::default();
    let model = crate::model::read(&Fields::parse(text, &problems).unwrap());
    assert!(problems.take().is_empty(), "{text}");
    Network::new(model.layers, Shape::vector(INPUTS), CLASSES).unwrap().with_initialiser(model.initialiser)
}

pub(super) fn config(text: &str) -> TrainConfig {
    let problems = Problems::default();
    let config = TrainConfig::read(&Fields::parse(text, &problems).unwrap());
    let problems = problems.take();
    assert!(problems.is_empty(), "{text}: {problems:?}");
    config
}

const SETUP: Setup = Setup { seed: 7, batch_size: 8, steps_per_epoch: 10, threads: 1 };

pub(super) fn trainer(text: &str, setup: Setup) -> Trainer {
    Trainer::new(network(), &config(text), setup).unwrap()
}

/// `count` samples that a small network can tell apart, the same for the same `name`.
pub(super) fn samples(name: &str, count: usize) -> (Vec<f32>, Vec<u32>) {
    let mut dice = Key::of_run(11, name).dice();
    let labels: Vec<u32> = (0..count).map(|_| dice.below(CLASSES as u64) as u32).collect();
    let mut pixel = |label: u32, place: usize| dice.uniform(-0.5, 0.5) + f64::from(u8::from(place % CLASSES == label as usize));
    let images = labels.iter().flat_map(|&label| (0..INPUTS).map(|place| pixel(label, place) as f32).collect::<Vec<_>>()).collect();
    (images, labels)
}

fn score(loss: f64) -> Option<Score> {
    Some(Score { loss, accuracy: 0.5, samples: 10 })
}

/// Runs to the end of the sixth epoch of ten steps; `between` may put another trainer in place after every step.
fn run(mut trainer: Trainer, mut between: impl FnMut(Trainer) -> Trainer) -> Trainer {
    while !trainer.done() {
        let step = trainer.progress().step;
        let (images, labels) = samples(&format!("batch {step}"), SETUP.batch_size);
        trainer.step(&images, &labels).unwrap();
        if trainer.progress().steps_of_epoch == SETUP.steps_per_epoch {
            // Ups and downs, so that plateaus and patience have something to remember.
            let losses = [0.7, 0.6, 0.61, 0.65, 0.59, 0.7];
            let epoch = trainer.progress().epoch as usize;
            trainer.end_epoch(score(losses[epoch])).unwrap();
        }
        trainer = between(trainer);
    }
    trainer
}

#[test]
fn a_run_stored_and_taken_up_at_every_step_equals_straight_through_for_every_rule_and_schedule() {
    for optimizer in OPTIMIZERS {
        for schedule in SCHEDULES {
            let rate = schedule.example.replace("patience = 3", "patience = 1").replace("peak = 0.1", "peak = 0.02");
            let text = format!(
                "epochs = 6\nl1 = 0.01\nl2 = 0.1\nclip_norm = 0.5\nearly_stopping = {{ patience = 4 }}\n\
                 [optimizer]\n{}\n[learning_rate]\n{rate}",
                optimizer.example
            );
            let straight = run(trainer(&text, SETUP), |trainer| trainer);
            let mut stored = 0;
            let resumed = run(trainer(&text, SETUP), |old| {
                stored += 1;
                let caller = Caller { consumed: stored, notes: serde_json::json!({ "bad": [1, "x"] }), ..Caller::default() };
                let bytes = old.checkpoint(caller.clone()).to_bytes().unwrap();
                let mut fresh = trainer(&text, Setup { threads: 1 + stored as usize % 3, ..SETUP });
                let checkpoint = Checkpoint::from_bytes(Path::new("c"), &bytes, &fresh.expected(None)).unwrap();
                assert_eq!(fresh.resume(checkpoint), caller);
                fresh
            });
            assert_eq!(stored, 60, "{text}");
            let bytes = |trainer: &Trainer| trainer.checkpoint(Caller::default()).to_bytes().unwrap();
            assert!(bytes(&straight) == bytes(&resumed), "{text}");
            assert_eq!(straight.weights_blake3(), resumed.weights_blake3());
            assert_eq!(straight.progress().history.len(), 6);
        }
    }
}

#[test]
fn weights_do_not_depend_on_the_number_of_threads() {
    let text = "epochs = 6\nlearning_rate = 0.05\noptimizer = \"adam\"\nl2 = 0.1\nclip_norm = 0.5";
    let hash = |threads| run(trainer(text, Setup { threads, ..SETUP }), |trainer| trainer).weights_blake3();
    let one = hash(1);
    assert!([2, 3, 8].into_iter().all(|threads| hash(threads) == one));
    let other = run(trainer(text, Setup { seed: 8, ..SETUP }), |trainer| trainer);
    assert_ne!(other.weights_blake3(), one);
}

#[test]
fn a_convolutional_networks_weights_do_not_depend_on_the_number_of_threads_either() {
    let config = config("epochs = 1\nlearning_rate = 0.05\noptimizer = \"rmsprop\"\nl1 = 0.1\nweight_decay = 0.01\nclip_norm = 1");
    let images: Vec<f32> = (0..21 * 28 * 28).map(|place| (place * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
    let labels: Vec<u32> = (0..21).map(|place| place % 10).collect();
    for preset in
        ["preset = 'lenet'", "preset = 'resnet9'\nchannels = [4, 8, 16, 17]", "preset = 'airbench'\nchannels = [8, 17, 9]"]
    {
        let hashes = [1, 2, 3, 4, 8].map(|threads| {
            let problems = Problems::default();
            let model = crate::model::read(&Fields::parse(preset, &problems).unwrap());
            let network = Network::new(model.layers, Shape::new(1, 28, 28), 10).unwrap().with_initialiser(model.initialiser);
            let mut trainer = Trainer::new(network, &config, Setup { batch_size: 21, threads, ..SETUP }).unwrap();
            let losses = [0; 3].map(|_| trainer.step(&images, &labels).unwrap().tally.loss_sum.to_bits());
            (losses, trainer.weights_blake3())
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{preset}");
    }
}

#[test]
fn a_batch_of_all_samples_is_batch_gradient_descent() {
    let (images, labels) = samples("all", 20);
    // Without dropout, whose mask depends on the place in the batch.
    let network = || network_of("layers = [{ layer = \"linear\", out = 9 }, \"relu\", \"linear\"]");
    let setup = Setup { batch_size: 20, ..SETUP };
    let mut trainer = Trainer::new(network(), &config("epochs = 1\nlearning_rate = 0.5"), setup).unwrap();
    let (network, before) = (network(), trainer.params().to_vec());
    let mut mean = vec![0.0f64; before.len()];
    let (mut workspace, mut grads) = (network.workspace(1), vec![0.0; before.len()]);
    for (image, label) in images.chunks(INPUTS).zip(&labels) {
        network.loss_and_gradient(&mut workspace, &before, image, &[*label], Noise { seed: 7, step: 0 }, &mut grads);
        mean.iter_mut().zip(&grads).for_each(|(mean, &g)| *mean += f64::from(g) / 20.0);
    }
    trainer.step(&images, &labels).unwrap();
    for ((after, before), mean) in trainer.params().iter().zip(&before).zip(&mean) {
        assert!((f64::from(*after) - (f64::from(*before) - 0.5 * mean)).abs() < 1e-6);
    }
}

#[test]
fn a_network_starts_at_the_logarithm_of_its_classes() {
    let (images, labels) = samples("start", 200);
    let layers = "[{ layer = \"linear\", out = 16 }, \"relu\", \"linear\"]";
    let (zeros, small) = ("weights = \"zeros\"", "weights = { name = \"normal\", std = 0.01 }");
    for (weights, tolerance) in [(zeros, 1e-6), (small, 0.02)] {
        let network = network_of(&format!("{weights}\nlayers = {layers}"));
        let mut trainer = Trainer::new(network, &config("epochs = 1\nlearning_rate = 1"), SETUP).unwrap();
        let start = trainer.evaluate(&images, &labels).score().loss;
        assert!((start / (CLASSES as f64).ln() - 1.0).abs() < tolerance, "{weights}: {start}");
    }
}

#[test]
fn thirty_two_samples_are_learned_by_heart() {
    let (images, labels) = samples("by heart", 32);
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.02\noptimizer = \"adam\"", Setup { batch_size: 32, ..SETUP });
    for _ in 0..600 {
        trainer.step(&images, &labels).unwrap();
    }
    let end = trainer.evaluate(&images, &labels).score();
    assert!(end.loss < 1e-3 && end.accuracy == 1.0, "{end:?}");
}

#[test]
fn evaluation_takes_any_number_of_samples_and_changes_nothing() {
    let (images, labels) = samples("many", 37);
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.05", SETUP);
    let before = trainer.checkpoint(Caller::default());
    let totals = trainer.evaluate(&images, &labels);
    assert_eq!(totals.count, 37);
    let mut parts = Totals::default();
    for (images, labels) in images.chunks(8 * INPUTS).zip(labels.chunks(8)) {
        let part = trainer.evaluate(images, labels);
        parts.loss_sum += part.loss_sum;
        parts.correct += part.correct;
    }
    assert_eq!((parts.loss_sum, parts.correct), (totals.loss_sum, totals.correct));
    assert_eq!(trainer.evaluate(&[], &[]), Totals::default());
    assert_eq!(trainer.step(&[], &[]).unwrap().tally.count, 0);
    assert_eq!(trainer.checkpoint(Caller::default()), before);
}

#[test]
fn what_is_not_finite_stops_the_run_in_the_same_step() {
    let (images, labels) = samples("good", 8);
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.1", SETUP);
    for _ in 0..4 {
        trainer.step(&images, &labels).unwrap();
    }
    let before = trainer.checkpoint(Caller::default());
    for bad in [f32::NAN, f32::INFINITY] {
        let mut images = images.clone();
        images[17] = bad;
        let error = trainer.step(&images, &labels).unwrap_err();
        assert!(matches!(error, Error::Numeric(_)) && error.exit_code() == 5);
        assert!(error.to_string().contains("at step 5 (epoch 1)"), "{error}");
        let last = &before.progress.recent_losses;
        assert!(last.len() == 3 && last.iter().all(|loss| error.to_string().contains(&format!("{loss:.6}"))), "{error}");
        assert_eq!(trainer.checkpoint(Caller::default()), before, "the step was not made");
    }
    assert!(matches!(trainer.end_epoch(score(f64::NAN)), Err(Error::Numeric(_))));
    trainer.step(&images, &labels).unwrap();
}

#[test]
fn a_rate_that_blows_the_weights_up_is_told_and_never_stored() {
    let (images, labels) = samples("good", 8);
    let mut trainer = trainer("epochs = 1\nlearning_rate = 1e39", SETUP);
    let error = trainer.step(&images, &labels).unwrap_err();
    assert!(error.to_string().contains("a weight is not a finite number at step 1"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    assert!(matches!(trainer.checkpoint(Caller::default()).save(&path), Err(Error::Numeric(_))));
    assert!(!path.exists());
}

#[test]
fn the_best_weights_are_put_back_whatever_ends_the_run() {
    let text = "epochs = 9\nlearning_rate = 0.1\nearly_stopping = { patience = 2 }";
    let (images, labels) = samples("good", 8);
    // Ended by patience, by an interruption in the middle of an epoch, by a fault.
    for (losses, interrupted) in [(&[3.0, 1.0, 2.0, 1.5][..], false), (&[3.0, 1.0, 2.0], true)] {
        let mut trainer = trainer(text, SETUP);
        let mut weights = Vec::new();
        for &loss in losses {
            assert!(!trainer.done());
            trainer.step(&images, &labels).unwrap();
            let end = trainer.end_epoch(score(loss)).unwrap();
            assert_eq!(end.record.best, loss <= 1.0 || weights.is_empty());
            weights.push(trainer.weights_blake3());
        }
        assert_eq!(trainer.done(), !interrupted);
        if interrupted {
            trainer.step(&images, &labels).unwrap();
            assert!(trainer.step(&[f32::NAN; INPUTS], &[0]).is_err());
        }
        trainer.restore_best();
        assert_eq!(trainer.weights_blake3(), weights[1]);
    }
}

#[test]
fn running_statistics_belong_to_the_weights_and_a_step_that_is_refused_leaves_them() {
    let (images, labels) = samples("good", 8);
    let text = "epochs = 9\nlearning_rate = 0.1\nweight_decay = 0.1\nweight_decay_on = \"all\"\nearly_stopping = { patience = 2 }";
    let mut trainer = trainer(text, SETUP);
    let trained = trainer.network().parameter_count();
    let state = |trainer: &Trainer| trainer.params()[trained..].to_vec();
    assert_eq!(state(&trainer), [vec![0.0; 16], vec![1.0; 16]].concat());
    trainer.step(&images, &labels).unwrap();
    trainer.end_epoch(score(1.0)).unwrap();
    let (best, hash) = (state(&trainer), trainer.weights_blake3());
    assert!(trainer.step(&vec![f32::NAN; images.len()], &labels).is_err());
    assert_eq!(state(&trainer), best);
    trainer.step(&images, &labels).unwrap();
    trainer.end_epoch(score(2.0)).unwrap();
    assert!(state(&trainer) != best && trainer.weights_blake3() != hash);
    trainer.restore_best();
    assert_eq!((state(&trainer), trainer.weights_blake3()), (best, hash));
}

#[test]
fn without_early_stopping_the_last_weights_stay_and_the_best_epoch_is_still_told() {
    let (images, labels) = samples("good", 8);
    let mut trainer = trainer("epochs = 3\nlearning_rate = 0.1", SETUP);
    let mut best = Vec::new();
    while !trainer.done() {
        trainer.step(&images, &labels).unwrap();
        let epoch = f64::from(trainer.progress().epoch);
        best.push(trainer.end_epoch(score((epoch - 1.0).abs())).unwrap().record.best);
    }
    let last = trainer.weights_blake3();
    trainer.restore_best();
    assert_eq!((best, trainer.weights_blake3()), (vec![true, true, false], last));
    assert_eq!(trainer.progress().history.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2, 3]);
}

mod files;
