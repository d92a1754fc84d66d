//! Our side of `benches/peers/augment.py`, which times this program and other libraries in turns.
//!
//! `augment_peers PICTURES HEIGHT WIDTH`: the file holds raw RGB pictures of that size, one after the other. Every line of
//! standard input asks for one pass over them, in a single thread: `{"count": N, "ops": "TOML"}`, a chain of one operation on
//! the first N pictures, or with `"normalize"` in place of the TOML the way into a tensor. The answer is a line
//! `{"ns": [N numbers]}`, or `{"error": "why"}` where the chain cannot be built. A picture's draw is the same in every pass.
//!
//! Every side is timed from a picture that stays to a new one. So an operation that works in place is charged with the copy that
//! it changes, or with reading the one and writing the other where it can; one that always makes a new picture is not, because what
//! it reads and drops was copied before. `normalize` writes
//! to one tensor again and again, as to memory that an allocator hands out without clearing it.

use augpipe::augment::Chain;
use augpipe::config::{Fields, Problems};
use augpipe::key::Key;
use augpipe::pixels::normalize::Normalize;
use augpipe::sample::{Image, Size};
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

fn main() {
    augpipe::sample::keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [path, height, width] = arguments.as_slice() else {
        println!("augment_peers PICTURES HEIGHT WIDTH: see benches/peers/augment.py, which runs it");
        return;
    };
    let size = Size::new(height.parse().expect("a height"), width.parse().expect("a width"));
    let bytes = std::fs::read(path).expect("a file of pictures");
    let pictures: Vec<Image> =
        bytes.chunks_exact(size.area() as usize * 3).map(|pixels| Image::new(size, 3, pixels.to_vec())).collect();
    for line in std::io::stdin().lines() {
        let asked: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        let count = asked["count"].as_u64().map_or(pictures.len(), |count| count as usize).min(pictures.len());
        println!("{}", answer(asked["ops"].as_str().unwrap_or_default(), &pictures[..count]));
        std::io::stdout().flush().expect("a reader");
    }
}

fn answer(text: &str, pictures: &[Image]) -> Value {
    if text == "normalize" {
        let kernel = Normalize::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]);
        let mut out = vec![0f32; pictures.first().map_or(0, |image| image.pixels().len())];
        return timed(vec![None; pictures.len()], pictures, |_, _, image| kernel.write(image, black_box(&mut out)));
    }
    let problems = Problems::default();
    let Ok(fields) = Fields::parse(text, &problems) else { return json!({ "error": "no TOML" }) };
    let chain = Chain::build(&[fields]);
    let found: Vec<String> = problems.take().into_iter().map(|problem| problem.message).collect();
    if !found.is_empty() {
        return json!({ "error": found.join("; ") });
    }
    let key = |sample: usize| Key { run: 1, epoch: 0, sample: sample as u64, op: 0 };
    let run = |sample, mut image: Image| {
        chain.apply(key(sample), &mut image).expect("applies");
        image
    };
    let works_in_place = |(sample, image): (usize, &Image)| {
        let copy = image.clone();
        let place = copy.pixels().as_ptr();
        run(sample, copy).pixels().as_ptr() == place
    };
    let copies = pictures.iter().enumerate().map(|at| if works_in_place(at) { None } else { Some(at.1.clone()) }).collect();
    timed(copies, pictures, |sample, copy, image| match copy {
        Some(copy) => run(sample, copy),
        None => chain.applied(key(sample), image).expect("applies"),
    })
}

/// Nanoseconds for each picture; what `work` makes is dropped outside of the time, as the peers' results are.
fn timed<T>(copies: Vec<Option<Image>>, pictures: &[Image], mut work: impl FnMut(usize, Option<Image>, &Image) -> T) -> Value {
    let mut time = |(sample, (copy, image)): (usize, (Option<Image>, &Image))| {
        let begin = Instant::now();
        let made = black_box(work(sample, black_box(copy), black_box(image)));
        let time = begin.elapsed().as_nanos() as u64;
        drop(made);
        time
    };
    json!({ "ns": copies.into_iter().zip(pictures).enumerate().map(&mut time).collect::<Vec<u64>>() })
}
