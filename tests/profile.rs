//! `pipeline profile` as a user runs it: what it writes and refuses. How fast this machine is plays no part.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
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
fn what_has_no_stages_or_no_layers_is_refused() {
    let place = workplace(12);
    let file = place.path().join("shapes.toml");
    let text = support::pipeline_text();
    let data = &text[..text.find("[model]").unwrap()];
    fs::write(&file, data.replace("[batch]\nsize = 8\n", "[write]\npath = \"set\"\nvariants = 2\n")).unwrap();
    let refused = stderr(&run(place.path(), &["profile", "shapes.toml"], 2));
    assert!(refused.contains("writes a set"), "{refused}");
    let refused = stderr(&run(place.path(), &["profile", "shapes.toml", "--layers"], 2));
    assert!(refused.contains("does not train"), "{refused}");
}
