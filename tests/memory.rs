//! The memory bound that is printed before a run holds for it, whatever lies among its pictures.

mod support;

use std::fs;
use support::{report, run, stdout, workplace};

/// A PNG that says it is `side` pixels high and wide, and holds next to nothing.
fn bomb(side: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let small = image::DynamicImage::new_rgb8(2, 2);
    small.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
    file[16..20].copy_from_slice(&side.to_be_bytes());
    file[20..24].copy_from_slice(&side.to_be_bytes());
    let mut sum = flate2::Crc::new();
    sum.update(&file[12..29]);
    file[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    file
}

#[test]
fn a_giant_and_bombs_do_not_break_the_bound_that_check_prints() {
    let place = workplace(24);
    let class = place.path().join("train/circle");
    let giant = image::RgbImage::from_fn(2600, 2000, |x, y| image::Rgb([x, y, x ^ y].map(|value| ((value * 37) >> 3) as u8)));
    giant.save(class.join("giant.jpg")).unwrap();
    fs::write(class.join("bomb.png"), bomb(60_000)).unwrap();
    // One that is within the limits by its header, and has not the data that it says.
    fs::write(class.join("hollow.png"), bomb(5_500)).unwrap();
    let threads = "workers={load=3,augment=3,train=3}";
    let sets = ["--set", "train.epochs=1", "--set", "source.max_bad=0.5", "--set", threads];
    let checked = stdout(&run(place.path(), &[&["check", "shapes.toml", "--json"][..], &sets].concat(), 0));
    let printed = serde_json::from_str::<serde_json::Value>(&checked).unwrap()["memory_total"].as_u64().unwrap();
    run(place.path(), &[&["run", "shapes.toml", "--quiet", "--out", "out"][..], &sets].concat(), 0);
    let report = report(&place.path().join("out"));
    let of = |key: &str| report["timing"][key].as_u64().unwrap();
    let (peak, bound) = (of("peak_memory_bytes"), of("memory_bound_bytes"));
    println!("peak {} MiB of {} MiB, check printed {} MiB", peak >> 20, bound >> 20, printed >> 20);
    assert!(peak > 20 << 20 && peak <= bound && bound == printed, "{peak} of {bound}; check printed {printed}");
    let bad = fs::read_to_string(place.path().join("out/bad_samples.tsv")).unwrap();
    assert!(bad.contains("bomb.png") && bad.contains("hollow.png") && !bad.contains("giant.jpg"), "{bad}");
    let page = fs::read_to_string(place.path().join("out/report.html")).unwrap();
    assert!(page.contains("most memory in use") && page.contains("share of that bound in use at most"), "no comparison");
}
