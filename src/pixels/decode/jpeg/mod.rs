//! JPEG (ITU-T T.81) → pixels: baseline, extended sequential and progressive with Huffman codes and 8 bits.
//!
//! A file is taken apart into its segments first ([`structure`]). The common kind, [which is said in one place](sequential::fits),
//! is then walked through once, bit by bit: that proves that every block is there, and takes the blocks that are wanted. Later walks
//! through the same file may [leave out](places) what is not wanted. Their
//! samples are those of libjpeg's defaults. All other kinds are decoded whole, by plain code, which proves the same as it goes.

mod bits;
mod blocks;
mod color;
mod huffman;
mod paint;
mod places;
mod plain;
mod plane;
mod planes;
mod progressive;
mod reduce;
mod room;
mod sequence;
mod sequential;
#[cfg(target_arch = "x86_64")]
mod strands;
mod stream;
mod structure;
mod track;

use super::convert::Pixels;
use super::{Limits, Raw, Refusal};
use crate::sample::Size;
pub use places::Places;
pub use sequential::Wanted;
use structure::Structure;

use super::super::crop::Region;

/// The picture in `bytes`, which begin with a start-of-image marker, or of the common kind only the part of it that `choose` names
/// for the stored size and the orientation, at the scale that it says. `places` are what was found in the same file before, or else, if there
/// is room for it in so many bytes, what is found now.
pub(super) fn read(
    bytes: &[u8],
    limits: &Limits,
    choose: impl Fn(Size, u8) -> Option<Wanted>,
    places: (&mut Option<Places>, usize),
) -> Result<Raw, Refusal> {
    let mut structure = Structure::parse(bytes, limits)?;
    let color = color::Color::of(&structure)?;
    let (whole, orientation) = (structure.size, structure.orientation.unwrap_or(1));
    let fits = sequential::fits(&structure, color);
    let chosen = if fits { choose(whole, orientation) } else { None };
    let wanted = chosen.unwrap_or(Wanted { region: Region::whole(whole), halvings: 0 });
    let (values, surplus) = match fits {
        true => sequential::decode(bytes, &structure, wanted, places)?,
        false => plain::decode(bytes, &structure, color)?,
    };
    if surplus {
        structure.notes.push(super::Note::ExtraneousBytes);
    }
    let pixels = Pixels { size: wanted.region.size(), channels: color.channels(), values };
    Ok(Raw { pixels, orientation, notes: structure.notes, part_of: chosen.map(|_| whole) })
}

/// What there is of the picture in `bytes`, whose end is missing. Blocks without data are gray; there must be one with data.
pub(super) fn salvage(bytes: &[u8], limits: &Limits) -> Result<Raw, Refusal> {
    let structure = Structure::parse_cut(bytes, limits)?;
    let color = color::Color::of(&structure)?;
    let values = plain::decode_cut(bytes, &structure, color)?;
    let pixels = Pixels { size: structure.size, channels: color.channels(), values };
    Ok(Raw { pixels, orientation: structure.orientation.unwrap_or(1), notes: structure.notes, part_of: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and largest difference between the common and the plain way.
    fn difference(bytes: &[u8]) -> (f64, u8) {
        let structure = Structure::parse(bytes, &Limits::default()).unwrap();
        let color = color::Color::of(&structure).unwrap();
        assert!(sequential::fits(&structure, color));
        let fast =
            sequential::decode(bytes, &structure, Wanted { region: Region::whole(structure.size), halvings: 0 }, (&mut None, 0))
                .unwrap();
        let plain = plain::decode(bytes, &structure, color).unwrap();
        assert_eq!((fast.0.len(), fast.1), (plain.0.len(), plain.1));
        let differences = || fast.0.iter().zip(&plain.0).map(|(a, b)| a.abs_diff(*b));
        let mean = differences().map(f64::from).sum::<f64>() / fast.0.len() as f64;
        (mean, differences().max().unwrap_or(0))
    }

    /// A picture of 8-bit values with smooth and rough places.
    fn encoded(width: u32, height: u32, color: image::ExtendedColorType) -> Vec<u8> {
        let channels = u32::from(color.channel_count());
        let value = |i: u32| {
            let (y, x, c) = (i / channels / width, i / channels % width, i % channels);
            (60 + (x * 3 + y * 2 + c * 40) % 120 + (x * y * (c + 3)) % 30) as u8
        };
        let pixels: Vec<u8> = (0..width * height * channels).map(value).collect();
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
        encoder.encode(&pixels, width, height, color).unwrap();
        bytes
    }

    #[test]
    fn the_common_and_the_plain_way_agree() {
        for (width, height) in [(1, 1), (8, 8), (9, 17), (64, 48), (127, 65)] {
            for color in [image::ExtendedColorType::L8, image::ExtendedColorType::Rgb8] {
                let (mean, most) = difference(&encoded(width, height, color));
                assert!(mean < 0.5 && most <= 6, "{width}x{height} {color:?}: mean {mean:.3}, most {most}");
            }
        }
    }

    #[test]
    fn the_common_and_the_plain_way_agree_on_photos() {
        let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let folder = std::env::var_os("PIPELINE_TEST_DATA").map_or(beside, Into::into).join("photos");
        let Ok(files) = std::fs::read_dir(&folder) else {
            eprintln!("SKIPPED: {} is not there; set PIPELINE_TEST_DATA to run this test", folder.display());
            return;
        };
        let mut paths: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().step_by(20) {
            let (mean, most) = difference(&std::fs::read(path).unwrap());
            assert!(mean < 0.5 && most <= 10, "{}: mean {mean:.3}, most {most}", path.display());
        }
    }
}
