//! What can be wrong with input, made by hand, one kind after the other: each must be refused before work starts, set aside as a
//! bad sample, filtered and counted, or decoded with a note. Nothing may panic, hang, or come out as a wrong picture.

mod folders;
mod jpeg;
mod pictures;
mod records;
mod tables;

use augpipe::config::{Fields, Problems};
use augpipe::error::Error;
use augpipe::sample::{BadSample, Image, Size};
use augpipe::source::{Read, Source, read};
use std::path::Path;
use std::process::Command;

/// Opens the source that `text` describes, with paths relative to `base`.
fn open(text: &str, base: &Path) -> Result<Box<dyn Source>, String> {
    let problems = Problems::default();
    let fields = Fields::parse(text, &problems).unwrap();
    let spec = read(&fields, base).unwrap();
    let messages: Vec<String> = problems.take().into_iter().map(|problem| problem.message).collect();
    assert!(messages.is_empty(), "{messages:?}");
    spec.open().map_err(|error| match &error {
        Error::Refused(problems) => problems.iter().map(|problem| problem.message.clone() + "\n").collect(),
        other => panic!("not a refusal: {other}"),
    })
}

/// Opens `root` as an image folder.
fn folder(root: &Path) -> Result<Box<dyn Source>, String> {
    open("format = 'image_folder'\npath = '.'", root)
}

/// Writes `files` below `root`, making the folders on their way.
fn write(root: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Two classes with one good picture each, so that a tree can be opened.
fn two_classes(root: &Path) {
    let good = png(&picture(4, 4));
    write(root, &[("a/good.png", &good), ("b/good.png", &good)]);
}

/// Reads the sample whose identity is `name`.
fn read_one(source: &dyn Source, name: &str) -> Result<Read, BadSample> {
    let index = (0..source.len()).find(|&index| &*source.identity(index).0 == name);
    source.read(index.unwrap_or_else(|| panic!("{name} is not in the source")))
}

/// Whether everything found is either listed or filtered.
fn accounts(source: &dyn Source) -> bool {
    let census = source.census();
    let filtered: u64 = census.filtered.iter().map(|(_, count)| count).sum();
    census.found == source.len() as u64 + filtered && census.per_class.iter().sum::<u64>() == source.len() as u64
}

fn filtered(source: &dyn Source, rule: &str) -> u64 {
    source.census().filtered.iter().filter(|(name, _)| name.contains(rule)).map(|(_, count)| count).sum()
}

/// A colourful picture with detail in it.
fn picture(height: u32, width: u32) -> Image {
    let at = |i: u32| {
        let (pixel, channel) = (i / 3, i % 3);
        let (y, x) = (pixel / width, pixel % width);
        (40 + (x * 5 + y * 3 + channel * 60) % 160 + (x * y * 7 + channel * 11) % 40) as u8
    };
    Image::new(Size::new(height, width), 3, (0..height * width * 3).map(at).collect())
}

fn png(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let color = if image.channels() == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    image::ImageEncoder::write_image(encoder, image.pixels(), image.width() as u32, image.height() as u32, color).unwrap();
    bytes
}

fn jpeg(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let color = if image.channels() == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85);
    encoder.encode(image.pixels(), image.width() as u32, image.height() as u32, color).unwrap();
    bytes
}

/// Runs the test `name` of this program again in a process of its own, as another user if `user` is given, unless this is that
/// process already: then the caller goes on.
fn is_alone(name: &str, user: Option<u32>) -> bool {
    use std::os::unix::process::CommandExt;
    const MARK: &str = "AUGPIPE_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--test-threads=1"]).env(MARK, "1");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{name} cannot be run again: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    false
}
