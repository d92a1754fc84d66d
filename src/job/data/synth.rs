//! `pipeline data synth brands`: the embedded example's pictures as a folder, reproducible byte for byte.

use super::brands::{Brand, Facing, SIDE, draw};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::sample::Image;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::fs;
use std::path::{Path, PathBuf};

/// Training pictures a brand; every one faces its brand's way.
const TRAIN: u64 = 300;
/// Test pictures a brand; every second one faces the other way.
const TEST: u64 = 200;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Number of pictures.
    pub pictures: u64,
    /// Bytes in all of them.
    pub bytes: u64,
    /// BLAKE3 over all relative paths and files, in the order in which they are drawn, in hexadecimal.
    pub blake3: String,
}

/// Writes `out/train/{arden,borealis}/NNNN.png` and `out/test/…`: 600 and 400 pictures, 32x32 RGB. In training every arden faces
/// left and every borealis right; in the test set half of each do. The same seed gives the same bytes on every machine. The
/// folder appears whole or not at all.
///
/// # Errors
/// [`Error::Refused`] where `out` is there and holds something; [`Error::Io`] with the path that failed.
pub fn synth_brands(seed: u64, out: &Path) -> Result<Summary> {
    refuse_taken(out)?;
    let beside = neighbour(out);
    // What a killed process left behind.
    if beside.exists() {
        fs::remove_dir_all(&beside).map_err(Error::io("cannot remove", &beside))?;
    }
    let written = write_all(seed, &beside).and_then(|summary| {
        fs::rename(&beside, out).map_err(Error::io("cannot write", out))?;
        Ok(summary)
    });
    if written.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_dir_all(&beside);
    }
    written
}

fn refuse_taken(out: &Path) -> Result<()> {
    match fs::read_dir(out).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::refused(format!("{} is not empty", out.display()), "choose a new or empty folder")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::refused(format!("{}: {error}", out.display()), "choose a new or empty folder")),
    }
}

/// A hidden folder in the same place, where a rename is one step.
fn neighbour(out: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(out.file_name().unwrap_or("brands".as_ref()));
    name.push(".tmp");
    out.with_file_name(name)
}

fn write_all(seed: u64, folder: &Path) -> Result<Summary> {
    let (mut pictures, mut bytes, mut hasher) = (0, 0, blake3::Hasher::new());
    for (split, number, brand) in listing() {
        let path = folder.join(split).join(brand.name());
        fs::create_dir_all(&path).map_err(Error::io("cannot make", &path))?;
        let name = format!("{number:04}.png");
        let png = encode(&picture(seed, split, number, brand));
        fs::write(path.join(&name), &png).map_err(Error::io("cannot write", path.join(&name)))?;
        hasher.update(format!("{split}/{}/{name}\n", brand.name()).as_bytes()).update(&png);
        pictures += 1;
        bytes += png.len() as u64;
    }
    Ok(Summary { pictures, bytes, blake3: hasher.finalize().to_hex().to_string() })
}

fn listing() -> impl Iterator<Item = (&'static str, u64, Brand)> {
    let splits = [("train", TRAIN), ("test", TEST)].into_iter();
    splits.flat_map(|(split, count)| {
        Brand::ALL.into_iter().flat_map(move |brand| (0..count).map(move |number| (split, number, brand)))
    })
}

fn picture(seed: u64, split: &str, number: u64, brand: Brand) -> Image {
    let mut dice = Key::of_run(seed, &format!("brands:{split}:{}:{number}", brand.name())).dice();
    draw(brand, facing(split, number, brand), &mut dice)
}

fn facing(split: &str, number: u64, brand: Brand) -> Facing {
    match (split, brand, number % 2) {
        ("train", Brand::Arden, _) | ("test", _, 0) => Facing::Left,
        _ => Facing::Right,
    }
}

fn encode(picture: &Image) -> Vec<u8> {
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    let done = encoder.write_image(picture.pixels(), SIDE as u32, SIDE as u32, ExtendedColorType::Rgb8);
    done.expect("an RGB buffer of the right length always encodes into memory");
    png
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let folder = tempfile::tempdir().unwrap();
        let write = |seed, name| synth_brands(seed, &folder.path().join(name)).unwrap();
        let [one, same] = [write(1, "no/such/parent"), write(1, "same")];
        assert_eq!(one, same);
        assert_ne!(picture(1, "train", 0, Brand::Arden), picture(2, "train", 0, Brand::Arden));
        assert_eq!(one.pictures, 1000);
        assert!(one.bytes <= 3_000_000, "{} bytes", one.bytes);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn the_law_of_the_example_holds() {
        let count = |split: &str, brand, way| {
            let listed = listing().filter(|(s, _, b)| *s == split && *b == brand);
            listed.filter(|(s, n, b)| facing(s, *n, *b) == way).count()
        };
        assert_eq!(count("train", Brand::Arden, Facing::Left), 300);
        assert_eq!(count("train", Brand::Borealis, Facing::Right), 300);
        for (brand, way) in Brand::ALL.into_iter().flat_map(|brand| [(brand, Facing::Left), (brand, Facing::Right)]) {
            assert_eq!(count("test", brand, way), 100);
        }
    }

    #[test]
    fn a_folder_that_holds_something_is_refused_and_untouched() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.txt"), "x").unwrap();
        assert_eq!(synth_brands(1, folder.path()).unwrap_err().exit_code(), 2);
        assert_eq!(synth_brands(1, &folder.path().join("mine.txt")).unwrap_err().exit_code(), 2);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
