//! What a run says of itself as a user sees it: the look before the first step, and the diagnosis after the last.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{pipeline_text, report, run, stderr, stdout, workplace};

fn diagnosis(folder: &Path) -> Value {
    report(folder)["diagnosis"].clone()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn a_run_leaves_its_diagnosis_in_the_report_in_a_table_and_in_pictures() {
    let place = workplace(20);
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", "out"], 0));
    let folder = place.path().join("out");
    let whole = report(&folder);
    let found = &whole["diagnosis"];
    for (part, samples) in [("train", 30), ("validation", 10), ("test", 20)] {
        let part = &found[part];
        assert_eq!(part["samples"], samples);
        let rows: Vec<u64> =
            part["confusion"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().iter().map(count).sum()).collect();
        let support: Vec<u64> = part["classes"].as_array().unwrap().iter().map(|class| count(&class["support"])).collect();
        assert_eq!(rows, support);
        assert_eq!(support.iter().sum::<u64>(), samples);
        assert_eq!(part["calibration"]["bins"].as_array().unwrap().len(), 15);
        assert_eq!(part["top_losses"].as_array().unwrap().len(), samples.min(16) as usize);
        assert!(part["top_k"].is_null(), "there are two classes");
        let accuracy = &part["accuracy"];
        assert!(accuracy["low"].as_f64() <= accuracy["value"].as_f64() && accuracy["value"].as_f64() <= accuracy["high"].as_f64());
    }
    // What the diagnosis says of the test samples is what the run tested.
    let tested = &whole["outcome"]["test"];
    assert_eq!((&found["test"]["accuracy"]["value"], &found["test"]["loss"]), (&tested["accuracy"], &tested["loss"]));
    let best = whole["outcome"]["epochs"].as_array().unwrap().last().unwrap();
    assert_eq!(found["validation"]["loss"], best["validation"]["loss"], "the last weights are the chosen ones");
    assert_eq!((&found["reference_error"], &found["reference_given"]), (&0.0.into(), &false.into()));
    for line in [
        "self-check: labels of 2 classes",
        "diagnosis: ",
        "  reference  error   0.0 %",
        "  test       error",
        "  calibration error",
    ] {
        assert!(said.contains(line), "{line} in\n{said}");
    }
    assert!(found["warnings"][0].as_str().unwrap().starts_with("20 test samples tell the accuracy to"), "{found}");
    let table = fs::read_to_string(folder.join("predictions.csv")).unwrap();
    let mut rows = table.lines();
    assert_eq!(rows.next(), Some("part,path,label,predicted,confidence,loss"));
    assert_eq!(rows.clone().filter(|row| row.starts_with("test,circle/")).count(), 10);
    assert_eq!(rows.count(), 30, "test and validation samples");
    for file in ["confusion.png", "reliability.png", "top_losses.png"] {
        assert!(image::open(folder.join(file)).unwrap().width() > 100, "{file}");
    }
}

#[test]
fn the_diagnosis_is_the_same_for_any_number_of_workers_and_after_a_resume() {
    let place = workplace(20);
    let files = ["predictions.csv", "confusion.png", "reliability.png", "top_losses.png"];
    let left = |out: &str| {
        let folder = place.path().join(out);
        let whole = report(&folder);
        let files: Vec<Vec<u8>> = files.iter().map(|file| fs::read(folder.join(file)).unwrap()).collect();
        (whole["diagnosis"].to_string(), whole["self_check"].to_string(), files)
    };
    for workers in ["1", "2", "3"] {
        run(place.path(), &["run", "shapes.toml", "--quiet", "--workers", workers, "--out", workers], 0);
    }
    let one = left("1");
    assert!(left("2") == one && left("3") == one);
    assert!(one.1.contains("one_batch"), "{}", one.1);
    // A run whose end was lost goes on from its last checkpoint and says the same again.
    fs::remove_file(place.path().join("2/.done")).unwrap();
    for file in files.iter().chain(&["report.json"]) {
        fs::remove_file(place.path().join("2").join(file)).unwrap();
    }
    run(place.path(), &["run", "shapes.toml", "--quiet", "--resume", "--workers", "3", "--out", "2"], 0);
    assert!(left("2") == one, "self-check and diagnosis survive");
}

#[test]
fn the_self_check_changes_nothing_and_can_be_left_out() {
    let place = workplace(12);
    run(place.path(), &["run", "shapes.toml", "--out", "with"], 0);
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", "without", "--no-self-check"], 0));
    assert!(!said.contains("self-check"), "{said}");
    let [with, without] = ["with", "without"].map(|out| report(&place.path().join(out)));
    assert_eq!(with["outcome"], without["outcome"]);
    assert_eq!(with["diagnosis"], without["diagnosis"]);
    let model = |out: &str| fs::read(place.path().join(out).join("model.safetensors")).unwrap();
    assert!(model("with") == model("without"));
    assert!(without["self_check"].is_null());
    let checks: Vec<&str> =
        with["self_check"]["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(checks, ["labels", "inputs", "initial_loss", "gradient", "one_batch"]);
    assert!(with["self_check"]["checks"].as_array().unwrap().iter().all(|check| check["level"] == "passed"), "{with}");
}

#[test]
fn inputs_that_are_not_normalised_are_warned_of_and_blank_ones_named() {
    let place = workplace(8);
    let wild = pipeline_text().replace("[batch]", "[normalize]\nmean = [0, 0, 0]\nstd = [0.004, 0.004, 0.004]\n[batch]");
    fs::write(place.path().join("wild.toml"), wild).unwrap();
    let said = stderr(&run(place.path(), &["run", "wild.toml", "--quiet", "--out", "wild"], 0));
    assert!(said.contains("warning: self-check, inputs") && said.contains("[normalize] mean = \"auto\""), "{said}");
    let blank = pipeline_text().replace("[batch]", "[[augment]]\nop = \"solarize\"\nthreshold = 0\n[batch]");
    let blank = blank.replace("op = \"solarize\"\nthreshold = 0", "op = \"brightness\"\nfactor = [0, 0]");
    fs::write(place.path().join("blank.toml"), blank).unwrap();
    let said = stderr(&run(place.path(), &["run", "blank.toml", "--quiet", "--out", "blank"], 0));
    assert!(said.contains("all the same"), "{said}");
}

#[test]
fn a_reference_error_belongs_to_the_report_and_may_change_when_a_run_goes_on() {
    let place = workplace(12);
    let reference = "report.reference_error=0.25";
    let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", "out", "--set", reference], 0));
    assert!(said.contains("reference  error  25.0 %  (given)"), "{said}");
    assert_eq!(diagnosis(&place.path().join("out"))["reference_error"], 0.25);
    run(place.path(), &["run", "shapes.toml", "--resume", "--out", "out", "--set", "report.reference_error=0.1"], 0);
    run(place.path(), &["check", "shapes.toml", "--set", "report.reference_error=1.5"], 2);
}

#[test]
fn a_test_set_of_another_kind_is_told_with_its_remedies() {
    let place = workplace(60);
    // Labels of the test samples are exchanged: nothing that training shows can tell.
    let test = place.path().join("test");
    fs::rename(test.join("circle"), test.join("other")).unwrap();
    fs::rename(test.join("square"), test.join("circle")).unwrap();
    fs::rename(test.join("other"), test.join("square")).unwrap();
    let output = run(place.path(), &["run", "shapes.toml", "--json", "--out", "out", "--set", "train.epochs=6"], 0);
    let found = diagnosis(&place.path().join("out"));
    assert!(found["verdict"].as_str().unwrap().contains("another kind"), "{found}");
    let last = found["findings"].as_array().unwrap().last().unwrap();
    assert_eq!(last["kind"], "mismatch");
    assert!(last["remedies"][0].as_str().unwrap().contains("top_losses.png"));
    let told = stdout(&output);
    let events = ["\"event\":\"self_checked\"", "\"event\":\"diagnosed\"", "\"verdict\":"];
    assert!(events.iter().all(|event| told.contains(event)), "{told}");
}

#[test]
fn check_tells_of_classes_without_samples() {
    let place = workplace(8);
    let said = stdout(&run(place.path(), &["check", "shapes.toml"], 0));
    assert!(!said.contains("no test sample"), "{said}");
    for picture in fs::read_dir(place.path().join("test/circle")).unwrap() {
        fs::remove_file(picture.unwrap().path()).unwrap();
    }
    let allowed = ["check", "shapes.toml", "--set", "test.allow_empty_classes=true"];
    let said = stdout(&run(place.path(), &allowed, 0));
    assert!(said.contains("no test sample of circle"), "{said}");
}
