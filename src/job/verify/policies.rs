//! Rows of the elementary operations of the automatic policies, at one bin of each policy and with both signs: checksums of torch
//! 2.6 and torchvision 0.21, tensor path.

use super::Row;
use crate::augment::policy::Elementary::{self, *};
use crate::augment::policy::{AUG_MIX, Change, Ranges, STANDARD, Style, WIDE};
use crate::pixels::warp::Sampling;

const GROUP: &str = "policies (torchvision 0.21, tensor path)";

/// Name, ranges, bin, number of bins, sampling.
const COLUMNS: [(&str, Ranges, usize, usize, Sampling); 4] = [
    ("rand_augment, bin 9 of 31", STANDARD, 9, 31, Sampling::Nearest),
    ("trivial_augment, bin 15 of 31", WIDE, 15, 31, Sampling::Nearest),
    ("trivial_augment, bin 30 of 31", WIDE, 30, 31, Sampling::Nearest),
    ("aug_mix, bin 2 of 10", AUG_MIX, 2, 10, Sampling::Bilinear),
];

/// The plus and the minus sign of the magnitude, column by column.
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

/// What has no sign.
const UNSIGNED: [(Elementary, [u32; 4]); 2] = [
    (Posterize, [0xd8b0_5de7, 0x379f_f186, 0xfd15_cd81, 0x08cf_cb7a]),
    (Solarize, [0x46b8_a619, 0x875f_3d2f, 0x992f_96aa, 0x0da3_dd34]),
];

pub(super) fn rows() -> Vec<Row> {
    let signed = |(op, cells): (Elementary, [[u32; 2]; 4])| {
        let of = move |column: usize| [row(op, column, 1.0, cells[column][0]), row(op, column, -1.0, cells[column][1])];
        (0..COLUMNS.len()).flat_map(of)
    };
    let unsigned = |(op, cells): (Elementary, [u32; 4])| (0..COLUMNS.len()).map(move |column| row(op, column, 1.0, cells[column]));
    SIGNED.into_iter().flat_map(signed).chain(UNSIGNED.into_iter().flat_map(unsigned)).collect()
}

fn row(op: Elementary, column: usize, sign: f32, crc32: u32) -> Row {
    let (policy, ranges, bin, bins, sampling) = COLUMNS[column];
    let mark = match (op.is_signed(), sign > 0.0) {
        (false, _) => "",
        (true, true) => " +",
        (true, false) => " -",
    };
    Row::change(GROUP, format!("{op:?}{mark}, {policy}"), crc32, move |image| {
        let magnitude = sign * ranges.magnitude(op, bin, bins, image.size());
        Change { op, magnitude }.apply(image, Style { sampling, fill: None });
    })
}
