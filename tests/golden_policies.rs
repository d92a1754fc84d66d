//! The magnitudes of the automatic policies, and elementary operations that have none, against torch 2.6 and torchvision 0.21. The
//! checksums of all others are rows of `pipeline verify` and tested there.

use augpipe::augment::policy::Elementary::{self, *};
use augpipe::augment::policy::{AUG_MIX, Change, Ranges, STANDARD, Style, WIDE};
use augpipe::job::verify::{crc32, formula_image};
use augpipe::pixels::warp::Sampling;
use augpipe::sample::Size;

/// Ranges, bin, number of bins: RandAugment, TrivialAugmentWide in its middle and at its end, AugMix.
const COLUMNS: [(Ranges, usize, usize); 4] = [(STANDARD, 9, 31), (WIDE, 15, 31), (WIDE, 30, 31), (AUG_MIX, 2, 10)];

/// What has no sign, with the magnitude that the reference notes.
const UNSIGNED: [(Elementary, [f32; 4]); 2] = [(Posterize, [7.0, 5.0, 2.0, 3.0]), (Solarize, [0.7, 0.5, 0.0, 0.7778])];

#[test]
fn golden_magnitudes_without_a_sign_are_met() {
    for (op, cells) in UNSIGNED {
        for ((ranges, bin, bins), noted) in COLUMNS.into_iter().zip(cells) {
            let magnitude = ranges.magnitude(op, bin, bins, Size::new(48, 64));
            assert!((magnitude - noted).abs() < 1e-4, "{op:?}: {magnitude}, not {noted}");
        }
    }
}

#[test]
fn golden_checksums_of_operations_without_a_magnitude_are_met() {
    let changed = |op: Elementary| {
        let mut image = formula_image();
        Change { op, magnitude: 0.0 }.apply(&mut image, Style { sampling: Sampling::Nearest, fill: None });
        crc32(image.pixels())
    };
    let got = [Identity, AutoContrast, Equalize].map(changed);
    assert_eq!(got, [0x6dc9_d4fe, 0xf390_5b29, 0xa783_9abd]);
}
