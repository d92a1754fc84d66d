//! What whole-program tests share: a small data set, a pipeline file, running the binary, reading its report.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with `train/{circle,square}/NN.png`, `count` pictures a class of 12x12 pixels, and `test/` with half as many.
pub fn shapes(root: &Path, count: usize) {
    for (part, count) in [("train", count), ("test", count / 2)] {
        for class in ["circle", "square"] {
            let folder = root.join(part).join(class);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..count {
                shape(class, number as u32 + 1000 * u32::from(part == "test"))
                    .save(folder.join(format!("{number:03}.png")))
                    .unwrap();
            }
        }
    }
}

fn shape(class: &str, number: u32) -> image::RgbImage {
    let (dx, dy) = (number % 3, number / 3 % 3);
    image::RgbImage::from_fn(12, 12, |x, y| {
        let (x, y) = (x as i32 - 5 - dx as i32, y as i32 - 5 - dy as i32);
        let inside =
            if class == "circle" { x * x + y * y <= 9 } else { x.abs() <= 3 && y.abs() <= 3 && (x.abs() == 3 || y.abs() == 3) };
        let noise = ((x * 31 + y * 17 + number as i32 * 7).rem_euclid(23)) as u8;
        if inside { image::Rgb([200 + noise, 180, 90 + noise]) } else { image::Rgb([30 + noise, 60, 40]) }
    })
}

/// A pipeline file over [`shapes`] that trains a small network for three epochs with random augmentation.
pub fn pipeline_text() -> String {
    r#"
name = "shapes"
seed = 5
[source]
format = "image_folder"
path = "train"
[split]
validation = 0.25
[test]
path = "test"
[[augment]]
op = "crop"
size = [12, 12]
padding = 1
[[augment]]
op = "horizontal_flip"
[[augment]]
op = "color_jitter"
brightness = 0.2
hue = 0.1
[[augment]]
op = "gaussian_noise"
sigma = 0.02
[batch]
size = 8
[model]
layers = [
  { layer = "conv", out = 6, kernel = 3, padding = 1 }, { layer = "relu" }, { layer = "max_pool", kernel = 2 },
  { layer = "flatten" }, { layer = "dropout", keep = 0.9 }, { layer = "linear", out = 2 },
]
[train]
epochs = 3
optimizer = { name = "adam" }
learning_rate = 0.01
[report]
path = "runs"
"#
    .to_owned()
}

/// A temporary folder with [`shapes`] and `shapes.toml`.
pub fn workplace(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    shapes(folder.path(), count);
    fs::write(folder.path().join("shapes.toml"), pipeline_text()).unwrap();
    folder
}

/// The binary, to be run in `folder`.
pub fn pipeline(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("pipeline"));
    command.current_dir(folder).args(args).env("NO_COLOR", "1");
    command
}

/// Runs it and expects `code`; what it printed is shown where the code differs.
pub fn run(folder: &Path, args: &[&str], code: i32) -> Output {
    let output = pipeline(folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "pipeline {args:?}\nstdout: {}\nstderr: {}", stdout(&output), stderr(&output));
    output
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The `outcome` of a run folder's report, as text.
pub fn outcome(run: &Path) -> String {
    serde_json::to_string_pretty(&report(run)["outcome"]).unwrap()
}

pub fn report(run: &Path) -> serde_json::Value {
    let path: PathBuf = run.join("report.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Every file below `folder` with its bytes.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap())),
            }
        }
    }
    found
}
