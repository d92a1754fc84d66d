//! What someone does who has never seen the program: wrong words, closed pipes, kill -9, folders that are not what they should be.

mod support;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use support::{outcome, pipeline, pipeline_text, run, stderr, stdout, tree, workplace};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pipeline of `shapes.toml` as one that writes `variants` of every sample to `prepared`.
fn write_text(variants: u32) -> String {
    let online = pipeline_text();
    let part = |from: &str, to: &str| online[online.find(from).unwrap()..online.find(to).unwrap()].to_owned();
    let head = part("name", "[split]").replace("path = \"train\"", "path = \"train\"\nmax_bad = 0.2");
    format!(
        "{head}{}[report]\npath = \"runs\"\n[write]\npath = \"prepared\"\nvariants = {variants}\n",
        part("[[augment]]", "[batch]")
    )
}

/// `shapes.toml` learning from what [`write_text`] wrote.
fn prepared_text() -> String {
    let online = pipeline_text();
    let without = online[..online.find("[[augment]]").unwrap()].to_owned() + &online[online.find("[batch]").unwrap()..];
    let from = without.replace("\"image_folder\"\npath = \"train\"", "\"prepared\"\npath = \"prepared\"\nmax_bad = 0.2");
    from.replace("[test]\n", "[test]\nformat = \"image_folder\"\n")
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = workplace(8);
    let commands: [&[&str]; 5] =
        [&["list"], &["describe", "conv"], &["check", "shapes.toml"], &["run", "shapes.toml", "--json"], &["run", "shapes.toml"]];
    for args in commands {
        let mut child = pipeline(place.path(), args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}");
    }
    // One that takes a line and leaves.
    let mut child = pipeline(place.path(), &["run", "shapes.toml", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut byte = [0];
    child.stdout.take().unwrap().read_exact(&mut byte).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(place.path().join("runs/shapes/3/.done").is_file());
}

#[test]
fn everything_that_is_listed_is_described() {
    let listed = stdout(&run(repository(), &["list", "--json"], 0));
    let families: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&listed).unwrap();
    let items = families.values().flat_map(|family| family.as_array().unwrap());
    let names: Vec<&str> = items.filter_map(|item| item["name"].as_str()).collect();
    assert!(names.len() > 50, "{}", names.len());
    for name in names {
        let text = stdout(&run(repository(), &["describe", name], 0));
        assert!(text.contains(name) && text.contains("example"), "{text}");
    }
    let said = stderr(&run(repository(), &["describe", "rotat"], 2));
    assert!(said.contains("did you mean `rotate`"), "{said}");
}

#[test]
fn every_pipeline_of_the_repository_is_right_where_its_data_is_there() {
    for entry in fs::read_dir(repository().join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        let output = pipeline(repository(), &["check", path.to_str().unwrap()]).output().unwrap();
        let said = stderr(&output);
        let problems = said.lines().filter(|line| line.starts_with("error:"));
        let absent = |line: &str| line.contains("No such file") || line.contains("holds none of") || line.contains("cannot read");
        let other: Vec<&str> = problems.filter(|line| !absent(line)).collect();
        assert!(other.is_empty(), "{}: {other:#?}", path.display());
        assert!(output.status.code() == Some(if said.is_empty() { 0 } else { 2 }), "{}: {said}", path.display());
    }
}

#[test]
fn the_embedded_data_is_what_the_generator_draws() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), &["data", "synth", "brands", "--seed", "1", "--out", "brands"], 0);
    let (drawn, kept) = (tree(&place.path().join("brands")), tree(&repository().join("data/brands")));
    assert_eq!(drawn.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    assert!(drawn == kept, "a picture differs");
}

#[test]
fn a_set_whose_writing_was_killed_is_completed_to_the_same_tree() {
    let place = workplace(24);
    cut(&place.path().join("train/circle/004.png"));
    fs::write(place.path().join("write.toml"), write_text(3)).unwrap();
    run(place.path(), &["run", "write.toml", "--quiet", "--set", "write.path=\"whole\""], 0);
    let whole = tree(&place.path().join("whole"));
    assert_eq!(whole.len(), 47 * 4 + 5, "pictures; what the set is, a shard's list, index, manifest and bad samples");
    for (number, interrupt) in ["-KILL", "-KILL", "-INT", "-KILL", "-TERM"].into_iter().enumerate() {
        let folder = place.path().join(format!("part{number}"));
        let to = format!("write.path=\"part{number}\"");
        let mut child =
            pipeline(place.path(), &["run", "write.toml", "--quiet", "--set", &to]).stderr(Stdio::null()).spawn().unwrap();
        let stored = || ["circle", "square"].iter().flat_map(|class| fs::read_dir(folder.join(class))).flatten().count();
        while stored() < 1 + number * 35 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = std::process::Command::new("kill").args([interrupt, &child.id().to_string()]).status();
        if child.wait().unwrap().code() != Some(0) {
            run(place.path(), &["run", "write.toml", "--quiet", "--set", &to, "--workers", "3", "--resume"], 0);
        }
        assert!(tree(&folder) == whole, "{interrupt} after {} files", 1 + number * 35);
    }
}

#[test]
fn a_prepared_set_with_bad_samples_trains_as_its_source_does() {
    let place = workplace(20);
    for victim in ["train/circle/000.png", "train/circle/011.png", "train/square/019.png"] {
        cut(&place.path().join(victim));
    }
    fs::write(place.path().join("write.toml"), write_text(2)).unwrap();
    fs::write(place.path().join("prepared.toml"), prepared_text()).unwrap();
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let with = |file, out| ["run", file, "--quiet", "--out", out, "--set", "train.epochs=2", "--set", "source.max_bad=0.2"];
    run(place.path(), &with("shapes.toml", "online"), 0);
    run(place.path(), &with("prepared.toml", "offline"), 0);
    assert_eq!(outcome(&place.path().join("offline")), outcome(&place.path().join("online")));
    assert!(outcome(&place.path().join("offline")).contains("\"quarantined\": 3"));
    let rows = |out: &str| fs::read_to_string(place.path().join(out).join("bad_samples.tsv")).unwrap();
    assert_eq!(rows("offline"), rows("online"));
}

#[test]
fn a_prepared_set_with_a_file_missing_or_cut_says_so() {
    let place = workplace(12);
    fs::write(place.path().join("write.toml"), write_text(1)).unwrap();
    fs::write(place.path().join("prepared.toml"), prepared_text()).unwrap();
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let victim = place.path().join("prepared/circle/003.png.v0.png");
    let bytes = fs::read(&victim).unwrap();
    fs::write(&victim, &bytes[..bytes.len() / 2]).unwrap();
    run(place.path(), &["run", "prepared.toml", "--quiet", "--out", "cut", "--set", "split.validation=0"], 0);
    let rows = fs::read_to_string(place.path().join("cut/bad_samples.tsv")).unwrap();
    assert!(rows.contains("circle/003.png") && rows.contains("truncated"), "{rows}");
    fs::remove_file(&victim).unwrap();
    let said = stderr(&run(place.path(), &["run", "prepared.toml", "--quiet", "--out", "missing"], 2));
    assert!(said.contains("003.png.v0.png") && said.contains("write the set again"), "{said}");
}

#[test]
fn a_giant_picture_is_written_as_the_augmentation_shows_it() {
    let place = workplace(2);
    // Three quarters black: the middle that the evaluation chain cuts out has no white.
    let giant = image::RgbImage::from_fn(2400, 1000, |x, _| image::Rgb(if x < 1800 { [0; 3] } else { [255; 3] }));
    giant.save(place.path().join("train/circle/giant.png")).unwrap();
    let text = "[source]\nformat = \"image_folder\"\npath = \"train\"\n[[augment]]\nop = \"resize\"\nsize = [8, 8]\n\
                [[evaluate]]\nop = \"center_crop\"\nsize = [8, 8]\n[report]\npath = \"runs\"\n[write]\npath = \"prepared\"\nvariants = 1\n";
    fs::write(place.path().join("write.toml"), text).unwrap();
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let written = |name: &str| image::open(place.path().join("prepared/circle").join(name)).unwrap().to_rgb8();
    assert_eq!(written("giant.png.v0.png").get_pixel(7, 4).0, [255; 3]);
    assert_eq!(written("giant.png.evaluate.png").get_pixel(7, 4).0, [0; 3]);
}

#[test]
fn one_wrong_section_is_one_problem_and_all_are_shown() {
    let place = workplace(4);
    for section in ["source", "split", "test", "batch", "model", "train", "report", "workers", "normalize"] {
        let said = stderr(&run(place.path(), &["check", "shapes.toml", "--set", &format!("{section}=3")], 2));
        let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(errors, [format!("error: [{section}] must be a table, not an integer")], "{said}");
    }
    let sets = ["--set", "no_equals", "--set", "augment.9.p=1", "--set", "seed=-1", "--set", "batch.sise=3"];
    let said = stderr(&run(place.path(), &[&["check", "shapes.toml"], &sets[..]].concat(), 2));
    for part in ["no `=`", "list of 4", "cannot be -1", "did you mean `size`"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
}

#[test]
fn a_run_that_was_killed_before_it_learned_anything_begins_anew() {
    let place = workplace(8);
    fs::create_dir(place.path().join("out")).unwrap();
    fs::write(place.path().join("out/.lock"), "1").unwrap();
    fs::write(place.path().join("out/pipeline.toml"), "half a fi").unwrap();
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "out", "--resume"], 0);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "whole"], 0);
    assert_eq!(outcome(&place.path().join("out")), outcome(&place.path().join("whole")));
    let before = tree(&place.path().join("out"));
    let said = stdout(&run(place.path(), &["run", "shapes.toml", "--out", "out", "--resume"], 0));
    assert!(said.contains("complete"), "{said}");
    assert!(tree(&place.path().join("out")) == before, "a complete run stays as it is");
}

/// Whether this process, and so its children, were told to ignore SIGHUP (signal 1: the lowest bit of `SigIgn`).
fn hang_up_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    u64::from_str_radix(mask, 16).unwrap_or(0) & 1 == 1
}

#[test]
fn a_closed_terminal_stops_a_run_that_can_go_on() {
    let place = workplace(20);
    let args = ["run", "shapes.toml", "--quiet", "--out", "out", "--set", "train.epochs=400"];
    let mut child = pipeline(place.path(), &args).stderr(Stdio::piped()).spawn().unwrap();
    while !place.path().join("out/checkpoint").is_file() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
    let output = child.wait_with_output().unwrap();
    if hang_up_is_ignored() {
        assert_eq!(output.status.code(), Some(0), "under nohup a run goes on: {}", stderr(&output));
        return;
    }
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
    assert!(stderr(&output).contains("pipeline run shapes.toml --set train.epochs=400 --out out --resume"), "{}", stderr(&output));
}

#[test]
fn places_that_cannot_be_written_to_are_refused_before_work() {
    let place = workplace(4);
    fs::write(place.path().join("file"), "").unwrap();
    for out in ["file", "file/below", "/proc/nowhere"] {
        let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", out], 2));
        assert!(said.contains(out) && said.contains("help"), "{said}");
    }
    for out in ["train", "train/circle/deeper", "test/../train/new"] {
        let said = stderr(&run(place.path(), &["run", "shapes.toml", "--out", out], 2));
        assert!(said.contains("inside the data"), "{said}");
    }
}

#[test]
fn pictures_of_several_sizes_are_refused_unless_one_is_usual() {
    let place = workplace(8);
    let text = pipeline_text();
    let plain = text[..text.find("[[augment]]").unwrap()].to_owned() + &text[text.find("[batch]").unwrap()..];
    fs::write(place.path().join("plain.toml"), plain).unwrap();
    let odd = |number: usize| image::RgbImage::new(20, 9).save(place.path().join(format!("train/circle/{number:03}.png"))).unwrap();
    odd(0);
    run(place.path(), &["run", "plain.toml", "--quiet", "--set", "source.max_bad=0.2", "--out", "one"], 0);
    assert!(fs::read_to_string(place.path().join("one/bad_samples.tsv")).unwrap().contains("circle/000.png"));
    (1..8).for_each(odd);
    let said = stderr(&run(place.path(), &["check", "plain.toml"], 2));
    assert!(said.contains("different sizes") && said.contains("resize"), "{said}");
    let dropped = ["check", "shapes.toml", "--set", "batch.size=500", "--set", "batch.last=drop"];
    assert!(stderr(&run(place.path(), &dropped, 2)).contains("fill no batch"));
}
