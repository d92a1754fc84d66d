//! The main job as a user runs it: the same bytes on any machine shape, after any interruption, with bad samples, and offline.

mod support;

use std::fs;
use std::path::Path;
use support::{outcome, pipeline, report, run, stderr, stdout, workplace};

const FILES: [&str; 10] = [
    "pipeline.toml",
    "report.json",
    "metrics.csv",
    "model.safetensors",
    "checkpoint",
    "bad_samples.tsv",
    "curves_loss.svg",
    "curves_accuracy.svg",
    "augmented.png",
    ".done",
];

#[test]
fn a_run_leaves_everything_in_its_folder_and_reports_it() {
    let place = workplace(20);
    run(place.path(), &["run", "shapes.toml"], 0);
    let folder = place.path().join("runs/shapes/1");
    for file in FILES {
        assert!(folder.join(file).is_file(), "{file} is missing");
    }
    let report = report(&folder);
    let outcome = &report["outcome"];
    assert_eq!(outcome["epochs"].as_array().unwrap().len(), 3);
    assert!(outcome["test"]["accuracy"].as_f64().unwrap() > 0.5);
    assert_eq!(outcome["weights_blake3"].as_str().unwrap().len(), 64);
    assert_eq!(outcome["stream_blake3"].as_str().unwrap().len(), 64);
    let samples = outcome["samples"]["train"].as_u64().unwrap() + outcome["samples"]["validation"].as_u64().unwrap();
    assert_eq!(samples, 40);
    let timing = &report["timing"];
    assert!(timing["peak_memory_bytes"].as_u64().unwrap() <= timing["memory_bound_bytes"].as_u64().unwrap());
    assert_eq!(timing["stages"].as_array().unwrap().len(), 5);
}

#[test]
fn the_outcome_is_the_same_for_any_number_of_workers() {
    let place = workplace(20);
    let mut outcomes = Vec::new();
    for workers in ["1", "2", "3", "8"] {
        run(place.path(), &["run", "shapes.toml", "--quiet", "--workers", workers, "--out", workers], 0);
        let model = fs::read(place.path().join(workers).join("model.safetensors")).unwrap();
        let metrics = fs::read(place.path().join(workers).join("metrics.csv")).unwrap();
        outcomes.push((outcome(&place.path().join(workers)), model, metrics));
    }
    for other in &outcomes[1..] {
        assert_eq!(other.0, outcomes[0].0);
        assert!(other == &outcomes[0], "model or metrics differ");
    }
}

#[test]
fn odd_files_are_used_and_counted_once_each() {
    let place = workplace(20);
    let cut = place.path().join("train/circle/003.png");
    let whole = fs::read(&cut).unwrap();
    fs::write(&cut, &whole[..whole.len() - 20]).unwrap();
    fs::rename(place.path().join("train/square/004.png"), place.path().join("train/square/004.jpg")).unwrap();
    fs::rename(place.path().join("test/square/002.png"), place.path().join("test/square/002.bmp")).unwrap();
    let strict = run(place.path(), &["run", "shapes.toml", "--set", "source.max_bad=0.1", "--out", "strict"], 0);
    assert!(stderr(&strict).contains("odd files, used all the same: 2 named as another format\n"), "{}", stderr(&strict));
    assert_eq!(report(&place.path().join("strict"))["outcome"]["samples"]["quarantined"], 1);
    let allow = ["--set", "source.allow_truncated=true"];
    run(place.path(), &[&["run", "shapes.toml", "--quiet", "--out", "kept"][..], &allow].concat(), 0);
    let kept = report(&place.path().join("kept"));
    assert_eq!(kept["odd_files"], serde_json::json!({ "misnamed": 2, "truncated": 1 }));
    assert_eq!(kept["outcome"]["samples"]["quarantined"], 0);
}

/// Starts a run, lets `interrupt` end it as soon as `metrics.csv` has `lines`, and goes on with other numbers of workers until it is done.
fn interrupted_outcome(place: &Path, out: &str, interrupt: &str, epochs_before: usize) -> String {
    let folder = place.join(out);
    let mut child = pipeline(place, &["run", "shapes.toml", "--quiet", "--out", out, "--set", "train.epochs=12"]).spawn().unwrap();
    let seen = || fs::read_to_string(folder.join("metrics.csv")).map_or(0, |text| text.lines().count().saturating_sub(1));
    while seen() < epochs_before && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = std::process::Command::new("kill").args([interrupt, &child.id().to_string()]).status();
    let code = child.wait().unwrap().code();
    assert!([Some(0), Some(130), Some(143), None].contains(&code), "{code:?}");
    if code != Some(0) {
        let args = ["run", "shapes.toml", "--quiet", "--out", out, "--resume", "--workers", "3", "--set", "train.epochs=12"];
        run(place, &args, 0);
    }
    outcome(&folder)
}

#[test]
fn an_interrupted_run_ends_in_the_same_outcome() {
    let place = workplace(20);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "whole", "--set", "train.epochs=12"], 0);
    let whole = outcome(&place.path().join("whole"));
    for (number, interrupt) in ["-INT", "-TERM", "-KILL", "-INT", "-KILL"].into_iter().enumerate() {
        assert_eq!(interrupted_outcome(place.path(), &format!("part{number}"), interrupt, number * 2 + 1), whole, "{interrupt}");
    }
}

#[test]
fn bad_samples_are_set_aside_named_and_counted_and_change_nothing_between_workers() {
    let place = workplace(40);
    let victim = place.path().join("train/circle/003.png");
    let bytes = fs::read(&victim).unwrap();
    fs::write(&victim, &bytes[..bytes.len() / 2]).unwrap();
    let args = |out| ["run", "shapes.toml", "--set", "source.max_bad=0.05", "--workers", out, "--out", out];
    let said = stderr(&run(place.path(), &args("1"), 0));
    run(place.path(), &args("3"), 0);
    assert_eq!(outcome(&place.path().join("1")), outcome(&place.path().join("3")));
    assert_eq!(report(&place.path().join("1"))["outcome"]["samples"]["quarantined"], 1);
    let rows = fs::read_to_string(place.path().join("1/bad_samples.tsv")).unwrap();
    assert!(rows.contains("circle/003.png") && rows.contains("truncated"), "{rows}");
    assert!(said.contains("circle/003.png"), "{said}");
}

#[test]
fn too_many_bad_samples_stop_the_run_with_code_3() {
    let place = workplace(20);
    for number in 0..3 {
        fs::write(place.path().join(format!("train/square/{number:03}.png")), b"<html>not found</html>").unwrap();
    }
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", "out"], 3));
    assert!(said.contains("max_bad"), "{said}");
    assert!(fs::read_to_string(place.path().join("out/bad_samples.tsv")).unwrap().lines().count() > 1);
}

#[test]
fn a_wrong_file_is_refused_with_all_its_problems_before_anything_is_made() {
    let place = workplace(4);
    let text = support::pipeline_text().replace("epochs = 3", "epohcs = 3").replace("validation = 0.25", "validation = 1.5");
    fs::write(place.path().join("shapes.toml"), text.replace("\"horizontal_flip\"", "\"horizontl_flip\"")).unwrap();
    let said = stderr(&run(place.path(), &["run", "shapes.toml"], 2));
    for part in ["epohcs", "did you mean `epochs`", "1.5", "horizontal_flip", "shapes.toml:"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(!place.path().join("runs").exists());
    for args in [&["run", "absent"][..], &["run", "shapes.toml", "--set", "train"], &["check", "shapes.toml", "--set", "a.b=1"]] {
        run(place.path(), args, 2);
    }
}

#[test]
fn random_operations_are_refused_where_scores_are_made() {
    let place = workplace(8);
    let text = support::pipeline_text() + "[[evaluate]]\nop = \"horizontal_flip\"\n";
    fs::write(place.path().join("shapes.toml"), &text).unwrap();
    let said = stderr(&run(place.path(), &["check", "shapes.toml"], 2));
    assert!(said.contains("horizontal_flip") && said.contains("random"), "{said}");
    fs::write(place.path().join("shapes.toml"), text + "p = 1\n").unwrap();
    run(place.path(), &["check", "shapes.toml"], 0);
}

#[test]
fn a_prepared_set_trains_to_the_same_bytes_as_online_augmentation() {
    let place = workplace(20);
    let online = support::pipeline_text();
    let start = online.find("[[augment]]").unwrap();
    let end = online.find("[batch]").unwrap();
    let source = &online[..online.find("[split]").unwrap()];
    let write = format!(
        "{source}{}[report]\npath = \"runs\"\n[write]\nformat = \"image_folder\"\npath = \"prepared\"\nvariants = 2\n",
        &online[start..end]
    );
    fs::write(place.path().join("write.toml"), write).unwrap();
    let prepared = format!("{}{}", &online[..start], &online[end..]);
    let prepared = prepared.replace("format = \"image_folder\"\npath = \"train\"", "format = \"prepared\"\npath = \"prepared\"");
    let prepared = prepared.replace("[test]\npath = \"test\"", "[test]\nformat = \"image_folder\"\npath = \"test\"");
    fs::write(place.path().join("prepared.toml"), prepared).unwrap();
    run(place.path(), &["run", "write.toml"], 0);
    assert!(place.path().join("prepared/manifest-000000.csv").is_file());
    // Mixing pictures of a batch with each other acts on what the set delivers, too.
    let two = ["--set", "train.epochs=2", "--set", MIX, "--quiet"];
    run(place.path(), &[&["run", "shapes.toml", "--out", "online"], &two[..]].concat(), 0);
    run(place.path(), &[&["run", "prepared.toml", "--out", "offline"], &two[..]].concat(), 0);
    assert_eq!(outcome(&place.path().join("offline")), outcome(&place.path().join("online")));
    // With more epochs than variants, epoch e shows variant e mod K: the third epoch's pictures are the first's again.
    run(place.path(), &["run", "prepared.toml", "--out", "third", "--set", "train.epochs=3", "--quiet"], 0);
    run(place.path(), &["run", "write.toml", "--workers", "1", "--set", "write.path=\"again\""], 0);
    for entry in fs::read_dir(place.path().join("prepared/circle")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |set: &str| fs::read(place.path().join(set).join("circle").join(&name)).unwrap();
        assert_eq!(read("prepared"), read("again"));
    }
    assert_eq!(stdout(&run(place.path(), &["run", "write.toml", "--quiet"], 2)), "");
}

const MIX: &str = "batch.mix=[{ mixer = \"mixup\", alpha = 0.4, p = 0.5 }, \"cutmix\"]";

#[test]
fn mixed_batches_are_the_same_for_any_number_of_workers_and_belong_to_the_pipeline() {
    let place = workplace(20);
    let mixed = |out: &str, workers: &str| {
        run(place.path(), &["run", "shapes.toml", "--quiet", "--set", MIX, "--workers", workers, "--out", out], 0);
        outcome(&place.path().join(out))
    };
    let one = mixed("one", "1");
    assert_eq!(mixed("three", "3"), one);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "plain"], 0);
    assert_ne!(outcome(&place.path().join("plain")), one);
    assert!(fs::read_to_string(place.path().join("one/pipeline.toml")).unwrap().contains("cutmix"));
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", "one", "--resume"], 2));
    assert!(said.contains("- batch.mix.0.mixer = \"mixup\""), "{said}");
}

#[test]
fn check_shows_who_mixes_and_refuses_mixing_where_there_is_nothing_to_mix() {
    let place = workplace(8);
    let shown = stdout(&run(place.path(), &["check", "shapes.toml", "--set", MIX], 0));
    assert!(shown.contains("mixup") && shown.contains("cutmix") && shown.contains("alpha = 0.4"), "{shown}");
    let checked = |sets: &[&str]| -> serde_json::Value {
        let output = run(place.path(), &[&["check", "shapes.toml", "--json"], sets].concat(), 0);
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let (plain, mixed) = (checked(&[]), checked(&["--set", MIX]));
    assert_eq!((&mixed["mix"][0]["probability"], &mixed["mix"][1]["probability"]), (&0.5.into(), &0.5.into()));
    let memory = |plan: &serde_json::Value| plan["memory"]["batches"].as_u64().unwrap();
    // Two shares of each of eight pictures in several batches, and one spare picture of 12x12.
    assert!(memory(&mixed) >= memory(&plain) + 2 * 8 * 4 * 2 + 3 * 12 * 12 * 4);
    let said = stderr(&run(place.path(), &["check", "shapes.toml", "--set", MIX, "--set", "batch.size=1"], 2));
    assert!(said.contains("nothing to be mixed with"), "{said}");
    let text = support::pipeline_text();
    let text = format!("{}[report]\npath = \"runs\"\n[write]\npath = \"out\"\n", &text[..text.find("[model]").unwrap()]);
    fs::write(place.path().join("write.toml"), text).unwrap();
    run(place.path(), &["check", "write.toml"], 0);
    let said = stderr(&run(place.path(), &["check", "write.toml", "--set", MIX], 2));
    assert!(said.contains("stores single pictures"), "{said}");
}

#[test]
fn a_folder_serves_one_run_at_a_time_and_is_never_overwritten() {
    let place = workplace(8);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "out"], 0);
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "out"], 2));
    assert!(said.contains("not empty"), "{said}");
    let changed = ["run", "shapes.toml", "--out", "out", "--resume", "--set", "batch.size=4"];
    let said = stderr(&run(place.path(), &changed, 2));
    assert!(said.contains("- batch.size = 8") && said.contains("+ batch.size = 4"), "{said}");
}

#[test]
fn json_is_one_document_a_line_and_nothing_else() {
    let place = workplace(8);
    let output = run(place.path(), &["run", "shapes.toml", "--json"], 0);
    let lines: Vec<serde_json::Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 5, "{}", lines.len());
    assert!(lines.last().unwrap()["outcome"]["weights_blake3"].is_string());
    for args in [&["check", "shapes.toml", "--json"][..], &["list", "--json"], &["describe", "rotate", "--json"]] {
        serde_json::from_str::<serde_json::Value>(&stdout(&run(place.path(), args, 0))).unwrap();
    }
}

#[test]
fn loss_that_is_not_finite_stops_with_code_5_and_leaves_no_such_checkpoint() {
    let place = workplace(8);
    let args = ["run", "shapes.toml", "--out", "out", "--set", "train.optimizer=sgd", "--set", "train.learning_rate=1e30"];
    let said = stderr(&run(place.path(), &args, 5));
    assert!(said.contains("step") && said.contains(".png"), "{said}");
}

#[test]
fn check_counts_what_an_operation_holds_beside_pictures() {
    let place = workplace(8);
    let samples = |augment: &str| -> u64 {
        let output = run(place.path(), &["check", "shapes.toml", "--json", "--set", augment], 0);
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap()["memory"]["samples"].as_u64().unwrap()
    };
    // For each of the workers of two stages a number in four bytes for each channel of a pixel.
    assert!(samples("augment=['aug_mix']") >= samples("augment=['invert']") + 12 * 12 * 12);
    assert_eq!(samples("augment=['equalize']"), samples("augment=['invert']"));
}
