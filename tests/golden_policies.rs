//! The elementary operations of the automatic policies against checksums of torchvision's pictures (torch 2.6, torchvision 0.21).

use augpipe::augment::policy::Elementary::{self, *};
use augpipe::augment::policy::{AUG_MIX, Change, Ranges, STANDARD, Style, WIDE};
use augpipe::pixels::warp::Sampling;
use augpipe::sample::{Image, Size};

/// Ranges, bin, number of bins, sampling: RandAugment, TrivialAugmentWide in its middle and at its end, AugMix.
const COLUMNS: [(Ranges, usize, usize, Sampling); 4] = [
    (STANDARD, 9, 31, Sampling::Nearest),
    (WIDE, 15, 31, Sampling::Nearest),
    (WIDE, 30, 31, Sampling::Nearest),
    (AUG_MIX, 2, 10, Sampling::Bilinear),
];

/// The plus and the minus sign of the magnitude, at the bins of [`COLUMNS`].
const SIGNED: [(Elementary, [[u32; 2]; 4]); 9] = [
    (ShearX, [[0x6ad5_9af9, 0x52fa_53d6], [0x50d5_21a0, 0x8f44_e4d6], [0xac3a_5022, 0x1d14_7739], [0x200b_16ce, 0xcf70_0443]]),
    (ShearY, [[0xc1e4_276b, 0x7bff_b919], [0x9535_87e8, 0xd132_708d], [0x5f6b_735d, 0xe6d2_45df], [0xc0ec_468b, 0x073e_e45c]]),
    (TranslateX, [[0xb6b0_3502, 0x5098_17f6], [0xf3e2_9a98, 0x4af9_97bc], [0xf893_ca6d, 0x320e_5411], [0x32ba_52fc, 0x4c09_e24c]]),
    (TranslateY, [[0xf40c_5d26, 0x794b_d474], [0x605b_e3e6, 0xa660_3e37], [0xe501_0866, 0xce1b_5ef1], [0x4f36_1773, 0xce1c_aa69]]),
    (Rotate, [[0xf916_5d52, 0xdd67_0eba], [0xb35e_9d37, 0x3cbc_d978], [0xe864_5323, 0x45eb_5499], [0x4873_4ca4, 0x2de3_c5de]]),
    (Brightness, [[0x45af_5986, 0xf9ff_1969], [0x8c1c_f0db, 0xbf8a_7715], [0xf71f_8c76, 0xf900_6d72], [0xba3f_4339, 0x89f1_6963]]),
    (Color, [[0x939f_6699, 0x7c3d_9df1], [0xb06b_dca6, 0x9586_c6d0], [0x82c3_d13b, 0x856e_5fe7], [0x7cc3_f5c0, 0xe41a_1543]]),
    (Contrast, [[0x52c1_f8cb, 0xde79_3a3f], [0x194d_c367, 0x25ea_ddaa], [0x9061_ad7d, 0xb830_b712], [0xec7d_c173, 0x9c4e_1934]]),
    (Sharpness, [[0x4570_e372, 0x6e69_542c], [0x4b1c_9507, 0xa0cd_90d0], [0xed78_8f5e, 0x80d2_1e26], [0xf69a_3e91, 0xac41_5e75]]),
];

/// What has no sign, with the magnitude that the table notes beside.
const UNSIGNED: [(Elementary, [(u32, f32); 4]); 2] = [
    (Posterize, [(0xd8b0_5de7, 7.0), (0x379f_f186, 5.0), (0xfd15_cd81, 2.0), (0x08cf_cb7a, 3.0)]),
    (Solarize, [(0x46b8_a619, 0.7), (0x875f_3d2f, 0.5), (0x992f_96aa, 0.0), (0x0da3_dd34, 0.7778)]),
];

/// The value at row y, column x, channel c is (7x² + 13y² + 5xy + 97c + 31x + 17y) mod 251.
fn formula_image() -> Image {
    let mut pixels = Vec::new();
    for (y, x) in (0..48u32).flat_map(|y| (0..64u32).map(move |x| (y, x))) {
        pixels.extend((0..3).map(|c| ((7 * x * x + 13 * y * y + 5 * x * y + 97 * c + 31 * x + 17 * y) % 251) as u8));
    }
    Image::new(Size::new(48, 64), 3, pixels)
}

/// zlib's CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

fn changed(op: Elementary, magnitude: f32, sampling: Sampling) -> u32 {
    let mut image = formula_image();
    Change { op, magnitude }.apply(&mut image, Style { sampling, fill: None });
    crc32(image.pixels())
}

#[test]
fn golden_checksums_of_signed_policy_operations_are_met() {
    let mut wrong = Vec::new();
    for (op, cells) in SIGNED {
        for ((ranges, bin, bins, sampling), expected) in COLUMNS.into_iter().zip(cells) {
            let magnitude = ranges.magnitude(op, bin, bins, Size::new(48, 64));
            let got = [changed(op, magnitude, sampling), changed(op, -magnitude, sampling)];
            if got != expected {
                wrong.push(format!("{op:?} at bin {bin} of {bins}: {got:08x?} instead of {expected:08x?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_checksums_of_unsigned_policy_operations_are_met() {
    for (op, cells) in UNSIGNED {
        for ((ranges, bin, bins, sampling), (expected, noted)) in COLUMNS.into_iter().zip(cells) {
            let magnitude = ranges.magnitude(op, bin, bins, Size::new(48, 64));
            assert!((magnitude - noted).abs() < 1e-4, "{op:?}: {magnitude}, not {noted}");
            let got = changed(op, magnitude, sampling);
            assert_eq!(got, expected, "{op:?} at bin {bin} of {bins}: {got:08x} instead of {expected:08x}");
        }
    }
}

#[test]
fn golden_checksums_of_operations_without_a_magnitude_are_met() {
    let got = [Identity, AutoContrast, Equalize].map(|op| changed(op, 0.0, Sampling::Nearest));
    assert_eq!(got, [0x6dc9_d4fe, 0xf390_5b29, 0xa783_9abd]);
}
