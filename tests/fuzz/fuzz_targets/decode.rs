//! Any bytes: decoding must not panic, and a part must be that part of the whole, or refused with the same words; at a smaller scale, of
//! the size that was promised. Once known, a file gives the same part again; one that has become another gives anything but a panic.
//!
//! From the repository's root, after `cargo install cargo-fuzz`; the first word lets a stable compiler count branches:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none --fuzz-dir tests/fuzz decode tests/fuzz/corpus -- -max_len=4096
//! ```
//!
//! `cargo test --test jpeg_parts` replays the corpus, and some thousands of changed copies, with any compiler.
#![no_main]

use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::decode::{Choice, DecodeOptions, Limits, decode, decode_choice, decode_part, decode_part_again};
use augpipe::sample::Size;
use libfuzzer_sys::fuzz_target;

/// A rectangle that the file's own bytes choose.
fn chosen(bytes: &[u8], size: Size) -> Region {
    let number = |at: usize| bytes.iter().rev().skip(at).step_by(4).take(3).fold(0u32, |sum, &byte| sum * 31 + u32::from(byte));
    let (top, left) = (number(0) % size.height, number(1) % size.width);
    Region { top, left, height: 1 + number(2) % (size.height - top), width: 1 + number(3) % (size.width - left) }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    let whole = decode(bytes, &options);
    assert!(!whole.as_ref().is_err_and(|refusal| refusal.reason.contains("bug")), "{whole:?}");
    let smaller = |size: Size| Choice { region: chosen(bytes, size), enough: Some(Size::new(1 + bytes.len() as u32 % 9, 1)) };
    let scaled = decode_choice(bytes, &options, &|size| Some(smaller(size)), &mut None, 0);
    assert_eq!(scaled.as_ref().err(), whole.as_ref().err());
    if let Some((image, size)) = scaled.ok().and_then(|scaled| scaled.part_of.map(|size| (scaled.image, size))) {
        assert_eq!(image.size(), smaller(size).decoded(size).size());
    }
    let part = decode_part(bytes, &options, &|size| Some(chosen(bytes, size)));
    let mut known = None;
    let again = |file: &[u8], known: &mut _| decode_part_again(file, &options, &|size| Some(chosen(bytes, size)), known, 4096);
    assert!(again(bytes, &mut known) == part);
    if known.is_some() {
        assert!(again(bytes, &mut known.clone()) == part);
        let (mut other, sum) = (bytes.to_vec(), bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>());
        let place = sum % other.len();
        other[place] ^= 1 << (sum % 8);
        let _ = again(&other, &mut known);
    }
    match (whole, part) {
        (Ok(whole), Ok(part)) => {
            let region = part.part_of.map_or(Region::whole(whole.image.size()), |size| chosen(bytes, size));
            assert!(part.image == crop(&whole.image, region) && part.notes == whole.notes);
        }
        (whole, part) => assert_eq!(part.err(), whole.err()),
    }
});
