//! The pixel functions against torchvision's and Pillow's pictures: every case of the golden folder, and checksums of a formula
//! image. Other cases can be run by naming their folder's parent in `PIPELINE_GOLDEN`.

use augpipe::pixels::affine::Affine;
use augpipe::pixels::blur::gaussian_blur;
use augpipe::pixels::colour::{brightness, contrast, grayscale, saturation};
use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::flip::{flip_horizontal, flip_vertical};
use augpipe::pixels::hue::hue;
use augpipe::pixels::jpeg::jpeg_artifacts;
use augpipe::pixels::levels::{autocontrast, equalize};
use augpipe::pixels::normalize::Normalize;
use augpipe::pixels::pad::{Frame, PadMode, pad};
use augpipe::pixels::point::{gamma, invert, posterize, solarize};
use augpipe::pixels::resize::{Interpolation, resize, resize_region, short_side_size};
use augpipe::pixels::rotate90::rotate90;
use augpipe::pixels::sharpness::sharpness;
use augpipe::pixels::warp::{Sampling, warp};
use augpipe::sample::{Image, Size};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Operations of the golden folder that this crate does not have yet.
const NOT_YET: [&str; 0] = [];
/// Likewise; needs a projective map.
const NOT_YET_WARP: &str = "perspective";

struct Case {
    id: String,
    op: String,
    params: Value,
    input: Image,
    output: Image,
    max_abs: u8,
    mean_abs: f64,
}

fn folder() -> PathBuf {
    let root = std::env::var_os("PIPELINE_GOLDEN").map(PathBuf::from);
    root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).join("augment")
}

fn read_png(path: &Path) -> Image {
    let decoded = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let size = Size::new(decoded.height(), decoded.width());
    match decoded {
        image::DynamicImage::ImageLuma8(gray) => Image::new(size, 1, gray.into_raw()),
        other => Image::new(size, 3, other.into_rgb8().into_raw()),
    }
}

fn cases() -> Vec<Case> {
    let folder = folder();
    let text = std::fs::read_to_string(folder.join("cases.json")).expect("the golden cases");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("a list of cases");
    let text = |case: &Value, key: &str| case[key].as_str().expect(key).to_owned();
    let read = |case: Value| Case {
        id: text(&case, "id"),
        op: text(&case, "op"),
        input: read_png(&folder.join(text(&case, "input"))),
        output: read_png(&folder.join(text(&case, "output"))),
        max_abs: case["max_abs"].as_u64().expect("max_abs") as u8,
        mean_abs: case["mean_abs"].as_f64().expect("mean_abs"),
        params: case["params"].clone(),
    };
    cases.into_iter().map(read).collect()
}

/// Parameters of a case by name.
struct Params<'c>(&'c Value);

impl Params<'_> {
    fn real(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap_or_else(|| panic!("number {key} in {}", self.0))
    }

    fn count(&self, key: &str) -> u32 {
        self.real(key) as u32
    }

    fn region(&self) -> Region {
        Region { top: self.count("top"), left: self.count("left"), height: self.count("height"), width: self.count("width") }
    }

    fn interpolation(&self) -> Interpolation {
        match self.0["interpolation"].as_str() {
            Some("nearest") => Interpolation::Nearest,
            Some("bilinear") => Interpolation::Bilinear,
            Some("bicubic") => Interpolation::Bicubic,
            other => panic!("interpolation {other:?}"),
        }
    }

    fn sampling(&self) -> Sampling {
        if self.interpolation() == Interpolation::Nearest { Sampling::Nearest } else { Sampling::Bilinear }
    }

    fn pad(&self, image: &Image) -> Image {
        let frame =
            Frame { left: self.count("left"), top: self.count("top"), right: self.count("right"), bottom: self.count("bottom") };
        let mode = match self.0["mode"].as_str() {
            Some("constant") => PadMode::Constant(self.count("fill") as u8),
            Some("edge") => PadMode::Edge,
            Some("reflect") => PadMode::Reflect,
            Some("symmetric") => PadMode::Symmetric,
            other => panic!("mode {other:?}"),
        };
        pad(image, frame, mode)
    }

    fn resize(&self, image: &Image, region: Region, height: &str, width: &str) -> Image {
        let size = Size::new(self.count(height), self.count(width));
        resize_region(image, region, size, self.interpolation(), self.0["antialias"].as_bool().unwrap_or(false))
    }

    fn rotate(&self, image: &Image) -> Image {
        let map = Affine::rotation(self.real("degrees_counterclockwise"));
        let size = if self.0["expand"] == true { map.expanded(image.size()) } else { image.size() };
        warp(image, &map, size, self.sampling(), self.count("fill") as u8)
    }

    fn affine(&self, image: &Image) -> Image {
        let translate = (self.real("translate_x"), self.real("translate_y"));
        let shear = (self.real("shear_x"), self.real("shear_y"));
        let map = Affine::new(self.real("degrees_clockwise"), translate, self.real("scale"), shear);
        warp(image, &map, image.size(), self.sampling(), self.count("fill") as u8)
    }
}

fn changed(image: &Image, change: impl FnOnce(&mut Image)) -> Image {
    let mut image = image.clone();
    change(&mut image);
    image
}

/// What our function makes of the case; none where we have no function for it.
fn ours(case: &Case) -> Option<Image> {
    let (params, image) = (Params(&case.params), &case.input);
    Some(match case.op.as_str() {
        "flip_horizontal" => changed(image, flip_horizontal),
        "flip_vertical" => changed(image, flip_vertical),
        "rotate90" => changed(image, |image| rotate90(image, params.count("turns_counterclockwise"))),
        "crop" => crop(image, params.region()),
        "pad" => params.pad(image),
        "resize" => params.resize(image, Region::whole(image.size()), "height", "width"),
        "resized_crop" => params.resize(image, params.region(), "out_height", "out_width"),
        "rotate" => params.rotate(image),
        "affine" => params.affine(image),
        "brightness" => changed(image, |image| brightness(image, params.real("factor"))),
        "contrast" => changed(image, |image| contrast(image, params.real("factor"))),
        "saturation" => changed(image, |image| saturation(image, params.real("factor"))),
        "hue" => changed(image, |image| hue(image, params.real("shift_turns") as f32)),
        "grayscale" => changed(image, grayscale),
        "invert" => changed(image, invert),
        "posterize" => changed(image, |image| posterize(image, params.count("bits") as u8)),
        "solarize" => changed(image, |image| solarize(image, params.real("threshold") as f32)),
        "autocontrast" => changed(image, autocontrast),
        "equalize" => changed(image, equalize),
        "sharpness" => changed(image, |image| sharpness(image, params.real("factor") as f32)),
        "gaussian_blur" => changed(image, |image| gaussian_blur(image, params.count("kernel"), params.real("sigma") as f32)),
        "gamma" => changed(image, |image| gamma(image, params.real("gamma") as f32, params.real("gain") as f32)),
        _ => return None,
    })
}

/// Largest and mean absolute difference.
fn difference(a: &Image, b: &Image) -> (u8, f64) {
    assert_eq!((a.size(), a.channels()), (b.size(), b.channels()));
    let differences = || a.pixels().iter().zip(b.pixels()).map(|(&a, &b)| a.abs_diff(b));
    let sum: u64 = differences().map(u64::from).sum();
    (differences().max().unwrap_or(0), sum as f64 / a.pixels().len() as f64)
}

#[test]
fn golden_pictures_are_met() {
    let (mut failures, mut worst) = (Vec::new(), std::collections::BTreeMap::<String, (u8, f64)>::new());
    for case in cases() {
        let Some(ours) = ours(&case) else { continue };
        let (largest, mean) = difference(&ours, &case.output);
        let entry = worst.entry(format!("{} within {}, {}", case.op, case.max_abs, case.mean_abs)).or_default();
        *entry = (entry.0.max(largest), entry.1.max(mean));
        if largest > case.max_abs || mean > case.mean_abs {
            failures.push(format!("{}: {largest} > {} or {mean:.4} > {}", case.id, case.max_abs, case.mean_abs));
        }
    }
    println!("{worst:#?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn golden_operations_are_all_known() {
    let unknown: Vec<String> = cases().into_iter().filter(|case| ours(case).is_none()).map(|case| case.op).collect();
    let unexpected: Vec<&String> =
        unknown.iter().filter(|op| !NOT_YET.contains(&op.as_str()) && op.as_str() != NOT_YET_WARP).collect();
    assert!(unexpected.is_empty(), "no function for {unexpected:?}");
    for op in NOT_YET.iter().chain([&NOT_YET_WARP]) {
        let gone = std::env::var_os("PIPELINE_GOLDEN").is_none() && !unknown.iter().any(|unknown| unknown == op);
        assert!(!gone, "{op} is covered now: take it off the list");
    }
}

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

fn warped(image: &Image, degrees: f64, sampling: Sampling) -> Image {
    warp(image, &Affine::rotation(degrees), image.size(), sampling, 0)
}

fn expanded(image: &Image) -> Image {
    let map = Affine::rotation(-17.5);
    assert_eq!(map.expanded(image.size()), Size::new(66, 76));
    warp(image, &map, map.expanded(image.size()), Sampling::Bilinear, 128)
}

fn moved(image: &Image, sampling: Sampling) -> Image {
    warp(image, &Affine::new(15.0, (3.0, -2.0), 1.2, (5.0, 0.0)), image.size(), sampling, 0)
}

#[test]
fn golden_checksums_of_the_tensor_path_are_met() {
    let input = formula_image();
    let rows: Vec<(&str, u32, Image)> = vec![
        ("input", 0x6dc9_d4fe, input.clone()),
        ("resize bicubic", 0xd86a_9fcc, resize(&input, Size::new(17, 23), Interpolation::Bicubic, true)),
        ("brightness 0.6", 0x8163_b086, changed(&input, |image| brightness(image, 0.6))),
        ("brightness 1.4", 0x031c_c19a, changed(&input, |image| brightness(image, 1.4))),
        ("contrast 0.6", 0x62a0_3c96, changed(&input, |image| contrast(image, 0.6))),
        ("contrast 1.4", 0xa0b1_0d22, changed(&input, |image| contrast(image, 1.4))),
        ("saturation 0.6", 0x99e4_3516, changed(&input, |image| saturation(image, 0.6))),
        ("saturation 1.4", 0x8fa4_303f, changed(&input, |image| saturation(image, 1.4))),
        ("hue +0.1", 0xf4a5_c4f1, changed(&input, |image| hue(image, 0.1))),
        ("hue -0.25", 0xc9e9_ca1e, changed(&input, |image| hue(image, -0.25))),
        ("grey", 0xd83f_c478, changed(&input, grayscale)),
        ("sharpness 0.3", 0x9033_a3b8, changed(&input, |image| sharpness(image, 0.3))),
        ("sharpness 1.9", 0x6605_e531, changed(&input, |image| sharpness(image, 1.9))),
        ("autocontrast", 0xf390_5b29, changed(&input, autocontrast)),
        ("equalize", 0xa783_9abd, changed(&input, equalize)),
        ("posterize 4", 0xae36_3727, changed(&input, |image| posterize(image, 4))),
        ("solarize 100", 0x6152_e58d, changed(&input, |image| solarize(image, 100.0))),
        ("blur", 0x8f8d_5d1d, changed(&input, |image| gaussian_blur(image, 5, 1.0))),
        ("rotate 30 nearest", 0x33db_cdb4, warped(&input, 30.0, Sampling::Nearest)),
        ("rotate 30 bilinear", 0x90c3_481e, warped(&input, 30.0, Sampling::Bilinear)),
        ("rotate -17.5 bilinear, expand, fill 128", 0xd068_5847, expanded(&input)),
        ("affine bilinear", 0xf7ff_b256, moved(&input, Sampling::Bilinear)),
        ("affine nearest", 0x73f3_6a6c, moved(&input, Sampling::Nearest)),
    ];
    let wrong: Vec<String> = rows
        .iter()
        .map(|(name, expected, image)| (name, *expected, crc32(image.pixels())))
        .filter(|(_, expected, got)| got != expected)
        .map(|(name, expected, got)| format!("{name}: {got:08x} instead of {expected:08x}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sharpness, posterize and solarize as the automatic policies call them: their magnitudes are binary fractions of a bin.
#[test]
fn golden_checksums_of_policy_magnitudes_are_met() {
    let input = formula_image();
    let sharpness_rows = [
        (0.27f32, 0x4570_e372, 0x6e69_542c),
        (0.495, 0x4b1c_9507, 0xa0cd_90d0),
        (0.99, 0xed78_8f5e, 0x80d2_1e26),
        (0.2, 0xf69a_3e91, 0xac41_5e75),
    ];
    for (magnitude, plus, minus) in sharpness_rows {
        for (factor, expected) in [(1.0 + f64::from(magnitude), plus), (1.0 - f64::from(magnitude), minus)] {
            let got = crc32(changed(&input, |image| sharpness(image, factor as f32)).pixels());
            assert_eq!(got, expected, "sharpness {factor}: {got:08x} instead of {expected:08x}");
        }
    }
    for (bits, expected) in [(7, 0xd8b0_5de7), (5, 0x379f_f186), (2, 0xfd15_cd81), (3, 0x08cf_cb7au32)] {
        assert_eq!(crc32(changed(&input, |image| posterize(image, bits)).pixels()), expected, "posterize {bits}");
    }
    let shares = [(0.7f32, 0x46b8_a619), (0.5, 0x875f_3d2f), (0.0, 0x992f_96aa), (0.777_777_8, 0x0da3_dd34u32)];
    for (share, expected) in shares {
        assert_eq!(crc32(changed(&input, |image| solarize(image, 255.0 * share)).pixels()), expected, "solarize {share}");
    }
}

/// Checksums of Pillow 13 with libjpeg-turbo 3, which wrote the picture to memory and read it back.
#[test]
fn golden_checksums_of_stored_jpegs_are_met() {
    let value = |y: u32, x: u32, c: u32| ((x * (c + 2) * 3 + y * (5 - c) * 2 + x * y / (c + 7)) % 256) as u8;
    let waves = |width: u32, height: u32| {
        let places = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| (y, x, c))));
        Image::new(Size::new(height, width), 3, places.map(|(y, x, c)| value(y, x, c)).collect())
    };
    let red = |image: &Image| Image::new(image.size(), 1, image.pixels().iter().step_by(3).copied().collect());
    let gray = red(&formula_image());
    let odd = crop(&gray, Region { top: 0, left: 0, height: 47, width: 33 });
    let rows = [
        (formula_image(), 1, 0x5996_e469u32),
        (formula_image(), 5, 0xa64e_2db2),
        (formula_image(), 30, 0x23b4_42e2),
        (formula_image(), 50, 0x66b3_8d94),
        (formula_image(), 75, 0x0b9d_691e),
        (formula_image(), 90, 0x4162_65d5),
        (formula_image(), 100, 0xb29b_f85c),
        (waves(64, 48), 40, 0x505e_89ed),
        (waves(1, 1), 40, 0x909f_b2f2),
        (waves(2, 3), 40, 0xa9f9_35da),
        (waves(4, 5), 40, 0xdba6_3bbd),
        (waves(5, 4), 40, 0x3379_9282),
        (waves(33, 47), 40, 0x5fb1_15e0),
        (waves(130, 17), 40, 0xf34f_6aa3),
        (gray.clone(), 10, 0x24f8_ea31),
        (gray, 75, 0x77ea_347f),
        (odd.clone(), 10, 0xcde3_22d1),
        (odd, 75, 0xe6c3_87a4),
    ];
    for (image, quality, expected) in rows {
        let got = crc32(changed(&image, |image| jpeg_artifacts(image, quality)).pixels());
        assert_eq!(got, expected, "{} at {quality}: {got:08x} instead of {expected:08x}", image.size());
    }
}

#[test]
fn golden_normalized_pixel_is_met() {
    let mut out = [0f32; 3];
    let pixel = Image::new(Size::new(1, 1), 3, vec![0, 83, 166]);
    Normalize::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]).write(&pixel, &mut out);
    for (got, expected) in out.into_iter().zip([-2.1179, -0.58263, 1.0888f32]) {
        assert!((got - expected).abs() < 1e-4, "{got} instead of {expected}");
    }
}

/// For each new pixel of an axis, the first old one and the weights from there on.
type Taps = Vec<(usize, Vec<f32>)>;

/// Bilinear resizing by the formulas alone, in floating point: slow; the yardstick.
fn exact_resize(image: &Image, size: Size, taps: fn(usize, usize) -> Taps) -> Image {
    let channels = image.channels();
    let (columns, rows) = (taps(image.width(), size.width as usize), taps(image.height(), size.height as usize));
    let mut wide = Vec::new();
    for (y, (low, weights)) in (0..image.height()).flat_map(|y| columns.iter().map(move |taps| (y, taps))) {
        for c in 0..channels {
            wide.push(weights.iter().enumerate().map(|(tap, w)| f32::from(image.pixel(y, low + tap)[c]) * w).sum::<f32>());
        }
    }
    let stride = size.width as usize * channels;
    let mut pixels = Vec::new();
    for (low, weights) in rows {
        for x in 0..stride {
            let terms = weights.iter().enumerate().map(|(tap, weight)| wide[(low + tap) * stride + x] * weight);
            pixels.push(terms.sum::<f32>().round_ties_even() as u8);
        }
    }
    Image::new(size, channels, pixels)
}

/// A triangle over all pixels that the new one covers.
fn triangles(from: usize, to: usize) -> Taps {
    let scale = from as f64 / to as f64;
    let wide = scale.max(1.0);
    let of = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        let low = (centre - wide + 0.5).max(0.0) as usize;
        let high = ((centre + wide + 0.5) as usize).min(from);
        let weights: Vec<f64> = (low..high).map(|tap| (1.0 - ((tap as f64 - centre + 0.5) / wide).abs()).max(0.0)).collect();
        let sum: f64 = weights.iter().sum();
        (low, weights.iter().map(|weight| (weight / sum) as f32).collect())
    };
    (0..to).map(of).collect()
}

/// The two pixels around each centre, without antialias.
fn pairs(from: usize, to: usize) -> Taps {
    let of = |index: usize| {
        let place = ((index as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0);
        let low = place as usize;
        if low + 1 < from { (low, vec![1.0 - place.fract(), place.fract()]) } else { (from - 1, vec![1.0]) }
    };
    (0..to).map(of).collect()
}

/// The checksums are those of torch's floating-point path; ours is its `uint8` path, which may differ from it by one level.
#[test]
fn golden_resizes_are_within_one_level_of_the_floating_point_path() {
    let input = formula_image();
    let part = crop(&input, Region { top: 5, left: 7, height: 30, width: 41 });
    let short_side = short_side_size(input.size(), 32, None);
    let rows = [
        ("smaller", &input, Size::new(24, 32), Some(0x3c2d_da0f)),
        ("odd", &input, Size::new(17, 23), Some(0xa79d_5059)),
        // Torch's own weights decide a few ties here, so that the yardstick has no checksum.
        ("larger", &input, Size::new(100, 120), None),
        ("short side", &input, short_side, Some(0xd736_0d70)),
        ("resized crop", &part, Size::new(24, 24), Some(0x5275_d19e)),
        ("no antialias", &input, Size::new(17, 23), Some(0xbd6f_99dc)),
    ];
    for (name, image, size, checksum) in rows {
        let antialias = name != "no antialias";
        let exact = exact_resize(image, size, if antialias { triangles } else { pairs });
        assert!(checksum.is_none_or(|checksum| crc32(exact.pixels()) == checksum), "the yardstick for {name}");
        let (largest, mean) = difference(&resize(image, size, Interpolation::Bilinear, antialias), &exact);
        assert!(largest <= 1 && mean <= 0.25, "{name}: {largest}, {mean}");
    }
}
