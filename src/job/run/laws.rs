//! Law 3 at every place where a run can be interrupted: between any two batches of any pass, and before the first.

use super::heard;
use crate::config::Document;
use crate::event::{Event, Listener};
use crate::job::run::signals::Signals;
use crate::job::run::{Request, Voice};
use crate::pixels::encode::encode_png;
use crate::plan::{End, Plan};
use crate::sample::{Image, Size};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

const PIPELINE: &str = r#"
name = "small"
[source]
format = "image_folder"
path = "train"
max_bad = 0.5
[split]
validation = 0.4
[test]
path = "train"
[[augment]]
op = "horizontal_flip"
[batch]
size = 3
mix = ["mixup", { mixer = "cutmix", p = 0.4 }]
[model]
layers = ["whiten", "batch_norm", "gelu", "flatten", { layer = "dropout", keep = 0.8 }, { layer = "linear", out = 2 }]
[train]
epochs = 2
optimizer = "adam"
learning_rate = { peak = 0.01, schedule = "one_cycle" }
"#;

/// Two classes of seven pictures, of which one is cut off and four have names that end as those of another format do.
fn workplace() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (class, light) in [("dark", 0u8), ("light", 90)] {
        let folder = place.path().join("train").join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..7u8 {
            let pixels = (0..48).map(|value| value * 2 + light + number).collect();
            let png = encode_png(&Image::new(Size::new(4, 4), 3, pixels)).unwrap();
            let whole = if (number, light) == (3, 0) { png.len() / 2 } else { png.len() };
            let extension = if number % 3 == 1 { "jpg" } else { "png" };
            std::fs::write(folder.join(format!("{number}.{extension}")), &png[..whole]).unwrap();
        }
    }
    place
}

/// Asks for an interruption once so many batches have been taken.
struct Interrupter<'a> {
    left: AtomicUsize,
    signals: &'a Signals,
}

impl Listener for Interrupter<'_> {
    fn hear(&self, event: &Event) {
        if matches!(event, Event::Progress { .. }) && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.signals.ask();
        }
    }
}

/// Runs, or goes on, until so many batches were taken; whether it came to its end.
fn run(place: &Path, out: &str, batches: usize) -> bool {
    let document = Document::parse("small.toml", PIPELINE).unwrap();
    let plan = Plan::read(document, place.join("small.toml")).unwrap();
    let End::Train(end) = &plan.end else { panic!("it trains") };
    let out = place.join(out);
    let resume = out.join("checkpoint").is_file();
    let request = Request {
        name: "small".to_owned(),
        sets: Vec::new(),
        out: Some(out),
        resume,
        self_check: true,
        voice: Voice::Quiet,
        asked: std::time::Instant::now(),
    };
    let signals = Signals::silent();
    if batches == 0 {
        signals.ask();
    }
    let listener = Interrupter { left: AtomicUsize::new(batches), signals: &signals };
    match heard(&plan, end, &request, &signals, Box::new(listener)) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.exit_code(), 130, "{error}");
            false
        }
    }
}

fn results(place: &Path, out: &str) -> (String, Vec<u8>) {
    let out = place.join(out);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    (report["outcome"].to_string() + &report["odd_files"].to_string(), std::fs::read(out.join("model.safetensors")).unwrap())
}

#[test]
fn a_run_interrupted_after_any_batch_ends_as_if_it_had_not_been() {
    let place = workplace();
    assert!(run(place.path(), "whole", usize::MAX));
    let whole = results(place.path(), "whole");
    assert!(whole.0.ends_with("{\"misnamed\":8}"), "each file is read for training or validation, and for the test: {}", whole.0);
    let mut interrupted = 0;
    for batches in 0.. {
        let out = format!("after{batches}");
        if run(place.path(), &out, batches) {
            break;
        }
        interrupted += 1;
        assert!(batches > 0 || !place.path().join(&out).exists(), "a run that learned nothing leaves nothing");
        assert!(run(place.path(), &out, usize::MAX));
        assert!(results(place.path(), &out) == whole, "interrupted after {batches} batches");
    }
    assert!(interrupted > 8, "{interrupted}");
}

#[test]
fn a_run_interrupted_after_every_single_batch_ends_as_if_it_had_not_been() {
    let place = workplace();
    assert!(run(place.path(), "whole", usize::MAX));
    // Interrupted while it tests, it tests again: from there on it is left alone.
    let mut attempts = 0;
    while !run(place.path(), "torn", if attempts < 12 { 1 } else { usize::MAX }) {
        attempts += 1;
    }
    assert!(attempts > 6, "{attempts}");
    assert!(results(place.path(), "torn") == results(place.path(), "whole"));
}
