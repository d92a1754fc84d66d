//! The memory bound that is printed before a run holds for it, whatever lies among its pictures.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
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

/// Two classes of 500 different JPEGs each, every one of them linked under eight names: so many that an epoch takes its time.
fn photographs(root: &Path) {
    for (number, class) in (0..1000u32).zip(["circle", "square"].into_iter().cycle()) {
        let picture = image::RgbImage::from_fn(500, 375, |x, y| {
            let grain = ((x * 31 + y * 17 + number).wrapping_mul(2_654_435_761) >> 27) as u8;
            image::Rgb([(x / 2) as u8 / 2 + grain, (y / 2) as u8 + grain, ((x + y + number) / 5 % 200) as u8 + grain])
        });
        let folder = root.join("train").join(class);
        let first = folder.join(format!("{number}-0.jpg"));
        picture.save(&first).unwrap();
        (1..8).for_each(|copy| fs::hard_link(&first, folder.join(format!("{number}-{copy}.jpg"))).unwrap());
    }
}

/// Bytes of memory that a process has in use.
fn in_use(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Keeps all processors busy for so long, with more threads than there are.
fn crowd(whole: Duration) {
    let until = Instant::now() + whole;
    let threads = 3 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (0..threads).for_each(|_| drop(std::thread::spawn(move || while Instant::now() < until {})));
}

/// Channels grow as full as they may whenever a stage falls behind, and a full one holds whole batches: that is no growth without end. So
/// others are at work, too, for a while of the first fifth, which shall see all that there is to see.
///
/// `AUGPIPE_MINUTES=60 cargo test --release --test memory -- --ignored --nocapture`
#[test]
#[ignore = "takes as long as it is told to: an hour unless AUGPIPE_MINUTES says otherwise"]
fn memory_stays_flat_for_an_hour() {
    let minutes: u64 = std::env::var("AUGPIPE_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let place = workplace(12);
    photographs(place.path());
    let text =
        support::pipeline_text().replace("op = \"crop\"\nsize = [12, 12]\npadding = 1", "op = \"resized_crop\"\nsize = [96, 96]");
    let text = text.replace("[batch]", "[[evaluate]]\nop = \"resize\"\nsize = [96, 96]\n[batch]").replace("size = 8", "size = 64");
    fs::write(place.path().join("shapes.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
    command.args(["run", "shapes.toml", "--quiet", "--out", "out", "--set", "train.epochs=1000000", "--workers", "2"]);
    let mut child = command.current_dir(place.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (began, whole) = (Instant::now(), Duration::from_secs(60 * minutes));
    let (mut early, mut late, mut crowded) = (0, 0, false);
    while began.elapsed() < whole {
        std::thread::sleep(Duration::from_secs(1));
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        let share = began.elapsed().as_secs_f64() / whole.as_secs_f64();
        if share > 0.05 && !crowded {
            crowd(whole / 20);
            crowded = true;
        }
        let most = if share < 0.2 { &mut early } else { &mut late };
        *most = in_use(child.id()).max(*most);
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report = report(&place.path().join("out"));
    let epochs = report["outcome"]["epochs"].as_array().unwrap().len();
    let bound = report["timing"]["memory_bound_bytes"].as_u64().unwrap();
    println!(
        "{minutes} minutes, {epochs} epochs of 6,000 pictures: {} MiB at most in the first fifth, {} MiB after it, of {} MiB",
        early >> 20,
        late >> 20,
        bound >> 20
    );
    assert!(epochs > 1 && late <= early + early / 20 && late <= bound, "{early} bytes, then {late}; bound {bound}");
}
