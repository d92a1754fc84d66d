//! Law 3 at every place where a run can be interrupted: between any two batches of any pass, and before the first.

use super::heard;
use crate::config::Document;
use crate::event::{Event, Listener};
use crate::job::run::signals::Signals;
use crate::job::run::{PageAt, Request, Voice};
use crate::pixels::encode::encode_png;
use crate::plan::{End, Plan};
use crate::sample::{Image, Size};
use std::path::{Path, PathBuf};
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

/// Puts the checkpoint aside as it is at each moment: what would be found there, were the run killed then.
struct Copier {
    from: PathBuf,
    to: PathBuf,
    count: AtomicUsize,
}

impl Listener for Copier {
    fn hear(&self, _: &Event) {
        let checkpoint = self.from.join("checkpoint");
        if checkpoint.is_file() {
            let copy = self.to.join(self.count.fetch_add(1, Ordering::Relaxed).to_string());
            std::fs::create_dir(&copy).unwrap();
            std::fs::copy(&checkpoint, copy.join("checkpoint")).unwrap();
            std::fs::copy(self.from.join("pipeline.toml"), copy.join("pipeline.toml")).unwrap();
        }
    }
}

struct Both<'a>(Interrupter<'a>, Option<Copier>);

impl Listener for Both<'_> {
    fn hear(&self, event: &Event) {
        self.0.hear(event);
        self.1.iter().for_each(|copier| copier.hear(event));
    }
}

/// Runs, or goes on, until so many batches were taken; whether it came to its end.
fn run(place: &Path, out: &str, batches: usize) -> bool {
    run_with(place, out, "", batches, None)
}

/// The same with `more` keys in `[train]`, and with the checkpoint of every moment put aside in `copies`.
fn run_with(place: &Path, out: &str, more: &str, batches: usize, copies: Option<&Path>) -> bool {
    let pipeline = if more.starts_with("epochs") { PIPELINE.replace("epochs = 2\n", "") } else { PIPELINE.to_owned() };
    let document = Document::parse("small.toml", &format!("{pipeline}{more}")).unwrap();
    let plan = Plan::read(document, place.join("small.toml")).unwrap();
    let End::Train(end) = &plan.end else { panic!("it trains") };
    let out = place.join(out);
    let resume = out.join("checkpoint").is_file();
    let request = Request {
        name: "small".to_owned(),
        sets: Vec::new(),
        out: Some(out.clone()),
        resume,
        share: None,
        self_check: true,
        voice: Voice::Quiet,
        events: None,
        metrics_file: None,
        page: PageAt::Usual,
        asked: std::time::Instant::now(),
    };
    let signals = Signals::silent();
    if batches == 0 {
        signals.ask();
    }
    let interrupter = Interrupter { left: AtomicUsize::new(batches), signals: &signals };
    let copier = copies.map(|to| Copier { from: out, to: to.to_path_buf(), count: AtomicUsize::new(0) });
    let listener = Both(interrupter, copier);
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

/// Every second step of two batches is one of one: nine good pictures make three batches.
const MORE: &str = "accumulate = 2\nema = { decay = 0.5 }\nmax_norm = 0.5\nearly_stopping = { patience = 5 }\n";

#[test]
fn a_run_with_accumulated_gradients_and_an_average_interrupted_after_any_batch_ends_as_if_it_had_not_been() {
    let place = workplace();
    assert!(run_with(place.path(), "whole", MORE, usize::MAX, None));
    let whole = results(place.path(), "whole");
    for batches in 1.. {
        let out = format!("after{batches}");
        if run_with(place.path(), &out, MORE, batches, None) {
            break;
        }
        assert!(run_with(place.path(), &out, MORE, usize::MAX, None));
        assert!(results(place.path(), &out) == whole, "interrupted after {batches} batches");
    }
}

#[test]
fn a_run_that_ends_within_an_epoch_interrupted_after_any_batch_ends_as_if_it_had_not_been() {
    // Two of the second epoch's three batches: six of its nine entries.
    let more = "epochs = 1.6\nema = { decay = 0.5, every = 2, copy_back = true, after_epochs = 0.3 }\n\
                groups = [{ layer = 'whiten', freeze_after = 1 }]\n";
    let place = workplace();
    assert!(run_with(place.path(), "whole", more, usize::MAX, None));
    let whole = results(place.path(), "whole");
    let report: serde_json::Value = serde_json::from_str(&whole.0.replace("{\"misnamed\":8}", "")).unwrap();
    let samples: Vec<_> = report["epochs"].as_array().unwrap().iter().map(|epoch| epoch["train"]["samples"].as_u64()).collect();
    assert!(samples.len() == 2 && samples[1] < samples[0], "{samples:?}");
    for batches in 1.. {
        let out = format!("after{batches}");
        if run_with(place.path(), &out, more, batches, None) {
            break;
        }
        assert!(run_with(place.path(), &out, more, usize::MAX, None));
        assert!(results(place.path(), &out) == whole, "interrupted after {batches} batches");
    }
}

#[test]
fn a_run_killed_at_any_moment_goes_on_from_its_last_checkpoint_within_the_epoch_and_ends_as_if_it_had_not_been() {
    let place = workplace();
    assert!(run_with(place.path(), "whole", MORE, usize::MAX, None));
    let whole = results(place.path(), "whole");
    let copies = place.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    let often = format!("{MORE}checkpoint_steps = 1\n");
    assert!(run_with(place.path(), "often", &often, usize::MAX, Some(&copies)));
    assert!(results(place.path(), "often") == whole, "checkpoints change nothing");
    let mut seen = Vec::new();
    for copy in std::fs::read_dir(&copies).unwrap().map(|entry| entry.unwrap().path()) {
        let checkpoint = std::fs::read(copy.join("checkpoint")).unwrap();
        if seen.contains(&checkpoint) {
            continue;
        }
        seen.push(checkpoint);
        // Resumed without the key: it decides nothing, and so may change.
        let out = format!("copies/{}", copy.file_name().unwrap().display());
        assert!(run_with(place.path(), &out, MORE, usize::MAX, None));
        assert!(results(place.path(), &out) == whole, "{out}");
    }
    assert!(seen.len() > 2, "one at the end of either epoch, and others within: {}", seen.len());
}

#[test]
fn the_best_epochs_checkpoint_stays_beside_the_last() {
    let place = workplace();
    assert!(run(place.path(), "whole", usize::MAX));
    let read = |name: &str| std::fs::read(place.path().join("whole").join(name)).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&read("report.json")).unwrap();
    let best = report["outcome"]["best_epoch"].as_u64().unwrap();
    assert_eq!(read("checkpoint") == read("checkpoint-best"), best == 2, "two epochs, of which the second may be the best");
    // The best epoch's checkpoint is what a run of so many epochs would have left.
    std::fs::create_dir(place.path().join("again")).unwrap();
    std::fs::write(place.path().join("again/checkpoint"), read("checkpoint-best")).unwrap();
    std::fs::write(place.path().join("again/pipeline.toml"), read("pipeline.toml")).unwrap();
    assert!(run(place.path(), "again", usize::MAX));
    assert!(results(place.path(), "again") == results(place.path(), "whole"));
}
