//! Offline sets as a user makes and uses them: what is stored equals what online augmentation shows, in folders and in shards, whatever
//! machine wrote which part and whatever interrupted it; and what is broken, exchanged or foreign is told.

mod support;

use augpipe::config::{Fields, Problems};
use augpipe::sample::{BadSample, Sample};
use augpipe::source::{self, Source};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::{outcome, pipeline, pipeline_text, run, stderr, stdout, tree, workplace};

fn part(from: &str, to: &str) -> String {
    let online = pipeline_text();
    online[online.find(from).unwrap()..online.find(to).unwrap()].to_owned()
}

/// `write.toml`: the chain of `shapes.toml` up to `end`, with `keys` in `[write]`.
fn write_file(place: &Path, end: &str, keys: &str) {
    let head = part("name", "[split]").replace("path = \"train\"", "path = \"train\"\nmax_bad = 0.3");
    let text = format!("{head}{}[report]\npath = \"runs\"\n[write]\npath = \"set\"\n{keys}", part("[[augment]]", end));
    fs::write(place.join("write.toml"), text).unwrap();
}

/// `from_set.toml`: `shapes.toml` learning from `set`, with the chain from `start` on.
fn train_file(place: &Path, start: &str) {
    let online = pipeline_text();
    let text = online[..online.find("[[augment]]").unwrap()].to_owned() + &online[online.find(start).unwrap()..];
    let text = text.replace("\"image_folder\"\npath = \"train\"", "\"shards\"\npath = \"set\"\nmax_bad = 0.3");
    fs::write(place.join("from_set.toml"), text.replace("[test]\n", "[test]\nformat = \"image_folder\"\n")).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

const SHARDS: &str = "format = \"shards\"\nvariants = 2\nshard_samples = 7\n";

#[test]
fn training_from_a_set_is_training_online_in_every_layout_and_lossless_encoding() {
    let place = workplace(20);
    cut(&place.path().join("train/circle/005.png"));
    train_file(place.path(), "[batch]");
    let sets = ["--quiet", "--set", "train.epochs=2", "--set", "source.max_bad=0.3"];
    run(place.path(), &[&["run", "shapes.toml", "--out", "online"], &sets[..]].concat(), 0);
    let online = outcome(&place.path().join("online"));
    for (number, keys) in [
        "format = \"image_folder\"\nvariants = 2\n".to_owned(),
        "format = \"image_folder\"\nvariants = 2\nshard_samples = 3\n".to_owned(),
        SHARDS.to_owned(),
        format!("{SHARDS}encoding = \"raw\"\n"),
    ]
    .iter()
    .enumerate()
    {
        write_file(place.path(), "[batch]", keys);
        let set = format!("set{number}");
        run(place.path(), &["run", "write.toml", "--quiet", "--out", &set], 0);
        let path = format!("source.path=\"{set}\"");
        let out = format!("offline{number}");
        run(place.path(), &[&["run", "from_set.toml", "--out", &out, "--set", &path], &sets[..]].concat(), 0);
        assert_eq!(outcome(&place.path().join(&out)), online, "{keys}");
    }
}

#[test]
fn epoch_e_shows_variant_e_mod_k() {
    let place = workplace(8);
    write_file(place.path(), "[batch]", SHARDS);
    train_file(place.path(), "[batch]");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let shown = |epoch: &str| {
        let output = run(place.path(), &["preview", "from_set.toml", "--json", "--epoch", epoch, "--count", "9"], 0);
        let document: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let samples = document["samples"].as_array().unwrap().iter();
        samples.map(|sample| (sample["sample"].to_string(), sample["final"]["blake3"].to_string())).collect::<BTreeMap<_, _>>()
    };
    let online = |epoch: &str, names: &BTreeMap<String, String>| {
        let mut args = vec!["preview", "shapes.toml", "--json", "--epoch", epoch];
        names.keys().for_each(|name| args.extend(["--sample", name.trim_matches('"')]));
        let document: serde_json::Value = serde_json::from_str(&stdout(&run(place.path(), &args, 0))).unwrap();
        let samples = document["samples"].as_array().unwrap().iter();
        samples.map(|sample| (sample["sample"].to_string(), sample["final"]["blake3"].to_string())).collect::<BTreeMap<_, _>>()
    };
    for (epoch, variant) in [("0", "0"), ("1", "1"), ("2", "0"), ("5", "1")] {
        let stored = shown(epoch);
        assert!(stored.len() > 4);
        assert_eq!(stored, online(variant, &stored), "epoch {epoch}");
    }
}

#[test]
fn online_operations_follow_a_stored_prefix() {
    let place = workplace(16);
    write_file(place.path(), "[[augment]]\nop = \"color_jitter\"", SHARDS);
    train_file(place.path(), "[[augment]]\nop = \"color_jitter\"");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let two = ["--quiet", "--set", "train.epochs=2"];
    run(place.path(), &[&["run", "shapes.toml", "--out", "online"], &two[..]].concat(), 0);
    run(place.path(), &[&["run", "from_set.toml", "--out", "offline"], &two[..]].concat(), 0);
    assert_eq!(outcome(&place.path().join("offline")), outcome(&place.path().join("online")));
}

#[test]
fn the_shares_of_several_machines_are_the_set_of_one() {
    let place = workplace(20);
    cut(&place.path().join("train/square/011.png"));
    for keys in [SHARDS, "variants = 2\nshard_samples = 7\n"] {
        write_file(place.path(), "[batch]", keys);
        let _ = fs::remove_dir_all(place.path().join("whole"));
        run(place.path(), &["run", "write.toml", "--quiet", "--out", "whole"], 0);
        let whole = tree(&place.path().join("whole"));
        let mut union = BTreeMap::new();
        for share in ["1/4", "2/4", "3/4", "4/4"] {
            let _ = fs::remove_dir_all(place.path().join("share"));
            run(place.path(), &["run", "write.toml", "--quiet", "--out", "share", "--shard", share, "--workers", "3"], 0);
            for (name, bytes) in tree(&place.path().join("share")) {
                let before = union.insert(name.clone(), bytes.clone());
                assert!(before.is_none_or(|before| before == bytes), "{}", name.display());
            }
        }
        assert!(union == whole, "{:?} against {:?}", union.keys(), whole.keys());
        // What one share holds is completed in place by the others.
        for share in ["1/4", "3/4", "2/4"] {
            run(place.path(), &["run", "write.toml", "--quiet", "--out", "share", "--resume", "--shard", share], 0);
        }
        assert!(tree(&place.path().join("share")) == whole);
    }
    for wrong in ["0/4", "5/4", "x", "1/0"] {
        run(place.path(), &["run", "write.toml", "--out", "other", "--shard", wrong], 2);
    }
    assert!(stderr(&run(place.path(), &["run", "shapes.toml", "--shard", "1/2"], 2)).contains("[write]"));
}

/// `AUGPIPE_KILLS=200 cargo test --release --test offline killed_at_any` kills so many.
#[test]
fn a_set_killed_at_any_moment_is_completed_to_the_same_tree() {
    let kills: usize = std::env::var("AUGPIPE_KILLS").map_or(12, |kills| kills.parse().expect("a number of kills"));
    let place = workplace(60);
    cut(&place.path().join("train/circle/004.png"));
    write_file(place.path(), "[batch]", "format = \"shards\"\nvariants = 3\nshard_samples = 5\n");
    run(place.path(), &["run", "write.toml", "--quiet", "--out", "whole"], 0);
    let whole = tree(&place.path().join("whole"));
    assert!(whole.len() > 24 * 6, "{}", whole.len());
    for number in 0..kills {
        let moment = number * 13 * 12 / kills;
        let (out, interrupt) = (format!("part{number}"), ["-KILL", "-KILL", "-INT", "-TERM"][number % 4]);
        let folder = place.path().join(&out);
        let mut child =
            pipeline(place.path(), &["run", "write.toml", "--quiet", "--out", &out]).stderr(Stdio::null()).spawn().unwrap();
        let stored = || fs::read_dir(&folder).into_iter().flatten().count();
        while stored() < moment && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = std::process::Command::new("kill").args([interrupt, &child.id().to_string()]).status();
        if child.wait().unwrap().code() != Some(0) {
            run(place.path(), &["run", "write.toml", "--quiet", "--out", &out, "--workers", "3", "--resume"], 0);
        }
        assert!(tree(&folder) == whole, "{interrupt} after {moment} files");
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_resumed_run_keeps_what_is_whole_and_makes_what_is_not() {
    let place = workplace(16);
    write_file(place.path(), "[batch]", SHARDS);
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let set = place.path().join("set");
    let whole = tree(&set);
    let resumed = || {
        let output = run(place.path(), &["run", "write.toml", "--json", "--resume"], 0);
        assert!(tree(&set) == whole);
        serde_json::from_str::<serde_json::Value>(stdout(&output).lines().last().unwrap()).unwrap()
    };
    assert_eq!((&resumed()["kept"], &resumed()["shards"]), (&5.into(), &5.into()));
    // A byte in a picture, a list that is gone, an archive that is too short: each costs its shard.
    let flipped = set.join("v1-000001.tar");
    let mut bytes = fs::read(&flipped).unwrap();
    bytes[2000] ^= 4;
    fs::write(&flipped, bytes).unwrap();
    fs::remove_file(set.join("000002.json")).unwrap();
    cut(&set.join("evaluate-000004.tar"));
    fs::write(set.join(".v0-000003.tar.tmp"), "half").unwrap();
    assert_eq!(resumed()["kept"], 2);
    let said = stderr(&run(place.path(), &["run", "write.toml"], 2));
    assert!(said.contains("not empty"), "{said}");
    let other = ["run", "write.toml", "--resume", "--set", "write.variants=3"];
    let said = stderr(&run(place.path(), &other, 2));
    assert!(said.contains("- write.variants = 2") && said.contains("+ write.variants = 3"), "{said}");
    fs::remove_file(place.path().join("train/circle/000.png")).unwrap();
    assert!(stderr(&run(place.path(), &["run", "write.toml", "--resume"], 2)).contains("- data = "));
}

#[test]
fn a_shard_killed_between_any_two_of_its_files_is_completed() {
    let place = workplace(10);
    cut(&place.path().join("train/circle/001.png"));
    write_file(place.path(), "[batch]", "format = \"shards\"\nvariants = 2\nshard_samples = 20\n");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let whole = tree(&place.path().join("set"));
    // In the order in which they are put in their places.
    let order = [
        "prepared.json",
        "v0-000000.tar",
        "v1-000000.tar",
        "evaluate-000000.tar",
        "000000.index",
        "bad_samples-000000.tsv",
        "000000.json",
    ];
    assert_eq!(whole.len(), order.len());
    for placed in 0..=order.len() {
        let set = place.path().join(format!("killed{placed}"));
        fs::create_dir(&set).unwrap();
        fs::write(set.join(".lock"), "99999999").unwrap();
        order[..placed].iter().for_each(|name| fs::write(set.join(name), &whole[Path::new(name)]).unwrap());
        for name in &order[placed..] {
            let half = &whole[Path::new(name)];
            fs::write(set.join(format!(".{name}.tmp")), &half[..half.len() / 2]).unwrap();
        }
        run(place.path(), &["run", "write.toml", "--quiet", "--resume", "--out", set.to_str().unwrap()], 0);
        assert!(tree(&set) == whole, "after {placed} files");
    }
}

/// What `check` of a pipeline that reads `set` says, which must be a refusal.
fn refused(place: &Path) -> String {
    stderr(&run(place, &["check", "from_set.toml"], 2))
}

#[test]
fn missing_cut_exchanged_and_foreign_shards_are_refused() {
    let place = workplace(16);
    write_file(place.path(), "[batch]", SHARDS);
    train_file(place.path(), "[batch]");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    run(place.path(), &["run", "write.toml", "--quiet", "--out", "other", "--set", "seed=6"], 0);
    let (set, other) = (place.path().join("set"), place.path().join("other"));
    run(place.path(), &["check", "from_set.toml"], 0);
    let whole = tree(&set);
    let restore = || {
        let _ = fs::remove_dir_all(&set);
        fs::create_dir(&set).unwrap();
        whole.iter().for_each(|(name, bytes)| fs::write(set.join(name), bytes).unwrap());
    };
    let broken = |change: &dyn Fn(), parts: &[&str]| {
        change();
        let said = refused(place.path());
        parts.iter().for_each(|part| assert!(said.contains(part), "{part}: {said}"));
        restore();
    };
    let copy = |from: PathBuf, name: &str| assert!(fs::copy(from, set.join(name)).unwrap() > 0);
    broken(&|| fs::remove_file(set.join("v1-000003.tar")).unwrap(), &["shard 3", "v1-000003.tar is missing"]);
    broken(&|| fs::remove_file(set.join("000003.json")).unwrap(), &["shard 3 of 5 is missing"]);
    broken(&|| fs::remove_file(set.join("000003.index")).unwrap(), &["000003.index"]);
    broken(&|| copy(other.join("v0-000001.tar"), "v0-000001.tar"), &["v0-000001.tar is of another set"]);
    broken(&|| copy(other.join("000001.json"), "000001.json"), &["000001.json is of another set"]);
    broken(&|| copy(set.join("v0-000002.tar"), "v0-000001.tar"), &["v0-000001.tar is shard 2 of the series v0"]);
    broken(&|| copy(set.join("v1-000001.tar"), "v0-000001.tar"), &["v0-000001.tar is shard 1 of the series v1"]);
    broken(&|| copy(set.join("000002.json"), "000001.json"), &["000001.json is shard 2"]);
    broken(&|| copy(set.join("000002.index"), "000001.index"), &["000001.index"]);
    broken(&|| copy(set.join("v0-000001.tar"), "v0-000009.tar"), &["v0-000009.tar does not belong"]);
    broken(&|| copy(set.join("v0-000001.tar"), "v2-000001.tar"), &["v2-000001.tar does not belong"]);
    broken(&|| copy(other.join("prepared.json"), "prepared.json"), &["of another set"]);
    broken(&|| fs::remove_file(set.join("prepared.json")).unwrap(), &["set"]);
    broken(&|| cut(&set.join("v0-000004.tar")), &["shard 4", "of 4 records"]);
    restore();
    run(place.path(), &["check", "from_set.toml"], 0);
}

fn opened(path: &Path) -> augpipe::error::Result<Box<dyn Source>> {
    let problems = Problems::default();
    let text = format!("format = 'shards'\npath = '{}'", path.display());
    source::read(&Fields::parse(&text, &problems).unwrap(), Path::new("")).unwrap().open()
}

/// Every rendition of every sample, or why it is set aside.
fn renditions(source: &dyn Source) -> Vec<Result<Sample, BadSample>> {
    let passes = |index| (0..source.variants() as u32).map(move |epoch| source.read_at_epoch(index, epoch));
    let all = (0..source.len()).flat_map(|index| passes(index).chain([source.read(index)]));
    all.map(|read| read.map(|read| read.sample)).collect()
}

/// A small set in two shards of a single variant, and its files.
fn small_set(encoding: &str) -> (tempfile::TempDir, PathBuf, BTreeMap<PathBuf, Vec<u8>>) {
    let place = workplace(3);
    let keys = format!("format = \"shards\"\nvariants = 1\nshard_samples = 4\nencoding = \"{encoding}\"\n");
    write_file(place.path(), "[batch]", &keys);
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let set = place.path().join("set");
    let files = tree(&set);
    (place, set, files)
}

#[test]
fn of_two_thousand_flipped_bits_every_one_is_found() {
    let (_place, set, files) = small_set("raw");
    let whole = renditions(&*opened(&set).unwrap());
    assert!(whole.len() == 12 && whole.iter().all(Result::is_ok));
    let (mut state, mut refused, mut set_aside) = (1u64, 0, 0);
    let total: usize = files.values().map(Vec::len).sum();
    for _ in 0..2000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut place = (state >> 20) as usize % total;
        let (name, bytes) = files
            .iter()
            .find(|(_, bytes)| {
                let here = place < bytes.len();
                place -= if here { 0 } else { bytes.len() };
                here
            })
            .unwrap();
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (state >> 61);
        fs::write(set.join(name), &flipped).unwrap();
        match opened(&set) {
            Err(error) => {
                assert_eq!(error.exit_code(), 2);
                refused += 1;
            }
            Ok(source) => {
                let found = renditions(&*source);
                let bad = found.iter().filter(|one| one.is_err()).count();
                let others = found.iter().zip(&whole).filter(|(one, whole)| one == whole).count();
                assert!(bad == 1 && others == whole.len() - 1, "byte {place} of {}", name.display());
                set_aside += 1;
            }
        }
        fs::write(set.join(name), bytes).unwrap();
    }
    assert!(refused > 100 && set_aside > 100, "{refused} {set_aside}");
}

#[test]
fn an_archive_cut_anywhere_is_refused_with_the_records_that_are_left() {
    let (_place, set, files) = small_set("png");
    let name = Path::new("v0-000000.tar");
    let bytes = &files[name];
    let members = (0..bytes.len()).step_by(512);
    let others = (0..500).map(|cut| cut * 7919 % bytes.len());
    for cut in members.chain(others) {
        fs::write(set.join(name), &bytes[..cut]).unwrap();
        let said = opened(&set).map(drop).unwrap_err().to_string();
        let length = bytes.len();
        assert!(said.contains("shard 0") && said.contains(&format!("of 4 records: {cut} of {length} bytes")), "{cut}: {said}");
    }
    for (name, bytes) in files.iter().filter(|(name, _)| !name.ends_with("v0-000000.tar")) {
        fs::write(set.join("v0-000000.tar"), &files[Path::new("v0-000000.tar")]).unwrap();
        for cut in (0..bytes.len()).step_by(bytes.len().div_ceil(40)) {
            fs::write(set.join(name), &bytes[..cut]).unwrap();
            assert_eq!(opened(&set).map(drop).unwrap_err().exit_code(), 2, "{} at {cut}", name.display());
        }
        fs::write(set.join(name), bytes).unwrap();
    }
}

/// What an archive is made of.
type Members<'a> = &'a [(&'a str, &'a [u8])];

#[test]
fn foreign_archives_are_looked_through_and_refused_where_they_are_odd() {
    let place = tempfile::tempdir().unwrap();
    let (_kept, set, files) = small_set("png");
    let picture = |source: &str| {
        let mut archive = tar::Archive::new(&files[Path::new(source)][..]);
        let mut entries = archive.entries().unwrap().map(Result::unwrap);
        let mut entry = entries.find(|entry| entry.path().unwrap().extension().is_some_and(|e| e == "png")).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        bytes
    };
    let png = picture("v0-000000.tar");
    drop(set);
    let written = |members: &[(&str, &[u8])]| {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        fs::write(place.path().join("a.tar"), builder.into_inner().unwrap()).unwrap();
        opened(&place.path().join("a.tar")).map_err(|error| error.to_string())
    };
    let png = png.as_slice();
    let read = written(&[("b/1.png", png), ("b/1.cls", b"dog\n"), ("b/1.json", b"{}"), ("2.cls", b"cat"), ("2.png", png)]).unwrap();
    assert_eq!(read.classes(), ["cat", "dog"]);
    let identities: Vec<String> = (0..2).map(|index| read.identity(index).to_string()).collect();
    assert_eq!((identities, read.label(0), read.label(1)), (vec!["a.tar/b/1".to_owned(), "a.tar/2".to_owned()], 1, 0));
    assert!(renditions(&*read).iter().all(Result::is_ok));
    let numbered =
        written(&[("1.png", png), ("1.cls", b"3"), ("2.png", png), ("2.cls", b"0"), ("x/__meta__", b""), ("3.txt", b"")]);
    let refused = numbered.map(drop).unwrap_err();
    assert!(refused.contains("no sample in classes `1`, `2`"), "{refused}");
    let cases: [(Members, &str); 7] = [
        (&[("1.png", png), ("2.png", png), ("2.cls", b"1"), ("1.cls", b"0")], "1.cls comes a second time"),
        (&[("1.png", png), ("1.png", png), ("1.cls", b"0")], "comes a second time"),
        (&[("1.png", png), ("1.jpg", png), ("1.cls", b"0")], "second picture"),
        (&[("1.png", png), ("2.png", png), ("2.cls", b"0")], "1 samples without a class"),
        (&[("1.png", png), ("1.cls", b"\xff")], "no class"),
        (&[("1.png", png), ("1.cls", &[b'1'; 4000])], "a class of 4000 bytes"),
        (&[("1.txt", b"")], "holds no sample"),
    ];
    for (members, part) in cases {
        let refused = written(members).map(drop).unwrap_err();
        assert!(refused.contains(part), "{part}: {refused}");
    }
    // Cut anywhere, a foreign archive has no end.
    written(&[("1.png", png), ("1.cls", b"a"), ("2.png", png), ("2.cls", b"b")]).unwrap();
    let bytes = fs::read(place.path().join("a.tar")).unwrap();
    for cut in (0..bytes.len()).step_by(512).chain((0..100).map(|cut| cut * 31 % bytes.len())) {
        fs::write(place.path().join("a.tar"), &bytes[..cut]).unwrap();
        assert!(opened(&place.path().join("a.tar")).is_err(), "{cut}");
    }
}

#[test]
fn a_record_that_was_changed_is_set_aside_and_named() {
    let place = workplace(16);
    write_file(place.path(), "[batch]", SHARDS);
    train_file(place.path(), "[batch]");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let victim = place.path().join("set/v1-000001.tar");
    let mut bytes = fs::read(&victim).unwrap();
    bytes[3000] ^= 1;
    fs::write(&victim, bytes).unwrap();
    let said = stderr(&run(place.path(), &["run", "from_set.toml", "--out", "out", "--set", "split.validation=0"], 0));
    assert!(said.contains("its record in v1-000001.tar is not what was written"), "{said}");
    assert_eq!(support::report(&place.path().join("out"))["outcome"]["samples"]["quarantined"], 1);
}

#[test]
fn other_readers_of_archives_find_pictures_classes_and_draws() {
    let place = workplace(8);
    write_file(place.path(), "[batch]", &format!("{SHARDS}encoding = \"jpeg\"\nquality = 80\n"));
    let said = stderr(&run(place.path(), &["run", "write.toml"], 0));
    assert!(said.contains("JPEG of quality 80") && said.contains("CPU an epoch") && said.contains("advice"), "{said}");
    let mut archive = tar::Archive::new(fs::File::open(place.path().join("set/v1-000000.tar")).unwrap());
    let mut names = Vec::new();
    for entry in archive.entries().unwrap().map(Result::unwrap).filter(|entry| entry.header().entry_type().is_file()) {
        let name = entry.path().unwrap().display().to_string();
        assert_eq!((entry.header().mtime().unwrap(), entry.header().mode().unwrap()), (0, 0o644));
        names.push(name);
    }
    assert_eq!(names.len(), 7 * 3);
    for sample in names.chunks(3) {
        let key = sample[0].strip_suffix(".jpg").unwrap();
        assert!(key.contains("-v1-") && (key.contains("circle_00") || key.contains("square_00")) && !key.contains('.'), "{key}");
        assert_eq!(sample[1..], [format!("{key}.cls"), format!("{key}.json")]);
    }
    // A folder of archives without its description is a foreign one: each record is a sample, its class the number in it.
    let foreign = place.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    for shard in 0..3 {
        let name = format!("v0-{shard:06}.tar");
        fs::copy(place.path().join("set").join(&name), foreign.join(&name)).unwrap();
    }
    fs::write(foreign.join("classes.json"), "[\"circle\", \"square\"]").unwrap();
    train_file(place.path(), "[batch]");
    let foreign = ["--set", "source.path=\"foreign\"", "--quiet", "--out", "out"];
    run(place.path(), &[&["run", "from_set.toml"], &foreign[..]].concat(), 0);
    let samples = &support::report(&place.path().join("out"))["outcome"]["samples"];
    assert_eq!(samples["train"].as_u64().unwrap() + samples["validation"].as_u64().unwrap(), 16);
}

#[test]
fn settings_that_make_no_sense_are_refused_together() {
    let place = workplace(4);
    write_file(place.path(), "[batch]", "encoding = \"raw\"\nquality = 3\nshard_size = \"1MiB\"\n");
    let said = stderr(&run(place.path(), &["check", "write.toml"], 2));
    for part in ["`raw` pictures", "`quality` is for JPEG", "`shard_size` has no say"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    write_file(place.path(), "[batch]", "format = \"shards\"\nshard_size = \"40KiB\"\nvariants = 3\n");
    let shown = stdout(&run(place.path(), &["check", "write.toml"], 0));
    assert!(shown.contains("stored after") && shown.contains("gaussian_noise") && shown.contains("advice"), "{shown}");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    let is_archive = |name: &PathBuf| name.extension().is_some_and(|extension| extension == "tar");
    let sizes = tree(&place.path().join("set")).into_iter().filter(|(name, _)| is_archive(name)).map(|(_, bytes)| bytes.len());
    let sizes: Vec<usize> = sizes.collect();
    assert!(sizes.len() >= 4 && sizes.iter().all(|&bytes| bytes < 60 << 10), "{sizes:?}");
}

#[test]
fn kept_pictures_change_no_result_and_are_refused_where_there_is_no_room() {
    let place = workplace(20);
    cut(&place.path().join("train/circle/003.png"));
    write_file(place.path(), "[batch]", SHARDS);
    train_file(place.path(), "[batch]");
    run(place.path(), &["run", "write.toml", "--quiet"], 0);
    for file in ["shapes.toml", "from_set.toml"] {
        let trained = |cache: &str, workers: &str| {
            let out = format!("{cache}-{file}");
            let set = format!("source.cache=\"{cache}\"");
            let bad = ["--set", "source.max_bad=0.3", "--quiet", "--workers", workers];
            run(place.path(), &[&["run", file, "--out", &out, "--set", &set][..], &bad].concat(), 0);
            outcome(&place.path().join(out))
        };
        let none = trained("none", "2");
        assert_eq!(trained("memory", "3"), none, "{file}");
        assert_eq!(trained("disk", "1"), none, "{file}");
    }
    let shown = stdout(&run(place.path(), &["check", "shapes.toml", "--set", "source.cache=\"memory\""], 0));
    assert!(shown.contains("decoded pictures are kept in memory, up to 0.0 MiB"), "{shown}");
    let said = stderr(&run(place.path(), &["check", "write.toml", "--set", "source.cache=\"disk\""], 2));
    assert!(said.contains("reads every sample once"), "{said}");
    let memory = ["--set", "source.cache=\"memory\"", "--set", "workers.memory=\"1MiB\""];
    let said = stderr(&run(place.path(), &[&["run", "shapes.toml"], &memory[..]].concat(), 2));
    assert!(said.contains("are for decoded pictures"), "{said}");
}
