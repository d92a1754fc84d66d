//! The IDX files of MNIST and its kin: <http://yann.lecun.com/exdb/mnist/>. Images and labels in a file each, plain or gzipped.

use super::held::{HeldSource, Layout};
use super::{Build, Census, Source, SourceSpec, classes, escape, settings};
use crate::config::Fields;
use crate::error::{Error, Problem, Result};
use crate::pixels::decode::Limits;
use crate::registry::Entry;
use crate::sample::Size;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `idx`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "idx",
    about: "MNIST's IDX files, plain or gzipped",
    example: "format = \"idx\"\npath = \"data/mnist\"\npart = \"train\"",
    build,
};

/// Files to read, or a folder and the beginning of their names.
enum Place {
    Files { images: PathBuf, labels: PathBuf },
    Folder { path: PathBuf, part: &'static str },
}

struct Idx {
    place: Place,
    channels: usize,
    allow_empty: bool,
}

fn build(fields: &Fields, base: &Path) -> Box<dyn SourceSpec> {
    let images = fields.key("images", "the file of images, instead of `path`").text().optional();
    let labels = fields.key("labels", "the file of labels, where `images` is given").text().optional();
    let part = fields.key("part", "which of the files in the folder").choice(&[("train", "train"), ("test", "t10k")]);
    let part = part.or_shown("train", "\"train\"");
    let place = match (images, labels) {
        (Some(images), Some(labels)) => Place::Files { images: base.join(images), labels: base.join(labels) },
        (None, None) => {
            let about = "the folder that holds train-images-idx3-ubyte and so on, plain or .gz";
            Place::Folder { path: settings::path(fields, base, "path", about), part }
        }
        (given, _) => {
            let (has, lacks) = if given.is_some() { ("images", "labels") } else { ("labels", "images") };
            fields.complain(has, format!("`{has}` is given without `{lacks}`"), "give both, or `path`");
            Place::Folder { path: base.to_path_buf(), part }
        }
    };
    let channels = settings::channels(fields, 1);
    Box::new(Idx { place, channels, allow_empty: settings::allow_empty(fields) })
}

impl Idx {
    fn files(&self) -> (PathBuf, PathBuf) {
        match &self.place {
            Place::Files { images, labels } => (images.clone(), labels.clone()),
            Place::Folder { path, part } => (find(path, part, "images", 3), find(path, part, "labels", 1)),
        }
    }
}

/// The file of that kind in the folder, under the names that are in use; the first of them where none is there.
fn find(folder: &Path, part: &str, kind: &str, dimensions: u8) -> PathBuf {
    let names = ["-", "."].map(|mark| format!("{part}-{kind}{mark}idx{dimensions}-ubyte"));
    let candidates = names.iter().flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
    candidates.clone().find(|path| path.exists()).unwrap_or(folder.join(&names[0]))
}

impl SourceSpec for Idx {
    /// Reads both files whole, holding every number in their headers against the bytes that are there. Classes are called by
    /// their numbers, from 0 to the largest label.
    fn open(&self) -> Result<Box<dyn Source>> {
        let (image_path, label_path) = self.files();
        let (images, labels) = match (load::<3>(&image_path), load::<1>(&label_path)) {
            (Ok(images), Ok(labels)) => (images, labels),
            (images, labels) => {
                return Err(Error::Refused([images.err(), labels.err()].into_iter().flatten().collect()));
            }
        };
        let ([count, height, width], [label_count]) = (images.dimensions, labels.dimensions);
        if count != label_count {
            let message = format!("{} holds {count} images, {} {label_count} labels", show(&image_path), show(&label_path));
            return Err(Error::refused(message, "take files that belong together"));
        }
        let size = sane(height, width).map_err(|reason| Error::refused(format!("{}: {reason}", show(&image_path)), ""))?;
        let what = show(&label_path);
        let labels: Vec<u32> = labels.data.iter().map(|&label| u32::from(label)).collect();
        let names: Vec<String> = (0..labels.iter().max().map_or(0, |most| most + 1)).map(|label| label.to_string()).collect();
        let mut per_class = vec![0; names.len()];
        labels.iter().for_each(|&label| per_class[label as usize] += 1);
        let warnings = classes::check(&what, &names, &per_class, self.allow_empty)?;
        let stem = image_path.file_name().map(|name| escape(name.as_bytes())).unwrap_or_default();
        let stem = stem.strip_suffix(".gz").unwrap_or(&stem).to_owned();
        Ok(Box::new(HeldSource {
            classes: names,
            size,
            layout: Layout::Gray,
            channels: self.channels,
            pixels: images.data,
            files: vec![(stem, 0)],
            census: Census { found: labels.len() as u64, filtered: Vec::new(), warnings, per_class },
            labels,
        }))
    }
}

fn show(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}

/// The contents of an IDX file of unsigned bytes.
struct Table<const N: usize> {
    dimensions: [u32; N],
    data: Vec<u8>,
}

/// Reads the file at `path`, which must have `N` dimensions of unsigned bytes.
fn load<const N: usize>(path: &Path) -> std::result::Result<Table<N>, Problem> {
    let complain = |what: String| Problem::new(format!("{}: {what}", show(path)), "fetch the file again");
    let broken = |error: std::io::Error| complain(format!("cannot be read: {error}"));
    let file = File::open(path).map_err(|error| {
        Problem::new(
            format!("cannot open {}: {error}", show(path)),
            "paths are relative to the pipeline file; `pipeline data fetch mnist` fetches MNIST",
        )
    })?;
    let stored = file.metadata().map_err(broken)?.len();
    let mut file = BufReader::new(file);
    let zipped = file.fill_buf().map_err(broken)?.starts_with(&[0x1f, 0x8b]);
    if !zipped {
        return parse::<N>(&mut file, |promised| (promised == stored).then_some(()).ok_or(stored)).map_err(complain);
    }
    let mut unzipped = GzDecoder::new(file);
    // Deflate cannot shrink by more than 1032 to 1, so a larger promise is a lie that need not be inflated.
    let most = stored.saturating_mul(1032);
    let table = parse::<N>(&mut unzipped, |promised| (promised <= most).then_some(()).ok_or(stored)).map_err(complain)?;
    match std::io::copy(&mut unzipped.into_inner(), &mut std::io::sink()).map_err(broken)? {
        0 => Ok(table),
        rest => Err(complain(format!("{rest} bytes follow the end of the gzip stream"))),
    }
}

/// Reads header and data; `plausible` judges the bytes that the header promises in all, before any are read, and may say how
/// many there are.
fn parse<const N: usize>(
    reader: &mut impl Read,
    plausible: impl Fn(u64) -> std::result::Result<(), u64>,
) -> std::result::Result<Table<N>, String> {
    let mut magic = [0; 4];
    let cut = |error: std::io::Error| format!("ends within its header, or is damaged: {error}");
    reader.read_exact(&mut magic).map_err(cut)?;
    let expected = [0, 0, 8, N as u8];
    if magic != expected {
        return Err(format!("begins with {magic:02x?}, expected {expected:02x?} (IDX, unsigned bytes, {N} dimensions)"));
    }
    let mut dimensions = [0; N];
    for dimension in &mut dimensions {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).map_err(cut)?;
        *dimension = u32::from_be_bytes(bytes);
    }
    let length = dimensions.iter().try_fold(1u64, |product, &dimension| product.checked_mul(u64::from(dimension)));
    let header = 4 + 4 * N as u64;
    let Some(promised) = length.and_then(|length| length.checked_add(header)) else {
        return Err(format!("promises {dimensions:?} values, more than any file can hold"));
    };
    if promised == header {
        return Err(format!("promises {dimensions:?} values, which is none"));
    }
    plausible(promised).map_err(|actual| format!("has {actual} bytes where its header {dimensions:?} promises {promised}"))?;
    let mut data = Vec::new();
    // One byte more than promised is enough to see that there are too many.
    let outcome = reader.take(promised - header + 1).read_to_end(&mut data);
    let actual = header + data.len() as u64;
    match outcome {
        Err(error) => Err(format!("is damaged after {actual} of the {promised} bytes that its header promises: {error}")),
        Ok(_) if actual > promised => Err(format!("has more than the {promised} bytes that its header {dimensions:?} promises")),
        Ok(_) if actual < promised => Err(format!("has {actual} bytes where its header {dimensions:?} promises {promised}")),
        Ok(_) => Ok(Table { dimensions, data }),
    }
}

/// The size, or why it is out of the question.
fn sane(height: u32, width: u32) -> std::result::Result<Size, String> {
    let (size, limits) = (Size::new(height, width), Limits::default());
    let sane = size.area() <= limits.max_pixels && height.max(width) <= limits.max_side;
    if sane { Ok(size) } else { Err(format!("images of {size} pixels are too large")) }
}
