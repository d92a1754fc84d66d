//! Knowing one's data, as a user does: what a census finds in folders made to be found, what is measured, hashed, verified, split
//! and converted.

mod support;

use augpipe::config::{Fields, Problems};
use augpipe::source::{self, Source};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use support::{pipeline_text, report, run, stderr, stdout, workplace};

fn json(place: &Path, args: &[&str], code: i32) -> Value {
    let output = run(place, args, code);
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| panic!("{error}: {}", stdout(&output)))
}

/// `name count` of a list of counts.
fn counts(list: &Value) -> BTreeMap<String, u64> {
    let one = |entry: &Value| (entry["name"].as_str().unwrap().to_owned(), entry["count"].as_u64().unwrap());
    list.as_array().unwrap().iter().map(one).collect()
}

fn map<const N: usize>(pairs: [(&str, u64); N]) -> BTreeMap<String, u64> {
    pairs.map(|(name, count)| (name.to_owned(), count)).into()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn encoded(picture: &image::DynamicImage, format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn picture(height: u32, width: u32, seed: u32) -> image::RgbImage {
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 9 + seed) as u8, (y * 7) as u8, (x * y + 3 * seed) as u8]))
}

fn source_of(text: &str, base: &Path) -> Box<dyn Source> {
    let problems = Problems::default();
    let spec = source::read(&Fields::parse(text, &problems).unwrap(), base).unwrap();
    assert_eq!(problems.take(), []);
    spec.open().unwrap()
}

fn pixels(source: &dyn Source) -> Vec<(String, Vec<u8>)> {
    let one = |index: usize| {
        let class = source.classes()[source.label(index) as usize].clone();
        (class, source.read(index).unwrap().sample.image.pixels().to_vec())
    };
    let mut all: Vec<(String, Vec<u8>)> = (0..source.len()).map(one).collect();
    all.sort();
    all
}

/// `odd/{cat,dog,emu}`: every kind of picture, of damage and of duplicate.
fn odd(root: &Path) {
    use image::DynamicImage::{ImageLuma8, ImageLumaA8, ImageRgb8, ImageRgba8};
    use image::ImageFormat::{Bmp, Jpeg, Png};
    let folder = |class: &str| root.join("odd").join(class);
    ["cat", "dog", "emu"].iter().for_each(|class| fs::create_dir_all(folder(class)).unwrap());
    let put = |name: &str, bytes: &[u8]| fs::write(root.join("odd").join(name), bytes).unwrap();
    for number in 0..6 {
        put(&format!("cat/{number}.png"), &encoded(&ImageRgb8(picture(8, 12, number)), Png));
        put(&format!("dog/{number}.bmp"), &encoded(&ImageRgb8(picture(10, 10, 50 + number)), Bmp));
    }
    put("emu/gray.png", &encoded(&ImageLuma8(image::GrayImage::from_fn(9, 5, |x, y| image::Luma([(x * y) as u8]))), Png));
    put("emu/alpha.png", &encoded(&ImageLumaA8(image::GrayAlphaImage::new(9, 6)), Png));
    put("emu/rgba.png", &encoded(&ImageRgba8(image::RgbaImage::new(9, 7)), Png));
    let jpeg = encoded(&ImageRgb8(picture(16, 24, 9)), Jpeg);
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let segment = [&[0xff, 0xe1][..], &(exif.len() as u16 + 2).to_be_bytes(), exif].concat();
    put("emu/turned.jpg", &[&jpeg[..2], &segment, &jpeg[2..]].concat());
    // A file of another name, a copy, a copy under another label, and the same pixels in another format.
    put("emu/really_png.jpg", &encoded(&ImageRgb8(picture(7, 7, 200)), Png));
    put("cat/copy.png", &encoded(&ImageRgb8(picture(8, 12, 3)), Png));
    put("dog/stolen.png", &encoded(&ImageRgb8(picture(8, 12, 4)), Png));
    put("dog/recoded.png", &encoded(&ImageRgb8(picture(10, 10, 52)), Png));
    // Damage of each kind.
    put("cat/cut.jpg", &jpeg[..jpeg.len() / 2]);
    put("cat/empty.png", b"");
    put("dog/page.jpg", b"<!DOCTYPE html><title>404</title>");
    put("dog/some.gif", b"GIF89a\x01\0\x01\0");
    let mut bomb = encoded(&ImageRgb8(picture(4, 4, 1)), Bmp);
    bomb[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    put("emu/bomb.bmp", &bomb);
    std::os::unix::fs::symlink("nowhere", root.join("odd/emu/dangling.png")).unwrap();
    put("emu/.DS_Store", b"x");
}

#[test]
fn a_census_finds_every_kind_of_picture_damage_and_duplicate() {
    let place = tempfile::tempdir().unwrap();
    odd(place.path());
    let found = json(place.path(), &["data", "census", "odd", "--json"], 0);
    assert_eq!((found["samples"].as_u64(), found["usable"].as_u64()), (Some(26), Some(20)));
    let formats = [("PNG", 13), ("BMP", 7), ("JPEG", 2), ("GIF", 1), ("no picture", 2), ("unreadable", 1)];
    assert_eq!(counts(&found["formats"]), map(formats));
    assert_eq!(counts(&found["colors"]), map([("rgb", 19), ("gray", 1), ("gray_alpha", 1), ("rgba", 1)]));
    assert_eq!(counts(&found["bit_depths"]), map([("8", 22)]));
    assert_eq!(counts(&found["orientations"]), map([("none", 21), ("6", 1)]));
    assert_eq!(counts(&found["codings"])["JPEG baseline"], 2);
    assert_eq!(found["misnamed"], serde_json::json!([{ "path": "emu/really_png.jpg", "format": "PNG" }]));
    assert_eq!(counts(&found["left_out"]), map([("hidden and system files", 1)]));
    let reasons =
        [("truncated", 1), ("empty file", 1), ("not an image", 1), ("unsupported: GIF", 1), ("too large", 1), ("dangling link", 1)];
    assert_eq!(counts(&found["damage"]["reasons"]), map(reasons));
    let bad = |file: &Value| format!("{}: {}", file["path"].as_str().unwrap(), file["reason"].as_str().unwrap());
    let files: Vec<String> = found["damage"]["files"].as_array().unwrap().iter().map(bad).collect();
    assert!(files.len() == 6 && files[0].starts_with("cat/cut.jpg: truncated after"), "{files:?}");
    // The turned picture is upright: 24 rows of 16.
    let sizes = &found["sizes"];
    assert_eq!((sizes["height"]["max"].as_f64(), sizes["portrait"].as_u64()), (Some(24.0), Some(1)));
    assert_eq!(sizes["common"][0], serde_json::json!({ "height": 8, "width": 12, "count": 8 }));

    let group = |group: &Value| {
        let files: Vec<&str> = group["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        (files.join(" "), group["same"].as_str().unwrap().to_owned(), group["conflict"].as_bool().unwrap())
    };
    let groups: Vec<_> = found["duplicates"]["groups"].as_array().unwrap().iter().map(group).collect();
    let expected = [
        ("cat/3.png cat/copy.png", "bytes", false),
        ("cat/4.png dog/stolen.png", "bytes", true),
        ("dog/2.bmp dog/recoded.png", "pixels", false),
    ];
    assert_eq!(groups, expected.map(|(files, same, conflict)| (files.to_owned(), same.to_owned(), conflict)));
    assert_eq!((found["duplicates"]["conflicts"].as_u64(), found["duplicates"]["leaks"].as_u64()), (Some(1), Some(0)));

    let text = stdout(&run(place.path(), &["data", "census", "odd"], 0));
    assert!(text.contains("LABEL CONFLICT") && text.contains("cat/4.png (cat) = dog/stolen.png (dog)"), "{text}");
    assert!(text.contains("dog/page.jpg: not an image") && text.contains("█"), "{text}");
    let short = stdout(&run(place.path(), &["data", "census", "odd", "--limit", "1"], 0));
    assert!(!short.contains("dog/page.jpg") && short.contains("and 5 more"), "{short}");
}

#[test]
fn a_census_does_not_depend_on_threads_and_tells_balance() {
    let place = workplace(12);
    fs::create_dir(place.path().join("train/hexagon")).unwrap();
    fs::create_dir(place.path().join("train/line")).unwrap();
    fs::copy(place.path().join("test/circle/000.png"), place.path().join("train/line/0.png")).unwrap();
    let one = json(place.path(), &["data", "census", "train", "--json", "--workers", "1"], 0);
    assert_eq!(one, json(place.path(), &["data", "census", "train", "--json", "--workers", "7"], 0));
    assert_eq!(one["balance"]["imbalance"].as_f64(), Some(12.0));
    assert_eq!((texts(&one["balance"]["empty"]), texts(&one["balance"]["near_empty"])), (vec!["hexagon"], vec!["line"]));
    assert_eq!(one["balance"]["classes"][0]["share"].as_f64(), Some(12.0 / 25.0));
}

#[test]
fn leaks_are_found_in_pipelines_and_in_folders_of_parts() {
    let place = workplace(12);
    fs::copy(place.path().join("train/circle/003.png"), place.path().join("test/square/stolen.png")).unwrap();
    for given in ["shapes.toml", "."] {
        let found = json(place.path(), &["data", "census", given, "--json"], 0);
        assert_eq!(found["samples"].as_u64(), Some(37), "{given}");
        let leaked = |group: &&Value| group["leak"].as_bool().unwrap() && group["conflict"].as_bool().unwrap();
        let wrong: Vec<&Value> = found["duplicates"]["groups"].as_array().unwrap().iter().filter(leaked).collect();
        assert!(!wrong.is_empty(), "{given}: {found}");
        let text = stdout(&run(place.path(), &["data", "census", given, "--limit", "99"], 0));
        assert!(text.contains("LEAK: ") && text.contains("square/stolen.png (square) [test]"), "{given}: {text}");
    }
}

#[test]
fn a_flat_folder_is_counted_without_labels_and_nothing_usable_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("flat")).unwrap();
    picture(5, 6, 1).save(place.path().join("flat/a.png")).unwrap();
    let found = json(place.path(), &["data", "census", "flat", "--json"], 0);
    assert_eq!((found["samples"].as_u64(), found["labelled"].as_bool()), (Some(1), Some(false)));
    fs::write(place.path().join("flat/a.png"), "no picture").unwrap();
    let output = run(place.path(), &["data", "census", "flat"], 3);
    assert!(stdout(&output).contains("not an image") && stderr(&output).contains("none of 1 pictures"), "{output:?}");
    let refused = run(place.path(), &["data", "census", "absent"], 2);
    assert!(stderr(&refused).contains("absent"), "{refused:?}");
}

#[test]
fn stats_are_those_computed_by_hand() {
    let place = tempfile::tempdir().unwrap();
    let (mut sums, mut squares, mut pixels) = ([0.0; 3], [0.0; 3], 0.0);
    for (class, height, width, seed) in [("a", 3, 5, 1), ("a", 8, 2, 90), ("b", 4, 4, 30)] {
        fs::create_dir_all(place.path().join("set").join(class)).unwrap();
        let picture = picture(height, width, seed);
        for (channel, value) in picture.pixels().flat_map(|pixel| pixel.0.into_iter().enumerate()) {
            let value = f64::from(value) / 255.0;
            (sums[channel], squares[channel]) = (sums[channel] + value, squares[channel] + value * value);
        }
        pixels += f64::from(height * width);
        picture.save(place.path().join(format!("set/{class}/{seed}.png"))).unwrap();
    }
    fs::write(place.path().join("set/b/bad.png"), "bad").unwrap();
    let found = json(place.path(), &["data", "stats", "set", "--json"], 0);
    assert_eq!((found["pictures"].as_u64(), found["damaged"].as_u64()), (Some(3), Some(1)));
    assert_eq!(found["classes"][1], serde_json::json!({ "name": "b", "samples": 2 }));
    for channel in 0..3 {
        let mean = sums[channel] / pixels;
        let std = (squares[channel] / pixels - mean * mean).sqrt();
        assert!((found["mean"][channel].as_f64().unwrap() - mean).abs() < 1e-12);
        assert!((found["std"][channel].as_f64().unwrap() - std).abs() < 1e-12);
    }
    for workers in ["1", "5"] {
        assert_eq!(found, json(place.path(), &["data", "stats", "set", "--json", "--workers", workers], 0));
    }
}

#[test]
fn pasted_statistics_are_what_a_run_measures() {
    let place = workplace(12);
    let found = json(place.path(), &["data", "stats", "shapes.toml", "--json"], 0);
    let text = format!("{}\n{}", pipeline_text(), found["normalize"].as_str().unwrap());
    fs::write(place.path().join("pasted.toml"), text).unwrap();
    let outcome = |file: &str, out: &str| {
        run(place.path(), &["run", file, "--quiet", "--out", out, "--set", "train.epochs=1"], 0);
        report(&place.path().join(out))["outcome"].clone()
    };
    assert_eq!(outcome("shapes.toml", "measured"), outcome("pasted.toml", "given"));
}

#[test]
fn verify_names_every_file_that_differs() {
    let place = workplace(6);
    run(place.path(), &["data", "hash", "train", "--out", "train/train.b3"], 0);
    let list = fs::read_to_string(place.path().join("train/train.b3")).unwrap();
    let bytes = fs::read(place.path().join("train/circle/000.png")).unwrap();
    assert!(list.starts_with(&format!("{}  circle/000.png\n", blake3::hash(&bytes).to_hex())), "{list}");
    assert!(list.lines().count() == 12 && list.lines().map(|line| &line[66..]).is_sorted(), "{list}");
    assert_eq!(stdout(&run(place.path(), &["data", "hash", "train", "--workers", "3"], 0)).lines().count(), 13);
    run(place.path(), &["data", "verify", "train", "train/train.b3"], 0);

    fs::remove_file(place.path().join("train/circle/001.png")).unwrap();
    fs::remove_file(place.path().join("train/square/005.png")).unwrap();
    let mut flipped = bytes;
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(place.path().join("train/circle/000.png"), flipped).unwrap();
    fs::write(place.path().join("train/square/new\n.png"), "new").unwrap();
    fs::write(place.path().join("train/.DS_Store"), "hidden").unwrap();
    let output = run(place.path(), &["data", "verify", "train", "train/train.b3"], 4);
    assert!(stderr(&output).contains("2 missing, 1 changed, 1 added"), "{output:?}");
    let found = json(place.path(), &["data", "verify", "train", "train/train.b3", "--json"], 4);
    assert_eq!(texts(&found["missing"]), ["circle/001.png", "square/005.png"]);
    assert_eq!((texts(&found["changed"]), texts(&found["added"])), (vec!["circle/000.png"], vec!["square/new\\n.png"]));
    assert_eq!((found["listed"].as_u64(), found["same"].as_u64()), (Some(12), Some(9)));
    fs::write(place.path().join("bad.b3"), "0123  ../secret\n").unwrap();
    run(place.path(), &["data", "verify", "train", "bad.b3"], 2);
}

/// The lines of a list without its first.
fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn lists_of_a_pipeline_are_its_own_split() {
    let place = workplace(12);
    let text = pipeline_text();
    let (head, rest) = (&text[..text.find("[test]").unwrap()], &text[text.find("[[augment]]").unwrap()..]);
    fs::write(place.path().join("own.toml"), format!("{}test = 0.25\n{rest}", head)).unwrap();
    run(place.path(), &["data", "split", "own.toml", "--out", "lists"], 0);
    let plan = augpipe::plan::Plan::load(place.path().join("own.toml").to_str().unwrap(), &[]).unwrap();
    for (part, entries) in
        [("train", &plan.data.parts.train), ("validation", &plan.data.parts.validation), ("test", &plan.data.parts.test)]
    {
        let name = |entry: &u32| {
            let source = &plan.data.source;
            format!("{},{}", source.identity(*entry as usize), source.classes()[source.label(*entry as usize) as usize])
        };
        let expected: Vec<String> = entries.iter().map(name).collect();
        assert!(!expected.is_empty());
        assert_eq!(lines(&place.path().join(format!("lists/{part}.csv"))), expected, "{part}");
    }
    run(place.path(), &["data", "split", "own.toml", "--out", "other", "--seed", "6"], 0);
    assert_ne!(lines(&place.path().join("other/train.csv")), lines(&place.path().join("lists/train.csv")));
    // The same shares and seed of the folder itself.
    let args = ["data", "split", "train", "--out", "path", "--validation", "0.25", "--test", "0.25", "--seed", "5", "--stratify"];
    run(place.path(), &args, 0);
    assert_eq!(lines(&place.path().join("path/test.csv")), lines(&place.path().join("lists/test.csv")));
    run(place.path(), &["data", "split", "own.toml", "--out", "lists"], 2);
}

#[test]
fn a_set_that_is_divided_already_is_not_taken_for_classes_in_silence() {
    let place = workplace(12);
    fs::create_dir(place.path().join("both")).unwrap();
    for part in ["train", "test"] {
        fs::rename(place.path().join(part), place.path().join("both").join(part)).unwrap();
    }
    let words = "the classes are called test, train, as parts of a data set that is divided already are";
    let told = json(place.path(), &["data", "split", "both", "--out", "lists", "--json"], 0);
    assert!(texts(&told["warnings"])[0].contains(words), "{told}");
    let told = json(place.path(), &["data", "split", "both/train", "--out", "others", "--json"], 0);
    assert!(texts(&told["warnings"]).is_empty(), "{told}");
}

#[test]
fn training_reads_the_lists() {
    let place = workplace(12);
    let odd_name = place.path().join("train/circle/a, \"b\"\\\n.png");
    fs::copy(place.path().join("train/circle/000.png"), odd_name).unwrap();
    run(place.path(), &["data", "split", "train", "--out", "lists", "--test", "0.25", "--validation", "0", "--seed", "3"], 0);
    assert!(!place.path().join("lists/validation.csv").exists());
    let tables = fs::read_to_string(place.path().join("lists/source.toml")).unwrap();
    let text = pipeline_text();
    let rest = &text[text.find("[[augment]]").unwrap()..];
    fs::write(place.path().join("listed.toml"), format!("name = \"listed\"\n{tables}\n{rest}")).unwrap();
    run(place.path(), &["run", "listed.toml", "--quiet", "--out", "out", "--set", "train.epochs=1"], 0);
    let plan = augpipe::plan::Plan::load(place.path().join("listed.toml").to_str().unwrap(), &[]).unwrap();
    assert_eq!((plan.data.parts.train.len(), plan.data.parts.test.len()), (19, 6));
}

/// Writes pictures as MNIST's files hold them.
fn idx(folder: &Path, count: u8) {
    fs::create_dir_all(folder).unwrap();
    let head =
        |magic: u8, sizes: &[u32]| [vec![0, 0, 8, magic], sizes.iter().flat_map(|size| size.to_be_bytes()).collect()].concat();
    let values: Vec<u8> = (0..usize::from(count) * 20).map(|value| (value * 37 % 256) as u8).collect();
    let labels: Vec<u8> = (0..count).map(|number| number % 3).collect();
    fs::write(folder.join("train-images-idx3-ubyte"), [head(3, &[count.into(), 4, 5]), values].concat()).unwrap();
    fs::write(folder.join("train-labels-idx1-ubyte"), [head(1, &[count.into()]), labels].concat()).unwrap();
}

#[test]
fn conversions_keep_every_pixel_there_and_back() {
    let place = tempfile::tempdir().unwrap();
    idx(&place.path().join("digits"), 12);
    let read = |text: &str| pixels(&*source_of(text, place.path()));
    let digits = read("format = 'idx'\npath = 'digits'");
    run(place.path(), &["data", "convert", "digits", "folder", "--format", "image_folder", "--quiet"], 0);
    assert_eq!(read("format = 'image_folder'\npath = 'folder'\nchannels = 1"), digits);
    assert_eq!(read("format = 'prepared'\npath = 'folder'"), digits);
    let args = ["data", "convert", "folder", "raw", "--format", "shards", "--encoding", "raw", "--shard-size", "20kB", "--quiet"];
    run(place.path(), &args, 0);
    assert_eq!(read("format = 'shards'\npath = 'raw'"), digits);
    run(place.path(), &["data", "convert", "raw", "png", "--format", "shards", "--quiet"], 0);
    assert_eq!(read("format = 'shards'\npath = 'png'"), digits);
    run(place.path(), &["data", "convert", "png", "back", "--format", "image_folder", "--quiet"], 0);
    assert_eq!(read("format = 'image_folder'\npath = 'back'\nchannels = 1"), digits);
    // Each picture once, and the census of all is that of the first.
    let census = |path: &str| json(place.path(), &["data", "census", path, "--json"], 0);
    for path in ["digits", "folder", "raw", "png", "back"] {
        assert_eq!(census(path)["samples"].as_u64(), Some(12), "{path}");
        assert_eq!(census(path)["balance"], census("digits")["balance"], "{path}");
    }
}

#[test]
fn an_interrupted_conversion_is_completed_and_a_foreign_folder_is_refused() {
    let place = workplace(40);
    let args = ["data", "convert", "train", "set", "--format", "shards", "--shard-size", "20kB", "--quiet"];
    run(place.path(), &args, 0);
    let tree = || {
        let names = fs::read_dir(place.path().join("set")).unwrap().map(|entry| entry.unwrap().path());
        names.map(|path| (path.clone(), fs::read(path).unwrap())).collect::<BTreeMap<_, _>>()
    };
    let whole = tree();
    assert!(whole.len() > 6, "{} files", whole.len());
    run(place.path(), &args, 2);
    let list = whole.keys().find(|path| path.ends_with("000001.json")).unwrap();
    fs::remove_file(list).unwrap();
    fs::write(place.path().join("set/evaluate-000000.tar"), "half").unwrap();
    run(place.path(), &[&args[..], &["--resume"]].concat(), 0);
    assert_eq!(tree(), whole);
    run(place.path(), &["data", "convert", "train", "train/circle/in", "--format", "shards"], 2);
}
