//! A prepared set as `[write]` leaves it, in archives or in an image folder: every sample in several variants. Training at epoch e is
//! shown variant e mod K; validation and test are shown the deterministic rendition.
//!
//! Records are read by position, not mapped: a file that another process cuts is then a sample set aside and no signal, and what has
//! been read once comes from the page cache all the same.

use super::files::retry;
use super::handles::Handles;
use super::picture::picture;
use super::set::{Description, Layout, Place, Shard};
use super::{Build, Census, Read, Source, SourceSpec, classes, settings, tar, whole};
use crate::config::Fields;
use crate::error::{Error, Problem, Result};
use crate::pixels::decode::{DecodeOptions, Refusal};
use crate::registry::Entry;
use crate::sample::{BadSample, Identity, Sample, Size};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// `prepared`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "prepared",
    about: "An augmented data set that a pipeline with [write] has stored, in shards or in an image folder",
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

impl SourceSpec for Prepared {
    /// Reads the description and the list of every shard; all must be there and belong together, and hold every sample once.
    fn open(&self) -> Result<Box<dyn Source>> {
        open(&self.path, self.options)
    }
}

/// Problems that are shown at once.
const SHOWN: usize = 10;

/// Opens the set in `root`.
///
/// # Errors
/// As [`SourceSpec::open`].
pub(super) fn open(root: &Path, options: DecodeOptions) -> Result<Box<dyn Source>> {
    let set = whole::description(root).map_err(|problem| Error::Refused(vec![problem]))?;
    let mut problems = whole::strangers(root, &set);
    let mut shards = Vec::new();
    for number in 0..set.shards() {
        match whole::shard(root, &set, number) {
            Ok(found) => shards.push(found),
            Err(problem) => problems.push(problem),
        }
        if problems.len() >= SHOWN {
            break;
        }
    }
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    let samples = gather(&set, shards)
        .map_err(|why| Error::Refused(vec![Problem::new(format!("{}: {why}", root.display()), "write the set again")]))?;
    let labels = samples.iter().map(Entered::label);
    let mut per_class = vec![0; set.classes.len()];
    labels.for_each(|label| per_class.get_mut(label as usize).into_iter().for_each(|count| *count += 1));
    let warnings = classes::check(&root.display().to_string(), &set.classes, &per_class, true)?;
    let census = Census { found: samples.len() as u64, filtered: Vec::new(), warnings, per_class };
    let options = DecodeOptions { channels: set.channels, ..options };
    let files = Handles::new(set.shards() as usize * (set.renditions() + 1));
    Ok(Box::new(PreparedSource { root: root.to_path_buf(), set, options, samples, census, files }))
}

/// Puts the samples of all shards in the order of their source.
fn gather(set: &Description, shards: Vec<(Shard, Vec<u64>)>) -> std::result::Result<Vec<Entered>, String> {
    let count: usize = shards.iter().map(|(shard, _)| shard.samples.len() + shard.bad.len()).sum();
    if count as u64 != set.samples {
        return Err(format!("its shards list {count} of {} samples", set.samples));
    }
    let mut samples: Vec<Option<Entered>> = (0..count).map(|_| None).collect();
    let mut put = |sample: u64, entered: Entered| match samples.get_mut(sample as usize) {
        Some(free @ None) if (entered.label() as usize) < set.classes.len() => {
            *free = Some(entered);
            Ok(())
        }
        _ => Err(format!("sample {sample} stands in it twice, or has no place or class")),
    };
    for (shard, sums) in shards {
        for ((slot, sample), bytes) in (0..).zip(shard.samples).zip(sums) {
            let identity = Identity(sample.identity.into());
            put(sample.sample, Entered::Good { identity, label: sample.label, shard: shard.shard as u32, slot, bytes })?;
        }
        for bad in shard.bad {
            let (sample, label) = (bad.sample, bad.label);
            put(sample, Entered::Bad { bad: Box::new(bad.bad()), label })?;
        }
    }
    Ok(samples.into_iter().flatten().collect())
}

/// A sample of the set's own source.
enum Entered {
    Good { identity: Identity, label: u32, shard: u32, slot: u32, bytes: u64 },
    Bad { bad: Box<BadSample>, label: u32 },
}

impl Entered {
    fn label(&self) -> u32 {
        match self {
            Entered::Good { label, .. } | Entered::Bad { label, .. } => *label,
        }
    }
}

struct PreparedSource {
    root: PathBuf,
    set: Description,
    options: DecodeOptions,
    samples: Vec<Entered>,
    census: Census,
    files: Handles,
}

impl PreparedSource {
    fn place(&self, shard: u32, slot: u32, rendition: usize) -> io::Result<Place> {
        let at = (slot as usize * self.set.renditions() + rendition) * Place::BYTES;
        let number = shard as usize * (self.set.renditions() + 1) + self.set.renditions();
        let path = || self.root.join(Shard::index_name(u64::from(shard)));
        self.files.with(number, path, |file| {
            let mut entry = [0; Place::BYTES];
            file.read_exact_at(&mut entry, at as u64)?;
            Ok(Place::from_bytes(&entry))
        })
    }

    /// What holds the stored picture of a rendition, as it was written, and where the picture lies in it; else why not.
    fn record(&self, index: usize, rendition: usize) -> std::result::Result<(Vec<u8>, Range<usize>), BadSample> {
        let (identity, label, shard, slot) = match &self.samples[index] {
            Entered::Bad { bad, .. } => return Err((**bad).clone()),
            Entered::Good { identity, label, shard, slot, .. } => (identity, *label, *shard, *slot),
        };
        let bad = |reason: String, words: String| self.bad(index, "read", reason, words);
        let unread = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => bad("changed since scan".to_owned(), error.to_string()),
            _ => bad("cannot be read".to_owned(), error.to_string()),
        };
        let place = retry(|| self.place(shard, slot, rendition)).map_err(unread)?;
        if place.length > self.options.limits.max_bytes.saturating_add(1 << 20) {
            let (length, most) = (place.length, self.options.limits.max_bytes);
            return Err(bad(format!("too large: {length} bytes, more than max_bytes = {most}"), String::new()));
        }
        let archive = self.set.layout == Layout::Shards;
        let name = match archive {
            true => self.set.archive_name(rendition, u64::from(shard)),
            false => self.set.picture_name(rendition, label, &identity.0),
        };
        let bytes = match archive {
            true => {
                let number = shard as usize * (self.set.renditions() + 1) + rendition;
                retry(|| self.files.with(number, || self.root.join(&name), |file| whole::record(file, place)))
            }
            false => retry(|| std::fs::read(self.root.join(&name))),
        };
        let bytes = bytes.map_err(unread)?;
        if bytes.len() as u64 != place.length {
            return Err(bad(format!("truncated: {name} has {} of {} bytes", bytes.len(), place.length), String::new()));
        }
        if blake3::hash(&bytes).as_bytes() != &place.blake3 {
            return Err(bad(format!("damaged: its record in {name} is not what was written"), String::new()));
        }
        let picture = if archive { tar::first(&bytes) } else { Some(0..bytes.len()) };
        picture.map(|range| (bytes, range)).ok_or_else(|| bad(format!("damaged: no picture in {name}"), String::new()))
    }

    fn bad(&self, index: usize, stage: &'static str, reason: String, words: String) -> BadSample {
        let class = self.set.classes[self.label(index) as usize].clone();
        BadSample { path: self.identity(index).to_string(), class, stage, reason, words }
    }

    fn rendition(&self, index: usize, rendition: usize) -> std::result::Result<Read, BadSample> {
        let (bytes, range) = self.record(index, rendition)?;
        let refused = |refusal: Refusal| self.bad(index, "decode", refusal.reason, refusal.words);
        let (image, notes, turn) = picture(&bytes[range], &self.options).map_err(refused)?;
        let sample = Sample { identity: self.identity(index), label: self.label(index), image };
        Ok(Read { sample, notes, part_of: None, turn })
    }
}

impl Source for PreparedSource {
    fn classes(&self) -> &[String] {
        &self.set.classes
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn channels(&self) -> usize {
        self.options.channels
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

    /// All renditions together.
    fn stored_bytes(&self, index: usize) -> u64 {
        match &self.samples[index] {
            Entered::Good { bytes, .. } => *bytes,
            Entered::Bad { .. } => 0,
        }
    }

    fn read(&self, index: usize) -> std::result::Result<Read, BadSample> {
        self.rendition(index, self.set.variants as usize)
    }

    fn read_at_epoch(&self, index: usize, epoch: u32) -> std::result::Result<Read, BadSample> {
        self.rendition(index, (epoch % self.set.variants.max(1)) as usize)
    }

    fn variants(&self) -> usize {
        self.set.variants as usize
    }

    fn evaluates_apart(&self) -> bool {
        true
    }

    /// The picture that evaluation is shown.
    fn stored(&self, index: usize) -> Option<std::result::Result<Vec<u8>, BadSample>> {
        let record = self.record(index, self.set.variants as usize);
        Some(record.map(|(bytes, range)| bytes[range].to_vec()))
    }

    /// Of the picture that evaluation is shown.
    fn digest(&self, index: usize) -> std::result::Result<[u8; 32], BadSample> {
        let (bytes, range) = self.record(index, self.set.variants as usize)?;
        Ok(*blake3::hash(&bytes[range]).as_bytes())
    }

    fn census(&self) -> &Census {
        &self.census
    }
}
