//! Presets and test-time augmentation as a user runs them, and a batch of several views scored as by hand.

mod support;

use augpipe::augment::Chain;
use augpipe::batch::{Part, Pass};
use augpipe::config::{Document, Fields, Problems};
use augpipe::key::Key;
use augpipe::model::{self, Network, Shape};
use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::flip::flip_horizontal;
use augpipe::pixels::normalize::Normalize;
use augpipe::sample::{Finished, Identity, Image, Sample, Size};
use augpipe::stage::augment::Augment;
use augpipe::stage::batch::{Batcher, LastBatch};
use augpipe::stage::{Content, Slot, Ticket};
use augpipe::train::{Setup, TrainConfig, Trainer};
use std::fs;
use std::path::Path;
use support::{outcome, report, run, stderr, stdout, workplace};

/// The pipeline of the tests with other tables in place of `[[augment]]`.
fn with_tables(tables: &str) -> String {
    let text = support::pipeline_text();
    let (start, end) = (text.find("[[augment]]").unwrap(), text.find("[batch]").unwrap());
    format!("{}{tables}\n{}", &text[..start], &text[end..])
}

const PRESETS: [&str; 5] = [
    "[preprocess]\npreset = 'imagenet'\nsize = 10\nresize_side = 11",
    "[preprocess]\npreset = 'cifar'\nsize = 12\npadding = 2",
    "[preprocess]\npreset = 'vgg'\nsize = 10\nresize_side = [11, 16]\nevaluate_side = 11",
    "[preprocess]\npreset = 'inception'\nsize = 10",
    "[preprocess]\npreset = 'inception'\nsize = [10, 8]\nmode = 'full'",
];

const TEN_CROP: &str = "[[augment]]\nop = 'crop'\nsize = 10\n[[evaluate]]\nop = 'ten_crop'\nsize = 10";

/// Runs `tables` on one worker and on three, compares what is left, and goes on with the first.
fn same_on_one_and_three_workers(place: &Path, tables: &str) {
    fs::write(place.join("preset.toml"), with_tables(tables)).unwrap();
    for workers in ["1", "3"] {
        let out = format!("w{workers}");
        run(place, &["run", "preset.toml", "--quiet", "--workers", workers, "--out", &out, "--set", "train.epochs=2"], 0);
    }
    assert_eq!(outcome(&place.join("w1")), outcome(&place.join("w3")), "{tables}");
    let read = |out: &str| fs::read(place.join(out).join("model.safetensors")).unwrap();
    assert!(read("w1") == read("w3"), "{tables}");
    let report = report(&place.join("w1"));
    let timing = &report["timing"];
    assert!(timing["peak_memory_bytes"].as_u64().unwrap() <= timing["memory_bound_bytes"].as_u64().unwrap(), "{tables}");
    assert!(report["outcome"]["test"]["loss"].as_f64().unwrap() > 0.0, "{tables}");
    // The stored file is the written-out one: it is the same pipeline to a resumed run.
    run(place, &["run", "preset.toml", "--quiet", "--resume", "--out", "w1", "--set", "train.epochs=2"], 0);
}

#[test]
fn every_preset_trains_to_the_same_outcome_on_one_worker_and_on_three() {
    for preset in PRESETS {
        let place = workplace(12);
        same_on_one_and_three_workers(place.path(), preset);
    }
}

#[test]
fn ten_crop_scores_to_the_same_outcome_on_one_worker_and_on_three() {
    let place = workplace(12);
    same_on_one_and_three_workers(place.path(), TEN_CROP);
    let said = stdout(&run(place.path(), &["check", "preset.toml"], 0));
    assert!(said.contains("10 of each sample in evaluation"), "{said}");
}

#[test]
fn an_interrupted_run_with_numbers_goes_on_to_the_same_outcome() {
    let place = workplace(12);
    fs::write(place.path().join("preset.toml"), with_tables(PRESETS[2])).unwrap();
    run(place.path(), &["run", "preset.toml", "--quiet", "--out", "whole", "--set", "train.epochs=12"], 0);
    let mut child =
        support::pipeline(place.path(), &["run", "preset.toml", "--quiet", "--out", "part", "--set", "train.epochs=12"])
            .spawn()
            .unwrap();
    let metrics = place.path().join("part/metrics.csv");
    while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 4 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    child.wait().unwrap();
    let resume = ["run", "preset.toml", "--quiet", "--out", "part", "--resume", "--workers", "3", "--set", "train.epochs=12"];
    run(place.path(), &resume, 0);
    assert_eq!(outcome(&place.path().join("part")), outcome(&place.path().join("whole")));
}

#[test]
fn check_shows_what_a_preset_stands_for_and_describe_its_keys() {
    let place = workplace(8);
    // `preprocess` as a bare key must stand in front of every table.
    let text = format!("preprocess = {{ preset = 'vgg', size = 12, resize_side = [12, 20] }}\n{}", with_tables(""));
    fs::write(place.path().join("preset.toml"), text).unwrap();
    let said = stdout(&run(place.path(), &["check", "preset.toml"], 0));
    for part in ["as vgg", "vgg_train", "vgg_evaluate", "resize_side = [12, 20]", "12x12"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    for (name, part) in [("vgg", "evaluate_side"), ("inception", "mode"), ("imagenet", "resize_side"), ("cifar", "padding")] {
        let said = stdout(&run(place.path(), &["describe", name], 0));
        assert!(said.contains(part) && said.contains("preprocess preset"), "{said}");
    }
    assert!(stdout(&run(place.path(), &["list"], 0)).contains("preprocess presets"));
}

#[test]
fn what_cannot_work_is_refused_with_advice() {
    let place = workplace(8);
    let refused = |text: &str, parts: &[&str]| {
        fs::write(place.path().join("preset.toml"), text).unwrap();
        let said = stderr(&run(place.path(), &["check", "preset.toml"], 2));
        assert_eq!(said.matches("error:").count(), 1, "{said}");
        parts.iter().for_each(|part| assert!(said.contains(part), "{part} in\n{said}"));
    };
    let ten = "[[augment]]\nop = 'ten_crop'\nsize = 10\n[[evaluate]]\nop = 'center_crop'\nsize = 10";
    refused(&with_tables(ten), &["makes 10 pictures", "[[evaluate]]", "averaged"]);
    let twice = format!("{TEN_CROP}\n[[evaluate]]\nop = 'five_crop'\nsize = 10");
    refused(&with_tables(&twice), &["a second time"]);
    let nested = "[[evaluate]]\nop = 'sometimes'\np = 1\nops = [{ op = 'ten_crop', size = 12 }]";
    refused(&with_tables(nested), &["`ten_crop` cannot stand inside `sometimes`", "a table of its own"]);
    let after =
        "[[augment]]\nop = 'vgg_train'\nsize = 10\n[[evaluate]]\nop = 'vgg_evaluate'\nsize = 10\n[[evaluate]]\nop = 'invert'\n";
    let after = after.replace("'invert'", "'horizontal_flip'\np = 1");
    refused(&with_tables(&after), &["follows an operation that gives numbers"]);
    let share = "[[augment]]\nop = 'vgg_train'\nsize = 12\np = 0.5\n[[evaluate]]\nop = 'vgg_evaluate'\nsize = 12";
    refused(&with_tables(share), &["applied to every sample"]);
    let mixed = "[[augment]]\nop = 'vgg_train'\nsize = 12";
    refused(&with_tables(mixed), &["[[augment]] ends in numbers", "vgg_evaluate"]);
    refused(
        &with_tables(&format!("{}\n[normalize]\nmean = 'auto'", PRESETS[3])),
        &["`normalize` cannot stand beside", "inception"],
    );
    let numbers =
        "[[augment]]\nop = 'vgg_train'\nsize = 12\n[[evaluate]]\nop = 'vgg_evaluate'\nsize = 12\n[normalize]\nmean = 'auto'";
    refused(&with_tables(numbers), &["[normalize] has nothing to do"]);
    refused(&with_tables("[preprocess]\npreset = 'vg'"), &["did you mean \"vgg\"?"]);
    refused(&with_tables("[preprocess]\npreset = 'vgg'\nsize = 300\nresize_side = [300, 400]"), &["evaluate_side", "300x300"]);
    let gray = with_tables(PRESETS[0]).replace("[source]", "[source]\nchannels = 1");
    refused(&gray, &["RGB"]);
    let write = with_tables(PRESETS[2]);
    let write = format!("{}[report]\npath = 'runs'\n[write]\npath = 'prepared'\n", &write[..write.find("[batch]").unwrap()]);
    refused(&write, &["8 bits", "numbers"]);
    let write = with_tables(TEN_CROP);
    let write = format!("{}[report]\npath = 'runs'\n[write]\npath = 'prepared'\n", &write[..write.find("[batch]").unwrap()]);
    refused(&write, &["one picture of a sample", "ten_crop"]);
}

fn chain(tables: &str) -> Chain {
    let problems = Problems::default();
    let document = Document::parse("test.toml", tables).unwrap();
    let chain = Chain::build(&Fields::new(&document, &problems).tables("evaluate", "op", ""));
    assert!(problems.take().is_empty());
    chain
}

fn picture() -> Image {
    Image::new(Size::new(15, 18), 3, (0..810u32).map(|i| (i * i % 251) as u8).collect())
}

/// Softmax in `f64`.
fn probabilities(logits: &[f32]) -> Vec<f64> {
    let powers: Vec<f64> = logits.iter().map(|&logit| f64::from(logit).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[test]
fn ten_crop_on_one_picture_is_the_mean_over_its_parts_cut_by_hand() {
    let problems = Problems::default();
    let fields = |text: &str| Fields::parse(text, &problems).unwrap();
    let layers = "layers = [{ layer = 'conv', out = 4, kernel = 3 }, 'relu', 'flatten', 'linear']";
    let network = Network::new(model::read(&fields(layers)).layers, Shape::new(3, 10, 10), 3).unwrap();
    let (mean, std) = ([0.4, 0.5, 0.3], [0.2, 0.25, 0.3]);

    let (train, evaluate) = (Chain::default(), chain("evaluate = [{ op = 'ten_crop', size = 10 }]"));
    let size = Size::new(10, 10);
    let augment = Augment { seed: 1, train: &train, evaluate: &evaluate, size: Some(size), classes: &[] };
    let mut batcher = Batcher::new(4, LastBatch::Keep, Normalize::new(&mean, &std), 3, size);
    let ticket = Ticket { pass: Pass { part: Part::Test, epoch: 0 }, position: 0, entry: 0, last: true };
    let sample = Sample { identity: Identity("one".into()), label: 2, image: picture() };
    let finished: Finished = augment.finish(sample.clone(), ticket.pass).unwrap();
    assert_eq!(finished.views.len(), 10);
    let batch = batcher.take(augment.apply(Slot { ticket, outcome: Ok(Content::Read(sample)), notes: Vec::new() })).unwrap();
    assert_eq!((batch.count(), batch.views, batch.view().dim()), (1, 10, (10, 3, 10, 10)));

    let mut by_hand = vec![0.0; 3];
    let parameters = network.initialise(9);
    let mut workspace = network.workspace(1);
    let mut row = 0;
    for flipped in [false, true] {
        let mut whole = picture();
        if flipped {
            flip_horizontal(&mut whole);
        }
        // 15 - 10 = 5 rows and 18 - 10 = 8 columns to spare; 5/2 rounds to the even 2.
        for (top, left) in [(0, 0), (0, 8), (5, 0), (5, 8), (2, 4)] {
            let part = crop(&whole, Region::at(top, left, size));
            let mut image = Vec::new();
            for channel in 0..3 {
                image.extend(
                    part.pixels().chunks(3).map(|pixel| (f32::from(pixel[channel]) / 255.0 - mean[channel]) / std[channel]),
                );
            }
            let theirs = &batch.images[row * 300..][..300];
            assert!(theirs.iter().zip(&image).all(|(a, b)| (a - b).abs() < 1e-5), "part {row}");
            let logits = network.logits(&mut workspace, &parameters, theirs, 1);
            by_hand.iter_mut().zip(probabilities(logits)).for_each(|(mean, p)| *mean += p / 10.0);
            row += 1;
        }
    }
    let config = TrainConfig::read(&fields("epochs = 1\nlearning_rate = 0.1"));
    let setup = Setup { seed: 9, batch_size: 4, steps_per_epoch: 1, threads: 1 };
    let mut trainer = Trainer::new(network, &config, setup).unwrap();
    let totals = trainer.evaluate_views(&batch.images, &batch.labels, batch.views);
    assert!((totals.loss_sum + by_hand[2].ln()).abs() < 1e-9, "{totals:?}, {by_hand:?}");
    assert_eq!(totals.correct == 1, by_hand[2] > by_hand[0] && by_hand[2] > by_hand[1]);
    assert_eq!(totals.count, 1);
}

#[test]
fn numbers_come_into_a_batch_as_they_are() {
    let (train, evaluate) = (Chain::default(), chain("evaluate = [{ op = 'vgg_evaluate', size = 10, resize_side = 11 }]"));
    let size = Size::new(10, 10);
    let augment = Augment { seed: 1, train: &train, evaluate: &evaluate, size: Some(size), classes: &[] };
    // Another mean and deviation would show.
    let mut batcher = Batcher::new(4, LastBatch::Keep, Normalize::new(&[9.0; 3], &[0.1; 3]), 3, size);
    let ticket = Ticket { pass: Pass { part: Part::Test, epoch: 0 }, position: 0, entry: 0, last: true };
    let sample = Sample { identity: Identity("one".into()), label: 2, image: picture() };
    let batch = batcher.take(augment.apply(Slot { ticket, outcome: Ok(Content::Read(sample)), notes: Vec::new() })).unwrap();
    let views = evaluate.views(Key { run: 1, epoch: 0, sample: 0, op: 0 }, picture()).unwrap();
    let augpipe::sample::View::Floats(view) = &views[0] else { panic!("numbers") };
    for (index, value) in batch.images.iter().enumerate() {
        let (channel, place) = (index / 100, index % 100);
        assert_eq!(*value, view.values()[place * 3 + channel]);
    }
}
