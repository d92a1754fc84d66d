//! The embedded example keeps its promise: without augmentation the model learns the direction, with it the brand.

mod support;

use std::path::Path;

fn test_accuracy(pipeline: &str) -> f64 {
    let out = tempfile::tempdir().unwrap();
    let run = out.path().join("run");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    support::run(root, &["run", pipeline, "--quiet", "--out", run.to_str().unwrap()], 0);
    support::report(&run)["outcome"]["test"]["accuracy"].as_f64().unwrap()
}

#[test]
fn augmentation_is_what_lets_the_model_tell_the_brands_apart() {
    let (plain, augmented) = (test_accuracy("brands-plain"), test_accuracy("augment-train"));
    assert!(plain <= 0.65, "without augmentation: {plain}");
    assert!(augmented >= 0.95, "with augmentation: {augmented}");
}

#[test]
fn both_files_differ_in_augmentation_alone() {
    let read = |name: &str| -> toml::Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name);
        let mut table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        ["name", "about", "augment"].iter().for_each(|key| drop(table.remove(*key)));
        table
    };
    assert_eq!(read("brands-plain.toml"), read("augment-train.toml"));
}
