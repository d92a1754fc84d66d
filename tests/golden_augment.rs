//! The pixel functions against torchvision's and Pillow's pictures: every case of the golden folder, and checksums of a formula
//! image (`src/job/verify` holds that table). Other cases can be run by naming their folder's parent in `PIPELINE_GOLDEN`.

use augpipe::isa::{Isa, only};
use augpipe::job::verify::{crc32, formula_image, rows};
use augpipe::pixels::affine::Affine;
use augpipe::pixels::blur::gaussian_blur;
use augpipe::pixels::colour::{brightness, contrast, grayscale, saturation};
use augpipe::pixels::crop::{Region, crop};
use augpipe::pixels::flip::{flip_horizontal, flip_vertical};
use augpipe::pixels::hue::hue;
use augpipe::pixels::jpeg::jpeg_artifacts;
use augpipe::pixels::levels::{autocontrast, equalize};
use augpipe::pixels::pad::{Frame, PadMode, pad};
use augpipe::pixels::point::{gamma, invert, posterize, solarize};
use augpipe::pixels::projective::{Corners, Projective};
use augpipe::pixels::resize::{Interpolation, resize_region};
use augpipe::pixels::rotate90::rotate90;
use augpipe::pixels::sharpness::sharpness;
use augpipe::pixels::warp::{Outside, Places, Sampling, resample, warp};
use augpipe::sample::{Image, Size};
use serde_json::Value;
use std::path::{Path, PathBuf};

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
    assert!(unknown.is_empty(), "no function for {unknown:?}");
}

/// The rows of `pipeline verify`, walked through its table on every instruction set.
#[test]
fn golden_checksums_of_the_reference_table_are_met() {
    let (input, rows) = (formula_image(), rows());
    for isa in Isa::available() {
        let verdicts = only(isa, || rows.iter().map(|row| (&row.name, row.reference(), row.judge(&input))).collect::<Vec<_>>());
        let wrong: Vec<_> = verdicts.iter().filter(|(_, _, verdict)| !verdict.holds).collect();
        assert!(wrong.is_empty(), "{isa:?}: {wrong:#?}");
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
