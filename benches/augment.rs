//! Every operation of the catalogue on a picture of the size of a photograph, one thread; items/s are images/s.
//!
//! The picture is smooth with some texture, made by a formula. Copying it is part of each figure and is measured by `copy`.

use augpipe::augment::{Chain, OPS};
use augpipe::config::{Fields, Problems};
use augpipe::key::Key;
use augpipe::pixels::normalize::Normalize;
use augpipe::sample::{Image, Size};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

fn photograph() -> Image {
    let value = |y: u32, x: u32, c: u32| ((x * (c + 2) / 5 + y * (3 - c) / 4) % 200 + (x * x + y * y + 31 * c) % 40) as u8;
    let pixels = (0..375).flat_map(|y| (0..500).flat_map(move |x| (0..3).map(move |c| value(y, x, c)))).collect();
    Image::new(Size::new(375, 500), 3, pixels)
}

fn run(bencher: Bencher, text: &str) {
    let fields = Fields::parse(text, &Problems::default()).expect("TOML");
    let chain = Chain::build(&[fields]);
    let image = photograph();
    let mut sample = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        let mut image = black_box(&image).clone();
        sample += 1;
        chain.apply(Key { run: 1, epoch: 0, sample, op: 0 }, &mut image).expect("applies");
        image
    });
}

#[divan::bench(args = OPS.iter().map(|entry| entry.name))]
fn example(bencher: Bencher, name: &str) {
    let entry = OPS.iter().find(|entry| entry.name == name).expect("an operation");
    let kept: Vec<&str> = entry.example.lines().filter(|line| !line.starts_with("p =")).collect();
    run(bencher, &format!("{}\np = 1.0", kept.join("\n")));
}

const CASES: [&str; 10] = [
    "op = 'rotate'\ndegrees = 15\ninterpolation = 'bilinear'",
    "op = 'rotate'\ndegrees = [180, 180]\ninterpolation = 'bilinear'",
    "op = 'rotate'\ndegrees = 15\ninterpolation = 'bicubic'",
    "op = 'affine'\ndegrees = 15\ntranslate = [0.1, 0.1]\nscale = [0.9, 1.1]\nshear = 5\ninterpolation = 'bilinear'",
    "op = 'rotate'\ndegrees = 15\ninterpolation = 'bilinear'\nedge = 'reflect'",
    "op = 'resize'\nsize = 224",
    "op = 'resize'\nsize = 224\ninterpolation = 'bicubic'",
    "op = 'resize'\nsize = 224\ninterpolation = 'nearest'",
    "op = 'resized_crop'\nsize = 224",
    "op = 'rotate90'\nturns = 1",
];

#[divan::bench(args = CASES)]
fn case(bencher: Bencher, text: &str) {
    run(bencher, text);
}

#[divan::bench]
fn copy(bencher: Bencher) {
    let image = photograph();
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| black_box(&image).clone());
}

#[divan::bench]
fn normalize(bencher: Bencher) {
    let (image, kernel) = (photograph(), Normalize::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]));
    let mut out = vec![0f32; image.pixels().len()];
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| kernel.write(black_box(&image), black_box(&mut out)));
}
