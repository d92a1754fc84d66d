//! `pipeline profile` as a user runs it: what it writes and refuses. How fast this machine is plays no part.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use support::{run, stderr, stdout, workplace};

fn json(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&run(folder, args, 0))).unwrap()
}

fn names(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn stages_are_measured_alone_and_together_and_written_down() {
    let place = workplace(12);
    let args = ["profile", "shapes.toml", "--seconds", "0.2", "--verify", "--json", "--html", "page.html", "--trace", "trace.json"];
    let found = json(place.path(), &args);
    let stages = &found["profile"]["stages"];
    assert_eq!(names(stages, "stage"), ["source", "load", "augment", "batch", "train"]);
    for stage in stages.as_array().unwrap() {
        let together = &stage["together"];
        let shares: f64 = ["busy", "starved", "blocked"].iter().map(|share| together[share].as_f64().unwrap()).sum();
        assert!(shares < 1.2, "{stage:#}");
        let alone = stage["alone"].as_array().unwrap();
        assert!(
            alone.iter().all(|alone| alone["rate"].as_f64().unwrap() > 0.0 && alone["p50_ms"].as_f64() <= alone["p99_ms"].as_f64())
        );
        assert_eq!(alone.is_empty(), stage["stage"] == "source");
    }
    assert_eq!(names(&stages[2]["operations"], "name"), ["crop", "horizontal_flip", "color_jitter", "gaussian_noise"]);
    assert_eq!(names(&stages[1]["classes"], "name"), ["circle", "square"]);
    assert!(found["profile"]["rate"].as_f64().unwrap() > 0.0 && found["verified"]["measured"].as_f64().unwrap() > 0.0);
    let sentence = found["verdict"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("limit") && sentence.ends_with('.'), "{sentence}");
    let page = fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("prefers-color-scheme: dark") && !page.contains("<script"));
    let trace: Value = serde_json::from_str(&fs::read_to_string(place.path().join("trace.json")).unwrap()).unwrap();
    let spans = names(&trace["traceEvents"], "name");
    assert!(["load", "augment", "batch", "train"].iter().all(|stage| spans.iter().any(|span| span == stage)), "{spans:?}");
    assert!(!place.path().join("runs").exists(), "a profile is no run");
}

#[test]
fn one_stage_is_measured_by_itself() {
    let place = workplace(12);
    let found = json(place.path(), &["profile", "shapes.toml", "--stage", "augment", "--seconds", "0.1", "--json"]);
    assert_eq!((names(&found["stages"], "stage"), &found["rate"]), (vec!["augment".to_owned()], &Value::Null));
    let said = stdout(&run(place.path(), &["profile", "shapes.toml", "--stage", "train", "--seconds", "0.1"], 0));
    assert!(said.contains("train") && !said.contains("augment"), "{said}");
    let refused = stderr(&run(place.path(), &["profile", "shapes.toml", "--stage", "bake"], 2));
    assert!(refused.contains("load, augment, batch, train"), "{refused}");
}

#[test]
fn layers_are_measured_without_data() {
    let place = workplace(12);
    let found = json(place.path(), &["profile", "shapes.toml", "--layers", "--seconds", "0.1", "--json"]);
    let rows = names(&found["rows"], "name");
    let expected =
        ["0 conv", "1 relu", "2 max_pool", "3 flatten", "4 dropout", "5 linear", "loss", "update of the weights", "waiting"];
    assert_eq!(rows, expected);
    assert!(found["rows"][0]["gflops"].as_f64().unwrap() > 0.0 && found["peak_gflops"].as_f64().unwrap() > 0.0);
    let shares: f64 = found["rows"].as_array().unwrap().iter().map(|row| row["of_step"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 0.05, "all of a step is accounted for: {shares}");
}

#[test]
fn what_has_no_layers_is_refused() {
    let place = workplace(12);
    let file = place.path().join("shapes.toml");
    let text = support::pipeline_text();
    let data = &text[..text.find("[model]").unwrap()];
    fs::write(&file, data.replace("[batch]\nsize = 8\n", "[write]\npath = \"set\"\nvariants = 2\n")).unwrap();
    let refused = stderr(&run(place.path(), &["profile", "shapes.toml", "--layers"], 2));
    assert!(refused.contains("does not train"), "{refused}");
}

/// `write.toml`: the operations of `shapes.toml`, stored in folders or shards.
fn write_file(place: &Path, keys: &str) {
    let text = support::pipeline_text();
    let text = &text[..text.find("[batch]").unwrap()];
    let text = text.replace("[split]\nvalidation = 0.25\n[test]\npath = \"test\"\n", "");
    fs::write(place.join("write.toml"), format!("{text}[write]\npath = \"sets/one\"\nvariants = 2\n{keys}")).unwrap();
}

fn files_of(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn writing_a_set_is_measured_alone_and_together_and_leaves_nothing() {
    let place = workplace(9);
    for (keys, last) in [("", "files to the disk"), ("format = \"shards\"\nshard_samples = 7\n", "records and checksums")] {
        write_file(place.path(), keys);
        let before = files_of(place.path());
        let args =
            ["profile", "write.toml", "--seconds", "0.2", "--verify", "--json", "--html", "page.html", "--trace", "trace.json"];
        let found = json(place.path(), &args);
        let stages = &found["profile"]["stages"];
        assert_eq!(names(stages, "stage"), ["source", "write", "store"]);
        assert_eq!(found["profile"]["renditions"], 3);
        for stage in &stages.as_array().unwrap()[1..] {
            assert!(stage["alone"].as_array().unwrap().iter().all(|alone| alone["rate"].as_f64().unwrap() > 0.0), "{stage:#}");
            assert!(stage["together"]["busy"].as_f64().unwrap() > 0.0, "{stage:#}");
        }
        let parts = names(&stages[1]["operations"], "name");
        assert_eq!(parts, ["read and decode", "crop", "horizontal_flip", "color_jitter", "gaussian_noise", "encode png", last]);
        assert_eq!(names(&stages[1]["classes"], "name"), ["circle", "square"]);
        assert!(found["profile"]["rate"].as_f64().unwrap() > 0.0 && found["verified"]["measured"].as_f64().unwrap() > 0.0);
        let sentence = found["verdict"]["sentence"].as_str().unwrap();
        // Which of the two limits so small a set is the machine's to say; of `write`, the part that takes most is named.
        assert!(sentence.contains("limit") && (sentence.contains("% of") || !sentence.starts_with("write")), "{sentence}");
        let page = fs::read_to_string(place.path().join("page.html")).unwrap();
        assert!(page.contains("<svg") && page.contains("write by part") && page.contains("3 pictures stored of each image"));
        let trace: Value = serde_json::from_str(&fs::read_to_string(place.path().join("trace.json")).unwrap()).unwrap();
        let spans = names(&trace["traceEvents"], "name");
        assert!(["write", "store"].iter().all(|stage| spans.iter().any(|span| span == stage)), "{spans:?}");
        fs::remove_file(place.path().join("page.html")).unwrap();
        fs::remove_file(place.path().join("trace.json")).unwrap();
        assert_eq!(files_of(place.path()), before, "neither a set nor what was stored to measure");
    }
    let said = stdout(&run(place.path(), &["profile", "write.toml", "--stage", "store", "--seconds", "0.1"], 0));
    assert!(said.contains("store") && said.contains("3 pictures stored of each image"), "{said}");
    let refused = stderr(&run(place.path(), &["profile", "write.toml", "--stage", "load"], 2));
    assert!(refused.contains("there are: write, store"), "{refused}");
    let refused = stderr(&run(place.path(), &["tune", "write.toml"], 2));
    assert!(refused.contains("writes a set") && refused.contains("pipeline profile"), "{refused}");
}

#[test]
fn an_interrupted_or_refused_profile_of_a_set_leaves_nothing_and_takes_over_what_a_killed_one_left() {
    let place = workplace(9);
    write_file(place.path(), "");
    let scratch = place.path().join(".one.profile");
    let stored = || walk(&scratch).iter().any(|path| path.extension().is_some_and(|ending| ending == "png"));
    // A second signal ends it at once, whatever is being measured.
    for (signals, seconds) in [(&["-KILL"][..], "600"), (&["-INT"], "1"), (&["-TERM", "-INT"], "600")] {
        let args = ["profile", "write.toml", "--seconds", seconds, "--json"];
        let mut child = support::pipeline(place.path(), &args).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        // What the killed one left is not what this one stores: the lock says whose the folder is.
        let id = child.id().to_string();
        let ours = || fs::read_to_string(scratch.join(".lock")).is_ok_and(|owner| owner == id);
        while !(ours() && stored()) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        for signal in signals {
            let _ = std::process::Command::new("kill").args([*signal, &id]).status();
        }
        let killed = signals[0] == "-KILL";
        assert_eq!(child.wait().unwrap().code().is_some_and(|code| [130, 143].contains(&code)), !killed, "{signals:?}");
        assert_eq!(scratch.exists(), killed, "{signals:?}");
    }
    fs::create_dir(&scratch).unwrap();
    fs::write(scratch.join("mine"), "").unwrap();
    let refused = stderr(&run(place.path(), &["profile", "write.toml", "--seconds", "0.1"], 2));
    assert!(refused.contains("is not empty") && scratch.join("mine").is_file(), "{refused}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
