//! A trained model as a user uses it: predict, evaluate, export.

mod support;

use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{pipeline, report, run, stderr, stdout, workplace};

/// A place with a finished run in `out`.
fn trained(more: &[&str]) -> tempfile::TempDir {
    let place = workplace(20);
    run(place.path(), &[&["run", "shapes.toml", "--quiet", "--out", "out"], more].concat(), 0);
    place
}

fn json(place: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&run(place, args, 0))).unwrap()
}

fn tested(run: &Path) -> (f64, f64) {
    let outcome = &report(run)["outcome"]["test"];
    (outcome["accuracy"].as_f64().unwrap(), outcome["loss"].as_f64().unwrap())
}

fn scored(document: &Value) -> (f64, f64) {
    (document["accuracy"].as_f64().unwrap(), document["loss"].as_f64().unwrap())
}

#[test]
fn evaluating_on_the_test_set_gives_the_runs_own_score_whatever_the_workers() {
    let place = trained(&[]);
    let expected = tested(&place.path().join("out"));
    let mut documents = Vec::new();
    for args in [
        &["evaluate", "out", "--json", "--workers", "1"][..],
        &["evaluate", "out", "out", "--json", "--workers", "2"],
        &["evaluate", "out/model.safetensors", "shapes.toml", "--json", "--workers", "3"],
        &["evaluate", "out", "test", "--json"],
    ] {
        let mut document = json(place.path(), args);
        assert_eq!(scored(&document), expected, "{args:?}");
        for key in ["source", "model"] {
            document[key].take();
        }
        documents.push(document);
    }
    assert!(documents.iter().all(|document| *document == documents[0]));
    let document = &documents[0];
    let confusion: Vec<Vec<u64>> = serde_json::from_value(document["confusion"].clone()).unwrap();
    assert_eq!(confusion.iter().flatten().sum::<u64>(), 20);
    assert_eq!((confusion[0][0] + confusion[1][1]) as f64 / 20.0, expected.0);
    for (class, name) in ["circle", "square"].into_iter().enumerate() {
        let row = &document["classes"][class];
        assert_eq!((row["class"].as_str().unwrap(), row["samples"].as_u64().unwrap()), (name, 10));
        assert_eq!(row["recall"].as_f64().unwrap(), confusion[class][class] as f64 / 10.0);
    }
    let said = stdout(&run(place.path(), &["evaluate", "out", "test"], 0));
    for part in [format!("accuracy   {:.2} %", 100.0 * expected.0), "circle".to_owned(), "recall".to_owned()] {
        assert!(said.contains(&part), "{part} in\n{said}");
    }
    let validation = json(place.path(), &["evaluate", "out", "shapes.toml", "--part", "validation", "--json"]);
    assert_eq!(validation["samples"], report(&place.path().join("out"))["outcome"]["samples"]["validation"]);
}

#[test]
fn views_and_numbers_are_evaluated_as_in_the_run() {
    for tables in [
        "[[augment]]\nop = 'crop'\nsize = 10\n[[evaluate]]\nop = 'ten_crop'\nsize = 10\n",
        "[preprocess]\npreset = 'vgg'\nsize = 10\nresize_side = [11, 16]\nevaluate_side = 11\n",
        "[[augment]]\nop = 'crop'\nsize = 10\n[[evaluate]]\nop = 'rotate'\ndegrees = [9, 9]\n[[evaluate]]\nop = 'center_crop'\nsize = 10\n",
    ] {
        let place = workplace(12);
        let text = support::pipeline_text();
        let (start, end) = (text.find("[[augment]]").unwrap(), text.find("[batch]").unwrap());
        fs::write(place.path().join("shapes.toml"), format!("fuse_geometry = true\n{}{tables}{}", &text[..start], &text[end..]))
            .unwrap();
        run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "out", "--set", "train.epochs=2"], 0);
        let document = json(place.path(), &["evaluate", "out", "test", "--json"]);
        assert_eq!(scored(&document), tested(&place.path().join("out")), "{tables}");
    }
}

#[test]
fn a_model_of_idx_files_is_evaluated_on_idx_files() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("data")).unwrap();
    for (part, count) in [("train", 40u8), ("t10k", 11)] {
        let header = |kind: u8, sizes: &[u8]| {
            [&[0, 0, 8, kind][..], &sizes.iter().flat_map(|&n| [0, 0, 0, n]).collect::<Vec<u8>>()].concat()
        };
        let pixel = |n: u8, at: u8| if n % 3 == at % 3 { 200 } else { n.wrapping_mul(at) % 40 };
        let images: Vec<u8> = (0..count).flat_map(|n| (0..36).map(move |at| pixel(n, at))).collect();
        let labels: Vec<u8> = (0..count).map(|n| n % 3).collect();
        let folder = place.path().join("data");
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), [header(3, &[count, 6, 6]), images].concat()).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), [header(1, &[count]), labels].concat()).unwrap();
    }
    let text = "[source]\nformat = 'idx'\npath = 'data'\n[test]\npath = 'data'\npart = 'test'\n[batch]\nsize = 4\n\
                [model]\npreset = 'softmax'\n[train]\nepochs = 1\nlearning_rate = 0.1\n[report]\npath = 'runs'\n";
    fs::write(place.path().join("digits.toml"), text).unwrap();
    run(place.path(), &["run", "digits.toml", "--quiet", "--out", "out"], 0);
    let expected = tested(&place.path().join("out"));
    for source in ["data", "data/t10k-images-idx3-ubyte", "digits.toml"] {
        assert_eq!(scored(&json(place.path(), &["evaluate", "out", source, "--json"])), expected, "{source}");
    }
    let document = json(place.path(), &["evaluate", "out", "data", "--set", "part=train", "--json"]);
    assert_eq!(document["samples"], 40);
}

#[test]
fn predictions_are_the_same_for_any_number_of_workers_and_come_in_the_order_of_the_paths() {
    let place = trained(&[]);
    for format in ["table", "csv", "json", "jsonl"] {
        let said = |workers: &str| {
            let args = ["predict", "out", "test/square/001.png", "test", "--format", format, "--top", "2", "--workers", workers];
            stdout(&run(place.path(), &args, 0))
        };
        let one = said("1");
        assert!(said("2") == one && said("3") == one, "{format}");
        let places: Vec<usize> =
            ["test/circle/000.png", "test/circle/009.png", "test/square/000.png"].map(|path| one.find(path).unwrap()).to_vec();
        assert!(one.find("test/square/001.png").unwrap() < places[0] && places.is_sorted(), "{one}");
    }
    let document = json(place.path(), &["predict", "out", "test", "--json", "--top", "2", "--probabilities"]);
    let rows = document["predictions"].as_array().unwrap();
    assert_eq!((rows.len(), &document["predicted"], &document["bad"]), (20, &20.into(), &0.into()));
    let right = rows.iter().filter(|row| row["path"].as_str().unwrap().contains(row["class"].as_str().unwrap())).count();
    assert_eq!(right as f64 / 20.0, tested(&place.path().join("out")).0);
    for row in rows {
        let [first, second] = [0, 1].map(|place| row["top"][place]["probability"].as_f64().unwrap());
        assert!((first + second - 1.0).abs() < 1e-12 && first >= second && row["probability"] == first);
        assert_eq!(row["probabilities"][row["class"].as_str().unwrap()], first);
    }
}

#[test]
fn models_that_speak_together_give_the_mean_of_their_probabilities() {
    let place = trained(&[]);
    let root = place.path();
    run(root, &["run", "shapes.toml", "--quiet", "--out", "two", "--set", "seed=2"], 0);
    let rows = |args: &[&str]| {
        let document = json(root, &[&["predict"], args, &["test", "--json", "--probabilities"]].concat());
        let rows = document["predictions"].as_array().unwrap().clone();
        (document["model"]["with"].as_array().unwrap().len(), rows)
    };
    let [(none, one), (_, two), (others, both)] = [&["out"][..], &["two"], &["out", "--with", "two"]].map(rows);
    assert_eq!((none, others, both.len()), (0, 1, 20));
    for ((one, two), both) in one.iter().zip(&two).zip(&both) {
        for class in ["circle", "square"] {
            let of = |row: &Value| row["probabilities"][class].as_f64().unwrap();
            assert!((of(both) - (of(one) + of(two)) / 2.0).abs() < 1e-5, "{both}");
        }
    }
    let right = both.iter().filter(|row| row["path"].as_str().unwrap().contains(row["class"].as_str().unwrap())).count();
    let document = json(root, &["evaluate", "out", "test", "--with", "two", "--json"]);
    assert_eq!(
        (scored(&document).0, document["model"]["with"][0]["path"].as_str()),
        (right as f64 / 20.0, Some("two/model.safetensors"))
    );
    let said = stdout(&run(root, &["evaluate", "out", "test", "--with", "two", "--with", "out"], 0));
    assert!(said.contains("with       shapes (two/model.safetensors)"), "{said}");
    assert_eq!(scored(&json(root, &["evaluate", "out", "--with", "out", "--json"])).0, tested(&root.join("out")).0);
    let evaluate = "evaluate=[{ op = \"resize\", size = 12 }]";
    run(root, &["run", "shapes.toml", "--quiet", "--out", "three", "--set", evaluate, "--set", "train.epochs=1"], 0);
    let said = stderr(&run(root, &["evaluate", "out", "--with", "two", "--with", "three"], 2));
    assert!(said.contains("three/model.safetensors") && said.contains("differ in [[evaluate]]"), "{said}");
}

#[test]
fn a_bad_picture_is_named_where_it_stands_and_all_others_are_predicted() {
    let place = trained(&[]);
    let folder = place.path().join("mixed");
    fs::create_dir_all(folder.join("deep")).unwrap();
    let picture = image::open(place.path().join("test/circle/003.png")).unwrap();
    picture.save(folder.join("a.jpg")).unwrap();
    picture.save(folder.join("deep/c.png")).unwrap();
    let whole = fs::read(folder.join("a.jpg")).unwrap();
    fs::write(folder.join("b.jpg"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join(".DS_Store"), "hidden").unwrap();
    let output = run(place.path(), &["predict", "out", "mixed", "--format", "csv"], 3);
    let said = stdout(&output);
    let rows: Vec<&str> = said.lines().collect();
    assert_eq!((rows.len(), rows[0]), (4, "path,class,probability,error"));
    assert!(rows[1].starts_with("mixed/a.jpg,") && rows[1].ends_with(','), "{said}");
    assert!(rows[2].starts_with("mixed/b.jpg,,,") && rows[2].contains("truncated"), "{said}");
    assert!(rows[3].starts_with("mixed/deep/c.png,"), "{said}");
    let said = stderr(&output);
    assert!(said.contains("bad sample: mixed/b.jpg: truncated") && said.contains("1 of 3 pictures"), "{said}");
    let document = json(place.path(), &["predict", "out", "mixed", "--json", "--max-bad", "0.5", "--quiet"]);
    assert_eq!((&document["predicted"], &document["bad"]), (&2.into(), &1.into()));
    assert!(document["predictions"][1]["error"]["reason"].as_str().unwrap().contains("truncated"));
    // A file that is written goes to its place although one picture was bad, and is not written over.
    run(place.path(), &["predict", "out", "mixed", "--out", "rows.jsonl"], 3);
    let lines = fs::read_to_string(place.path().join("rows.jsonl")).unwrap();
    assert_eq!(lines.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 3);
    assert!(stderr(&run(place.path(), &["predict", "out", "mixed", "--out", "rows.jsonl"], 2)).contains("--force"));
    run(place.path(), &["predict", "out", "mixed/a.jpg", "--out", "rows.jsonl", "--force"], 0);
    assert_eq!(fs::read_to_string(place.path().join("rows.jsonl")).unwrap().lines().count(), 1);
    let said = stderr(&run(place.path(), &["predict", "out", "mixed", "nowhere", "nothing.png"], 2));
    assert!(said.contains("there is no nowhere") && said.contains("there is no nothing.png"), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = trained(&[]);
    let mut child = pipeline(place.path(), &["predict", "out", "test", "--format", "csv"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn classes_are_matched_by_name_and_every_mismatch_is_told() {
    let place = trained(&[]);
    let other = place.path().join("other");
    for (class, from) in [("square", "square"), ("circel", "circle"), ("triangle", "circle")] {
        fs::create_dir_all(other.join(class)).unwrap();
        for number in 0..3 {
            let name = format!("{number:03}.png");
            fs::copy(place.path().join("test").join(from).join(&name), other.join(class).join(&name)).unwrap();
        }
    }
    let said = stderr(&run(place.path(), &["evaluate", "out", "other"], 2));
    for part in ["\"circel\" (3 samples)", "did you mean \"circle\"", "\"triangle\" (3 samples)", "no sample of \"circle\""] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let document = json(place.path(), &["evaluate", "out", "other", "--skip-unknown", "--json"]);
    assert_eq!((&document["samples"], &document["missing_classes"]), (&3.into(), &serde_json::json!(["circle"])));
    assert_eq!(document["unknown_classes"].as_array().unwrap().len(), 2);
    assert_eq!(document["classes"][0]["recall"], Value::Null);
    // Another order of the folders is no mismatch: names decide.
    fs::rename(other.join("circel"), other.join("zzz")).unwrap();
    fs::remove_dir_all(other.join("triangle")).unwrap();
    fs::rename(other.join("square"), other.join("circle")).unwrap();
    fs::rename(other.join("zzz"), other.join("square")).unwrap();
    let swapped = json(place.path(), &["evaluate", "out", "other", "--json"]);
    let rows = json(place.path(), &["predict", "out", "other", "--json"]);
    let rows = rows["predictions"].as_array().unwrap();
    let right = rows.iter().filter(|row| row["path"].as_str().unwrap().contains(row["class"].as_str().unwrap())).count();
    assert_eq!(swapped["accuracy"].as_f64().unwrap(), right as f64 / 6.0);
    for (args, part) in [
        (&["evaluate", "out", "nowhere"][..], "there is no nowhere"),
        (&["evaluate", "out", "test/circle/001.png"], "pipeline predict"),
        (&["evaluate", "out", "test", "--set", "chanels=1"], "did you mean `channels`"),
        (&["evaluate", "out", "test", "--set", "channels=1"], "the model takes 3"),
    ] {
        let said = stderr(&run(place.path(), args, 2));
        assert!(said.contains(part), "{part} in\n{said}");
    }
}

#[test]
fn too_many_bad_samples_end_an_evaluation_as_they_end_a_run() {
    let place = trained(&[]);
    let bad = place.path().join("test/square/004.png");
    fs::write(&bad, "<html>").unwrap();
    let said = stderr(&run(place.path(), &["evaluate", "out", "test"], 3));
    assert!(said.contains("square/004.png") && said.contains("max_bad"), "{said}");
    let document = json(place.path(), &["evaluate", "out", "test", "--set", "max_bad=0.1", "--json"]);
    assert_eq!((&document["samples"], &document["quarantined"][0]["path"]), (&19.into(), &"square/004.png".into()));
}

#[test]
fn what_is_no_model_is_refused_with_what_to_do() {
    let place = trained(&[]);
    let root = place.path();
    let model = fs::read(root.join("out/model.safetensors")).unwrap();
    let flipped = {
        let mut bytes = model.clone();
        let last = bytes.len() - 2;
        bytes[last] ^= 64;
        bytes
    };
    let of_old = |from: &str, to: &str| {
        let text = String::from_utf8_lossy(&model[8..]).into_owned();
        let place = text.find(from).unwrap();
        let mut bytes = model.clone();
        bytes[8 + place..8 + place + from.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    run(root, &["export", "out", "--format", "safetensors", "--out", "foreign"], 0);
    for (name, bytes, part) in [
        ("cut", &model[..model.len() / 2], "truncated or damaged"),
        ("flipped", &flipped, "do not match their checksum"),
        ("old", &of_old("\\\"format\\\":2", "\\\"format\\\":1"), "it has format 1, written by augpipe"),
        ("changed", &of_old("circle", "circus"), "does not match its checksum"),
        ("foreign", &fs::read(root.join("foreign")).unwrap(), "not written by augpipe"),
        ("text", b"not a model at all", "truncated or damaged"),
        ("checkpoint", &fs::read(root.join("out/checkpoint")).unwrap(), "give the model.safetensors"),
    ] {
        fs::write(root.join(name), bytes).unwrap();
        for command in [&["predict", name, "test"][..], &["evaluate", name, "test"], &["export", name, "--format", "onnx"]] {
            let said = stderr(&run(root, command, 4));
            assert!(said.contains(part) && said.contains(name) && said.contains("give the model.safetensors"), "{part} in\n{said}");
        }
    }
    for (name, part) in [("absent", "there is no absent"), ("test", "there is no model.safetensors in test")] {
        let said = stderr(&run(root, &["predict", name, "test"], 2));
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(!root.join("shapes.onnx").exists());
}

/// What rten says of pictures that were prepared as the exported file's metadata say.
fn run_onnx(file: &Path, preprocessing: &Value, pictures: &[image::RgbImage]) -> Vec<f64> {
    let numbers = |key: &str| -> Vec<f32> { serde_json::from_value(preprocessing["normalize"][key].clone()).unwrap() };
    let (mean, std) = (numbers("mean"), numbers("std"));
    let shape: Vec<usize> = (1..4).map(|axis| preprocessing["input"]["shape"][axis].as_u64().unwrap() as usize).collect();
    let input: NdTensor<f32, 4> = NdTensor::from_fn([pictures.len(), shape[0], shape[1], shape[2]], |[n, c, y, x]| {
        (f32::from(pictures[n].get_pixel(x as u32, y as u32)[c]) / 255.0 - mean[c]) / std[c]
    });
    let runtime = rten::Model::load(fs::read(file).unwrap()).unwrap();
    let node = |key: &str| runtime.node_id(preprocessing[key]["name"].as_str().unwrap()).unwrap();
    let [output] = runtime.run_n(vec![(node("input"), input.into())], [node("output")], None).unwrap();
    let logits: NdTensor<f32, 2> = output.try_into().unwrap();
    let logits = logits.to_vec();
    let rows = logits.chunks_exact(logits.len() / pictures.len());
    let softmax = |row: &[f32]| {
        let shares: Vec<f64> = row.iter().map(|&logit| f64::from(logit).exp()).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(move |share| share / sum).collect::<Vec<f64>>()
    };
    rows.flat_map(softmax).collect()
}

#[test]
fn an_exported_network_predicts_what_we_predict() {
    let place = trained(&[]);
    let root = place.path();
    run(root, &["export", "out", "--format", "onnx"], 0);
    let said = stderr(&run(root, &["export", "out", "--format", "onnx"], 2));
    assert!(said.contains("shapes.onnx is there already") && said.contains("--force"), "{said}");
    let first = fs::read(root.join("shapes.onnx")).unwrap();
    let document = json(root, &["export", "out/model.safetensors", "--format", "onnx", "--force", "--json"]);
    assert!(fs::read(root.join("shapes.onnx")).unwrap() == first, "the same model is the same file");
    assert_eq!(document["weights_blake3"], report(&root.join("out"))["outcome"]["weights_blake3"]);
    let rows = json(root, &["predict", "out", "test", "--json", "--probabilities"]);
    let rows = rows["predictions"].as_array().unwrap();
    let pictures: Vec<image::RgbImage> =
        rows.iter().map(|row| image::open(root.join(row["path"].as_str().unwrap())).unwrap().to_rgb8()).collect();
    let theirs = run_onnx(&root.join("shapes.onnx"), &document["preprocessing"], &pictures);
    let ours = rows.iter().flat_map(|row| ["circle", "square"].map(|class| row["probabilities"][class].as_f64().unwrap()));
    let worst = ours.zip(theirs).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-5, "{worst}");
    let text = String::from_utf8_lossy(&first).into_owned();
    for part in ["preprocessing", "(value / 255 - mean) / std", "[\"circle\",\"square\"]", "weights_blake3", "logits"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn exported_weights_have_the_names_and_metadata_that_other_programs_read() {
    let place = trained(&["--set", "model.layers.1=\"batch_norm\""]);
    let root = place.path();
    run(root, &["export", "out", "--format", "safetensors"], 0);
    let bytes = fs::read(root.join("shapes.safetensors")).unwrap();
    run(root, &["export", "out", "--format", "safetensors", "--force"], 0);
    assert!(fs::read(root.join("shapes.safetensors")).unwrap() == bytes, "the same model is the same file");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!((shape("0.weight"), shape("0.bias"), shape("5.weight")), (vec![6, 3, 3, 3], vec![6], vec![2, 6 * 36]));
    assert_eq!((shape("1.running_mean"), shape("1.running_var")), (vec![6], vec![6]));
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    let parsed = |key: &str| -> Value { serde_json::from_str(&metadata[key]).unwrap() };
    assert_eq!(parsed("classes"), serde_json::json!(["circle", "square"]));
    assert_eq!(parsed("preprocessing")["input"]["shape"], serde_json::json!(["batch", 3, 12, 12]));
    assert!(metadata["config"].contains("train.epochs = 3") && metadata["format"] == "pt");
    assert_eq!(metadata["weights_blake3"], report(&root.join("out"))["outcome"]["weights_blake3"].as_str().unwrap());
}

#[test]
fn a_model_can_be_described() {
    let place = trained(&[]);
    let said = stdout(&run(place.path(), &["describe", "out"], 0));
    for part in ["circle, square", "3 channels, 12x12", "conv", "BLAKE3"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let document = json(place.path(), &["describe", "out/model.safetensors", "--json"]);
    assert_eq!(document["preprocessing"]["output"]["name"], "logits");
    for command in ["predict", "evaluate", "export"] {
        assert!(stdout(&run(place.path(), &[command, "--help"], 0)).contains("MODEL"));
    }
}
