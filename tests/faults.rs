//! A disk that fails at any moment while a set is written: the run stops and names the file, and `--resume` completes the same tree.
//!
//! `cargo test --release --test faults -- --ignored --nocapture`, where `strace` is installed: it puts the errors in.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::{pipeline_text, run, stderr, tree, workplace};

/// `pipeline run write.toml --out OUT`, in which the `number`th `call` of each thread fails.
fn failing(place: &Path, out: &str, call: &str, error: &str, number: usize) -> Output {
    let inject = format!("inject={call}:error={error}:when={number}");
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject, env!("CARGO_BIN_EXE_pipeline")]);
    command.args(["run", "write.toml", "--quiet", "--out", out]).current_dir(place).stdin(Stdio::null());
    command.output().expect("strace is installed")
}

#[test]
#[ignore = "needs strace, which puts the errors in"]
fn whatever_call_fails_while_a_set_is_written_the_run_stops_and_resume_completes_it() {
    let place = workplace(20);
    let text = pipeline_text();
    let (head, tail) =
        (text.split_once("[split]").unwrap().0, &text[text.find("[[augment]]").unwrap()..text.find("[batch]").unwrap()]);
    let keys = "[report]\npath = \"runs\"\n[write]\npath = \"set\"\nformat = \"shards\"\nvariants = 2\nshard_samples = 7\n";
    fs::write(place.path().join("write.toml"), format!("{head}{tail}{keys}")).unwrap();
    run(place.path(), &["run", "write.toml", "--quiet", "--out", "whole"], 0);
    let whole = tree(&place.path().join("whole"));
    let mut stopped = 0;
    for (call, error) in [("write", "EIO"), ("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EIO"), ("rename", "EROFS")] {
        for number in 1..200 {
            let out = format!("{call}-{error}-{number}");
            let output = failing(place.path(), &out, call, error, number);
            let folder = place.path().join(&out);
            if output.status.success() {
                // So many calls were not made, or only by threads that write no set.
                assert!(tree(&folder) == whole, "{out}");
                break;
            }
            let said = stderr(&output);
            assert!(output.status.code() == Some(4) && said.starts_with("error: cannot write"), "{out}: {said}");
            run(place.path(), &["run", "write.toml", "--quiet", "--out", &out, "--resume"], 0);
            assert!(tree(&folder) == whole, "{out}");
            fs::remove_dir_all(&folder).unwrap();
            stopped += 1;
        }
    }
    println!("{stopped} runs were stopped by one failing call each, and completed");
    assert!(stopped > 100, "{stopped}");
}
