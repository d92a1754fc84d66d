//! `decode = "scaled"`: parts of JPEGs at a half, a quarter or an eighth are the same rectangles of the smaller whole, close to means of
//! the full picture, change no draw, and are never used without being named.

#[path = "support/jpeg.rs"]
mod jpeg;
mod support;

use augpipe::isa::{Isa, only};
use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::decode::{Choice, DecodeOptions, Known, decode, decode_choice};
use augpipe::sample::{Image, Size};
use jpeg::{encoded, kinds};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use support::{run, stderr, stdout, workplace};

fn options(channels: usize, apply_orientation: bool) -> DecodeOptions {
    DecodeOptions { channels, apply_orientation, ..DecodeOptions::default() }
}

/// A rectangle inside `size`, for four numbers of any size.
fn inside(size: Size, [top, left, height, width]: [u32; 4]) -> Region {
    let (top, left) = (top % size.height, left % size.width);
    Region { top, left, height: 1 + height % (size.height - top), width: 1 + width % (size.width - left) }
}

fn scaled(bytes: &[u8], options: &DecodeOptions, choice: Choice, known: &mut Option<Known>) -> Image {
    decode_choice(bytes, options, &|_| Some(choice), known, 1_000).unwrap_or_else(|refusal| panic!("{refusal}")).image
}

/// All of the picture of `size` with its sides halved so often; none where it may come out smaller yet.
fn all(size: Size, halvings: u32) -> Option<Choice> {
    let choice = Choice { region: Region::whole(size), enough: Some(Size::new(size.height >> halvings, size.width >> halvings)) };
    (choice.halvings(size) == halvings).then_some(choice)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_smaller_part_is_the_same_rectangle_of_the_smaller_whole(
        kind in 0..kinds().len(), numbers: [u32; 4], most in 1..30u32, gray: bool, turned: bool, seen: bool,
    ) {
        let (bytes, options) = (encoded(kinds()[kind]), options(if gray { 1 } else { 3 }, turned));
        let size = decode(&bytes, &options).unwrap().image.size();
        let choice = Choice { region: inside(size, numbers), enough: Some(Size::new(1 + most / 6, 1 + most % 6)) };
        let halvings = choice.halvings(size);
        let Some(all) = all(size, halvings).filter(|_| halvings > 0) else { return Ok(()) };
        let mut known = None;
        if seen {
            decode_choice(&bytes, &options, &|_| None, &mut known, 1_000).unwrap();
        }
        let small = scaled(&bytes, &options, all, &mut None);
        let part = decode_choice(&bytes, &options, &|_| Some(choice), &mut known, 1_000).unwrap();
        prop_assert_eq!(part.part_of, Some(size));
        prop_assert!(part.image == crop(&small, choice.decoded(size)), "{:?} {:?}", kinds()[kind], choice);
        let enough = choice.enough.unwrap();
        prop_assert!(part.image.size().height >= enough.height && part.image.size().width >= enough.width);
    }
}

#[test]
fn all_instruction_sets_make_the_same_smaller_pictures() {
    for kind in kinds() {
        let bytes = encoded(kind);
        let size = Size::new(kind.height.into(), kind.width.into());
        for all in (1..4).filter_map(|halvings| all(size, halvings)) {
            let decoded = || scaled(&bytes, &options(3, false), all, &mut None);
            let plain = only(Isa::Plain, decoded);
            Isa::available().into_iter().for_each(|isa| assert!(only(isa, decoded) == plain, "{kind:?}"));
        }
    }
}

/// Differences between a smaller picture and means of squares of the full one, where these are whole and `counts`.
fn differences(full: &Image, small: &Image, halvings: u32, counts: impl Fn(u8) -> bool) -> Vec<f64> {
    let (side, channels) = (1 << halvings, full.channels());
    let mut found = Vec::new();
    for y in 0..full.height() / side {
        for x in 0..full.width() / side {
            for channel in 0..channels {
                let square = (0..side * side).map(|i| full.pixel(y * side + i / side, x * side + i % side)[channel]);
                if square.clone().all(&counts) {
                    let mean = square.map(f64::from).sum::<f64>() / (side * side) as f64;
                    found.push((f64::from(small.pixel(y, x)[channel]) - mean).abs());
                }
            }
        }
    }
    found
}

#[test]
fn gray_pixels_are_within_a_level_of_the_mean_of_their_square() {
    let mut compared = 0;
    for kind in kinds().into_iter().filter(|kind| kind.sampling.is_none()) {
        let (bytes, size) = (encoded(kind), Size::new(kind.height.into(), kind.width.into()));
        let full = decode(&bytes, &options(1, false)).unwrap().image;
        for halvings in 1..4 {
            let Some(all) = all(size, halvings) else { continue };
            let small = scaled(&bytes, &options(1, false), all, &mut None);
            // What the full picture was cut off at black and white is in no mean of it.
            let found = differences(&full, &small, halvings, |value| value > 0 && value < 255);
            assert!(found.iter().all(|&difference| difference <= 1.05), "{kind:?} {halvings}: {found:?}");
            compared += found.len();
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn photos_are_close_to_means_of_squares() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("PIPELINE_TEST_DATA").map_or(beside, Into::into).join("photos");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not there; set PIPELINE_TEST_DATA to run this test", folder.display());
        return;
    };
    let mut paths: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.iter().step_by(60) {
        let bytes = fs::read(path).unwrap();
        let full = decode(&bytes, &options(3, false)).unwrap().image;
        for halvings in 1..4 {
            let small = scaled(&bytes, &options(3, false), all(full.size(), halvings).unwrap(), &mut None);
            let mut found = differences(&full, &small, halvings, |_| true);
            found.sort_by(f64::total_cmp);
            let (mean, most) = (found.iter().sum::<f64>() / found.len() as f64, found[found.len() * 999 / 1000]);
            println!("{} halved {halvings} times: mean {mean:.3}, 999 of 1000 within {most:.2}", path.display());
            assert!(mean < 1.0 && most <= 12.0, "{}: mean {mean:.3}, 999 of 1000 within {most:.2}", path.display());
        }
    }
}

/// A folder of photos of two classes, and a pipeline that crops, mirrors and delivers them.
fn photos() -> tempfile::TempDir {
    let folder = workplace(2);
    for class in ["a", "b"] {
        let inside = folder.path().join("photos").join(class);
        fs::create_dir_all(&inside).unwrap();
        for number in 0..6u32 {
            let value = |x: u32, y: u32, k: u32| (60 + (x * (3 + k) + y * 2 + number * 9) % 120 + (x * y) % 30) as u8;
            let picture = image::RgbImage::from_fn(150 + number, 130, |x, y| image::Rgb([0, 1, 2].map(|k| value(x, y, k))));
            picture.save(inside.join(format!("{number}.jpg"))).unwrap();
        }
    }
    fs::write(
        folder.path().join("photos.toml"),
        "name = 'photos'\nseed = 3\n[source]\nformat = 'image_folder'\npath = 'photos'\n[split]\nvalidation = 0.0\n\
         [[augment]]\nop = 'resized_crop'\nsize = [20, 24]\n[[augment]]\nop = 'horizontal_flip'\n\
         [[evaluate]]\nop = 'resize'\nsize = [20, 24]\n[batch]\nsize = 4\n",
    )
    .unwrap();
    folder
}

fn stream(folder: &Path, sets: &[&str]) -> serde_json::Value {
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let args: Vec<&str> = ["run", "photos.toml", "--json"].into_iter().chain(sets).collect();
    serde_json::from_str(&stdout(&run(folder, &args, 0))).unwrap()
}

#[test]
fn batches_are_the_same_for_any_number_of_threads_and_others_than_the_exact_ones() {
    let folder = photos();
    let of = |sets: &[&str]| stream(folder.path(), sets);
    let exact = of(&["workers.load=1"]);
    let one = of(&["source.decode=scaled", "workers.load=1", "workers.augment=1"]);
    let three = of(&["source.decode=scaled", "workers.load=3", "workers.augment=2"]);
    assert_eq!(one["stream_blake3"], three["stream_blake3"]);
    assert_ne!(one["stream_blake3"], exact["stream_blake3"]);
    assert_eq!((&one["decode"], &exact["decode"]), (&"scaled".into(), &"exact".into()));
    assert_eq!(of(&["source.decode=exact"])["stream_blake3"], exact["stream_blake3"]);
}

#[test]
fn it_is_named_by_check_and_refused_where_it_has_nothing_to_do() {
    let folder = photos();
    let scaled = ["--set", "source.decode=scaled"];
    let checked = stdout(&run(folder.path(), &[&["check", "photos.toml"][..], &scaled].concat(), 0));
    assert!(checked.contains("decode = \"scaled\""), "{checked}");
    for (file, set, why) in [
        ("photos.toml", "source.cache=memory", "`cache` keeps whole pictures"),
        ("photos.toml", "fuse_geometry=true", "[[augment]] must begin with a `resized_crop`"),
        ("shapes.toml", "seed=1", "[[augment]] must begin with a `resized_crop`"),
        ("written.toml", "seed=1", "[write] makes all variants"),
    ] {
        let text = fs::read_to_string(folder.path().join("photos.toml")).unwrap();
        let (head, _) = text.split_once("[batch]").unwrap();
        fs::write(folder.path().join("written.toml"), format!("{head}[write]\npath = 'set'\nvariants = 1\n")).unwrap();
        let refused = stderr(&run(folder.path(), &[&["check", file, "--set", set][..], &scaled].concat(), 2));
        assert!(refused.contains("decode = \"scaled\" has nothing to do") && refused.contains(why), "{refused}");
    }
}

#[test]
fn a_preview_refuses_to_hold_its_batches_against_pictures_that_were_decoded_whole() {
    let folder = photos();
    let preview = |sets: &[&str], code: i32| {
        let args = ["preview", "photos.toml", "--count", "2", "--out", "shown"];
        run(folder.path(), &[&args[..], sets].concat(), code)
    };
    let refused = stderr(&preview(&["--replay", "--set", "source.decode=scaled"], 2));
    assert!(refused.contains("decoded at a smaller scale") && refused.contains("--set source.decode=exact"), "{refused}");
    preview(&["--set", "source.decode=scaled"], 0);
    preview(&["--replay", "--set", "source.decode=exact"], 0);
}

#[test]
fn it_is_refused_of_sources_whose_pictures_are_no_files_of_their_own() {
    let folder = photos();
    let place = folder.path();
    let numbers = |magic: u8, sizes: &[u32], values: usize| {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [vec![0, 0, 8, magic], sizes, (0..values).map(|value| (value % 2) as u8).collect()].concat()
    };
    fs::write(place.join("pictures"), numbers(3, &[4, 30, 30], 4 * 900)).unwrap();
    fs::write(place.join("labels"), numbers(1, &[4], 4)).unwrap();
    fs::create_dir(place.join("batches")).unwrap();
    for number in 1..6 {
        fs::write(
            place.join(format!("batches/data_batch_{number}.bin")),
            (0..10u8).flat_map(|class| [class; 3073]).collect::<Vec<u8>>(),
        )
        .unwrap();
    }
    run(place, &["data", "convert", "photos", "set", "--format", "shards"], 0);
    for source in [
        "{ format = 'idx', images = 'pictures', labels = 'labels', decode = 'scaled' }",
        "{ format = 'cifar', path = 'batches', decode = 'scaled' }",
        "{ format = 'shards', path = 'set', decode = 'scaled' }",
    ] {
        let text = fs::read_to_string(place.join("photos.toml")).unwrap();
        let (head, _) = text.split_once("[source]").unwrap();
        let (_, rest) = text.split_once("[split]").unwrap();
        fs::write(place.join("other.toml"), format!("{head}source = {source}\n[split]{rest}")).unwrap();
        let refused = stderr(&run(place, &["check", "other.toml"], 2));
        assert!(refused.contains("only picture files are decoded in part"), "{source}: {refused}");
    }
}
