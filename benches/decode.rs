//! How fast pictures are decoded: camera photos by 1 and by 2 workers, whole and in parts like those of `resized_crop`, and the `image`
//! crate's lenient decoder beside it.
//!
//! Photos are looked for in `$PIPELINE_TEST_DATA/photos`, else in `../shared/data/photos`; where there are none, pictures of the
//! same size are made.

use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::decode::{DecodeOptions, decode, decode_part};
use augpipe::sample::{Image, Size};
use divan::Bencher;
use divan::counter::ItemsCount;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() {
    divan::main();
}

fn photos() -> &'static [Vec<u8>] {
    static PHOTOS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PHOTOS.get_or_init(|| {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let folder = std::env::var_os("PIPELINE_TEST_DATA").map_or(beside, PathBuf::from).join("photos");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("{} is not there: decoding made pictures", folder.display());
            return (0..100).map(made).collect();
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().flat_map(std::fs::read).collect()
    })
}

/// A JPEG of 450 × 450 pixels with noise and shapes in it.
fn made(number: u32) -> Vec<u8> {
    let value = |i: u32| {
        let (y, x) = (i / 3 / 450, i / 3 % 450);
        ((x * (number + 3) / 7 + y * y / 90) % 200 + i.wrapping_mul(2_654_435_761) % 40) as u8
    };
    let pixels: Vec<u8> = (0..450 * 450 * 3).map(value).collect();
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.encode(&pixels, 450, 450, image::ExtendedColorType::Rgb8).expect("a picture in memory can be encoded");
    bytes
}

/// Runs `work` for every photo, on as many threads as are asked for; each takes the next photo when it is free.
fn share(workers: usize, work: impl Fn(&[u8]) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(bytes) = photos().get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(bytes);
                }
            });
        }
    });
}

#[divan::bench(args = [1, 2], sample_count = 10)]
fn strict(bencher: Bencher, workers: usize) {
    let options = DecodeOptions::default();
    bencher.counter(ItemsCount::new(photos().len())).bench(|| {
        share(workers, |bytes| drop(divan::black_box(decode(bytes, &options))));
    });
}

/// A part of a picture of `size` that is about as large, and as often in each place, as those of `resized_crop`.
fn part(bytes: &[u8], size: Size) -> Region {
    let number = bytes.len() as u32;
    let area = f64::from(8 + number * 37 % 93) / 100.0;
    let side = |side: u32| ((f64::from(side) * area.sqrt()) as u32).max(1);
    let (height, width) = (side(size.height), side(size.width));
    let (top, left) = (number * 101 % (size.height - height + 1), number * 211 % (size.width - width + 1));
    Region { top, left, height, width }
}

#[divan::bench(args = [1, 2], sample_count = 10)]
fn strict_part(bencher: Bencher, workers: usize) {
    let options = DecodeOptions::default();
    bencher.counter(ItemsCount::new(photos().len())).bench(|| {
        share(workers, |bytes| drop(divan::black_box(decode_part(bytes, &options, &|size| Some(part(bytes, size))))));
    });
}

#[divan::bench(args = [1, 2], sample_count = 10)]
fn lenient_part(bencher: Bencher, workers: usize) {
    bencher.counter(ItemsCount::new(photos().len())).bench(|| {
        share(workers, |bytes| {
            let picture = image::load_from_memory(bytes).map(|picture| picture.to_rgb8()).unwrap_or_default();
            let size = Size::new(picture.height(), picture.width());
            let image = Image::new(size, 3, picture.into_raw());
            drop(divan::black_box(crop(&image, part(bytes, size))));
        });
    });
}

#[divan::bench(args = [1, 2], sample_count = 10)]
fn lenient(bencher: Bencher, workers: usize) {
    bencher.counter(ItemsCount::new(photos().len())).bench(|| {
        share(workers, |bytes| drop(divan::black_box(image::load_from_memory(bytes).map(|picture| picture.to_rgb8()))));
    });
}
