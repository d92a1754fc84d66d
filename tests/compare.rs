//! Runs side by side, and recipes with and without their parts, as a user asks for them.

mod support;

use std::fs;
use support::{report, run, stderr, stdout, workplace};

#[test]
fn runs_are_compared_by_what_differs_and_seeds_are_grouped() {
    let place = workplace(20);
    let train = |out: &str, sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", *set]).collect();
        run(place.path(), &[&["run", "shapes.toml", "--quiet", "--no-self-check", "--out", out][..], &sets].concat(), 0);
    };
    train("a", &["train.epochs=2"]);
    train("b", &["train.epochs=2", "seed=6"]);
    train("c", &["train.epochs=1", "train.l2=0.01"]);
    fs::create_dir(place.path().join("broken")).unwrap();
    let said = stdout(&run(place.path(), &["compare", "a", "b", "c", "broken", "--html", "page.html"], 0));
    for words in ["train.epochs", "train.l2", "seed", "2 seeds (a, b): test accuracy", "left out: broken: ", "all epochs"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("batch.size") && !said.contains("another data set"), "{said}");
    let page = fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(page.matches("<figure").count() == 4 && !page.contains("<script") && page.contains("broken"));
    let json = stdout(&run(place.path(), &["compare", "a", "b", "c", "--json", "--sort", "core-seconds"], 0));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let seconds: Vec<f64> = json["runs"].as_array().unwrap().iter().map(|run| run["core_seconds"].as_f64().unwrap()).collect();
    assert!(seconds.len() == 3 && seconds.is_sorted(), "{seconds:?}");
    assert_eq!(json["groups"][0]["runs"].as_array().unwrap().len(), 2);
    let refused = run(place.path(), &["compare", "broken"], 2);
    assert!(stderr(&refused).contains("report.json cannot be read"), "{}", stderr(&refused));
}

#[test]
fn runs_of_another_data_set_are_named() {
    let place = workplace(12);
    let args = ["run", "shapes.toml", "--quiet", "--no-self-check", "--set", "train.epochs=1", "--out"];
    run(place.path(), &[&args[..], &["a"]].concat(), 0);
    // Elsewhere, with another seed and another share held out, it is the same data still.
    fs::rename(place.path().join("train"), place.path().join("moved")).unwrap();
    let moved = ["elsewhere", "--set", "source.path=\"moved\"", "--set", "seed=6", "--set", "split.validation=0.5"];
    run(place.path(), &[&args[..], &moved].concat(), 0);
    let said = stdout(&run(place.path(), &["compare", "a", "elsewhere"], 0));
    assert!(!said.contains("of another data set"), "{said}");
    fs::rename(place.path().join("moved"), place.path().join("train")).unwrap();
    // In the same place, as many samples, but one of them is another file.
    fs::copy(place.path().join("train/square/000.png"), place.path().join("train/circle/000.png")).unwrap();
    run(place.path(), &[&args[..], &["b"]].concat(), 0);
    let said = stdout(&run(place.path(), &["compare", "a", "b"], 0));
    assert!(said.contains("of another data set"), "{said}");
    // A report of an earlier version says nothing of its data: the place and the numbers decide.
    let text = fs::read_to_string(place.path().join("b/report.json")).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("data_blake3")).collect();
    fs::write(place.path().join("b/report.json"), without.join("\n")).unwrap();
    let said = stdout(&run(place.path(), &["compare", "a", "b"], 0));
    assert!(!said.contains("of another data set"), "{said}");
}

#[test]
fn an_ablation_runs_pairs_and_keeps_what_is_finished() {
    let place = workplace(12);
    let args = ["ablate", "shapes.toml", "--seeds", "2", "--set", "train.epochs=1", "--out", "ab", "--switch", "horizontal_flip"];
    let args = [&args[..], &["--switch", "dropout", "--switch", "augment"]].concat();
    let first = run(place.path(), &[&args[..], &["--json"]].concat(), 0);
    let found: serde_json::Value = serde_json::from_str(&stdout(&first)).unwrap();
    assert_eq!(found["part"], "test");
    let switches = found["switches"].as_array().unwrap();
    let names: Vec<&str> = switches.iter().map(|switch| switch["switch"].as_str().unwrap()).collect();
    assert_eq!(names, ["augment.horizontal_flip", "dropout", "augment"]);
    for (place_of, switch) in switches.iter().enumerate() {
        let score = |folder: String| report(&place.path().join("ab").join(folder))["outcome"]["test"]["accuracy"].as_f64().unwrap();
        let gain = |seed| score(format!("everything/seed-{seed}")) - score(format!("{}/seed-{seed}", names[place_of]));
        let mean = (gain(5) + gain(6)) / 2.0;
        assert!((switch["accuracy"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{switch}");
        assert_eq!(switch["accuracy"]["count"], 2);
    }
    assert!(found["warnings"][0].as_str().unwrap().contains("12 samples"), "{found}");
    let page = fs::read_to_string(place.path().join("ab/ablation.html")).unwrap();
    assert!(page.matches("<figure").count() == 6 && !page.contains("<script"));
    let again = run(place.path(), &args, 0);
    assert_eq!(stderr(&again), "", "nothing is run a second time");
    assert!(stdout(&again).contains("augment.horizontal_flip") && stdout(&again).contains("accuracy gained by it"));
}

#[test]
fn wrong_switches_and_other_pipelines_are_refused_with_help() {
    let place = workplace(12);
    let refused = run(place.path(), &["ablate", "shapes.toml", "--switch", "horizontal_flop"], 2);
    assert!(stderr(&refused).contains("did you mean `augment.horizontal_flip`"), "{}", stderr(&refused));
    let refused = run(place.path(), &["ablate", "shapes.toml", "--set", "train.budget=10s"], 2);
    assert!(stderr(&refused).contains("train.budget"), "{}", stderr(&refused));
    fs::create_dir(place.path().join("ab")).unwrap();
    fs::write(place.path().join("ab/pipeline.toml"), "name = 'other'").unwrap();
    let refused = run(place.path(), &["ablate", "shapes.toml", "--out", "ab"], 2);
    assert!(stderr(&refused).contains("another pipeline"), "{}", stderr(&refused));
}
