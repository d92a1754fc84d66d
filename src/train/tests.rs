//! Laws of training, over every update rule and every schedule.

use super::*;
use crate::config::{Fields, Problems};
use crate::error::Error;
use crate::event::Score;
use crate::isa::{Isa, only};
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

/// Runs to the end, at most of the sixth epoch of ten batches; `between` may put another trainer in place after every batch.
fn run(mut trainer: Trainer, mut between: impl FnMut(Trainer) -> Trainer) -> Trainer {
    while !trainer.done() {
        let batch = trainer.progress().batches;
        let (images, labels) = samples(&format!("batch {batch}"), SETUP.batch_size);
        trainer.step(&images, &labels).unwrap();
        if trainer.progress().batches_of_epoch == trainer.length().batches(trainer.progress().epoch) {
            // Ups and downs, so that plateaus and patience have something to remember.
            let losses = [0.7, 0.6, 0.61, 0.65, 0.59, 0.7];
            let epoch = trainer.progress().epoch as usize;
            trainer.end_epoch(score(losses[epoch])).unwrap();
        }
        trainer = between(trainer);
    }
    trainer
}

/// Holds a run that is stored and taken up by a fresh trainer after every batch, each time with another number of threads,
/// against the run straight through.
fn assert_resumes_at_every_batch(text: &str) {
    let straight = run(trainer(text, SETUP), |trainer| trainer);
    let mut stored = 0;
    let resumed = run(trainer(text, SETUP), |old| {
        stored += 1;
        let caller = Caller { consumed: stored, notes: serde_json::json!({ "bad": [1, "x"] }), ..Caller::default() };
        let bytes = old.checkpoint(caller.clone()).to_bytes().unwrap();
        let mut fresh = trainer(text, Setup { threads: 1 + stored as usize % 3, ..SETUP });
        let checkpoint = Checkpoint::from_bytes(Path::new("c"), &bytes, &fresh.expected(None)).unwrap();
        assert_eq!(fresh.resume(checkpoint), caller);
        fresh
    });
    let length = straight.length();
    assert_eq!(stored, 10 * u64::from(length.epochs - 1) + length.last, "{text}");
    let bytes = |trainer: &Trainer| trainer.checkpoint(Caller::default()).to_bytes().unwrap();
    assert!(bytes(&straight) == bytes(&resumed), "{text}");
    assert_eq!(straight.weights_blake3(), resumed.weights_blake3());
    assert_eq!(straight.progress().history.len(), length.epochs as usize);
}

/// What airbench asks for, all at once.
const RECIPE: &str = "weight_decay = 0.1\nweight_decay_on = 'all'\nlabel_smoothing = 0.2\n\
    ema = { decay = 0.77, every = 3, ramp = 3, copy_back = true, warmup = false, after_epochs = 1.5 }\n\
    groups = [{ index = 0, parameter = 'bias', freeze_after = 2 }, { parameter = 'norm', rate = 16, weight_decay = 0.01 }]";

/// What `[train]` can be given beside an update rule and a schedule, one by one and all together. Ten batches an epoch are no
/// multiple of four or of three: epochs end in the middle of what is accumulated, and averages are added across them.
const OPTIONS: [&str; 11] = [
    "",
    "max_norm = 0.8",
    "clip_value = 0.02",
    "ema = { decay = 0.9 }",
    "ema = { decay = 0.7, every = 3, copy_back = true, warmup = false, ramp = 2 }",
    "accumulate = 4",
    "groups = [{ parameter = 'bias', rate = 4 }, { index = 0, rate = 0.5, weight_decay = 0.3, max_norm = 1 }]",
    "weight_decay = 0.1\nweight_decay_on = 'all'\nlabel_smoothing = 0.1",
    "groups = [{ index = 0, parameter = 'bias', freeze_after = 2.5 }, { parameter = 'norm', rate = 64, weight_decay = 0.001 }]",
    RECIPE,
    "max_norm = 0.9\nclip_value = 0.05\nema = { decay = 0.9, every = 2 }\naccumulate = 3\ngroups = ['bias']\nweight_decay = 0.2",
];

#[test]
fn a_run_stored_and_taken_up_at_every_step_equals_straight_through_for_every_rule_and_schedule() {
    for optimizer in OPTIMIZERS {
        for schedule in SCHEDULES {
            let rate = schedule.example.replace("patience = 3", "patience = 1").replace("peak = 0.1", "peak = 0.02");
            assert_resumes_at_every_batch(&format!(
                "epochs = 6\nl1 = 0.01\nl2 = 0.1\nclip_norm = 0.5\nearly_stopping = {{ patience = 4 }}\n\
                 [optimizer]\n{}\n[learning_rate]\n{rate}",
                optimizer.example
            ));
        }
    }
}

#[test]
fn a_run_stored_and_taken_up_at_every_step_equals_straight_through_for_every_rule_and_option() {
    for optimizer in OPTIMIZERS {
        for option in OPTIONS {
            assert_resumes_at_every_batch(&format!(
                "epochs = 6\nlearning_rate = {{ peak = 0.02, schedule = 'one_cycle' }}\nclip_norm = 0.5\n\
                 early_stopping = {{ patience = 4 }}\n{option}\n[optimizer]\n{}",
                optimizer.example
            ));
        }
    }
}

#[test]
fn a_run_that_ends_within_an_epoch_stored_and_taken_up_at_every_step_equals_straight_through() {
    for more in ["", "\naccumulate = 4"] {
        let text = format!(
            "epochs = 4.7\nlearning_rate = {{ peak = 0.3, schedule = 'triangle', start = 0.2, at = 0.23, floor = 0.07 }}\n{RECIPE}{more}\n\
             [optimizer]\nname = 'sgd'\nmomentum = 0.85\nnesterov = true"
        );
        assert_resumes_at_every_batch(&text);
    }
}

#[test]
fn a_schedule_ends_where_the_last_epoch_does() {
    let text = "epochs = 2.45\nlearning_rate = { peak = 1, schedule = 'linear' }";
    let mut rates = Vec::new();
    let trainer = run(trainer(text, SETUP), |trainer| {
        rates.push(trainer.progress().learning_rate);
        trainer
    });
    assert_eq!((trainer.length().epochs, trainer.length().last), (3, 5));
    assert_eq!(rates, (0..25).map(|step| 1.0 - f64::from(step) / 25.0).collect::<Vec<_>>());
    let accumulated = run(self::trainer(&format!("{text}\naccumulate = 4"), SETUP), |trainer| trainer);
    // Three steps of either whole epoch, and two of the part.
    assert_eq!((accumulated.progress().step, accumulated.progress().learning_rate), (8, 1.0 - 7.0 / 8.0));
}

#[test]
fn what_is_frozen_keeps_its_bits_and_everything_else_goes_on() {
    for optimizer in OPTIMIZERS {
        let text = format!("epochs = 5\nlearning_rate = 0.02\nl2 = 0.1\n{RECIPE}\n[optimizer]\n{}", optimizer.example);
        let trainer = trainer(&text, SETUP);
        let bias = trainer.network().spans().iter().find(|span| span.name == "0.bias").unwrap().range();
        let (mut frozen, mut before) = (Vec::new(), trainer.params().to_vec());
        run(trainer, |trainer| {
            let now = trainer.params();
            let (changed, rest) = (now[bias.clone()] != before[bias.clone()], now[..bias.start] != before[..bias.start]);
            let learns = trainer.progress().step <= 20;
            assert!(changed == learns && rest, "{} at step {}", optimizer.name, trainer.progress().step);
            if trainer.progress().step == 20 {
                frozen = now[bias.clone()].to_vec();
            }
            // The average does not pull it away either; that is asked of it from the addition after the last change on.
            assert!(learns || trainer.progress().step < 21 || trainer.params()[bias.clone()] == frozen);
            assert!(trainer.progress().step < 21 || trainer.weights()[bias.clone()] == frozen);
            before = now.to_vec();
            trainer
        });
    }
}

#[test]
fn golden_four_steps_with_weights_copied_back_from_their_average() {
    // Rates of 1 and a gradient that is put in place by hand: w goes 0, -1, -2; the average of 0 and -2 with 0.25 kept is -1.5;
    // then -2.5, -3.5; of -1.5 and -3.5 with 0.5 kept it is -2.5.
    let averaging =
        config("epochs = 1\nlearning_rate = 1\nema = { decay = 0.5, every = 2, ramp = 1, copy_back = true, warmup = false }");
    let averaging = averaging.averaging.unwrap();
    let (mut average, mut weights, mut seen) = (vec![0.0f32], vec![0.0f32], Vec::new());
    for step in 0..4 {
        weights[0] -= 1.0;
        let place = crate::optim::schedule::Place { step, epoch: 0, steps_per_epoch: 4, steps: 4 };
        if let Some(keep) = averaging.keep(place) {
            averaging.add(keep, &mut average, &mut weights);
        }
        seen.push((weights[0], average[0]));
    }
    assert_eq!(seen, [(-1.0, 0.0), (-1.5, -1.5), (-2.5, -1.5), (-2.5, -2.5)]);
}

#[test]
fn training_goes_on_from_what_was_copied_back() {
    // The same four steps of a trainer, and of another one without an average that is given the mean of its weights by hand.
    let ema = "ema = { decay = 0.5, every = 2, copy_back = true, warmup = false }";
    let mut averaged = trainer(&format!("epochs = 1\nlearning_rate = 0.3\n{ema}"), SETUP);
    let mut plain = trainer("epochs = 1\nlearning_rate = 0.3", SETUP);
    let mut slow = plain.params().to_vec();
    for step in 1..=4 {
        let (images, labels) = samples(&format!("batch {step}"), 8);
        averaged.step(&images, &labels).unwrap();
        plain.step(&images, &labels).unwrap();
        if step % 2 == 0 {
            slow.iter_mut().zip(plain.params()).for_each(|(slow, fast)| *slow += 0.5 * (fast - *slow));
            let mut checkpoint = plain.checkpoint(Caller::default());
            checkpoint.params = slow.clone();
            plain.resume(checkpoint);
        }
        assert!(averaged.params() == plain.params(), "after step {step}, running statistics too");
        assert_eq!(averaged.weights(), slow);
    }
}

#[test]
fn before_an_average_begins_it_is_the_weights() {
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.3\nema = { decay = 0.9, after_epochs = 0.3 }", SETUP);
    for step in 1..=5 {
        let (images, labels) = samples(&format!("batch {step}"), 8);
        trainer.step(&images, &labels).unwrap();
        assert_eq!(trainer.weights() == trainer.params(), step <= 3, "{step}");
    }
}

#[test]
fn every_option_gives_the_same_weights_on_any_number_of_threads_and_changes_them() {
    let mut seen = Vec::new();
    for option in OPTIONS {
        let text = format!("epochs = 6\nlearning_rate = 0.05\noptimizer = 'muon'\nclip_norm = 0.5\n{option}");
        let hashes = [1, 2, 3, 4, 8].map(|threads| {
            let mut trainer = run(trainer(&text, Setup { threads, ..SETUP }), |trainer| trainer);
            let (images, labels) = samples("score", 20);
            (trainer.evaluate(&images, &labels), trainer.weights_blake3())
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{option}");
        assert!(!seen.contains(&hashes[0].1), "{option} does nothing");
        seen.push(hashes[0].1);
    }
}

#[test]
fn weights_do_not_depend_on_the_number_of_threads() {
    let text = "epochs = 6\nlearning_rate = 0.05\noptimizer = \"adam\"\nl2 = 0.1\nclip_norm = 0.5";
    let hash = |threads| run(trainer(text, Setup { threads, ..SETUP }), |trainer| trainer).weights_blake3();
    let one = hash(1);
    assert!([2, 3, 4, 8].into_iter().all(|threads| hash(threads) == one));
    let other = run(trainer(text, Setup { seed: 8, ..SETUP }), |trainer| trainer);
    assert_ne!(other.weights_blake3(), one);
}

#[test]
fn a_convolutional_networks_weights_do_not_depend_on_threads_or_instructions_for_any_rule() {
    let images: Vec<f32> = (0..21 * 28 * 28).map(|place| (place * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
    let labels: Vec<u32> = (0..21).map(|place| place % 10).collect();
    for optimizer in OPTIMIZERS {
        let config = config(&format!(
            "epochs = 1\nlearning_rate = 0.01\nl1 = 0.1\nweight_decay = 0.01\nclip_norm = 1\nmax_norm = 1\nema = {{ decay = 0.5 }}\n\
             [optimizer]\n{}",
            optimizer.example
        ));
        let run = |threads, isa| {
            let problems = Problems::default();
            let model = crate::model::read(&Fields::parse("preset = \"lenet\"", &problems).unwrap());
            let network = Network::new(model.layers, Shape::new(1, 28, 28), 10).unwrap();
            assert!(network.parameter_count() > 2 * crate::optim::PIECE);
            let mut trainer = Trainer::new(network, &config, Setup { batch_size: 21, threads, ..SETUP }).unwrap();
            only(isa, || {
                let losses = [0; 3].map(|_| trainer.step(&images, &labels).unwrap().tally.loss_sum.to_bits());
                (losses, trainer.weights_blake3(), trainer.params().to_vec())
            })
        };
        let one = run(1, Isa::best());
        assert!(run(8, Isa::Avx2) == one, "{}", optimizer.name);
        if optimizer.name == "muon" {
            assert!([2, 3, 4].into_iter().all(|threads| run(threads, Isa::Avx512) == one));
        }
    }
}

#[test]
fn networks_with_state_have_the_same_weights_on_any_number_of_threads() {
    let config = config(
        "epochs = 1\nlearning_rate = 0.05\noptimizer = \"muon\"\nl1 = 0.1\nweight_decay = 0.01\nclip_norm = 1\nmax_norm = 2\n\
         ema = { decay = 0.5, copy_back = true }",
    );
    let images: Vec<f32> = (0..21 * 28 * 28).map(|place| (place * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
    let labels: Vec<u32> = (0..21).map(|place| place % 10).collect();
    for preset in ["preset = 'resnet9'\nchannels = [4, 8, 16, 17]", "preset = 'airbench'\nchannels = [8, 17, 9]"] {
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

/// Without dropout, whose mask depends on the place in the batch.
fn without_dropout() -> Network {
    network_of("layers = [{ layer = \"linear\", out = 9 }, \"relu\", \"linear\"]")
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    // Batches of 4, 4, 4 and 2, and again, against batches of 12 and 2: the last step of an epoch takes what there is.
    for optimizer in OPTIMIZERS {
        let text = |accumulate| {
            format!(
                "epochs = 2\nlearning_rate = {{ peak = 0.05, schedule = 'cosine' }}\naccumulate = {accumulate}\nl2 = 0.3\nclip_norm = 1\n\
                 ema = {{ decay = 0.9 }}\n[optimizer]\n{}",
                optimizer.example
            )
        };
        let small = Setup { batch_size: 4, steps_per_epoch: 4, ..SETUP };
        let large = Setup { batch_size: 12, steps_per_epoch: 2, ..SETUP };
        let mut parts = Trainer::new(without_dropout(), &config(&text(3)), small).unwrap();
        let mut whole = Trainer::new(without_dropout(), &config(&text(1)), large).unwrap();
        let (images, labels) = samples("epoch", 14);
        for _ in 0..2 {
            for (trainer, size) in [(&mut parts, 4), (&mut whole, 12)] {
                for (images, labels) in images.chunks(size * INPUTS).zip(labels.chunks(size)) {
                    trainer.step(images, labels).unwrap();
                }
                trainer.end_epoch(None).unwrap();
            }
            assert_eq!(parts.progress().step, whole.progress().step);
            assert_eq!(parts.progress().learning_rate, whole.progress().learning_rate);
        }
        assert_eq!((parts.progress().step, parts.progress().batches), (4, 8));
        // Adam's first steps are signs of gradients: where one is all but 0, rounding shows more than elsewhere.
        let largest = parts.weights().iter().zip(whole.weights()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 2e-5, "{}: {largest}", optimizer.name);
    }
}

#[test]
fn dropout_in_accumulated_batches_differs_from_batch_to_batch() {
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.05\naccumulate = 4", SETUP);
    let (images, labels) = samples("same", 8);
    let losses = [0; 4].map(|_| trainer.step(&images, &labels).unwrap().tally.loss_sum);
    assert!((1..4).all(|place| losses[place] != losses[place - 1]), "{losses:?}");
    assert_eq!((trainer.progress().step, trainer.progress().batches), (1, 4));
}

#[test]
fn what_is_not_finite_stops_a_run_in_the_batch_that_brings_it_and_is_not_gathered() {
    let (images, labels) = samples("good", 8);
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.1\naccumulate = 3", SETUP);
    trainer.step(&images, &labels).unwrap();
    let before = trainer.checkpoint(Caller::default());
    let mut bad = images.clone();
    bad[3] = f32::NAN;
    assert!(trainer.step(&bad, &labels).unwrap_err().to_string().contains("the loss is not a finite number at step 1"));
    assert!(trainer.checkpoint(Caller::default()) == before);
}

#[test]
fn the_average_is_what_is_scored_chosen_and_stored() {
    let text = "epochs = 3\nlearning_rate = 0.3\nema = { decay = 0.9, warmup = false }\nearly_stopping = { patience = 9 }";
    let mut trainer = trainer(text, SETUP);
    let (images, labels) = samples("good", 8);
    let mut average: Vec<f64> = trainer.params().iter().map(|&w| f64::from(w)).collect();
    for loss in [3.0, 1.0, 2.0] {
        trainer.step(&images, &labels).unwrap();
        average.iter_mut().zip(trainer.params()).for_each(|(a, &w)| *a = 0.9 * *a + 0.1 * f64::from(w));
        let near = |weights: &[f32]| weights.iter().zip(&average).all(|(&w, a)| (f64::from(w) - a).abs() < 1e-6);
        assert!(near(trainer.weights()) && !near(trainer.params()));
        // The same score as a trainer whose parameters are the average.
        let mut other = Trainer::new(network(), &config("epochs = 1\nlearning_rate = 1"), SETUP).unwrap();
        let mut checkpoint = other.checkpoint(Caller::default());
        checkpoint.params = trainer.weights().to_vec();
        other.resume(checkpoint);
        assert_eq!(trainer.evaluate(&images, &labels), other.evaluate(&images, &labels));
        trainer.end_epoch(score(loss)).unwrap();
    }
    let last = trainer.weights_blake3();
    trainer.restore_best();
    assert_ne!(trainer.weights_blake3(), last, "the average of the second epoch is the best");
    assert_eq!(trainer.params(), trainer.weights());
}

#[test]
fn an_epochs_scores_are_weighted_by_sample_count() {
    let mut trainer = trainer("epochs = 1\nlearning_rate = 0.1", SETUP);
    let mut sum = 0.0;
    for (number, count) in [8, 8, 3, 1].into_iter().enumerate() {
        let (images, labels) = samples(&format!("batch {number}"), count);
        sum += trainer.step(&images, &labels).unwrap().tally.loss_sum;
    }
    let train = trainer.end_epoch(None).unwrap().record.train;
    assert_eq!((train.samples, train.loss), (20, sum / 20.0));
}

#[test]
fn a_batch_of_all_samples_is_batch_gradient_descent() {
    let (images, labels) = samples("all", 20);
    let setup = Setup { batch_size: 20, ..SETUP };
    let mut trainer = Trainer::new(without_dropout(), &config("epochs = 1\nlearning_rate = 0.5"), setup).unwrap();
    let (network, before) = (without_dropout(), trainer.params().to_vec());
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
