//! The example in the contributors' guide is the code itself.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn blocks(guide: &str) -> Vec<&str> {
    guide.split("```rust\n").skip(1).map(|rest| rest.split_once("```").expect("a block ends").0).collect()
}

#[test]
fn the_example_operation_is_its_file_and_two_lines() {
    let guide = read(".github/CONTRIBUTING.md");
    let blocks = blocks(&guide);
    let [file, module, entry] = blocks[..] else { panic!("{} blocks of code", blocks.len()) };
    assert_eq!(file, read("src/augment/brightness.rs"));
    let registry = read("src/augment/mod.rs");
    for line in [module, entry] {
        assert_eq!(registry.matches(&format!("\n{line}")).count(), 1, "{line}");
    }
    assert_eq!(registry.matches("brightness").count(), 2, "two lines, and no third");
}

#[test]
fn every_file_that_the_guide_names_is_there() {
    let guide = read(".github/CONTRIBUTING.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = guide.split('`').skip(1).step_by(2).filter(|word| word.starts_with("src/") || word.starts_with("tests/"));
    let missing: Vec<&str> = named.filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
