//! Fetching, against a server on this machine: what arrives is right or nothing is there.

use augpipe::error::{Error, Result};
use augpipe::job::data::{Public, Remote, Step, fetch, fetch_file};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

/// Answers one request after another with these bytes, whole HTTP responses; yields the lines that were asked.
fn serve(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/files/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |answer: Vec<u8>| {
            let (mut connection, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(connection.try_clone().unwrap()).lines().map(|line| line.unwrap());
            let asked = lines.next().unwrap();
            lines.find(String::is_empty).unwrap();
            // A client that has seen enough hangs up.
            let _ = connection.write_all(&answer);
            asked
        };
        answers.into_iter().map(answer).collect()
    });
    (base, server)
}

fn ok(length: usize, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
}

/// An answer that does not say how long it is and ends with the connection.
fn endless(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body].concat()
}

fn content() -> Vec<u8> {
    (0..200_000u64).map(|number| ((number * number) >> 7) as u8).collect()
}

/// Fetches what has the content's length and hash from a server that gives `answer`; tells how, and what is in the folder then.
fn fetched(answer: Vec<u8>, before: Option<&[u8]>) -> (Result<()>, Vec<Step>, Files) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made/for/it");
    if let Some(before) = before {
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join("file.gz"), before).unwrap();
    }
    let (base, server) = serve(vec![answer]);
    let sha256: String = Sha256::digest(content()).iter().map(|byte| format!("{byte:02x}")).collect();
    let remote = Remote { name: "file.gz", bytes: content().len() as u64, sha256: &sha256 };
    let mut steps = Vec::new();
    let done = fetch_file(&base, &remote, &out, |step| steps.push(step));
    assert_eq!(server.join().unwrap(), ["GET /files/file.gz HTTP/1.1"]);
    (done, steps, files(&out))
}

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

fn files(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_good_file_arrives_whole_and_in_steps() {
    for answer in [ok(content().len(), &content()), endless(&content())] {
        let (done, steps, files) = fetched(answer, Some(b"an older one"));
        done.unwrap();
        assert_eq!(files, [("file.gz".to_owned(), content())]);
        assert_eq!(steps.last(), Some(&Step::Done));
        let arrived: Vec<u64> =
            steps.iter().filter_map(|step| if let Step::Arrived(bytes) = step { Some(*bytes) } else { None }).collect();
        assert!(arrived.len() > 1 && arrived.is_sorted() && arrived.last() == Some(&200_000), "{arrived:?}");
    }
}

#[test]
fn a_refusal_names_address_and_status_and_leaves_what_was_there() {
    for (status, words) in [(404, "HTTP status 404"), (500, "HTTP status 500")] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope").into_bytes();
        let (done, _, files) = fetched(answer, Some(b"before"));
        let error = done.unwrap_err();
        assert!(error.to_string().contains(words) && error.to_string().contains("/files/file.gz"), "{error}");
        assert_eq!(error.exit_code(), 4);
        assert_eq!(files, [("file.gz".to_owned(), b"before".to_vec())]);
    }
}

#[test]
fn a_file_that_breaks_off_is_not_kept() {
    for answer in [ok(content().len(), &content()[..150_000]), endless(&content()[..150_000]), endless(b"")] {
        let (done, _, files) = fetched(answer, None);
        let error = done.unwrap_err().to_string();
        assert!(error.contains("of 200000 bytes") && error.contains("again"), "{error}");
        assert_eq!(files, []);
    }
}

#[test]
fn a_wrong_file_is_not_kept_and_both_hashes_are_told() {
    let mut wrong = content();
    wrong[123_456] ^= 1;
    let (done, _, files) = fetched(ok(wrong.len(), &wrong), Some(b"before"));
    let error = done.unwrap_err();
    let hash = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(matches!(error, Error::Damaged { .. }) && error.exit_code() == 4);
    assert!(error.to_string().contains(&hash(&wrong)) && error.to_string().contains(&hash(&content())), "{error}");
    assert_eq!(files, [("file.gz".to_owned(), b"before".to_vec())]);
}

#[test]
fn a_file_that_is_too_long_is_given_up_early() {
    let long = [content(), content()].concat();
    for answer in [ok(long.len(), &long), endless(&long)] {
        let (done, steps, files) = fetched(answer, None);
        assert!(done.unwrap_err().to_string().contains("longer than the 200000 bytes"));
        assert!(steps.iter().all(|step| matches!(step, Step::Arrived(bytes) if *bytes <= 200_000)));
        assert_eq!(files, []);
    }
}

#[test]
fn a_right_file_is_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file.gz"), b"abc").unwrap();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let remote = Remote { name: "file.gz", bytes: 3, sha256: abc };
    let mut steps = Vec::new();
    // Nobody answers at this address.
    fetch_file("http://127.0.0.1:1", &remote, folder.path(), |step| steps.push(step)).unwrap();
    assert_eq!(steps, [Step::Present]);
    std::fs::write(folder.path().join("file.gz"), b"abd").unwrap();
    let error = fetch_file("http://127.0.0.1:1", &remote, folder.path(), |_| {}).unwrap_err();
    assert!(error.to_string().contains("cannot fetch http://127.0.0.1:1/file.gz"), "{error}");
    assert_eq!(files(folder.path()), [("file.gz".to_owned(), b"abd".to_vec())]);
}

#[test]
fn the_command_asks_for_the_data_sets_own_files_and_takes_no_others() {
    let folder = tempfile::tempdir().unwrap();
    for (what, first) in [(Public::Mnist, "train-images-idx3-ubyte.gz"), (Public::Cifar10, "cifar-10-binary.tar.gz")] {
        let (base, server) = serve(vec![ok(5, b"wrong")]);
        assert!(fetch(what, Some(folder.path().into()), Some(base)).is_err());
        assert_eq!(server.join().unwrap(), [format!("GET /files/{first} HTTP/1.1")]);
        assert_eq!(files(folder.path()), []);
    }
}
