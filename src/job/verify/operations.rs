//! Rows of single operations: checksums of torch 2.6 and torchvision 0.21, tensor path. One line a row.

use super::Row;
use crate::pixels::affine::Affine;
use crate::pixels::blur::gaussian_blur;
use crate::pixels::colour::{brightness, contrast, grayscale, saturation};
use crate::pixels::hue::hue;
use crate::pixels::levels::{autocontrast, equalize};
use crate::pixels::point::{posterize, solarize};
use crate::pixels::resize::{Interpolation, resize};
use crate::pixels::sharpness::sharpness;
use crate::pixels::warp::{Sampling, warp};
use crate::sample::{Image, Size};

const GROUP: &str = "operations (torchvision 0.21, tensor path)";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("the picture itself", 0x6dc9_d4fe, |_| {}),
        row("resize to 17x23, bicubic, antialias", 0xd86a_9fcc, |image| {
            *image = resize(image, Size::new(17, 23), Interpolation::Bicubic, true);
        }),
        row("brightness 0.6", 0x8163_b086, |image| brightness(image, 0.6)),
        row("brightness 1.4", 0x031c_c19a, |image| brightness(image, 1.4)),
        row("contrast 0.6", 0x62a0_3c96, |image| contrast(image, 0.6)),
        row("contrast 1.4", 0xa0b1_0d22, |image| contrast(image, 1.4)),
        row("saturation 0.6", 0x99e4_3516, |image| saturation(image, 0.6)),
        row("saturation 1.4", 0x8fa4_303f, |image| saturation(image, 1.4)),
        row("hue +0.1", 0xf4a5_c4f1, |image| hue(image, 0.1)),
        row("hue -0.25", 0xc9e9_ca1e, |image| hue(image, -0.25)),
        row("sharpness 0.3", 0x9033_a3b8, |image| sharpness(image, 0.3)),
        row("sharpness 1.9", 0x6605_e531, |image| sharpness(image, 1.9)),
        row("autocontrast", 0xf390_5b29, autocontrast),
        row("equalize", 0xa783_9abd, equalize),
        row("posterize to 4 bits", 0xae36_3727, |image| posterize(image, 4)),
        row("solarize from 100", 0x6152_e58d, |image| solarize(image, 100.0)),
        row("grayscale", 0xd83f_c478, grayscale),
        row("gaussian blur, 5 taps, sigma 1", 0x8f8d_5d1d, |image| gaussian_blur(image, 5, 1.0)),
        row("rotate 30, nearest", 0x33db_cdb4, |image| turn(image, 30.0, Sampling::Nearest)),
        row("rotate 30, bilinear", 0x90c3_481e, |image| turn(image, 30.0, Sampling::Bilinear)),
        row("rotate -17.5, bilinear, expand, fill 128", 0xd068_5847, |image| {
            let map = Affine::rotation(-17.5);
            *image = warp(image, &map, map.expanded(image.size()), Sampling::Bilinear, 128);
        }),
        row("affine 15, (3, -2), 1.2, shear 5, bilinear", 0xf7ff_b256, |image| slant(image, Sampling::Bilinear)),
        row("affine 15, (3, -2), 1.2, shear 5, nearest", 0x73f3_6a6c, |image| slant(image, Sampling::Nearest)),
    ]
}

fn row(name: &str, crc32: u32, change: fn(&mut Image)) -> Row {
    Row::change(GROUP, name, crc32, change)
}

fn turn(image: &mut Image, degrees: f64, sampling: Sampling) {
    *image = warp(image, &Affine::rotation(degrees), image.size(), sampling, 0);
}

fn slant(image: &mut Image, sampling: Sampling) {
    *image = warp(image, &Affine::new(15.0, (3.0, -2.0), 1.2, (5.0, 0.0)), image.size(), sampling, 0);
}
