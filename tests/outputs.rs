//! What other programs read of this one: event lines, metrics, TensorBoard's file, completions, manual pages, the schema.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use support::{outcome, pipeline, run, stderr, stdout, workplace};

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn named<'l>(lines: &'l [serde_json::Value], name: &str) -> Vec<&'l serde_json::Value> {
    lines.iter().filter(|line| line["event"] == name).collect()
}

/// How often `text` stands in the event file of a run.
fn count_in_events(run: &Path, text: &str) -> usize {
    let bytes = fs::read(run.join("tensorboard/events.out.tfevents.augpipe")).unwrap();
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

/// The value of a metric of the pipeline `shapes`, by its name and further labels as they are written.
fn metric(text: &str, name: &str, labels: &str) -> Option<f64> {
    let start = format!("{name}{{pipeline=\"shapes\"{labels}}} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
}

#[test]
fn a_run_is_told_in_every_way_and_comes_to_the_same() {
    let place = workplace(20);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "plain"], 0);
    let told = ["--events", "events.jsonl", "--set", "report.tensorboard=true", "--set", "report.openmetrics=prom/shapes.prom"];
    let printed = run(place.path(), &[&["run", "shapes.toml", "--json", "--out", "told"][..], &told].concat(), 0);
    assert_eq!(outcome(&place.path().join("plain")), outcome(&place.path().join("told")));
    assert!(!place.path().join("plain/tensorboard").exists());

    let events = lines(&place.path().join("events.jsonl"));
    assert_eq!((&events[0]["event"], &events[events.len() - 1]["event"]), (&"planned".into(), &"finished".into()));
    let counts =
        ["started", "first_batch", "weights", "epoch", "trained", "tested", "diagnosed"].map(|name| named(&events, name).len());
    assert_eq!(counts, [1, 1, 3, 3, 1, 1, 1]);
    assert!(named(&events, "progress").len() > 10 && named(&events, "pictured").len() == 4);
    assert_eq!(events[events.len() - 1]["stages"].as_array().unwrap().len(), 5);
    let others: Vec<String> = events.iter().filter(|event| event["event"] != "progress").map(ToString::to_string).collect();
    let said: Vec<String> = stdout(&printed).lines().map(|line| line.parse::<serde_json::Value>().unwrap().to_string()).collect();
    assert_eq!(said[..said.len() - 1], others, "--json says the same without progress, and the report at the end");

    let table = fs::read_to_string(place.path().join("told/metrics.csv")).unwrap();
    let mut rows = table.lines();
    assert_eq!(rows.next(), Some("epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate"));
    for (row, event) in rows.by_ref().zip(named(&events, "epoch")) {
        let numbers: Vec<f64> = row.split(',').map(|number| number.parse().unwrap()).collect();
        let of = |part: &str, key: &str| event[part][key].as_f64().unwrap();
        let scores = [of("train", "loss"), of("train", "accuracy"), of("validation", "loss"), of("validation", "accuracy")];
        assert_eq!(numbers[1..5], scores);
        assert_eq!((numbers[0], numbers[5]), (event["epoch"].as_f64().unwrap(), event["learning_rate"].as_f64().unwrap()));
    }

    let text = fs::read_to_string(place.path().join("prom/shapes.prom")).unwrap();
    assert!(text.ends_with("# EOF\n"));
    assert_eq!((metric(&text, "augpipe_epoch", ""), metric(&text, "augpipe_running", "")), (Some(3.0), Some(0.0)));
    let tested = named(&events, "tested")[0]["accuracy"].as_f64();
    assert_eq!(metric(&text, "augpipe_accuracy_ratio", ",part=\"test\""), tested);
    assert!(metric(&text, "augpipe_stage_busy_seconds_total", ",stage=\"train\"").unwrap() > 0.0);
    assert_eq!(fs::read_dir(place.path().join("prom")).unwrap().count(), 1, "something was left beside the metrics");

    let count = |text: &str| count_in_events(&place.path().join("told"), text);
    let tags = [
        "brain.Event:2",
        "loss/train",
        "accuracy/validation",
        "learning_rate",
        "loss/test",
        "weights/0.weight",
        "pictures/confusion",
    ];
    assert_eq!(tags.map(count), [1, 3, 3, 3, 1, 3, 1]);
}

#[test]
fn an_interrupted_run_goes_on_in_its_files_with_every_step_once() {
    let place = workplace(20);
    let folder = place.path().join("out");
    let args = ["run", "shapes.toml", "--quiet", "--out", "out", "--set", "train.epochs=12", "--set", "report.tensorboard=true"];
    let args = [&args[..], &["--events", "events.jsonl", "--metrics-file", "run.prom"]].concat();
    for (interrupt, epochs) in [("-INT", 2), ("-KILL", 6)] {
        let more: &[&str] = if interrupt == "-INT" { &[] } else { &["--resume"] };
        let mut child = pipeline(place.path(), &[&args[..], more].concat()).spawn().unwrap();
        let seen = || fs::read_to_string(folder.join("metrics.csv")).map_or(0, |text| text.lines().count().saturating_sub(1));
        while seen() < epochs && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = Command::new("kill").args([interrupt, &child.id().to_string()]).status();
        child.wait().unwrap();
        if interrupt == "-INT" {
            let text = fs::read_to_string(place.path().join("run.prom")).unwrap();
            assert_eq!(metric(&text, "augpipe_running", ""), Some(0.0));
        }
    }
    run(place.path(), &[&args[..], &["--resume"]].concat(), 0);
    let count = |text: &str| count_in_events(&folder, text);
    assert_eq!(["brain.Event:2", "loss/train", "loss/test", "pictures/confusion"].map(count), [1, 12, 1, 1]);
    let text = fs::read_to_string(place.path().join("run.prom")).unwrap();
    assert_eq!(metric(&text, "augpipe_epoch", ""), Some(12.0));
    let events = fs::read_to_string(place.path().join("events.jsonl")).unwrap();
    assert!(events.matches("\"event\":\"planned\"").count() >= 2, "a resumed run adds to the lines");
    let events = lines(&place.path().join("events.jsonl"));
    let epochs: Vec<u64> = named(&events, "epoch").iter().filter_map(|event| event["epoch"].as_u64()).collect();
    assert_eq!(epochs, (1..=12).collect::<Vec<_>>());
}

#[test]
fn runs_that_write_or_only_measure_are_told_too() {
    let place = workplace(8);
    let source = "[source]\nformat = \"image_folder\"\npath = \"train\"\n";
    fs::write(
        place.path().join("write.toml"),
        format!("name = \"shapes\"\n{source}[report]\npath = \"runs\"\n[write]\npath = \"set\"\n"),
    )
    .unwrap();
    run(place.path(), &["run", "write.toml", "--quiet", "--events", "e.jsonl", "--metrics-file", "w.prom"], 0);
    let events = lines(&place.path().join("e.jsonl"));
    assert_eq!((named(&events, "progress").len(), named(&events, "finished").len()), (16, 1));
    let text = fs::read_to_string(place.path().join("w.prom")).unwrap();
    assert_eq!(metric(&text, "augpipe_running", ""), Some(0.0));
    fs::write(place.path().join("measure.toml"), format!("name = \"shapes\"\n{source}")).unwrap();
    fs::write(place.path().join("train/circle/bad.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    let args = ["run", "measure.toml", "--json", "--set", "source.max_bad=0.2", "--events", "m.jsonl", "--metrics-file", "m.prom"];
    let result: serde_json::Value = serde_json::from_str(&stdout(&run(place.path(), &args, 0))).unwrap();
    assert_eq!((&result["samples"], &result["quarantined"]), (&16.into(), &1.into()));
    let events = lines(&place.path().join("m.jsonl"));
    let kinds = ["planned", "flowing", "first_batch", "quarantined", "progress", "finished", "epoch"];
    assert_eq!(kinds.map(|kind| named(&events, kind).len()), [1, 1, 1, 1, 1, 1, 0]);
    let text = fs::read_to_string(place.path().join("m.prom")).unwrap();
    assert_eq!(metric(&text, "augpipe_running", ""), Some(0.0));
    run(place.path(), &["run", "shapes.toml", "--quiet", "--events", "no/such/folder"], 4);
}

#[test]
fn bash_completes_commands_options_values_and_names() {
    let place = workplace(1);
    fs::create_dir(place.path().join("pipelines")).unwrap();
    for name in ["mnist-mlp", "mnist-lenet", "cars"] {
        fs::write(place.path().join(format!("pipelines/{name}.toml")), "").unwrap();
    }
    let script = stdout(&run(place.path(), &["completions", "bash"], 0));
    fs::write(place.path().join("complete.bash"), script).unwrap();
    let completed = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let text = format!(
            "source complete.bash; COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()\n\
             function=$(complete -p pipeline | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
             $function pipeline \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" ")
        );
        let output = Command::new("bash").args(["--norc", "-c", &text]).current_dir(place.path()).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed(&["pipeline", "prof"]), ["profile"]);
    assert_eq!(completed(&["pipeline", "run", "mn"]), ["mnist-lenet", "mnist-mlp"]);
    assert_eq!(completed(&["pipeline", "run", "cars", "--resu"]), ["--resume"]);
    assert_eq!(completed(&["pipeline", "export", "x", "--format", ""]), ["onnx", "safetensors"]);
    assert!(completed(&["pipeline", "run", ""]).iter().all(|word| !word.starts_with('<')));
    for shell in ["zsh", "fish"] {
        let script = stdout(&run(place.path(), &["completions", shell], 0));
        assert!(script.contains("pipelines/*.toml") && script.contains("find-lr"), "{shell}");
    }
}

#[test]
fn manual_pages_and_schema_are_written_by_one_command_each() {
    let place = workplace(1);
    run(place.path(), &["man", "--out", "man1"], 0);
    let page = fs::read_to_string(place.path().join("man1/pipeline-run.1")).unwrap();
    assert!(page.contains(".TH pipeline-run 1") && page.contains("metrics"), "{page}");
    assert!(fs::read_dir(place.path().join("man1")).unwrap().count() > 15);
    assert!(stdout(&run(place.path(), &["man"], 0)).contains("pipeline\\-run(1)"));
    run(place.path(), &["schema", "--out", "pipeline.schema.json"], 0);
    let written = fs::read_to_string(place.path().join("pipeline.schema.json")).unwrap();
    assert_eq!(written, stdout(&run(place.path(), &["schema"], 0)));
    let schema: serde_json::Value = serde_json::from_str(&written).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let valid = |text: &str| validator.is_valid(&serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap());
    let text = support::pipeline_text();
    assert!(valid(&text) && !valid(&text.replace("epochs", "epohcs")) && !valid(&text.replace("size = 8", "size = \"8\"")));
}
