//! The pixel functions against torchvision's and Pillow's pictures: every case of the golden folder, and checksums of a formula
//! image. Other cases can be run by naming their folder's parent in `PIPELINE_GOLDEN`.

use augpipe::pixels::affine::Affine;
use augpipe::pixels::colour::{brightness, contrast, grayscale, saturation};
use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::flip::{flip_horizontal, flip_vertical};
use augpipe::pixels::hue::hue;
use augpipe::pixels::normalize::Normalize;
use augpipe::pixels::pad::{Frame, PadMode, pad};
use augpipe::pixels::projective::{Corners, Projective};
use augpipe::pixels::resize::{Interpolation, resize, resize_region, short_side_size};
use augpipe::pixels::rotate90::rotate90;
use augpipe::pixels::warp::{Outside, Places, Sampling, resample, warp};
use augpipe::sample::{Image, Size};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Operations of the golden folder that this crate does not have yet.
const NOT_YET: [&str; 8] = ["invert", "posterize", "solarize", "autocontrast", "equalize", "sharpness", "gaussian_blur", "gamma"];

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
            Some("constant") => PadMode::Constant([self.count("fill") as u8; 3]),
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

    fn perspective(&self, image: &Image) -> Image {
        let (start, end) = (corners(self.0, "start_points_xy"), corners(self.0, "end_points_xy"));
        let map = Projective::from_corners(&start, &end).expect("a map");
        let outside = Outside::Fill([self.count("fill") as u8; 3]);
        resample(image, Places::Projective(&map), image.size(), self.sampling(), outside)
    }

    fn affine(&self, image: &Image) -> Image {
        let translate = (self.real("translate_x"), self.real("translate_y"));
        let shear = (self.real("shear_x"), self.real("shear_y"));
        let map = Affine::new(self.real("degrees_clockwise"), translate, self.real("scale"), shear);
        warp(image, &map, image.size(), self.sampling(), self.count("fill") as u8)
    }
}

/// Four points of a case by name.
fn corners(params: &Value, key: &str) -> Corners {
    let points = params[key].as_array().expect(key);
    std::array::from_fn(|point| std::array::from_fn(|axis| points[point][axis].as_f64().expect(key)))
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
        "perspective" => params.perspective(image),
        "brightness" => changed(image, |image| brightness(image, params.real("factor"))),
        "contrast" => changed(image, |image| contrast(image, params.real("factor"))),
        "saturation" => changed(image, |image| saturation(image, params.real("factor"))),
        "hue" => changed(image, |image| hue(image, params.real("shift_turns") as f32)),
        "grayscale" => changed(image, grayscale),
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
    let unexpected: Vec<&String> = unknown.iter().filter(|op| !NOT_YET.contains(&op.as_str())).collect();
    assert!(unexpected.is_empty(), "no function for {unexpected:?}");
    for op in &NOT_YET {
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
        ("rotate 30 nearest", 0x33db_cdb4, warped(&input, 30.0, Sampling::Nearest)),
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
