//! Archives that others made with evil in mind: refused by name, and nothing is written anywhere.

mod support;

use std::fs;
use std::path::Path;
use support::{pipeline, stderr, stdout, tree};

/// Names and kinds of members that lead out of the archive, are no files, or stand for a file that is there already; each with a word of why.
const EVIL: [(&str, u8, &str); 14] = [
    ("../x.png", b'0', "leads out"),
    ("a/../../x.png", b'0', "leads out"),
    ("a/../../../../canary/tweet", b'0', "leads out"),
    ("/canary/tweet", b'0', "absolute"),
    (".//canary/tweet", b'0', "absolute"),
    ("", b'0', "no name"),
    ("hard.png", b'1', "a hard link"),
    ("soft.png", b'2', "a symbolic link"),
    ("tty.png", b'3', "a device"),
    ("disk.png", b'4', "a device"),
    ("pipe.png", b'6', "a pipe"),
    ("holes.png", b'S', "a sparse file"),
    ("what.png", b'Q', "unknown kind"),
    ("s1.png", b'0', "s1.png"),
];

fn append(archive: &mut Vec<u8>, name: &str, kind: u8, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    // Set by hand: the library refuses what is wanted here.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + 15].copy_from_slice(b"../canary/tweet");
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

/// Eight labelled pictures with an evil member before the sample `at`, or behind all.
fn archive((name, kind, _): (&str, u8, &str), at: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..=8 {
        if number == at {
            append(&mut bytes, name, kind, b"");
        }
        if number < 8 {
            let mut file = std::io::Cursor::new(Vec::new());
            image::RgbImage::from_pixel(8, 8, image::Rgb([20 * number as u8, 90, 10]))
                .write_to(&mut file, image::ImageFormat::Png)
                .unwrap();
            append(&mut bytes, &format!("s{number}.png"), b'0', file.get_ref());
            append(&mut bytes, &format!("s{number}.cls"), b'0', if number % 2 == 0 { b"0" } else { b"1" });
        }
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

const PIPELINE: &str =
    "name = \"p\"\nseed = 1\n[source]\nformat = \"shards\"\npath = \"set\"\n[batch]\nsize = 4\n[report]\npath = \"runs\"\n";

/// A folder for an archive beside the canary, which is `root/canary/tweet`.
fn place(root: &Path, number: usize, bytes: &[u8]) -> std::path::PathBuf {
    let place = root.join(format!("{number:02}"));
    fs::create_dir_all(place.join("set")).unwrap();
    fs::write(place.join("set/train-000000.tar"), bytes).unwrap();
    fs::write(place.join("p.toml"), PIPELINE).unwrap();
    place
}

#[test]
fn forty_two_evil_archives_are_refused_by_name_and_touch_nothing() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("canary")).unwrap();
    fs::write(root.path().join("canary/tweet"), "alive").unwrap();
    let cases = EVIL.iter().flat_map(|&evil| [0, 4, 8].map(|at| (evil, at)));
    let places: Vec<_> = cases.enumerate().map(|(n, (evil, at))| (place(root.path(), n, &archive(evil, at)), evil, at)).collect();
    assert!(places.len() >= 40);
    let before = tree(root.path());
    for (place, (name, _, why), at) in &places {
        for args in [&["data", "census", "set"][..], &["check", "p.toml"], &["run", "p.toml"]] {
            let output = pipeline(place, args).output().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{name:?} at {at}, {args:?}: {said}{}", stdout(&output));
            assert!(
                said.contains("train-000000.tar") && said.contains(name) && said.contains(why),
                "{name:?} at {at}, {args:?}: {said}"
            );
        }
    }
    assert_eq!(tree(root.path()), before, "something was written");
    assert!(places.iter().all(|(place, ..)| !place.join("runs").exists()));
}

#[test]
fn without_the_evil_member_the_same_archive_is_read() {
    let root = tempfile::tempdir().unwrap();
    let place = place(root.path(), 0, &archive(EVIL[0], 9));
    let output = pipeline(&place, &["check", "p.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("8 training"), "{}", stdout(&output));
}
