//! What trainers are expected to have, as a user meets it: a budget of time, a learning-rate finder, what `check` shows, what stays
//! in the folder.

mod support;

use std::fs;
use std::time::Instant;
use support::{outcome, run, stderr, stdout, workplace};

#[test]
fn a_budget_fixes_the_epochs_before_the_first_step_and_a_rerun_needs_no_clock() {
    let place = workplace(20);
    let began = Instant::now();
    let args = ["run", "shapes.toml", "--budget", "8s", "--out", "timed", "--set", "train.epochs=1000000"];
    let said = stderr(&run(place.path(), &args, 0));
    assert!(said.contains("epochs fit into 8 s"), "{said}");
    // Other processes may take the machine's time: the run itself aims at 8 s and less.
    assert!(began.elapsed().as_secs() < 40, "{:?}", began.elapsed());
    let written = fs::read_to_string(place.path().join("timed/pipeline.toml")).unwrap();
    let table: toml::Table = written.parse().unwrap();
    let epochs = table["train"]["epochs"].as_integer().unwrap();
    assert!((2..1_000_000).contains(&epochs) && table["train"].get("budget").is_none(), "{written}");
    let timed: serde_json::Value = serde_json::from_str(&outcome(&place.path().join("timed"))).unwrap();
    assert_eq!(timed["epochs"].as_array().unwrap().len() as i64, epochs);
    run(place.path(), &["run", "timed/pipeline.toml", "--quiet", "--out", "again", "--workers", "1"], 0);
    assert_eq!(outcome(&place.path().join("again")), outcome(&place.path().join("timed")));
    let model = |out: &str| fs::read(place.path().join(out).join("model.safetensors")).unwrap();
    assert_eq!(model("again"), model("timed"));
    // Going on keeps the epochs, whatever the clock says now.
    fs::remove_file(place.path().join("timed/.done")).unwrap();
    let resumed = ["run", "shapes.toml", "--budget", "1h", "--out", "timed", "--resume", "--set", "train.epochs=1000000"];
    let said = stderr(&run(place.path(), &resumed, 0));
    assert!(said.contains(&format!("goes on with the {epochs} epochs")), "{said}");
    assert_eq!(outcome(&place.path().join("again")), outcome(&place.path().join("timed")));
}

#[test]
fn a_budget_for_less_than_an_epoch_is_refused_before_anything_is_made() {
    let place = workplace(20);
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--budget", "1s", "--out", "out"], 2));
    assert!(said.contains("too short for a single epoch"), "{said}");
    assert!(!place.path().join("out").exists());
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--budget", "soon"], 2));
    assert!(said.contains("`budget`") && said.contains("1h30m"), "{said}");
}

#[test]
fn rates_are_tried_on_a_copy_and_one_is_suggested() {
    let place = workplace(20);
    let said = stdout(&run(place.path(), &["find-lr", "shapes.toml"], 0));
    assert!(said.contains("learning_rate = ") && said.contains("shapes-find-lr/1"), "{said}");
    let folder = place.path().join("runs/shapes-find-lr/1");
    assert!(fs::read_to_string(folder.join("learning_rate.svg")).unwrap().contains("suggested"));
    let curve: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("learning_rate.json")).unwrap()).unwrap();
    let suggestion = curve["suggestion"].as_f64().unwrap();
    assert!((1e-4..1.0).contains(&suggestion) && curve["points"].as_array().unwrap().len() > 20, "{suggestion}");
    let json = run(place.path(), &["find-lr", "shapes.toml", "--json", "--out", "curve", "--workers", "3"], 0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout(&json)).unwrap(), curve, "the same on other threads");
    assert!(!place.path().join("runs/shapes").exists(), "nothing was run");
}

#[test]
fn where_no_rate_can_be_suggested_the_reason_is_told() {
    let place = workplace(20);
    let low = ["find-lr", "shapes.toml", "--from", "1e-12", "--to", "1e-10", "--out", "low"];
    let said = stderr(&run(place.path(), &low, 2));
    assert!(said.contains("no learning rate can be suggested") && said.contains("too low"), "{said}");
    assert!(place.path().join("low/learning_rate.svg").is_file(), "the curve is there to be looked at");
    let said = stderr(&run(place.path(), &["find-lr", "shapes.toml", "--from", "1", "--to", "0.1"], 2));
    assert!(said.contains("0 < --from < --to"), "{said}");
}

#[test]
fn check_shows_what_is_on_and_refuses_groups_of_nothing() {
    let place = workplace(8);
    let sets = [
        "train.max_norm=3",
        "train.accumulate=2",
        "train.ema={ decay = 0.99 }",
        "train.groups=[{ layer = \"linear\", rate = 0.5 }]",
        "train.clip_value=1",
        "train.checkpoint_steps=5",
    ];
    let args: Vec<&str> = ["check", "shapes.toml"].into_iter().chain(sets.iter().flat_map(|set| ["--set", set])).collect();
    let shown = stdout(&run(place.path(), &args, 0));
    for part in [
        "learn     adam, learning rate 0.01 (constant), at most 3 epochs of 1 steps",
        "accumulate = 2: 16 samples a step",
        "max_norm = 3",
        "clip_value = 1",
        "decay = 0.99",
        "every 5 steps",
        "group 0: layer = linear: rate × 0.5",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let json = stdout(&run(place.path(), &[&args[..], &["--json"]].concat(), 0));
    assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["train"].as_array().unwrap().len() >= 7);
    let said = stderr(&run(place.path(), &["check", "shapes.toml", "--set", "train.groups=[{ layer = \"dense\" }]"], 2));
    assert!(said.contains("concerns no parameter") && said.contains("conv, linear"), "{said}");
    let described = stdout(&run(place.path(), &["describe", "train"], 0));
    for key in ["max_norm", "clip_value", "accumulate", "groups", "ema", "checkpoint_steps", "budget"] {
        assert!(described.contains(key), "{key} in\n{described}");
    }
    assert!(stdout(&run(place.path(), &["describe", "muon"], 0)).contains("ns_steps"));
}

#[test]
fn everything_at_once_is_the_same_on_any_number_of_workers() {
    let place = workplace(20);
    let sets =
        ["train.optimizer=muon", "train.max_norm=2", "train.accumulate=3", "train.ema={ decay = 0.9 }", "train.checkpoint_steps=1"];
    let run_on = |workers: &str| {
        let args = ["run", "shapes.toml", "--quiet", "--workers", workers, "--out", workers];
        run(place.path(), &[&args[..], &sets.iter().flat_map(|set| ["--set", set]).collect::<Vec<_>>()].concat(), 0);
        outcome(&place.path().join(workers))
    };
    let one = run_on("1");
    assert!(["2", "3", "8"].into_iter().all(|workers| run_on(workers) == one));
    assert!(place.path().join("1/checkpoint-best").is_file());
}
