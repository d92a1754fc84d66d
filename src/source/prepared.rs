//! An offline set as `[write]` leaves it: every sample in several variants. Training at epoch e is shown variant e mod K; validation
//! and test are shown the deterministic rendition.

use super::files::FileSource;
use super::listing::{Listing, Stamp};
use super::{Build, Census, Read, Source, SourceSpec, classes, settings};
use crate::config::Fields;
use crate::error::{Error, Result};
use crate::pixels::decode::DecodeOptions;
use crate::registry::Entry;
use crate::sample::{BadSample, Identity, Size};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// `prepared`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "prepared",
    about: "An augmented data set that a pipeline with [write] has stored",
    example: "format = \"prepared\"\npath = \"runs/brands-prepared\"",
    build,
};

struct Prepared {
    path: PathBuf,
    options: DecodeOptions,
}

fn build(fields: &Fields, base: &Path) -> Box<dyn SourceSpec> {
    let path = settings::path(fields, base, "path", "the folder that [write] filled");
    Box::new(Prepared { path, options: settings::decode_options(fields) })
}

/// `prepared.json`, as far as it is needed to read the set.
#[derive(Deserialize)]
struct Description {
    format: u32,
    variants: u32,
    classes: Vec<String>,
    channels: usize,
    manifest_blake3: String,
    bad: Vec<BadEntry>,
}

/// A sample that was set aside when the set was written, and its place among the others.
#[derive(Deserialize)]
struct BadEntry {
    index: usize,
    path: String,
    class: String,
    stage: String,
    reason: String,
    words: String,
}

/// A row of `manifest.csv`.
#[derive(Deserialize)]
struct Row {
    path: String,
    label: String,
    source: String,
    variant: String,
}

impl SourceSpec for Prepared {
    /// Reads the description and the manifest, which must belong together and name every variant of every sample once.
    fn open(&self) -> Result<Box<dyn Source>> {
        let description = self.describe()?;
        if description.format != 1 {
            let message = format!("{} has format {}, this program reads format 1", self.path.display(), description.format);
            return Err(Error::refused(message, "write the set again"));
        }
        let manifest = self.bytes("manifest.csv")?;
        if blake3::hash(&manifest).to_hex().as_str() != description.manifest_blake3 {
            let message = format!("{}: manifest.csv is not the one that prepared.json describes", self.path.display());
            return Err(Error::refused(message, "write the set again"));
        }
        self.assemble(&description, &manifest)
    }
}

impl Prepared {
    fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        fs::read(&path).map_err(|error| {
            Error::refused(
                format!("cannot read {}: {error}", path.display()),
                "is this a folder that a [write] pipeline has completed?",
            )
        })
    }

    fn describe(&self) -> Result<Description> {
        let bytes = self.bytes("prepared.json")?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::refused(format!("{}/prepared.json: {error}", self.path.display()), "write the set again"))
    }

    fn assemble(&self, description: &Description, manifest: &[u8]) -> Result<Box<dyn Source>> {
        let damaged = |why: String| Error::refused(format!("{}/manifest.csv: {why}", self.path.display()), "write the set again");
        let renditions = description.variants as usize + 1;
        let labels: HashMap<&str, u32> = description.classes.iter().map(String::as_str).zip(0..).collect();
        let (mut listing, mut samples) = (Listing::default(), Vec::new());
        let rows: Vec<Row> = csv::Reader::from_reader(manifest)
            .deserialize()
            .collect::<std::result::Result<_, csv::Error>>()
            .map_err(|error| damaged(error.to_string()))?;
        for group in rows.chunks(renditions) {
            let whole = group.len() == renditions
                && group
                    .iter()
                    .enumerate()
                    .all(|(at, row)| row.source == group[0].source && row.variant == variant_name(at, renditions));
            if !whole {
                return Err(damaged(format!(
                    "sample {} does not have its {renditions} rows in order",
                    group[0].source.escape_debug()
                )));
            }
            let label =
                *labels.get(group[0].label.as_str()).ok_or_else(|| damaged(format!("there is no class {:?}", group[0].label)))?;
            for row in group {
                let metadata =
                    fs::metadata(self.path.join(&row.path)).map_err(|error| damaged(format!("{}: {error}", row.path)))?;
                listing.push(row.path.as_bytes(), label, Stamp::of(&metadata));
            }
            samples.push(Entered::Good { identity: Identity(group[0].source.as_str().into()), label });
        }
        insert_bad(&mut samples, &description.bad, &labels).map_err(damaged)?;
        let options = DecodeOptions { channels: description.channels, ..self.options };
        let per_class = (0..description.classes.len() as u32)
            .map(|class| samples.iter().filter(|sample| sample.label() == class).count() as u64)
            .collect::<Vec<_>>();
        let warnings = classes::check(&self.path.display().to_string(), &description.classes, &per_class, true)?;
        let census = Census { found: samples.len() as u64, filtered: Vec::new(), warnings, per_class };
        let classes = description.classes.clone();
        let files = FileSource { root: self.path.clone(), classes, listing, options, census: Census::default() };
        Ok(Box::new(PreparedSource::new(files, samples, renditions, census)))
    }
}

fn variant_name(at: usize, renditions: usize) -> String {
    if at + 1 == renditions { "evaluate".to_owned() } else { at.to_string() }
}

/// Puts the samples that were set aside back in their places, so that the set has the order of its source.
fn insert_bad(samples: &mut Vec<Entered>, bad: &[BadEntry], labels: &HashMap<&str, u32>) -> std::result::Result<(), String> {
    for entry in bad {
        let label = labels.get(entry.class.as_str()).copied().unwrap_or(0);
        let stage = ["read", "decode", "augment"].into_iter().find(|stage| *stage == entry.stage).unwrap_or("read");
        let (path, class, reason, words) = (entry.path.clone(), entry.class.clone(), entry.reason.clone(), entry.words.clone());
        if entry.index > samples.len() {
            return Err(format!("a set-aside sample has place {} of {}", entry.index, samples.len()));
        }
        samples.insert(entry.index, Entered::Bad { bad: BadSample { path, class, stage, reason, words }, label });
    }
    Ok(())
}

/// A sample of the set's own source.
enum Entered {
    Good { identity: Identity, label: u32 },
    Bad { bad: BadSample, label: u32 },
}

impl Entered {
    fn label(&self) -> u32 {
        match self {
            Entered::Good { label, .. } | Entered::Bad { label, .. } => *label,
        }
    }
}

struct PreparedSource {
    files: FileSource,
    samples: Vec<Entered>,
    /// For each sample, the number of good ones before it: its files stand in groups in that order.
    groups: Vec<usize>,
    renditions: usize,
    census: Census,
}

impl PreparedSource {
    fn new(files: FileSource, samples: Vec<Entered>, renditions: usize, census: Census) -> Self {
        let mut good = 0;
        let group = |sample: &Entered| {
            good += usize::from(matches!(sample, Entered::Good { .. }));
            good.saturating_sub(1)
        };
        let groups = samples.iter().map(group).collect();
        Self { files, samples, groups, renditions, census }
    }

    fn rendition(&self, index: usize, at: usize) -> std::result::Result<Read, BadSample> {
        match &self.samples[index] {
            Entered::Bad { bad, .. } => Err(bad.clone()),
            Entered::Good { identity, .. } => {
                let mut read = self.files.read(self.groups[index] * self.renditions + at)?;
                read.sample.identity = identity.clone();
                Ok(read)
            }
        }
    }
}

impl Source for PreparedSource {
    fn classes(&self) -> &[String] {
        self.files.classes()
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn channels(&self) -> usize {
        self.files.channels()
    }

    fn fixed_size(&self) -> Option<Size> {
        None
    }

    fn identity(&self, index: usize) -> Identity {
        match &self.samples[index] {
            Entered::Good { identity, .. } => identity.clone(),
            Entered::Bad { bad, .. } => Identity(bad.path.as_str().into()),
        }
    }

    fn label(&self, index: usize) -> u32 {
        self.samples[index].label()
    }

    fn stored_bytes(&self, index: usize) -> u64 {
        let first = self.groups[index] * self.renditions;
        match self.samples[index] {
            Entered::Good { .. } => (first..first + self.renditions).map(|file| self.files.stored_bytes(file)).sum(),
            Entered::Bad { .. } => 0,
        }
    }

    fn read(&self, index: usize) -> std::result::Result<Read, BadSample> {
        self.rendition(index, self.renditions - 1)
    }

    fn read_at_epoch(&self, index: usize, epoch: u32) -> std::result::Result<Read, BadSample> {
        self.rendition(index, epoch as usize % (self.renditions - 1))
    }

    fn variants(&self) -> usize {
        self.renditions - 1
    }

    fn digest(&self, index: usize) -> std::result::Result<[u8; 32], BadSample> {
        match &self.samples[index] {
            Entered::Good { .. } => self.files.digest(self.groups[index] * self.renditions + self.renditions - 1),
            Entered::Bad { bad, .. } => Err(bad.clone()),
        }
    }

    fn census(&self) -> &Census {
        &self.census
    }
}
