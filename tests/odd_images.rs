//! Odd, damaged and hostile image files with known outcomes, and real photos cut short: each must be decoded right or refused by
//! name. The files are looked for in `$PIPELINE_TEST_DATA`, else in `../shared/data`; where they are absent, the tests say so
//! and pass.

use augpipe::pixels::decode::{DecodeOptions, Decoded, Format, Note, Refusal, decode};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The folder `name` of the test data, if it is there.
fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("PIPELINE_TEST_DATA").map_or(beside, PathBuf::from);
    let folder = root.join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there; set PIPELINE_TEST_DATA to run this test", folder.display());
        return None;
    }
    Some(folder)
}

/// One line of `INDEX.tsv`.
struct Row {
    file: String,
    kind: String,
    expected: String,
    format: String,
    core: bool,
    size: String,
    mean: Option<[f64; 3]>,
}

fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let column = |name: &str| names.iter().position(|&other| other == name).unwrap();
    let [file, kind, expected, format, tier, turned, mean] =
        ["file", "kind", "expected", "format", "tier", "size_after_orientation", "mean_rgb"].map(column);
    let row = |cells: Vec<&str>| {
        let stored = cells[expected].strip_prefix("decode ").unwrap_or("");
        let numbers: Vec<f64> = cells[mean].split(',').filter_map(|number| number.parse().ok()).collect();
        Row {
            file: cells[file].to_owned(),
            kind: cells[kind].to_owned(),
            expected: cells[expected].split(' ').next().unwrap().to_owned(),
            format: cells[format].to_owned(),
            core: cells[tier] == "core",
            size: if cells[turned].is_empty() { stored } else { cells[turned] }.to_owned(),
            mean: numbers.try_into().ok(),
        }
    };
    lines.map(row).collect()
}

fn mean(decoded: &Decoded) -> [f64; 3] {
    let pixels = decoded.image.pixels();
    let sum = |channel: usize| pixels.iter().skip(channel).step_by(3).map(|&value| f64::from(value)).sum::<f64>();
    std::array::from_fn(|channel| sum(channel) / (pixels.len() / 3) as f64)
}

/// What is wrong with the outcome, if anything.
fn verdict(row: &Row, outcome: &Result<Decoded, Refusal>) -> Option<String> {
    let refused_by_name = |refusal: &Refusal| !row.core && refusal.reason.starts_with("unsupported: ");
    match (row.expected.as_str(), outcome) {
        ("ambiguous", _) | ("reject", Err(_)) => None,
        ("reject", Ok(_)) => Some("decoded, must be refused".to_owned()),
        ("decode", Err(refusal)) => (!refused_by_name(refusal)).then(|| format!("refused: {refusal}")),
        ("decode", Ok(decoded)) => {
            let size = format!("{}x{}", decoded.image.width(), decoded.image.height());
            // The index averages before rounding to 8 bits, and to a tenth itself; lossy formats leave the transform's rounding
            // and the enlargement of colour to the decoder.
            let tolerance = match row.format.as_str() {
                "png" => 0.1,
                _ => 0.6,
            };
            let mean = mean(decoded);
            let off = row.mean.is_some_and(|expected| expected.iter().zip(mean).any(|(a, b)| (a - b).abs() > tolerance));
            (size != row.size || off).then(|| format!("{size} {mean:.2?}, expected {} {:?}", row.size, row.mean))
        }
        (other, _) => Some(format!("unknown outcome {other}")),
    }
}

#[test]
fn every_odd_image_has_the_outcome_that_its_index_says() {
    let Some(folder) = data("odd-images") else { return };
    let mut wrong = Vec::new();
    let rows = rows(&folder);
    for row in &rows {
        let bytes = std::fs::read(folder.join(&row.file)).unwrap();
        let outcome = decode(&bytes, &DecodeOptions::default());
        assert_eq!(outcome, decode(&bytes, &DecodeOptions::default()), "{}: another outcome the second time", row.file);
        wrong.extend(verdict(row, &outcome).map(|what| format!("{}: {what}", row.file)));
        let panicked = outcome.as_ref().is_err_and(|refusal| refusal.reason.starts_with("decoder bug"));
        if panicked {
            wrong.push(format!("{}: {}", row.file, outcome.unwrap_err()));
        }
    }
    assert!(rows.len() >= 169 && wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn bombs_are_refused_from_the_header_in_no_time() {
    let Some(folder) = data("odd-images") else { return };
    for row in rows(&folder).iter().filter(|row| row.kind.contains("bomb")) {
        let bytes = std::fs::read(folder.join(&row.file)).unwrap();
        let start = Instant::now();
        let outcome = decode(&bytes, &DecodeOptions::default());
        assert!(outcome.is_err() && start.elapsed() < Duration::from_millis(10), "{}: {outcome:?}", row.file);
    }
}

#[test]
fn colours_of_cmyk_files_are_not_inverted() {
    let Some(folder) = data("odd-images") else { return };
    // Two drawings on white paper and a portrait before a light wall: inverted, they would be dark.
    for (file, light) in [("jpg-cmyk-2.jpg", 240.0), ("Kiara_limited_progressive_four_components.jpg", 190.0)] {
        let row = rows(&folder).into_iter().find(|row| row.file.contains(file)).unwrap();
        let decoded = decode(&std::fs::read(folder.join(row.file)).unwrap(), &DecodeOptions::default()).unwrap();
        assert!(mean(&decoded).iter().all(|&channel| channel > light), "{file}: {:?}", mean(&decoded));
    }
}

#[test]
fn a_name_of_another_format_is_seen() {
    let Some(folder) = data("odd-images") else { return };
    let row = rows(&folder).into_iter().find(|row| row.kind.contains("wrong-extension")).unwrap();
    let decoded = decode(&std::fs::read(folder.join(row.file)).unwrap(), &DecodeOptions::default()).unwrap();
    assert_eq!(decoded.format, Format::Png);
    assert!(!decoded.format.fits_extension("jpg"));
}

/// Every `step`th photo.
fn photos(step: usize) -> Vec<PathBuf> {
    let Some(folder) = data("photos") else { return Vec::new() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().step_by(step).collect()
}

#[test]
fn whole_photos_are_decoded_without_a_note() {
    for file in photos(4) {
        let decoded = decode(&std::fs::read(&file).unwrap(), &DecodeOptions::default());
        let notes = decoded.unwrap_or_else(|refusal| panic!("{}: {refusal}", file.display())).notes;
        assert!(notes.iter().all(|note| *note == Note::ExtraneousBytes), "{}: {notes:?}", file.display());
    }
}

#[test]
fn photos_cut_at_19_points_are_all_found() {
    for file in photos(10) {
        let bytes = std::fs::read(&file).unwrap();
        for point in 1..20 {
            let cut = bytes.len() * point / 20;
            let refusal = decode(&bytes[..cut], &DecodeOptions::default());
            let reason = refusal.map_or_else(|refusal| refusal.reason, |_| "decoded".to_owned());
            assert_eq!(reason, format!("truncated after {cut} bytes"), "{}", file.display());
        }
    }
}

#[test]
fn photos_cut_and_closed_again_are_all_found() {
    // With an end marker behind the cut, only the missing blocks give the file away.
    for file in photos(10) {
        let bytes = std::fs::read(&file).unwrap();
        for point in 5..20 {
            let closed = [&bytes[..bytes.len() * point / 20], &[0xff, 0xd9]].concat();
            let outcome = decode(&closed, &DecodeOptions::default());
            let reason = outcome.map_or_else(|refusal| refusal.reason, |_| "decoded".to_owned());
            assert!(reason.starts_with("damaged") || reason.starts_with("truncated"), "{} at {point}: {reason}", file.display());
        }
    }
}
