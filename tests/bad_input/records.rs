//! IDX and CIFAR files: every number of their headers, and their lengths, are held against what is there.

use super::{accounts, open, read_one};
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Twelve images of 3 × 2 pixels, and labels 0, 1, 2, 0, …
fn idx() -> (Vec<u8>, Vec<u8>) {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 3, 0, 0, 0, 2][..], &(0..72).collect::<Vec<u8>>()].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 12][..], &(0..12).map(|n| n % 3).collect::<Vec<u8>>()].concat();
    (images, labels)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What opening the two files says; "fine" if they can be used.
fn idx_says(root: &Path, images: &[u8], labels: &[u8]) -> String {
    fs::write(root.join("images"), images).unwrap();
    fs::write(root.join("labels"), labels).unwrap();
    open("format = 'idx'\nimages = 'images'\nlabels = 'labels'", root).map_or_else(|message| message, |_| "fine".to_owned())
}

#[test]
fn idx_files_are_read_plain_and_gzipped() {
    let root = tempfile::tempdir().unwrap();
    let (images, labels) = idx();
    fs::write(root.path().join("train-images-idx3-ubyte.gz"), gzip(&images)).unwrap();
    fs::write(root.path().join("train-labels-idx1-ubyte"), &labels).unwrap();
    fs::write(root.path().join("t10k-images.idx3-ubyte"), &images).unwrap();
    fs::write(root.path().join("t10k-labels.idx1-ubyte.gz"), gzip(&labels)).unwrap();
    let train = open("format = 'idx'\npath = '.'", root.path()).unwrap();
    let test = open("format = 'idx'\npath = '.'\npart = 'test'\nchannels = 3", root.path()).unwrap();
    assert_eq!((train.len(), train.classes(), accounts(&*train)), (12, &["0", "1", "2"].map(str::to_owned)[..], true));
    let read = read_one(&*train, "train-images-idx3-ubyte/4").unwrap();
    assert_eq!((read.sample.label, read.sample.image.pixels()), (1, &[24, 25, 26, 27, 28, 29][..]));
    let read = read_one(&*test, "t10k-images.idx3-ubyte/0").unwrap();
    assert_eq!(read.sample.image.pixels()[..6], [0, 0, 0, 1, 1, 1]);
}

#[test]
fn every_flipped_bit_of_an_idx_header_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (images, labels) = idx();
    assert_eq!(idx_says(root.path(), &images, &labels), "fine");
    for zipped in [false, true] {
        let pack = |bytes: &[u8]| if zipped { gzip(bytes) } else { bytes.to_vec() };
        for bit in 0..24 * 8 {
            let (mut images, mut labels) = (images.clone(), labels.clone());
            let flipped = if bit < 128 { &mut images[bit / 8] } else { &mut labels[bit / 8 - 16] };
            *flipped ^= 1 << (bit % 8);
            let says = idx_says(root.path(), &pack(&images), &pack(&labels));
            assert!(says.contains("images: ") || says.contains("labels: "), "bit {bit}: {says}");
        }
    }
}

#[test]
fn wrong_lengths_are_refused_with_both_numbers() {
    let root = tempfile::tempdir().unwrap();
    let (images, labels) = idx();
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();
    let says = idx_says(root.path(), &images[..80], &longer(&labels));
    assert!(says.contains("has 80 bytes where its header [12, 3, 2] promises 88"), "{says}");
    assert!(says.contains("has 21 bytes where its header [12] promises 20"), "both files: {says}");
    let ten = [&[0, 0, 8, 1, 0, 0, 0, 10][..], &[0; 10]].concat();
    let says = idx_says(root.path(), &images, &ten);
    assert!(says.contains("holds 12 images") && says.contains("10 labels"), "{says}");
    assert!(idx_says(root.path(), &images[..3], &labels).contains("ends within its header"));
    assert!(
        idx_says(root.path(), &[0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], &labels)
            .contains("promises")
    );
    let none = idx_says(root.path(), &[0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2], &[0, 0, 8, 1, 0, 0, 0, 0]);
    assert!(none.contains("which is none"), "{none}");
}

#[test]
fn damaged_gzip_is_refused_and_bombs_are_not_inflated() {
    let root = tempfile::tempdir().unwrap();
    let (images, labels) = idx();
    let zipped = gzip(&images);
    for cut in 2..zipped.len() {
        assert_ne!(idx_says(root.path(), &zipped[..cut], &labels), "fine", "cut at {cut}");
    }
    assert!(idx_says(root.path(), &[&zipped[..], b"rest"].concat(), &labels).contains("4 bytes follow the end"));
    let mut flipped = zipped.clone();
    *flipped.iter_mut().rev().nth(6).unwrap() ^= 1;
    assert!(idx_says(root.path(), &flipped, &labels).contains("is damaged"));
    assert!(idx_says(root.path(), &gzip(&[&images[..], b"x"].concat()), &labels).contains("more than the 88 bytes"));
    let bomb = gzip(&[&images[..], &vec![0; 50 << 20]].concat());
    let start = std::time::Instant::now();
    assert!(idx_says(root.path(), &bomb, &labels).contains("more than the 88 bytes"));
    assert!(start.elapsed().as_millis() < 50, "inflated more than was promised");
    let lie = gzip(&[0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 28, 0, 0, 0, 28]);
    assert!(idx_says(root.path(), &lie, &labels).contains("promises"));
}

/// `count` CIFAR records with `head` label bytes, the last of them `n % classes`.
fn cifar(head: usize, count: usize, classes: usize) -> Vec<u8> {
    (0..count).flat_map(|n| [vec![0; head - 1], vec![(n % classes) as u8], vec![n as u8; 3072]].concat()).collect()
}

#[test]
fn cifar_files_are_read_and_missing_ones_warned_of() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("data_batch_1.bin"), cifar(1, 20, 10)).unwrap();
    fs::write(root.path().join("data_batch_3.bin"), cifar(1, 10, 10)).unwrap();
    let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    fs::write(root.path().join("batches.meta.txt"), names.join("\n") + "\n\n").unwrap();
    let source = open("format = 'cifar'\npath = '.'", root.path()).unwrap();
    assert_eq!((source.len(), source.classes(), accounts(&*source)), (30, &names.map(str::to_owned)[..], true));
    assert!(source.census().warnings[0].contains("only 2 of the 5 files"), "{:?}", source.census().warnings);
    assert_eq!(read_one(&*source, "data_batch_3/7").unwrap().sample.image.pixel(31, 31), [7, 7, 7]);
    fs::write(root.path().join("train.bin"), cifar(2, 200, 100)).unwrap();
    let hundred = open("format = 'cifar'\npath = '.'\nkind = 100", root.path()).unwrap();
    assert_eq!((hundred.classes().len(), hundred.label(199)), (100, 99));
    assert!(open("format = 'cifar'\npath = '.'\npart = 'test'", root.path()).err().unwrap().contains("test_batch.bin"));
}

#[test]
fn cifar_files_of_wrong_length_or_label_are_refused_with_the_record() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("one.bin");
    let says = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        open("format = 'cifar'\npath = 'one.bin'", root.path()).map_or_else(|message| message, |_| "fine".to_owned())
    };
    let whole = cifar(1, 20, 10);
    assert_eq!(says(&whole), "fine");
    assert!(says(&whole[..whole.len() - 1]).contains("19 records of 3073 and 3072 bytes left over"));
    assert!(says(b"").contains("0 bytes"));
    let mut wrong = whole.clone();
    (wrong[3073 * 3], wrong[3073 * 7]) = (10, 200);
    assert!(says(&wrong).contains("2 labels above 9: 10 in record 3, 200 in record 7"), "{}", says(&wrong));
}
