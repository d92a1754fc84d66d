//! Common JPEGs are decoded in part: the same bytes as the whole, the same verdict, the same augmented pictures; and the whole is what
//! other decoders make of it.

#[path = "support/jpeg.rs"]
mod jpeg;

use augpipe::augment::Chain;
use augpipe::batch::{Part, Pass};
use augpipe::config::{Document, Fields, Problems};
use augpipe::isa::{Isa, only};
use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::decode::{DecodeOptions, Known, decode, decode_part, decode_part_again};
use augpipe::sample::{Image, Size};
use augpipe::stage::augment::Augment;
use augpipe::stage::load::Load;
use augpipe::stage::{Content, Ticket};
use jpeg::{Kind, encoded, kinds};
use proptest::prelude::*;
use std::path::Path;
use std::sync::atomic::AtomicU32;

fn options(channels: usize, apply_orientation: bool) -> DecodeOptions {
    DecodeOptions { channels, apply_orientation, ..DecodeOptions::default() }
}

/// A rectangle inside `size`, for four numbers of any size.
fn inside(size: Size, [top, left, height, width]: [u32; 4]) -> Region {
    let (top, left) = (top % size.height, left % size.width);
    Region { top, left, height: 1 + height % (size.height - top), width: 1 + width % (size.width - left) }
}

fn whole(bytes: &[u8], options: &DecodeOptions) -> Image {
    decode(bytes, options).unwrap_or_else(|refusal| panic!("{refusal}")).image
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_part_is_the_same_rectangle_of_the_whole(kind in 0..kinds().len(), numbers: [u32; 4], gray: bool, turned: bool) {
        let kind = kinds()[kind];
        let (bytes, options) = (encoded(kind), options(if gray { 1 } else { 3 }, turned));
        let image = whole(&bytes, &options);
        let region = inside(image.size(), numbers);
        let part = decode_part(&bytes, &options, &|size| { assert_eq!(size, image.size()); Some(region) }).unwrap();
        prop_assert_eq!(part.part_of, (region != Region::whole(image.size())).then(|| image.size()));
        prop_assert!(part.image == crop(&image, region), "{:?} {:?}", kind, region);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_file_that_is_known_gives_the_same(kind in 0..kinds().len(), first: [u32; 4], numbers: [[u32; 4]; 3], turned: bool) {
        let (bytes, options) = (encoded(kinds()[kind]), options(3, turned));
        let mut known: Option<Known> = None;
        decode_part_again(&bytes, &options, &|size| Some(inside(size, first)), &mut known, 1_000).unwrap();
        for numbers in numbers {
            let choose = |size| Some(inside(size, numbers));
            let again = decode_part_again(&bytes, &options, &choose, &mut known, 1_000).unwrap();
            prop_assert!(again == decode_part(&bytes, &options, &choose).unwrap(), "{:?} {:?}", kinds()[kind], known);
        }
        prop_assert!(known.iter().all(|known| known.bytes() < 1_200));
    }

    #[test]
    fn a_known_file_that_has_become_another_gives_any_picture_or_refusal(kind in 0..kinds().len(), numbers: [u32; 4], at: usize, value: u8) {
        let mut bytes = encoded(kinds()[kind]);
        let mut known: Option<Known> = None;
        decode_part_again(&bytes, &options(3, true), &|_| None, &mut known, 1_000).unwrap();
        let place = at % bytes.len();
        bytes[place] = value;
        drop(decode_part_again(&bytes, &options(3, true), &|size| Some(inside(size, numbers)), &mut known, 1_000));
    }
}

#[test]
fn all_instruction_sets_take_the_same_parts_of_known_files() {
    let large = kinds().into_iter().filter(|kind| u32::from(kind.height) * u32::from(kind.width) > 10_000);
    for kind in large.flat_map(|kind| [0, 40, 41].map(|seed| Kind { seed: kind.seed + seed, ..kind })) {
        let (bytes, options) = (encoded(kind), options(3, false));
        let image = whole(&bytes, &options);
        for (most_bytes, numbers) in
            [(4096, [0; 4]), (4096, [3, 40, 99, 70]), (4096, [0, 9, 80, 301]), (300, [20, 5, 71, 90]), (40, [1, 1, 90, 90])]
        {
            let region = if numbers == [0; 4] { Region::whole(image.size()) } else { inside(image.size(), numbers) };
            let mut known = None;
            decode_part_again(&bytes, &options, &|_| Some(region), &mut known, most_bytes).unwrap();
            for isa in Isa::available() {
                let again = only(isa, || decode_part_again(&bytes, &options, &|_| Some(region), &mut known, most_bytes).unwrap());
                assert!(again.image == crop(&image, region), "{kind:?} {region:?} {isa:?}");
            }
        }
    }
}

/// A copy of the same length with one to four bits changed, most of them in its scan.
fn flipped(bytes: &[u8], number: u64) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for turn in 0..1 + number % 4 {
        let place = (number * 4 + turn).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (from, to) = (if number % 9 == 8 { 0 } else { 640 }, bytes.len() - 2);
        copy[from + (place >> 20) as usize % (to - from)] ^= 1 << (place >> 60 & 7);
    }
    copy
}

#[test]
fn a_known_file_that_has_become_another_is_the_same_on_all_instruction_sets() {
    let large = kinds().into_iter().filter(|kind| u32::from(kind.height) * u32::from(kind.width) > 10_000);
    let (mut refused, mut changed) = (0, 0);
    for (kind, most_bytes) in large.flat_map(|kind| [4096, 300, 40].map(|most_bytes| (kind, most_bytes))) {
        let (bytes, options) = (encoded(kind), options(3, false));
        let mut known = None;
        let image = decode_part_again(&bytes, &options, &|_| None, &mut known, most_bytes).unwrap().image;
        for number in 0..60 {
            let copy = flipped(&bytes, number);
            let whole = [0, 0, image.height() as u32 - 1, image.width() as u32 - 1];
            let region =
                inside(image.size(), if number % 3 == 0 { whole } else { [number as u32 * 7, number as u32 * 5, 90, 290] });
            let of = |isa| {
                let part = only(isa, || decode_part_again(&copy, &options, &|_| Some(region), &mut known.clone(), most_bytes));
                part.map(|part| part.image).map_err(|refusal| refusal.to_string())
            };
            let plain = of(Isa::Plain);
            Isa::available().into_iter().for_each(|isa| assert!(of(isa) == plain, "{kind:?} {number} {region:?} {isa:?}"));
            refused += usize::from(plain.is_err());
            changed += usize::from(plain.is_ok_and(|part| part != crop(&image, region)));
        }
    }
    println!("{refused} refused, {changed} other pictures");
    assert!(refused > 20 && changed > 100, "{refused} {changed}");
}

#[test]
fn common_files_become_known() {
    let known = |kind: Kind| {
        let mut known = None;
        decode_part_again(&encoded(kind), &options(3, true), &|_| None, &mut known, 1_000).unwrap();
        known.is_some()
    };
    assert!(kinds().into_iter().filter(|&kind| known(kind)).count() * 3 > kinds().len());
}

#[test]
fn every_pixel_alone_is_that_pixel_of_the_whole() {
    for kind in kinds().into_iter().filter(|kind| kind.height < 20 && kind.width < 20) {
        let (bytes, options) = (encoded(kind), options(3, false));
        let image = whole(&bytes, &options);
        for place in 0..image.size().area() as u32 {
            let region = Region { top: place / image.size().width, left: place % image.size().width, height: 1, width: 1 };
            let part = decode_part(&bytes, &options, &|_| Some(region)).unwrap().image;
            assert_eq!(part, crop(&image, region), "{kind:?} {region:?}");
        }
    }
}

#[test]
fn all_instruction_sets_decode_the_same_bytes() {
    for kind in kinds() {
        let bytes = encoded(kind);
        let plain = only(Isa::Plain, || whole(&bytes, &options(3, true)));
        Isa::available().into_iter().for_each(|isa| assert!(only(isa, || whole(&bytes, &options(3, true))) == plain, "{kind:?}"));
    }
}

/// Mean and largest difference from the `image` crate's decoder.
fn difference(bytes: &[u8]) -> (f64, u8) {
    let ours = whole(bytes, &options(3, false));
    let theirs = image::load_from_memory(bytes).unwrap().to_rgb8();
    assert_eq!((ours.width(), ours.height()), (theirs.width() as usize, theirs.height() as usize));
    let differences = || ours.pixels().iter().zip(theirs.as_raw()).map(|(a, b)| a.abs_diff(*b));
    (differences().map(f64::from).sum::<f64>() / ours.pixels().len() as f64, differences().max().unwrap())
}

#[test]
fn the_whole_is_what_the_image_crate_makes_of_it() {
    // Its transform rounds otherwise, and its enlargement of chroma treats edges otherwise.
    for kind in kinds().into_iter().filter(|kind| !matches!(kind.sampling, Some((1, 2)))) {
        let (mean, most) = difference(&encoded(kind));
        println!("{kind:?}: mean {mean:.3}, most {most}");
        let flat = matches!(kind.sampling, None | Some((1, 1)));
        assert!(!flat || (mean < 0.6 && most <= 4), "{kind:?}: mean {mean:.3}, most {most}");
    }
}

#[test]
fn photos_are_what_the_image_crate_makes_of_them() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("PIPELINE_TEST_DATA").map_or(beside, Into::into).join("photos");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not there; set PIPELINE_TEST_DATA to run this test", folder.display());
        return;
    };
    let mut paths: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.iter().step_by(30) {
        let bytes = std::fs::read(path).unwrap();
        let (mean, most) = difference(&bytes);
        println!("{}: mean {mean:.3}, most {most}", path.display());
        assert!(mean < 0.5 && most <= 10, "{}: mean {mean:.3}, most {most}", path.display());
        let image = whole(&bytes, &options(3, true));
        for number in 0..4 {
            let region = inside(image.size(), [number * 71, number * 97, number * 131 + 60, 233 - number]);
            assert!(decode_part(&bytes, &options(3, true), &|_| Some(region)).unwrap().image == crop(&image, region));
        }
    }
}

/// A damaged copy of `bytes`: cut, or with some bytes changed.
fn damaged(bytes: &[u8], number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % count
    };
    let mut copy = bytes.to_vec();
    match below(8) {
        0 => copy.truncate(below(bytes.len())),
        1 => {
            copy.truncate(below(bytes.len()));
            copy.extend([0xff, 0xd9]);
        }
        2 => {
            let (from, count) = (below(bytes.len()), 1 + below(20));
            copy.drain(from..(from + count).min(bytes.len()));
        }
        kind => {
            for _ in 0..kind {
                let at = below(bytes.len());
                copy[at] = [0, 0xff, 0xd0, copy[at] ^ 1 << below(8), below(256) as u8][below(5)];
            }
        }
    }
    copy
}

/// The corpus of `tests/fuzz`, which a fuzzer goes out from.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn a_damaged_file_gets_one_verdict_whatever_part_is_asked_for_and_never_a_panic() {
    let limits = augpipe::pixels::decode::Limits { max_pixels: 1 << 16, ..Default::default() };
    let mut refused = 0;
    for (place, bytes) in corpus().iter().enumerate() {
        for number in 0..150 {
            let bytes = if number == 0 { bytes.clone() } else { damaged(bytes, number * 1000 + place as u64) };
            let options = DecodeOptions { limits, allow_truncated: number % 5 == 4, ..DecodeOptions::default() };
            let all = decode(&bytes, &options);
            assert!(!all.as_ref().is_err_and(|refusal| refusal.reason.contains("bug")), "{place} {number}: {all:?}");
            refused += usize::from(all.is_err());
            let numbers = [number as u32 * 7, number as u32 * 13, number as u32 * 5, number as u32 * 3];
            let part = decode_part(&bytes, &options, &|size| Some(inside(size, numbers)));
            match (all, part) {
                (Ok(all), Ok(part)) => {
                    let region = part.part_of.map_or(Region::whole(all.image.size()), |size| inside(size, numbers));
                    assert_eq!((part.image == crop(&all.image, region), part.notes), (true, all.notes), "{place} {number}");
                }
                (all, part) => assert_eq!(part.err(), all.err(), "{place} {number}"),
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn a_file_cut_anywhere_is_refused_for_every_part() {
    let bytes = encoded(Kind { height: 40, width: 60, sampling: Some((2, 2)), restart: 0, orientation: 6, seed: 9 });
    for end in 0..bytes.len() {
        for with_end in [&[][..], &[0xff, 0xd9]] {
            let cut = [&bytes[..end], with_end].concat();
            if cut == bytes {
                continue;
            }
            let refusal = decode_part(&cut, &DecodeOptions::default(), &|_| Some(Region { top: 0, left: 0, height: 3, width: 3 }));
            // Of what is cut off before the last byte's padding, nothing may be missed.
            let padding = with_end.len() == 2 && end + 3 >= bytes.len();
            assert!(refusal.is_err() || padding, "{end} of {}", bytes.len());
        }
    }
}

fn chain(text: &str) -> Chain {
    let problems = Problems::default();
    let document = Document::parse("test.toml", &format!("augment = [{text}]")).unwrap();
    let chain = Chain::build(&Fields::new(&document, &problems).tables("augment", "op", ""));
    assert!(problems.take().is_empty(), "{text}");
    chain
}

#[test]
fn pictures_come_out_of_the_stages_as_if_they_had_been_decoded_whole() {
    let place = tempfile::tempdir().unwrap();
    for (number, kind) in kinds().into_iter().enumerate() {
        let folder = place.path().join(if number % 2 == 0 { "even" } else { "odd" });
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{number:02}.jpg")), encoded(kind)).unwrap();
    }
    image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(x * 5) as u8, (y * 7) as u8, 9]))
        .save(place.path().join("odd/a.png"))
        .unwrap();
    for channels in [1, 3] {
        let problems = Problems::default();
        let text = format!("format = 'image_folder'\npath = {:?}\nchannels = {channels}", place.path());
        let spec = augpipe::source::read(&Fields::parse(&text, &problems).unwrap(), Path::new("")).unwrap();
        let source = spec.open().unwrap();
        // By how small pictures are decoded whole.
        let mut parts = [0, 0];
        for text in [
            "{ op = 'resized_crop', size = 8 }, 'horizontal_flip', { op = 'brightness', factor = 0.4 }",
            "{ op = 'resized_crop', size = 9, interpolation = 'bicubic', p = 0.7 }, { op = 'resize', size = 9 }",
            "{ op = 'crop', size = [7, 3], small = 'pad' }, { op = 'rotate', degrees = 20 }",
            "{ op = 'invert', p = 0.3 }, { op = 'center_crop', size = 6 }",
            "{ op = 'inception_train', size = 6 }",
        ] {
            let (train, evaluate) = (chain(text), chain("{ op = 'center_crop', size = [5, 9] }"));
            let augment = Augment { seed: 3, train: &train, evaluate: &evaluate, size: None, classes: source.classes() };
            let load = |whole_pixels| {
                let failed_in_a_row = AtomicU32::new(0);
                Load { source: &*source, test: None, augment: &augment, early_pixels: 900, whole_pixels, failed_in_a_row }
            };
            let loads = [0, 4096].map(load);
            for entry in 0..source.len() as u32 {
                for pass in [(Part::Train, 0), (Part::Train, 1), (Part::Validation, 0), (Part::Test, 0)] {
                    let pass = Pass { part: pass.0, epoch: pass.1 };
                    let ticket = Ticket { pass, position: 0, entry, last: false };
                    for (load, parts) in loads.iter().zip(&mut parts) {
                        let slot = load.load(ticket).unwrap();
                        *parts += usize::from(matches!(slot.outcome, Ok(Content::Part(..))));
                        let expected = augment.finish(load.read(ticket).unwrap().unwrap().sample, pass);
                        assert!(augment.apply(slot).outcome == expected, "{text}: {entry} in {pass:?}");
                    }
                }
            }
        }
        assert!(parts[0] > 400 && (1..parts[0]).contains(&parts[1]), "{parts:?} were read in part");
    }
}

/// Writes the corpus anew; run by hand with `cargo test --test jpeg_parts corpus -- --ignored`.
#[test]
#[ignore = "writes the files that a fuzzer goes out from"]
fn write_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    for (number, kind) in kinds().into_iter().enumerate().filter(|(_, kind)| u32::from(kind.height) * u32::from(kind.width) < 3000)
    {
        std::fs::write(folder.join(format!("{number:02}.jpg")), encoded(kind)).unwrap();
    }
    let gray = image::GrayImage::from_fn(19, 13, |x, y| image::Luma([(x * 9 + y * y) as u8]));
    let picture = image::DynamicImage::from(gray);
    let colour =
        image::DynamicImage::from(image::RgbImage::from_fn(23, 17, |x, y| image::Rgb([x * 11, y * 15, x * y].map(|v| v as u8))));
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let filters = [FilterType::NoFilter, FilterType::Sub, FilterType::Up, FilterType::Avg, FilterType::Paeth, FilterType::Adaptive];
    for (number, filter) in filters.into_iter().enumerate() {
        for (name, picture) in [("gray", &picture), ("rgb", &colour)] {
            let file = std::fs::File::create(folder.join(format!("{name}-{number}.png"))).unwrap();
            picture.write_with_encoder(PngEncoder::new_with_quality(file, CompressionType::Best, filter)).unwrap();
        }
    }
    let others = [colour.to_rgba8().into(), picture.to_luma16().into(), colour.to_rgb16().into(), picture.to_luma_alpha8().into()];
    for (number, picture) in others.iter().enumerate() {
        let picture: &image::DynamicImage = picture;
        picture.save(folder.join(format!("other-{number}.png"))).unwrap();
    }
    colour.save(folder.join("rgb.webp")).unwrap();
    colour.save(folder.join("rgb.bmp")).unwrap();
}
