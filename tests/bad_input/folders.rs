//! Trees of folders: links, loops, pipes, odd names, missing rights, files that change.

use super::{accounts, filtered, folder, open, picture, png, read_one, two_classes, write};
use augpipe::source::duplicates;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

#[test]
fn links_are_followed_once_and_loops_are_counted() {
    let (root, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = root.path();
    two_classes(path);
    let good = png(&picture(4, 4));
    write(path, &[("a/deep/er/1.png", &good)]);
    write(beside.path(), &[("c/1.png", &good), ("more/2.png", &good)]);
    symlink(path.join("a/good.png"), path.join("b/linked.png")).unwrap();
    symlink(".", path.join("loop")).unwrap();
    symlink("..", path.join("a/deep/up")).unwrap();
    symlink("/", path.join("b/everything")).unwrap();
    symlink("y", path.join("a/x")).unwrap();
    symlink("x", path.join("a/y")).unwrap();
    symlink("nowhere", path.join("a/dangling.png")).unwrap();
    symlink(beside.path().join("c"), path.join("c")).unwrap();
    symlink(beside.path().join("more"), path.join("a/more")).unwrap();
    symlink("b", path.join("d")).unwrap();
    fs::remove_file(path.join("b/everything")).unwrap();
    symlink(path, path.join("b/everything")).unwrap();
    let source = folder(path).unwrap();
    let names: Vec<String> = (0..source.len()).map(|index| source.identity(index).to_string()).collect();
    let expected = ["a/dangling.png", "a/deep/er/1.png", "a/good.png", "a/more/2.png", "b/good.png", "b/linked.png", "c/1.png"];
    assert_eq!(names, expected);
    assert_eq!(source.classes(), ["a", "b", "c"]);
    assert_eq!((filtered(&*source, "already read"), filtered(&*source, "circles")), (4, 2));
    assert!(accounts(&*source));
    assert_eq!(read_one(&*source, "a/dangling.png").unwrap_err().reason, "dangling link");
    assert!(read_one(&*source, "b/linked.png").is_ok() && read_one(&*source, "a/more/2.png").is_ok());
}

fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn pipes_and_sockets_are_filtered_without_being_opened() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    pipe(&root.path().join("a/x.jpg"));
    pipe(&root.path().join("loose.jpg"));
    symlink("x.jpg", root.path().join("a/linked.jpg")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("b/y.jpg")).unwrap();
    fs::hard_link(root.path().join("a/good.png"), root.path().join("b/hard.png")).unwrap();
    let source = folder(root.path()).unwrap();
    assert_eq!((source.len(), filtered(&*source, "pipes")), (3, 4));
    assert!(accounts(&*source) && read_one(&*source, "b/hard.png").is_ok());
}

#[test]
fn odd_names_work_are_escaped_and_ordered_by_their_bytes() {
    let root = tempfile::tempdir().unwrap();
    let good = png(&picture(4, 4));
    let long = "n".repeat(251) + ".png";
    let names: [&[u8]; 9] = [
        b"\xff\xfe.png",
        b"new\nline.png",
        b"tab\t.png",
        "u\u{308}.png".as_bytes(),
        "\u{fc}.png".as_bytes(),
        b"A.png",
        b"a.png",
        b"back\\slash.png",
        long.as_bytes(),
    ];
    for class in [&b"one\xff"[..], b"two\n"] {
        fs::create_dir(root.path().join(OsStr::from_bytes(class))).unwrap();
        for name in names {
            let name = [class, b"/", name].concat();
            fs::write(root.path().join(OsStr::from_bytes(&name)), &good).unwrap();
        }
    }
    let source = folder(root.path()).unwrap();
    assert_eq!(source.classes(), ["one\\xff", "two\\n"]);
    let identities: Vec<String> = (0..source.len()).map(|index| source.identity(index).to_string()).collect();
    assert_eq!(identities.iter().collect::<std::collections::BTreeSet<_>>().len(), 18);
    assert!(identities.iter().all(|name| !name.contains(char::is_control)));
    let mut raw: Vec<&[u8]> = names.to_vec();
    raw.sort();
    let in_order = raw.iter().map(|name| format!("one\\xff/{}", augpipe::source::escape(name)));
    assert!(in_order.eq(identities[..9].iter().cloned()), "{identities:?}");
    assert!((0..source.len()).all(|index| source.read(index).is_ok()));
}

/// A user without any right, as most systems have it.
const NOBODY: u32 = 65534;

#[test]
fn missing_rights_to_a_folder_refuse_and_to_a_file_set_it_aside() {
    let name = "folders::missing_rights_to_a_folder_refuse_and_to_a_file_set_it_aside";
    let is_root = rustix::process::geteuid().is_root();
    if is_root && !super::is_alone(name, Some(NOBODY)) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    write(root.path(), &[("a/secret.png", b"x"), ("a/deep/1.png", b"x")]);
    let set = |path: &str, mode| {
        let path = if path == "." { root.path().to_path_buf() } else { root.path().join(path) };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set("a/secret.png", 0);
    let source = folder(root.path()).unwrap();
    assert_eq!(read_one(&*source, "a/secret.png").unwrap_err().reason, "permission denied");
    set("a/deep", 0);
    set("b", 0);
    let message = folder(root.path()).err().unwrap();
    assert!(message.contains("a/deep") && message.contains("/b:"), "{message}");
    set(".", 0);
    assert!(folder(root.path()).err().unwrap().contains("cannot read the folder"));
    for path in [".", "b", "a/deep"] {
        set(path, 0o700);
    }
}

#[test]
fn files_that_change_after_the_scan_are_set_aside() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    let good = png(&picture(4, 4));
    let names = ["a/vanished", "a/shrunk", "a/grown", "a/replaced", "a/pipe", "a/folder", "a/same"];
    for name in names {
        write(root.path(), &[(name, &good)]);
    }
    let source = folder(root.path()).unwrap();
    let before = read_one(&*source, "a/same").unwrap();
    let path = |name: &str| root.path().join(name);
    fs::remove_file(path("a/vanished")).unwrap();
    fs::write(path("a/shrunk"), &good[..good.len() - 1]).unwrap();
    fs::write(path("a/grown"), [&good[..], b"x"].concat()).unwrap();
    fs::write(path("a/replaced"), &good).unwrap();
    let later = SystemTime::now() + Duration::from_secs(5);
    fs::File::options().write(true).open(path("a/replaced")).unwrap().set_modified(later).unwrap();
    fs::remove_file(path("a/pipe")).unwrap();
    pipe(&path("a/pipe"));
    fs::remove_file(path("a/folder")).unwrap();
    fs::create_dir(path("a/folder")).unwrap();
    for name in &names[..6] {
        let bad = read_one(&*source, name).unwrap_err();
        assert_eq!((bad.reason.as_str(), bad.stage), ("changed since scan", "read"), "{name}");
    }
    assert_eq!(read_one(&*source, "a/same").unwrap(), before);
}

#[test]
fn roots_without_use_are_refused_before_work_starts() {
    let root = tempfile::tempdir().unwrap();
    assert!(folder(&root.path().join("missing")).err().unwrap().contains("cannot read the folder"));
    assert!(folder(root.path()).err().unwrap().contains("no class"));
    fs::create_dir(root.path().join("a")).unwrap();
    assert!(folder(root.path()).err().unwrap().contains("only one class, `a`"));
    fs::create_dir(root.path().join("b")).unwrap();
    assert!(folder(root.path()).err().unwrap().contains("no sample in classes `a`, `b`"));
    let allowing = "format = 'image_folder'\npath = '.'\nallow_empty_classes = true";
    assert!(open(allowing, root.path()).err().unwrap().contains("no file in any class folder"));
    write(root.path(), &[("a/1.png", &png(&picture(4, 4)))]);
    assert!(folder(root.path()).err().unwrap().contains("no sample in class `b`"));
    let warnings = open(allowing, root.path()).unwrap().census().warnings.clone();
    assert!(warnings.len() == 2 && warnings[0].contains("no sample in class `b`") && warnings[1].contains("`a`"), "{warnings:?}");
    write(root.path(), &[("file", b"x")]);
    assert!(folder(&root.path().join("file")).err().unwrap().contains("cannot read the folder"));
}

#[test]
fn equal_bytes_are_found_and_contradictions_told() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    let (one, other) = (png(&picture(5, 5)), png(&picture(5, 6)));
    write(root.path(), &[("a/1.png", &one), ("a/2.png", &one), ("b/3.png", &other)]);
    let source = folder(root.path()).unwrap();
    let groups = duplicates(&*source);
    let found: Vec<_> = groups.iter().map(|group| (group.samples.clone(), group.contradict)).collect();
    assert_eq!(found, [(vec![0, 1], false), (vec![2, 4], true)]);
}

#[test]
fn many_files_and_classes_are_listed_and_the_listing_is_the_same_each_time() {
    let root = tempfile::tempdir().unwrap();
    for class in 0..100 {
        fs::create_dir(root.path().join(format!("{class:02}"))).unwrap();
    }
    for number in 0..5_000 {
        fs::File::create(root.path().join(format!("{:02}/{number}.png", number % 100))).unwrap();
    }
    let (one, two) = (folder(root.path()).unwrap(), folder(root.path()).unwrap());
    assert_eq!((one.len(), one.classes().len(), one.census().per_class.clone()), (5_000, 100, vec![50; 100]));
    assert_eq!(one.fingerprint(), two.fingerprint());
    fs::write(root.path().join("00/0.png"), b"x").unwrap();
    assert_ne!(one.fingerprint(), folder(root.path()).unwrap().fingerprint());
}
