//! Looking at what happens: `preview`, `describe --picture` and `verify`, as a user runs them.

mod support;

use augpipe::stage::ledger::Stream;
use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{pipeline_text, report, run, stderr, stdout, workplace};

fn json(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&run(folder, &[args, &["--json"]].concat(), 0))).unwrap()
}

fn identities(document: &Value) -> Vec<String> {
    document["samples"].as_array().unwrap().iter().map(|sample| sample["sample"].as_str().unwrap().to_owned()).collect()
}

/// Names of the elements that a page opens, in order; every one must be closed by its own end tag in the right order.
fn elements(page: &str) -> Vec<String> {
    let (mut open, mut all) = (Vec::<String>::new(), Vec::new());
    let style = page.find("<style>").unwrap()..page.find("</style>").unwrap();
    let page = page.replace(&page[style], "<style>");
    for tag in
        page.split('<').skip(1).map(|rest| rest.split_once('>').expect("every tag ends").0).filter(|tag| !tag.starts_with('!'))
    {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        match tag.starts_with('/') {
            true => assert_eq!(open.pop().as_ref(), Some(&name)),
            false => {
                all.push(name.clone());
                open.extend(Some(name).filter(|name| !["meta", "img"].contains(&name.as_str())));
            }
        }
    }
    assert_eq!(open, [""; 0], "all elements are closed");
    all
}

#[test]
fn a_preview_shows_every_step_of_every_sample() {
    let place = workplace(12);
    let said = stdout(&run(place.path(), &["preview", "shapes.toml", "--count", "5"], 0));
    let folder = place.path().join("runs/shapes/preview");
    assert!(said.contains("preview.html") && said.contains("preview.png"), "{said}");
    let sheet = image::open(folder.join("preview.png")).unwrap();
    assert!(sheet.width() > 6 * 192 && sheet.height() > 5 * 192, "{}x{}", sheet.width(), sheet.height());
    let page = fs::read_to_string(folder.join("preview.html")).unwrap();
    assert_eq!(page.matches("<section ").count(), 5);
    for step in ["1 · crop", "2 · horizontal_flip", "3 · color_jitter", "4 · gaussian_noise"] {
        assert_eq!(page.matches(&format!("<h3>{step}</h3>")).count(), 5, "{step}");
    }
    assert_eq!(page.matches("not applied (chance 0.5)").count() + page.matches("after horizontal_flip").count(), 5);
    assert!(page.contains("<li>brightness ") && page.contains("<li>order "), "what was drawn is told");
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn a_page_is_whole_in_itself_and_speaks_to_every_reader() {
    let place = workplace(8);
    run(place.path(), &["preview", "shapes.toml", "--count", "2", "--out", "shown", "--replay"], 0);
    let page = fs::read_to_string(place.path().join("shown/preview.html")).unwrap();
    let elements = elements(&page);
    let count = |name: &str| elements.iter().filter(|element| *element == name).count();
    assert_eq!((count("script"), count("link"), count("iframe")), (0, 0, 0));
    assert_eq!((count("h1"), count("h2"), count("main"), count("nav")), (1, 2, 1, 1));
    assert_eq!(count("img"), page.matches("alt=\"").count());
    assert_eq!(count("img"), page.matches("src=\"data:image/png;base64,").count());
    assert_eq!(count("figure"), count("figcaption"));
    assert!(count("details") > 0 && page.contains("<html lang=\"en\">"));
    assert!(!page.contains("http") && !page.contains("url("), "nothing is fetched");
    assert!(page.matches("alt=\"\"").count() == 0, "every picture has words");
}

#[test]
fn what_a_preview_shows_at_an_epoch_is_what_an_offline_set_stores() {
    let place = workplace(8);
    let (before, _) = pipeline_text().split_once("[model]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    fs::write(
        place.path().join("write.toml"),
        before + "[report]\npath = \"runs\"\n[write]\nformat = \"image_folder\"\npath = \"stored\"\nvariants = 3\n",
    )
    .unwrap();
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let shown = json(place.path(), &["preview", "shapes.toml", "--epoch", "2", "--count", "6"]);
    for (sample, name) in shown["samples"].as_array().unwrap().iter().zip(identities(&shown)) {
        let stored = image::open(place.path().join("stored").join(format!("{name}.v2.png"))).unwrap().into_rgb8();
        assert_eq!(sample["final"]["blake3"], *blake3::hash(stored.as_raw()).to_hex().as_str(), "{name}");
    }
}

/// The digests of the batches that a replay finds, chained in the order of the run, are the run's own `stream_blake3`.
#[test]
fn a_replay_makes_the_very_batches_that_the_run_trained_on() {
    let place = workplace(12);
    let text = pipeline_text().replace("[test]\npath = \"test\"\n", "").replace("epochs = 3", "epochs = 2");
    fs::write(place.path().join("shapes.toml"), text).unwrap();
    run(place.path(), &["run", "shapes.toml", "--quiet"], 0);
    let all: Vec<String> =
        ["circle", "square"].iter().flat_map(|class| (0..12).map(move |number| format!("{class}/{number:03}.png"))).collect();
    let mut stream = Stream::default();
    for epoch in ["0", "1"] {
        let folder = "runs/shapes/1";
        let train = json(place.path(), &["preview", folder, "--replay", "--epoch", epoch, "--count", "64"]);
        let trained = identities(&train);
        let mut args = vec!["preview", folder, "--replay", "--epoch", epoch];
        all.iter().filter(|name| !trained.contains(name)).for_each(|name| args.extend(["--sample", name]));
        let validation = json(place.path(), &args);
        for pass in [train, validation] {
            let samples = pass["samples"].as_array().unwrap();
            assert!(samples.iter().all(|sample| sample["replay"]["equals_trace"] == true));
            assert!(samples.iter().all(|sample| sample["replay"]["pictures_blake3"][0] == sample["final"]["blake3"]));
            let batch = |sample: &Value| sample["replay"]["batch"].as_u64().unwrap();
            for batch in samples.chunk_by(|a, b| batch(a) == batch(b)) {
                let digest = batch[0]["replay"]["batch_blake3"].as_str().unwrap();
                stream.add(blake3::Hash::from_hex(digest).unwrap().as_bytes());
            }
        }
    }
    assert_eq!(report(&place.path().join("runs/shapes/1"))["outcome"]["stream_blake3"], stream.hex());
}

#[test]
fn a_replay_of_a_run_refuses_data_that_the_run_did_not_see() {
    let place = workplace(8);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--set", "train.epochs=1"], 0);
    run(place.path(), &["preview", "runs/shapes/1", "--replay", "--count", "1"], 0);
    fs::remove_file(place.path().join("train/circle/003.png")).unwrap();
    let said = stderr(&run(place.path(), &["preview", "runs/shapes/1", "--replay", "--count", "1"], 2));
    assert!(said.contains("not what this run saw"), "{said}");
}

#[test]
fn mixed_rows_are_shown_as_mixed_with_what_they_are_learned_as() {
    let place = workplace(8);
    let mix = "batch.mix=[{ mixer = \"mixup\", alpha = 1.0, p = 1.0 }]";
    let shown = json(place.path(), &["preview", "shapes.toml", "--replay", "--count", "8", "--set", mix]);
    let mixed = shown["samples"].as_array().unwrap().iter().filter(|sample| sample["replay"]["equals_trace"] == false);
    let sums: Vec<f64> = mixed
        .map(|sample| sample["replay"]["shares"].as_array().unwrap().iter().map(|share| share[1].as_f64().unwrap()).sum())
        .collect();
    assert!(!sums.is_empty() && sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums:?}");
}

#[test]
fn numbers_and_several_views_are_found_in_their_batches() {
    let place = workplace(12);
    let text = pipeline_text();
    let (head, rest) = text.split_once("[[augment]]").unwrap();
    let (_, tail) = rest.split_once("[batch]").unwrap();
    let views = "[[augment]]\nop = \"center_crop\"\nsize = 8\n[[evaluate]]\nop = \"five_crop\"\nsize = 8\n[batch]";
    fs::write(place.path().join("views.toml"), format!("{head}{views}{tail}")).unwrap();
    let numbers = "[[augment]]\nop = \"vgg_train\"\nsize = 8\nresize_side = [9, 12]\n[[evaluate]]\nop = \"vgg_evaluate\"\nsize = 8\nresize_side = 10\n[batch]";
    fs::write(place.path().join("numbers.toml"), format!("{head}{numbers}{tail}")).unwrap();
    let train = identities(&json(place.path(), &["preview", "views.toml", "--count", "64"]));
    let held_out = (0..12).map(|number| format!("circle/{number:03}.png")).find(|name| !train.contains(name)).unwrap();
    for (file, views, floats) in [("views.toml", 5, false), ("numbers.toml", 1, true)] {
        let shown = json(place.path(), &["preview", file, "--replay", "--sample", &held_out]);
        let replay = &shown["samples"][0]["replay"];
        assert_eq!(replay["pictures_blake3"].as_array().unwrap().len(), views, "{file}");
        assert_eq!((&replay["floats"], &replay["equals_trace"]), (&floats.into(), &true.into()), "{file}");
    }
}

#[test]
fn a_sample_that_there_is_not_is_refused_with_the_nearest_name() {
    let place = workplace(8);
    let said = stderr(&run(place.path(), &["preview", "shapes.toml", "--sample", "circle/03.png", "--sample", "what"], 2));
    assert!(said.contains("did you mean `circle/003.png`?") && said.contains("no sample `what`"), "{said}");
    assert!(!place.path().join("runs").exists());
}

#[test]
fn a_bad_sample_is_shown_with_its_reason() {
    let place = workplace(8);
    let victim = place.path().join("train/circle/003.png");
    let bytes = fs::read(&victim).unwrap();
    fs::write(&victim, &bytes[..bytes.len() / 2]).unwrap();
    let args = ["preview", "shapes.toml", "--sample", "circle/003.png", "--sample", "circle/002.png", "--out", "shown", "--replay"];
    let said = stdout(&run(place.path(), &args, 0));
    assert!(said.contains("circle/003.png: set aside: decode: truncated"), "{said}");
    let page = fs::read_to_string(place.path().join("shown/preview.html")).unwrap();
    assert!(page.contains("Set aside: decode: truncated"));
    assert!(image::open(place.path().join("shown/preview.png")).is_ok());
}

#[test]
fn steps_inside_steps_are_told_by_name() {
    let place = workplace(8);
    let text = pipeline_text()
        .replace("op = \"horizontal_flip\"", "op = \"random_order\"\nops = [\"vertical_flip\", { op = \"rotate\", degrees = 20 }]");
    fs::write(place.path().join("shapes.toml"), text).unwrap();
    run(place.path(), &["preview", "shapes.toml", "--count", "4", "--out", "shown"], 0);
    let page = fs::read_to_string(place.path().join("shown/preview.html")).unwrap();
    let facts = page.split("<details>").next().unwrap();
    assert!(facts.contains("<li>rotate degrees ") && facts.contains("<li>vertical_flip"));
}

/// With `fuse_geometry` in the file, both ends of the way are shown; where the key is not known, that is said.
#[test]
fn a_fused_end_is_shown_beside_the_one_made_step_by_step() {
    let place = workplace(8);
    let steps =
        "[[augment]]\nop = \"rotate\"\ndegrees = 40\n[[augment]]\nop = \"shear\"\nx = 20\n[[augment]]\nop = \"horizontal_flip\"";
    fs::write(place.path().join("fused.toml"), pipeline_text().replacen("[[augment]]\nop = \"horizontal_flip\"", steps, 1))
        .unwrap();
    let mut ends = Vec::new();
    for (fuse, other) in [("true", "step by step"), ("false", "geometry fused")] {
        let set = format!("fuse_geometry={fuse}");
        let shown = json(place.path(), &["preview", "fused.toml", "--count", "1", "--replay", "--out", fuse, "--set", &set]);
        let sample = &shown["samples"][0];
        assert_eq!(sample["replay"]["equals_trace"], true);
        let last = sample["steps"].as_array().unwrap().last().unwrap()["blake3"].clone();
        ends.push((last, sample["final"]["blake3"].clone(), sample["other"]["blake3"].clone()));
        let page = fs::read_to_string(place.path().join(fuse).join("preview.html")).unwrap();
        assert!(page.contains(&format!("The end, {other}")), "{other}");
    }
    let [(fused_steps, fused, stepwise), (steps, last, other)] = &ends[..] else { panic!("two ends") };
    assert_eq!((fused_steps, stepwise, fused), (steps, last, other), "each is the other's other");
    assert_eq!(steps, last);
    assert_ne!(fused, stepwise);
}

#[test]
fn results_never_go_into_the_data() {
    let place = workplace(8);
    let said = stderr(&run(place.path(), &["preview", "shapes.toml", "--out", "train/shown"], 2));
    assert!(said.contains("inside the data"), "{said}");
}

#[test]
fn an_operation_is_described_by_a_picture_and_nothing_else_is() {
    let place = tempfile::tempdir().unwrap();
    assert_eq!(stdout(&run(place.path(), &["describe", "rotate", "--picture"], 0)), "rotate.png\n");
    let drawn = json(place.path(), &["describe", "brightness", "--picture", "--out", "b.png"]);
    assert!(drawn["rows"].as_array().unwrap().iter().any(|row| row.as_str().unwrap().starts_with("factor: ")), "{drawn}");
    for name in ["rotate.png", "b.png"] {
        assert!(image::open(place.path().join(name)).unwrap().width() > 8 * 160);
    }
    let said = stderr(&run(place.path(), &["describe", "conv", "--picture"], 2));
    assert!(said.contains("only operations have a picture"), "{said}");
}

#[test]
fn the_reference_table_holds_on_this_machine() {
    let place = tempfile::tempdir().unwrap();
    let said = stdout(&run(place.path(), &["verify"], 0));
    assert!(said.lines().last().unwrap().ends_with("0 FAIL"), "{said}");
    let document = json(place.path(), &["verify"]);
    assert_eq!((document["holds"].as_bool(), document["failed"].as_u64()), (Some(true), Some(0)));
    let sets = document["instruction_sets"].as_array().unwrap().len();
    for row in document["rows"].as_array().unwrap() {
        assert_eq!(row["found"].as_object().unwrap().len(), sets);
    }
}
