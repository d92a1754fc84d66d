//! Archives as the WebDataset library writes them: members that share a name up to its first dot are a sample, `KEY.jpg` its picture,
//! `KEY.cls` its class (<https://github.com/webdataset/webdataset>). They are looked through once, when they are opened, and never
//! unpacked; what stands in their headers is held against the file before it is believed.

mod found;

use super::files::retry;
use super::handles::Handles;
use super::picture::picture;
use super::{Census, Read, Source, classes, escape};
use crate::error::{Error, Problem, Result};
use crate::pixels::decode::{DecodeOptions, Refusal};
use crate::sample::{BadSample, Identity, Sample, Size};
use found::{Entry, Found};
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The most classes.
const MOST_CLASSES: usize = 65_536;
/// Problems that are shown at once.
const SHOWN: usize = 10;

/// Archives that are to be opened.
pub(super) struct WebDataset {
    /// An archive, or a folder of them.
    pub path: PathBuf,
    /// Class names, where they are given.
    pub classes: Option<Vec<String>>,
    pub options: DecodeOptions,
    pub allow_empty: bool,
}

impl WebDataset {
    /// Looks through all archives, in the order of their names' bytes.
    ///
    /// # Errors
    /// What is wrong with each archive that cannot be used, samples without a class, and classes that are none.
    pub fn open(&self) -> Result<Box<dyn Source>> {
        let archives = self.archives()?;
        let (mut found, mut problems) = (Found::default(), Vec::new());
        for (number, path) in (0..).zip(&archives) {
            if let Err(why) = found.look_through(number, path) {
                problems.push(Problem::new(format!("{}: {why}", show(path)), "take it out, or fetch or write it again"));
            }
            if problems.len() >= SHOWN {
                break;
            }
        }
        if found.unlabelled.1 > 0 {
            let (first, count) = (found.unlabelled.0.join("\n  "), found.unlabelled.1);
            let message = format!("{}: {count} samples without a class\n  {first}", show(&self.path));
            problems.push(Problem::new(message, "every sample needs a member KEY.cls that holds its class"));
        }
        if !problems.is_empty() {
            return Err(Error::Refused(problems));
        }
        if found.entries.is_empty() {
            return Err(Error::refused(
                format!("{} holds no sample", show(&self.path)),
                "samples are KEY.jpg or .png with KEY.cls",
            ));
        }
        self.finish(archives, found)
    }

    fn archives(&self) -> Result<Vec<PathBuf>> {
        let refuse = |error: std::io::Error| {
            Error::refused(format!("cannot read {}: {error}", show(&self.path)), "paths are relative to the pipeline file")
        };
        if !fs::metadata(&self.path).map_err(refuse)?.is_dir() {
            return Ok(vec![self.path.clone()]);
        }
        let is_archive = |path: &PathBuf| {
            let hidden = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
            path.extension().is_some_and(|extension| extension == "tar") && !hidden
        };
        let entries = fs::read_dir(&self.path).map_err(refuse)?.flatten();
        let mut archives: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_archive).collect();
        archives.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        match archives.is_empty() {
            true => Err(Error::refused(format!("{} holds no .tar file", show(&self.path)), "is this the right folder?")),
            false => Ok(archives),
        }
    }

    fn finish(&self, archives: Vec<PathBuf>, mut found: Found) -> Result<Box<dyn Source>> {
        let names = self.given_classes()?;
        let (classes, labels) = class_numbers(&found.classes, names).map_err(|why| {
            Error::refused(
                format!("{}: {why}", show(&self.path)),
                "name all classes in `classes`, or in classes.json beside the archives",
            )
        })?;
        found.entries.iter_mut().for_each(|entry| entry.label = labels[entry.label as usize]);
        found.entries.shrink_to_fit();
        found.names.shrink_to_fit();
        let mut per_class = vec![0; classes.len()];
        found.entries.iter().for_each(|entry| per_class[entry.label as usize] += 1);
        let warnings = classes::check(&show(&self.path), &classes, &per_class, self.allow_empty)?;
        let filtered: Vec<_> = found.filtered.into_iter().collect();
        let count = found.entries.len() as u64 + filtered.iter().map(|(_, count)| count).sum::<u64>();
        let census = Census { found: count, filtered, warnings, per_class };
        let files = Handles::new(archives.len());
        let (names, entries, options) = (found.names, found.entries, self.options);
        Ok(Box::new(Archives { archives, names, entries, classes, options, census, files }))
    }

    /// The names of `classes`, or those of classes.json: a list of texts.
    fn given_classes(&self) -> Result<Option<Vec<String>>> {
        if self.classes.is_some() {
            return Ok(self.classes.clone());
        }
        let folder = if self.path.is_dir() { &self.path } else { self.path.parent().unwrap_or(Path::new(".")) };
        let path = folder.join("classes.json");
        match fs::read(&path) {
            Ok(bytes) => {
                let refuse =
                    |error| Error::refused(format!("{}: {error}", show(&path)), "it must be a list of class names in order");
                serde_json::from_slice(&bytes).map(Some).map_err(refuse)
            }
            Err(_) => Ok(None),
        }
    }
}

/// Class names, and for each class by its appearance its number: a place among `names`, or a whole number, or, where no names are given
/// and not all are numbers, its place among all classes in the order of their bytes.
fn class_numbers(found: &HashMap<String, u32>, names: Option<Vec<String>>) -> std::result::Result<(Vec<String>, Vec<u32>), String> {
    let number = |class: &str| class.parse::<usize>().ok().filter(|number| *number < MOST_CLASSES);
    let all: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let names = names.unwrap_or_else(|| match all.iter().map(|class| number(class)).collect::<Option<Vec<usize>>>() {
        Some(numbers) => (0..=numbers.into_iter().max().unwrap_or(0)).map(|number| number.to_string()).collect(),
        None => all.iter().map(|&class| class.to_owned()).collect(),
    });
    let mut labels = vec![0; found.len()];
    for (class, &appearance) in found {
        let place = names.iter().position(|name| name == class).or_else(|| number(class).filter(|&number| number < names.len()));
        let place = place.ok_or_else(|| format!("the class {class:?} is none of the {} that there are", names.len()))?;
        labels[appearance as usize] = place as u32;
    }
    Ok((names, labels))
}

/// Samples in archives, read by their places.
struct Archives {
    archives: Vec<PathBuf>,
    names: Vec<u8>,
    entries: Vec<Entry>,
    classes: Vec<String>,
    options: DecodeOptions,
    census: Census,
    files: Handles,
}

impl Archives {
    fn bytes(&self, index: usize) -> std::result::Result<Vec<u8>, BadSample> {
        let Entry { archive, offset, length, .. } = self.entries[index];
        if length > self.options.limits.max_bytes {
            let reason = format!("too large: {length} bytes, more than max_bytes = {}", self.options.limits.max_bytes);
            return Err(self.bad(index, "read", reason, String::new()));
        }
        let path = || self.archives[archive as usize].clone();
        let read = |file: &File| {
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, offset).map(|()| bytes)
        };
        retry(|| self.files.with(archive as usize, path, read)).map_err(|error| {
            let changed = matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::NotFound);
            let reason = if changed { "changed since scan" } else { "cannot be read" };
            self.bad(index, "read", reason.to_owned(), error.to_string())
        })
    }

    fn bad(&self, index: usize, stage: &'static str, reason: String, words: String) -> BadSample {
        let class = self.classes[self.label(index) as usize].clone();
        BadSample { path: self.identity(index).to_string(), class, stage, reason, words }
    }
}

impl Source for Archives {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn channels(&self) -> usize {
        self.options.channels
    }

    fn fixed_size(&self) -> Option<Size> {
        None
    }

    /// `ARCHIVE.tar/KEY`.
    fn identity(&self, index: usize) -> Identity {
        let entry = &self.entries[index];
        let key = &self.names[entry.start as usize..][..entry.name_length as usize];
        let archive = self.archives[entry.archive as usize].file_name().unwrap_or_default();
        Identity(format!("{}/{}", escape(archive.as_bytes()), escape(key)).into())
    }

    fn label(&self, index: usize) -> u32 {
        self.entries[index].label
    }

    fn stored_bytes(&self, index: usize) -> u64 {
        self.entries[index].length
    }

    fn read(&self, index: usize) -> std::result::Result<Read, BadSample> {
        let bytes = self.bytes(index)?;
        let refused = |refusal: Refusal| self.bad(index, "decode", refusal.reason, refusal.words);
        let (image, notes, turn) = picture(&bytes, &self.options).map_err(refused)?;
        let sample = Sample { identity: self.identity(index), label: self.label(index), image };
        Ok(Read { sample, notes, part_of: None, turn })
    }

    fn stored(&self, index: usize) -> Option<std::result::Result<Vec<u8>, BadSample>> {
        Some(self.bytes(index))
    }

    fn digest(&self, index: usize) -> std::result::Result<[u8; 32], BadSample> {
        self.bytes(index).map(|bytes| *blake3::hash(&bytes).as_bytes())
    }

    fn census(&self) -> &Census {
        &self.census
    }
}

fn show(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}
