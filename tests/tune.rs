//! Numbers of threads that are chosen: by a run, by `pipeline tune`, and by what it wrote down. How fast this machine is plays no
//! part, and what comes out of a run depends on none of it.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{outcome, report, run, stderr, stdout, workplace};

fn json(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&run(folder, args, 0))).unwrap()
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// Ends after a few epochs, but looks like a run of hours: a look at the stages pays.
const LONG: [&str; 4] = [
    "--set",
    "train.epochs=200000",
    "--set",
    "train.early_stopping={ monitor = 'validation_loss', patience = 1, min_delta = 10.0 }",
];

#[test]
fn what_is_chosen_before_a_long_run_is_told_and_changes_nothing() {
    let place = workplace(12);
    let run_as = |workers: &str, out: &str| {
        let set = format!("workers={workers}");
        let args = [&["run", "shapes.toml", "--out", out, "--set", &set][..], &LONG].concat();
        stderr(&run(place.path(), &args, 0))
    };
    let said = run_as("auto", "auto");
    let choice = report(&place.path().join("auto"))["timing"]["workers"].clone();
    run_as("{ load = 3, augment = 2, train = 3 }", "fixed");
    assert_eq!(outcome(&place.path().join("auto")), outcome(&place.path().join("fixed")));
    assert_eq!(report(&place.path().join("fixed"))["timing"]["workers"], Value::Null, "nothing was left to be chosen");
    if cores() == 1 {
        return;
    }
    assert!(said.contains("workers: load ") && said.contains("measured for"), "{said}");
    assert_eq!((choice["chosen_by"].as_str(), choice["cores"].as_u64()), (Some("measured"), Some(cores())), "{choice:#}");
    assert!(choice["predicted"].as_f64().unwrap() > 0.0 && choice["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(choice["rates"].as_array().unwrap().len(), 4, "{choice:#}");
    let threads = |stage: &str| choice["threads"][stage].as_u64().unwrap();
    assert!(["augment", "train"].iter().all(|stage| (1..=cores()).contains(&threads(stage))), "{choice:#}");
}

#[test]
fn a_batch_that_a_look_cannot_fill_is_measured_all_the_same() {
    let place = workplace(12);
    let args = [&["run", "shapes.toml", "--quiet", "--out", "out", "--set", "workers=auto", "--set", "batch.last=drop"][..], &LONG];
    run(place.path(), &args.concat(), 0);
    let choice = &report(&place.path().join("out"))["timing"]["workers"];
    assert_eq!(choice["chosen_by"], if cores() == 1 { "cores" } else { "measured" }, "{choice:#}");
}

/// A step that takes longer than the look may: what a few samples of a batch take tells nothing of how a whole one is shared.
#[test]
fn a_trainer_that_a_look_cannot_judge_gets_one_thread_a_core() {
    let place = workplace(12);
    let conv = "{ layer = \"conv\", out = 256, kernel = 5, padding = 2 }";
    let network = format!("model.layers=[{conv}, \"relu\", {conv}, \"relu\", {conv}, \"flatten\", \"linear\"]");
    let heavy =
        ["run", "shapes.toml", "--quiet", "--out", "out", "--set", "workers=auto", "--set", "batch.size=24", "--set", &network];
    run(place.path(), &[&heavy[..], &LONG].concat(), 0);
    let choice = &report(&place.path().join("out"))["timing"]["workers"];
    assert_eq!(choice["chosen_by"], if cores() == 1 { "cores" } else { "measured" }, "{choice:#}");
    assert_eq!(choice["threads"]["train"].as_u64(), Some(cores()), "{choice:#}");
}

#[test]
fn a_short_run_measures_nothing_and_says_so() {
    let place = workplace(12);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "out"], 0);
    let choice = &report(&place.path().join("out"))["timing"]["workers"];
    assert_eq!(choice["chosen_by"], "cores", "{choice:#}");
    assert_eq!(choice["threads"]["train"].as_u64(), Some(cores()));
    assert_eq!(choice["predicted"], Value::Null);
}

#[test]
fn auto_is_explained_before_anything_runs() {
    let place = workplace(12);
    let said = stdout(&run(place.path(), &["check", "shapes.toml"], 0));
    assert!(said.contains("workers   auto for load, augment, train: measured when a run begins"), "{said}");
    let said = stdout(&run(place.path(), &["check", "shapes.toml", "--set", "workers.load=2"], 0));
    assert!(said.contains("workers   auto for augment, train:"), "{said}");
    let said = stdout(&run(place.path(), &["check", "shapes.toml", "--workers", "2"], 0));
    assert!(!said.contains("workers   "), "{said}");
    let refused = stderr(&run(place.path(), &["check", "shapes.toml", "--set", "workers=lots"], 2));
    assert!(refused.contains("[workers]"), "{refused}");
}

#[test]
fn the_best_setting_is_written_down_used_and_passed_over_when_it_does_not_hold() {
    let place = workplace(12);
    let found = json(place.path(), &["tune", "shapes.toml", "--seconds", "0.3", "--verify", "--lock", "--json"]);
    let best = found["best"].clone();
    assert_eq!(found["settings"][0]["load"], best["load"]);
    assert!(found["settings"][0]["measured"].as_f64().unwrap() > 0.0 && found["auto_of_best"].as_f64().unwrap() <= 1.0);
    let file = place.path().join("shapes.tuned.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# Threads of every stage"), "{text}");
    let said = stdout(&run(place.path(), &["check", "shapes.toml"], 0));
    assert!(said.contains(&format!("workers   load {}, ", best["load"])) && said.contains("locked in"), "{said}");
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "locked"], 0);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "fixed", "--workers", "2"], 0);
    let choice = &report(&place.path().join("locked"))["timing"]["workers"];
    assert_eq!((choice["chosen_by"].as_str(), &choice["threads"]), (Some("locked"), &best));
    assert_eq!(outcome(&place.path().join("locked")), outcome(&place.path().join("fixed")));
    // Seed and length are no matter of speed; batches are.
    let warned = |set: &str| stdout(&run(place.path(), &["check", "shapes.toml", "--set", set], 0)).contains("passed over");
    assert!(!warned("train.epochs=9") && !warned("seed=1"));
    assert!(warned("batch.size=4") && warned("source.path=test") && warned("workers.memory=7GiB"));
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", "other", "--set", "batch.size=4"], 0));
    assert!(said.contains("is passed over: the pipeline has changed since"), "{said}");
    fs::write(&file, text.replace("cpu = \"", "cpu = \"another ")).unwrap();
    let said = stdout(&run(place.path(), &["check", "shapes.toml"], 0));
    assert!(said.contains("on another machine"), "{said}");
    for broken in ["load = 0", "", "\u{0}\u{ff}", "load = 99999999999999999999"] {
        fs::write(&file, broken).unwrap();
        let said = stdout(&run(place.path(), &["check", "shapes.toml"], 0));
        assert!(said.contains("it cannot be read"), "{broken}: {said}");
    }
    let said = stdout(&run(place.path(), &["tune", "shapes.toml", "--unlock"], 0));
    assert!(said.contains("removed") && !file.exists(), "{said}");
    let said = stdout(&run(place.path(), &["tune", "shapes.toml", "--unlock"], 0));
    assert!(said.contains("nothing was locked"), "{said}");
}

#[test]
fn no_setting_needs_more_memory_than_there_is() {
    let place = workplace(12);
    let least = json(place.path(), &["check", "shapes.toml", "--workers", "1", "--json"])["memory_total"].as_u64().unwrap();
    let memory = format!("workers.memory={}B", least + 1000);
    let args = ["tune", "shapes.toml", "--seconds", "0.1", "--exhaustive", "--json", "--set", &memory];
    let found = json(place.path(), &args);
    let settings = found["settings"].as_array().unwrap();
    let one = |setting: &Value| ["load", "augment", "train"].iter().all(|stage| setting[stage] == 1);
    assert!(settings.len() == 1 && settings.iter().all(one), "{settings:?}");
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "small", "--set", &memory], 0);
    assert!(one(&report(&place.path().join("small"))["timing"]["workers"]["threads"]));
    let refused = stderr(&run(place.path(), &["tune", "shapes.toml", "--set", "workers.memory=1MiB"], 2));
    assert!(refused.contains("of memory"), "{refused}");
}

#[test]
fn every_setting_is_measured_on_demand() {
    let place = workplace(12);
    let args =
        ["tune", "shapes.toml", "--seconds", "0.15", "--exhaustive", "--set", "workers.load=1", "--set", "workers.augment=1"];
    let found = json(place.path(), &[&args[..], &["--json"]].concat());
    let settings = found["settings"].as_array().unwrap();
    assert_eq!(settings.len() as u64, cores().min(8));
    assert!(settings.iter().all(|setting| setting["measured"].as_f64().unwrap() > 0.0 && setting["load"] == 1));
    let said = stdout(&run(place.path(), &args, 0));
    assert!(said.contains("<- best") && said.contains("(auto)") && said.contains("of the fastest that was measured"), "{said}");
    assert!(!place.path().join("runs").exists() && !place.path().join("shapes.tuned.toml").exists());
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let place = workplace(12);
    let refused = stderr(&run(place.path(), &["tune", "shapes.toml", "--workers", "2"], 2));
    assert!(refused.contains("nothing is left to be chosen") && refused.contains("--set workers=auto"), "{refused}");
    let text = support::pipeline_text();
    let data = &text[..text.find("[model]").unwrap()];
    fs::write(place.path().join("write.toml"), data.replace("[batch]\nsize = 8\n", "[write]\npath = \"set\"\nvariants = 2\n"))
        .unwrap();
    let refused = stderr(&run(place.path(), &["tune", "write.toml"], 2));
    assert!(refused.contains("writes a set"), "{refused}");
    let said = stdout(&run(place.path(), &["check", "write.toml"], 0));
    assert!(said.contains("auto for load, augment, train: one thread a core"), "{said}");
}
