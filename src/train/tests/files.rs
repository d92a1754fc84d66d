//! Checkpoints and model files: what comes back, and what damage does.

use super::*;
use crate::error::Result;
use crate::model::Span;
use std::fs;

const TEXT: &str = "epochs = 3\nlearning_rate = 0.01\noptimizer = \"adam\"\nearly_stopping = { patience = 2 }";

/// A run in the middle of its second epoch, with everything in it that a checkpoint can hold.
fn in_the_middle() -> (Trainer, Checkpoint) {
    let mut trainer = trainer(TEXT, SETUP);
    for step in 0..15 {
        let (images, labels) = samples(&format!("batch {step}"), 8);
        trainer.step(&images, &labels).unwrap();
        if step == 9 {
            trainer.end_epoch(score(0.5)).unwrap();
        }
    }
    let notes = serde_json::json!({ "quarantined": 3 });
    let caller = Caller { config_hash: "abc".to_owned(), seed: 7, consumed: 40, stream_blake3: "00".repeat(32), notes };
    let checkpoint = trainer.checkpoint(caller);
    (trainer, checkpoint)
}

fn read(bytes: &[u8]) -> Result<Checkpoint> {
    Checkpoint::from_bytes(Path::new("run/checkpoint"), bytes, &in_the_middle().0.expected(None))
}

fn why(result: Result<impl std::fmt::Debug>) -> String {
    match result.unwrap_err() {
        Error::Damaged { path, why } if path == Path::new("run/checkpoint") => why,
        other => panic!("not called damaged: {other:?}"),
    }
}

/// The bytes with their seal made good again: what somebody who knows the format could write.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - 32;
    let hash = blake3::hash(&bytes[..body]);
    bytes[body..].copy_from_slice(hash.as_bytes());
    bytes
}

#[test]
fn a_checkpoint_comes_back_as_it_was_and_has_the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let (trainer, checkpoint) = in_the_middle();
    checkpoint.save(&path).unwrap();
    assert_eq!(Checkpoint::load(&path, &trainer.expected(Some("abc".to_owned()))).unwrap(), checkpoint);
    assert_eq!(fs::read(&path).unwrap(), in_the_middle().1.to_bytes().unwrap());
    assert!(checkpoint.best.is_some() && checkpoint.slots.len() == 2 && checkpoint.progress.batches_of_epoch == 5);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing stays beside it");
}

#[test]
fn a_new_checkpoint_takes_the_old_ones_place_and_a_refused_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let (trainer, mut checkpoint) = in_the_middle();
    checkpoint.save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    for damage in [|c: &mut Checkpoint| c.params[3] = f32::NAN, |c: &mut Checkpoint| c.slots[1].1[0] = f32::INFINITY] {
        let mut bad = checkpoint.clone();
        damage(&mut bad);
        assert!(matches!(bad.save(&path), Err(Error::Numeric(_))));
        assert_eq!(fs::read(&path).unwrap(), good);
    }
    checkpoint.caller.consumed = 41;
    checkpoint.save(&path).unwrap();
    assert_eq!(Checkpoint::load(&path, &trainer.expected(None)).unwrap().caller.consumed, 41);
}

#[test]
fn every_flipped_bit_is_found() {
    let (trainer, checkpoint) = in_the_middle();
    let (bytes, expected) = (checkpoint.to_bytes().unwrap(), trainer.expected(None));
    let mut dice = Key::of_run(5, "flips").dice();
    for _ in 0..2_000 {
        let (place, bit) = (dice.below(bytes.len() as u64) as usize, dice.below(8) as u32);
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << bit;
        let found = Checkpoint::from_bytes(Path::new("c"), &damaged, &expected);
        assert!(matches!(found, Err(Error::Damaged { .. })), "bit {bit} of byte {place}: {found:?}");
    }
}

#[test]
fn every_cut_and_every_run_of_zeros_is_found() {
    let (trainer, checkpoint) = in_the_middle();
    let (bytes, expected) = (checkpoint.to_bytes().unwrap(), trainer.expected(None));
    let damaged = |bytes: &[u8]| matches!(Checkpoint::from_bytes(Path::new("c"), bytes, &expected), Err(Error::Damaged { .. }));
    for length in 0..bytes.len() {
        assert!(damaged(&bytes[..length]), "cut to {length}");
    }
    assert!(damaged(&vec![0; bytes.len()]) && damaged(&[&bytes[..], &[0]].concat()));
    for start in (0..bytes.len()).step_by(512) {
        let mut zeroed = bytes.clone();
        zeroed[start..].fill(0);
        assert!(damaged(&zeroed), "zeros from {start}");
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused_by_name() {
    let (trainer, checkpoint) = in_the_middle();
    let bytes = checkpoint.to_bytes().unwrap();
    let path = Path::new("run/checkpoint");
    let other = |change: fn(&mut Expected)| {
        let mut expected = trainer.expected(Some("abc".to_owned()));
        change(&mut expected);
        Checkpoint::from_bytes(path, &bytes, &expected)
    };
    assert!(other(|_| {}).is_ok());
    assert!(why(other(|e| e.model = "x".to_owned())).contains("another model"));
    assert!(why(other(|e| e.optimizer = "sgd".to_owned())).contains("another model or optimizer"));
    assert!(why(other(|e| e.slots = &["velocity"])).contains("optimizer.velocity"));
    assert!(why(other(|e| e.parameters += 1)).contains("shape"));
    let refused = other(|e| e.config_hash = Some("def".to_owned())).unwrap_err();
    assert!(matches!(refused, Error::Refused(_)) && refused.exit_code() == 2, "{refused}");
}

#[test]
fn another_version_is_told_from_damage() {
    let mut bytes = in_the_middle().1.to_bytes().unwrap();
    let pattern = br#"\"format\":2,"#;
    let place = bytes.windows(pattern.len()).position(|window| window == pattern).unwrap();
    bytes[place + pattern.len() - 2] = b'9';
    let why = why(read(&sealed(bytes)));
    assert!(why.contains("it has format 9") && why.contains("reads format 2"), "{why}");
}

#[test]
fn a_hostile_file_with_a_good_seal_is_refused_before_anything_is_allocated() {
    let huge = r#"{"params":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,64]},"blake3":{"dtype":"U8","shape":[32],"data_offsets":[64,96]}}"#;
    let overlapping = r#"{"params":{"dtype":"F32","shape":[16],"data_offsets":[0,64]},"best":{"dtype":"F32","shape":[16],"data_offsets":[32,96]}}"#;
    let overflow = r#"{"params":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,96]}}"#;
    let unnamed = r#"{"blake3":{"dtype":"U8","shape":[96],"data_offsets":[0,96]}}"#;
    for header in [huge, overlapping, overflow, unnamed, "{}", "[[[[", ""] {
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 96]].concat();
        why(read(&sealed(bytes)));
    }
    why(read(&sealed([&u64::MAX.to_le_bytes()[..], &[b'{'; 200]].concat())));
}

#[test]
fn a_file_far_too_large_is_not_even_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let found = Checkpoint::load(&path, &in_the_middle().0.expected(None));
    assert!(matches!(found, Err(Error::Damaged { .. })), "{found:?}");
    assert!(matches!(Checkpoint::load(folder.path().join("none"), &in_the_middle().0.expected(None)), Err(Error::Io { .. })));
}

#[test]
fn numbers_come_back_as_the_very_same_bits() {
    let mut dice = Key::of_run(1, "numbers").dice();
    for _ in 0..20_000 {
        let number = dice.uniform(-10.0, 10.0) * 10f64.powi(dice.integer(-20, 20) as i32);
        let totals = Totals { loss_sum: number, correct: 1, count: 2 };
        let text = serde_json::to_string(&totals).unwrap();
        assert_eq!(serde_json::from_str::<Totals>(&text).unwrap().loss_sum.to_bits(), number.to_bits(), "{text}");
    }
}

fn model() -> (ModelFile, Vec<Span>) {
    let (trainer, _) = in_the_middle();
    let card = ModelCard {
        name: "brands".to_owned(),
        model: "preset = \"softmax\"\n".to_owned(),
        input: [1, 3, 4],
        classes: ["a", "ü", "\"c\"", "d", "e"].map(str::to_owned).to_vec(),
        mean: vec![0.1, 0.2],
        std: vec![0.3, 1.0 / 3.0],
        evaluate: "[[evaluate]]\nop = \"resize\"\n".to_owned(),
        seed: u64::MAX,
        epochs: 3,
    };
    (ModelFile { card, params: trainer.params().to_vec() }, trainer.network().spans().to_vec())
}

#[test]
fn a_model_comes_back_as_it_was_and_has_the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let (file, spans) = model();
    file.save(&path, &spans).unwrap();
    assert_eq!(ModelFile::load(&path, |_| Ok(spans.clone())).unwrap(), file);
    assert_eq!(fs::read(&path).unwrap(), model().0.to_bytes(&spans).unwrap());
    let mut bad = file;
    bad.params[0] = f32::NAN;
    assert!(matches!(bad.save(&path, &spans), Err(Error::Numeric(_))));
}

#[test]
fn damage_to_a_model_is_found() {
    let (file, spans) = model();
    let bytes = file.to_bytes(&spans).unwrap();
    let found = |bytes: &[u8]| ModelFile::from_bytes(Path::new("m"), bytes, |_| Ok(spans.clone()));
    let mut dice = Key::of_run(6, "flips").dice();
    for _ in 0..2_000 {
        let (place, bit) = (dice.below(bytes.len() as u64) as usize, dice.below(8) as u32);
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << bit;
        match found(&damaged) {
            Err(Error::Damaged { .. }) => {}
            // A last digit that makes no difference to the number that it belongs to.
            other => assert_eq!(other.unwrap(), file, "bit {bit} of byte {place}"),
        }
    }
    assert!((0..bytes.len()).step_by(7).all(|length| found(&bytes[..length]).is_err()));
    let fewer = ModelFile::from_bytes(Path::new("m"), &bytes, |_| Ok(spans[..1].to_vec()));
    assert!(fewer.unwrap_err().to_string().contains("rows of weights"));
    assert!(ModelFile::from_bytes(Path::new("m"), &bytes, |_| Err(Error::refused("no such layer", ""))).is_err());
}

#[test]
fn weights_are_told_apart_by_value_name_and_shape() {
    let (file, spans) = model();
    let hash = weights_blake3(&file.params, &spans);
    let mut params = file.params.clone();
    params[7] += 1e-6;
    assert_ne!(weights_blake3(&params, &spans), hash);
    for change in [|s: &mut Span| s.name.push('x'), |s: &mut Span| s.shape.reverse(), |s: &mut Span| s.shape.push(1)] {
        let mut other = spans.clone();
        change(&mut other[0]);
        assert_ne!(weights_blake3(&file.params, &other), hash);
        assert_ne!(model_fingerprint(&other), model_fingerprint(&spans));
    }
}
