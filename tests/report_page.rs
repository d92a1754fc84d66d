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
