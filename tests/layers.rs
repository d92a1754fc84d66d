//! The layering of the crate is what `src/lib.rs` says: a module imports only from lower rows, and `unsafe` stays where it may.

use std::fs;
use std::path::{Path, PathBuf};

const ROWS: [&[&str]; 8] = [
    &["error", "sample", "batch", "key", "event", "isa", "math"],
    &["flow", "kernel", "pixels", "registry", "config", "onnx"],
    &["source", "augment", "mix", "model", "optim", "report"],
    &["train"],
    &["stage"],
    &["plan"],
    &["job"],
    &["main", "cli", "lib"],
];

fn row_of(module: &str) -> usize {
    ROWS.iter().position(|row| row.contains(&module)).unwrap_or_else(|| panic!("`{module}` stands in no row of the table"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level module that a file belongs to, and the ones that it names after `crate::` or `augpipe::`.
fn imports(path: &Path, root: &Path) -> (String, Vec<String>) {
    let relative = path.strip_prefix(root).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    let module = first.trim_end_matches(".rs").to_owned();
    let text = fs::read_to_string(path).unwrap();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let mut named = Vec::new();
    for (start, prefix) in code.match_indices("crate::").chain(code.match_indices("augpipe::")) {
        let rest = &code[start + prefix.len()..];
        let words = match rest.strip_prefix('{') {
            Some(list) => list.split_once('}').map_or(list, |(inside, _)| inside).split(',').collect::<Vec<_>>(),
            None => vec![rest],
        };
        for word in words {
            let name: String = word.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            named.push(name);
        }
    }
    (module, named)
}

#[test]
fn modules_import_only_from_lower_rows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 50, "only {} files were found", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let (module, named) = imports(file, &root);
        for name in named.iter().filter(|name| ROWS.iter().any(|row| row.contains(&name.as_str()))) {
            // The nouns may name each other: a batch holds identities, an event a sample.
            let nouns = row_of(name) == 0 && row_of(&module) == 0;
            if *name != module && !nouns && row_of(name) >= row_of(&module) {
                wrong.push(format!("{} (row {}) imports {name} (row {})", file.display(), row_of(&module), row_of(name)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_opens_with_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let silent: Vec<_> = files.iter().filter(|file| !fs::read_to_string(file).unwrap().starts_with("//!")).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn unsafe_lives_in_kernel_and_pixels_only_and_gives_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let blocks = text.matches("unsafe {").count();
        let module = imports(&file, &root).0;
        assert!(blocks == 0 || ["kernel", "pixels"].contains(&module.as_str()), "unsafe in {}", file.display());
        let reasons = text.matches("SAFETY:").count();
        assert!(reasons >= blocks, "{}: {blocks} unsafe blocks, {reasons} reasons", file.display());
    }
}

#[test]
fn nothing_below_job_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    for file in files.iter().filter(|file| row_of(&imports(file, &root).0) < row_of("job")) {
        let text = fs::read_to_string(file).unwrap();
        let body = text.split("#[cfg(test)]").next().unwrap();
        let code = body.lines().filter(|line| !line.trim_start().starts_with("//"));
        let printing: Vec<_> =
            code.filter(|line| ["println!", "eprintln!", "print!(", "dbg!"].iter().any(|word| line.contains(word))).collect();
        assert!(printing.is_empty(), "{}: {printing:?}", file.display());
    }
}
