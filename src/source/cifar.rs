//! CIFAR-10 and CIFAR-100 in their binary form: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use super::held::{HeldSource, Layout};
use super::{Build, Census, Source, SourceSpec, classes, escape, settings};
use crate::config::{Fields, Node, Value};
use crate::error::{Error, Problem, Result};
use crate::registry::Entry;
use crate::sample::Size;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `cifar`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "cifar",
    about: "CIFAR-10 or CIFAR-100 in binary form",
    example: "format = \"cifar\"\npath = \"data/cifar-10-batches-bin\"\nkind = 10\npart = \"train\"",
    build,
};

const PIXELS: usize = 3 * 32 * 32;

struct Cifar {
    path: PathBuf,
    kind: Kind,
    part: &'static str,
    channels: usize,
    allow_empty: bool,
}

/// What a record begins with, and which byte of that is the label.
#[derive(Clone, Copy)]
struct Kind {
    head: usize,
    label: usize,
    classes: usize,
    names: &'static str,
}

const TEN: Kind = Kind { head: 1, label: 0, classes: 10, names: "batches.meta.txt" };
const COARSE: Kind = Kind { head: 2, label: 0, classes: 20, names: "coarse_label_names.txt" };
const FINE: Kind = Kind { head: 2, label: 1, classes: 100, names: "fine_label_names.txt" };

fn build(fields: &Fields, base: &Path) -> Box<dyn SourceSpec> {
    let path = settings::path(fields, base, "path", "the folder of .bin files, or one such file");
    let hundred = |node: &Node| match node.value {
        Value::Integer(10) => Some(false),
        Value::Integer(100) => Some(true),
        _ => None,
    };
    let hundred = fields.key("kind", "CIFAR-10 or CIFAR-100").read("10 or 100".to_owned(), false, hundred);
    let hundred = hundred.or_shown(false, "10");
    let part = fields.key("part", "which files of the folder").word(&["train", "test"]).or_shown("train", "\"train\"");
    let labels = fields.key("labels", "which labels of CIFAR-100").word(&["fine", "coarse"]).or_shown("fine", "\"fine\"");
    let kind = match (hundred, labels) {
        (false, _) => TEN,
        (true, "coarse") => COARSE,
        (true, _) => FINE,
    };
    let channels = settings::channels(fields, 3);
    Box::new(Cifar { path, kind, part, channels, allow_empty: settings::allow_empty(fields) })
}

impl Cifar {
    /// The files to read and a warning, if some are not there.
    fn files(&self) -> Result<(Vec<PathBuf>, Option<String>)> {
        if self.path.is_file() {
            return Ok((vec![self.path.clone()], None));
        }
        let names: Vec<String> = match (self.kind.head, self.part) {
            (1, "train") => (1..=5).map(|number| format!("data_batch_{number}.bin")).collect(),
            (1, _) => vec!["test_batch.bin".to_owned()],
            (_, part) => vec![format!("{part}.bin")],
        };
        let files: Vec<PathBuf> = names.iter().map(|name| self.path.join(name)).filter(|path| path.is_file()).collect();
        let folder = show(&self.path);
        if files.is_empty() {
            return Err(Error::refused(
                format!("{folder} holds none of {}", names.join(", ")),
                "is this the right folder? `pipeline data fetch cifar10` fetches CIFAR-10",
            ));
        }
        let warning = format!("{folder} holds only {} of the {} files {}", files.len(), names.len(), names.join(", "));
        Ok((files.clone(), (files.len() < names.len()).then_some(warning)))
    }

    /// The class names beside the data, or numbers where there is no file of as many names.
    fn names(&self) -> Vec<String> {
        let folder = if self.path.is_dir() { &self.path } else { self.path.parent().unwrap_or(&self.path) };
        let text = std::fs::read_to_string(folder.join(self.kind.names)).unwrap_or_default();
        let names: Vec<String> = text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.len() == self.kind.classes { names } else { (0..self.kind.classes).map(|label| label.to_string()).collect() }
    }
}

impl SourceSpec for Cifar {
    /// Reads the files whole; their lengths must be whole numbers of records and every label in range.
    fn open(&self) -> Result<Box<dyn Source>> {
        let (paths, warning) = self.files()?;
        let (mut labels, mut pixels, mut files, mut problems) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for path in &paths {
            let name = path.file_name().map(|name| escape(name.as_bytes())).unwrap_or_default();
            files.push((name.strip_suffix(".bin").unwrap_or(&name).to_owned(), labels.len()));
            match self.load(path, &mut labels, &mut pixels) {
                Ok(()) => {}
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(Error::Refused(problems));
        }
        let names = self.names();
        let mut per_class = vec![0; names.len()];
        labels.iter().for_each(|&label: &u32| per_class[label as usize] += 1);
        let mut warnings = classes::check(&show(&self.path), &names, &per_class, self.allow_empty)?;
        warnings.extend(warning);
        Ok(Box::new(HeldSource {
            classes: names,
            size: Size::new(32, 32),
            layout: Layout::Planes,
            channels: self.channels,
            pixels,
            files,
            census: Census { found: labels.len() as u64, filtered: Vec::new(), warnings, per_class },
            labels,
        }))
    }
}

impl Cifar {
    fn load(&self, path: &Path, labels: &mut Vec<u32>, pixels: &mut Vec<u8>) -> std::result::Result<(), Problem> {
        let refuse = |what: String| Problem::new(format!("{}: {what}", show(path)), "fetch the file again");
        let broken = |error: std::io::Error| refuse(format!("cannot be read: {error}"));
        let mut file = std::fs::File::open(path).map_err(broken)?;
        let (length, record) = (file.metadata().map_err(broken)?.len(), (self.kind.head + PIXELS) as u64);
        if length == 0 || length % record != 0 {
            let (whole, rest) = (length / record, length % record);
            return Err(refuse(format!("has {length} bytes: {whole} records of {record} and {rest} bytes left over")));
        }
        let (mut bytes, mut bad) = (vec![0; record as usize], Vec::new());
        pixels.reserve((length / record) as usize * PIXELS);
        for number in 0..length / record {
            file.read_exact(&mut bytes).map_err(broken)?;
            let label = u32::from(bytes[self.kind.label]);
            if label as usize >= self.kind.classes {
                bad.push(format!("{label} in record {number}"));
            }
            labels.push(label);
            pixels.extend_from_slice(&bytes[self.kind.head..]);
        }
        if bad.is_empty() {
            return Ok(());
        }
        let shown = bad.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        Err(refuse(format!("{} labels above {}: {shown}", bad.len(), self.kind.classes - 1)))
    }
}

fn show(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}
