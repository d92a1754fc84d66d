//! The page of a run as its user finds it: after a run, an interruption, a resume, and from the folder alone.

mod support;

use std::fs;
use std::path::Path;
use support::{pipeline, report, run, stdout, workplace};

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.html")).unwrap()
}

#[test]
fn a_run_leaves_a_page_with_everything_in_it() {
    let place = workplace(20);
    fs::rename(place.path().join("train/circle"), place.path().join("train/<script>")).unwrap();
    fs::rename(place.path().join("test/circle"), place.path().join("test/<script>")).unwrap();
    fs::write(place.path().join("train/square/bad.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "r", "--set", "source.max_bad=0.2"], 0);
    let folder = place.path().join("r");
    let page = page(&folder);
    let sections =
        ["summary", "curves", "diagnosis", "confusion", "classes", "losses", "calibration", "samples", "census", "stages"];
    for id in sections.iter().chain(&["pipeline", "reproduce"]) {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id} is missing");
    }
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing comes from elsewhere");
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    let report = report(&folder);
    for hash in ["weights_blake3", "stream_blake3"] {
        assert!(page.contains(report["outcome"][hash].as_str().unwrap()));
    }
    assert!(page.contains("square/bad.png"), "what was set aside is listed");
    assert_eq!(report["census"]["classes"].as_array().unwrap().len(), 2);
    assert_eq!(report["census"]["formats"]["png"], 61);
    assert!(report["timing"]["core_seconds"].as_f64().unwrap() > 0.0);
    // 8 samples with 7 variants each, and the hardest.
    assert!(page.matches("<img").count() >= 64);
    // The command that the page gives makes the same weights.
    let again = page.split("pipeline run ").nth(1).unwrap().split("</pre>").next().unwrap().replace("&#39;", "");
    run(place.path(), &["run", &again, "--quiet", "--out", "again"], 0);
    assert_eq!(support::report(&place.path().join("again"))["outcome"], report["outcome"]);
}

#[test]
fn the_page_is_made_again_from_the_folder_alone() {
    let place = workplace(12);
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "r", "--set", "train.epochs=1"], 0);
    let folder = place.path().join("r");
    let before = page(&folder);
    fs::remove_file(folder.join("report.html")).unwrap();
    let said = run(place.path(), &["report", "r"], 0);
    assert_eq!(stdout(&said), "r/report.html\n");
    assert!(page(&folder) == before, "the two pages differ");
    fs::remove_dir_all(place.path().join("train")).unwrap();
    run(place.path(), &["report", "r", "--out", "elsewhere.html"], 0);
    let without = fs::read_to_string(place.path().join("elsewhere.html")).unwrap();
    assert!(without.contains("the data is not here") && without.contains("<section id=\"curves\""));
    run(place.path(), &["report", "nowhere"], 2);
    fs::write(folder.join("report.json"), "{").unwrap();
    run(place.path(), &["report", "r"], 4);
}

#[test]
fn an_interrupted_run_has_a_page_that_says_so_until_it_is_completed() {
    let place = workplace(20);
    let mut child =
        pipeline(place.path(), &["run", "shapes.toml", "--quiet", "--out", "r", "--set", "train.epochs=4000"]).spawn().unwrap();
    let metrics = place.path().join("r/metrics.csv");
    while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 3 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let folder = place.path().join("r");
    let page = page(&folder);
    assert!(page.contains("did not come to its end: interrupted by signal 15") && page.contains("<section id=\"curves\""));
    assert!(report(&folder)["failure"].as_str().unwrap().contains("interrupted"));
}

#[test]
fn a_run_that_goes_on_writes_its_page_anew() {
    let place = workplace(20);
    let args = ["run", "shapes.toml", "--quiet", "--out", "r", "--set", "train.epochs=60"];
    let mut child = pipeline(place.path(), &args).spawn().unwrap();
    let metrics = place.path().join("r/metrics.csv");
    while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 2 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    child.wait().unwrap();
    run(place.path(), &[&args[..], &["--resume"]].concat(), 0);
    let folder = place.path().join("r");
    assert!(!page(&folder).contains("did not come to its end") && page(&folder).contains("<section id=\"losses\""));
    assert!(report(&folder)["failure"].is_null());
}

/// `write.toml` over the pictures of `shapes.toml`, one of them broken.
fn write_file(place: &Path, more: &str) {
    fs::write(place.join("train/square/bad.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    let text = support::pipeline_text();
    let head = text[..text.find("[split]").unwrap()].replace("path = \"train\"", "path = \"train\"\nmax_bad = 0.3");
    let steps = &text[text.find("[[augment]]").unwrap()..text.find("[batch]").unwrap()];
    fs::write(place.join("write.toml"), format!("{head}{steps}{more}")).unwrap();
}

#[test]
fn a_run_that_writes_a_set_leaves_a_page_beside_it() {
    let place = workplace(10);
    for (number, layout) in [(1, "shards"), (2, "image_folder")] {
        write_file(
            place.path(),
            &format!(
                "[report]\npath = \"runs\"\n[write]\npath = \"set\"\nvariants = 2\nshard_samples = 7\nformat = \"{layout}\"\n"
            ),
        );
        let out = format!("set{number}");
        run(place.path(), &["run", "write.toml", "--out", &out], 0);
        let folder = place.path().join(format!("runs/shapes/{number}"));
        let (page, report) = (page(&folder), report(&folder));
        for id in ["summary", "set", "stored", "samples", "census", "stages", "pipeline", "reproduce"] {
            assert!(page.contains(&format!("<section id=\"{id}\"")), "{id} is missing");
        }
        for id in ["curves", "diagnosis", "losses"] {
            assert!(!page.contains(&format!("<section id=\"{id}\"")), "{id} has nothing to show");
        }
        assert!(page.contains("square/bad.png") && !page.contains("<script") && !page.contains("http://"));
        // 8 samples, each with the rendition for evaluation and two variants.
        assert_eq!(page.matches("<img").count(), 24);
        let set = &report["written"];
        assert_eq!((&set["pictures"], &set["shards"], &set["of"]), (&60.into(), &3.into(), &3.into()));
        assert_eq!(set["classes"], serde_json::json!([[10, 0], [10, 1]]));
        let ending = if layout == "shards" { "tar" } else { "png" };
        let bytes: u64 = files(&place.path().join(&out), ending).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert_eq!(set["bytes"], bytes, "{layout}");
        assert!(page.contains(set["export"].as_str().unwrap()) && page.contains(report["data_blake3"].as_str().unwrap()));
        let again = place.path().join("page.html");
        run(place.path(), &["report", folder.to_str().unwrap(), "--out", "page.html"], 0);
        assert!(fs::read_to_string(again).unwrap() == page, "the two pages differ");
        // The command that the page gives writes the same set.
        let command = page.split("pipeline run ").nth(1).unwrap().split(" --out").next().unwrap().to_owned();
        run(place.path(), &["run", &command, "--quiet", "--out", "again", "--report", "again.html"], 0);
        let name = |file: &Path| file.file_name().unwrap().to_owned();
        let hashes = |folder: &str| {
            let all = files(&place.path().join(folder), ending);
            all.iter().map(|file| (name(file), fs::read(file).unwrap())).collect::<std::collections::BTreeMap<_, _>>()
        };
        assert!(hashes(&out) == hashes("again"));
        assert!(!place.path().join(format!("runs/shapes/{}", number + 1)).exists(), "--report takes the place of the folder");
        fs::remove_dir_all(place.path().join("again")).unwrap();
    }
    let said = support::stderr(&run(place.path(), &["compare", "runs/shapes/1"], 2));
    assert!(said.contains("a set that was written"), "{said}");
}

#[test]
fn a_set_that_is_not_complete_has_a_page_that_says_so_and_a_run_without_a_place_for_it_says_why() {
    let place = workplace(10);
    write_file(place.path(), "[report]\npath = \"runs\"\n[write]\npath = \"set\"\nvariants = 1\nshard_samples = 5\n");
    // Two broken samples of one class are more than the tenth that may be.
    fs::write(place.path().join("train/square/worse.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    run(place.path(), &["run", "write.toml", "--quiet", "--set", "source.max_bad=0.05"], 3);
    let text = page(&place.path().join("runs/shapes/1"));
    assert!(text.contains("did not come to its end") && text.contains("<section id=\"set\""), "{text}");
    // The set is what was asked for: where its report has no place, it is complete all the same.
    fs::remove_dir_all(place.path().join("runs")).unwrap();
    fs::write(place.path().join("runs"), "a file").unwrap();
    let said = support::stderr(&run(place.path(), &["run", "write.toml", "--quiet", "--out", "other"], 0));
    assert!(said.contains("the run has no report"), "{said}");
    let refused = support::stderr(&run(place.path(), &["run", "write.toml", "--report", "no/such/page.html"], 2));
    assert!(refused.contains("no/such/page.html"), "{refused}");
    let refused = support::stderr(&run(place.path(), &["run", "shapes.toml", "--report", "page.html"], 2));
    assert!(refused.contains("report.html in its folder"), "{refused}");
}

#[test]
fn a_run_that_only_measures_has_a_page_where_one_is_asked_for() {
    let place = workplace(10);
    write_file(place.path(), "[batch]\nsize = 8\n");
    let args = ["run", "write.toml", "--json", "--report", "page.html"];
    let result: serde_json::Value = serde_json::from_str(&stdout(&run(place.path(), &args, 0))).unwrap();
    let page = fs::read_to_string(place.path().join("page.html")).unwrap();
    for id in ["summary", "samples", "census", "stages", "pipeline", "reproduce"] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id} is missing");
    }
    assert!(page.contains(result["stream_blake3"].as_str().unwrap()) && page.contains("square/bad.png"));
    assert!(page.contains("pipeline run write.toml") && page.contains("kept nothing"));
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    assert!(!place.path().join("runs").exists(), "nothing is kept where nothing was asked for");
}

/// All files below `folder` with that ending.
fn files(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: std::path::PathBuf| if path.is_dir() { files(&path, ending) } else { vec![path] };
    paths.flat_map(inside).filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}
