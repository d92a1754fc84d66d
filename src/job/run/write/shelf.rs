//! Renditions, in the order of the set, into files: archive by archive, shard by shard, each seen whole or not at all. A shard's list
//! is put in place last. Makes no picture.

use crate::error::{Error, Result};
use crate::job::claim::ClaimedFolder;
use crate::report::{BadRow, Draft, bad_samples_tsv};
use crate::sample::BadSample;
use crate::source::Source;
use crate::source::set::{Description, Entered, Layout, Place, SetAside, Shard};
use crate::source::tar;
use crate::stage::write::Made;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;

/// Where shards are put together.
pub struct Shelf<'a> {
    source: &'a dyn Source,
    set: &'a Description,
    folder: &'a ClaimedFolder,
    /// Shards that have not begun.
    left: std::slice::Iter<'a, (u64, Vec<u32>)>,
    open: Option<Open<'a>>,
    /// Samples stored.
    pub good: u64,
    /// Samples set aside.
    pub bad: u64,
}

/// A shard that is being written.
struct Open<'a> {
    number: u64,
    entries: std::slice::Iter<'a, u32>,
    archives: Vec<Archive>,
    manifest: Option<csv::Writer<Draft>>,
    index: Draft,
    hasher: blake3::Hasher,
    samples: Vec<Entered>,
    bad: Vec<SetAside>,
}

struct Archive {
    draft: Draft,
    length: u64,
}

impl Archive {
    fn add(&mut self, bytes: &[u8]) -> Result<u64> {
        let at = self.length;
        self.draft.write_all(bytes).map_err(Error::io("cannot write", self.draft.path()))?;
        self.length += bytes.len() as u64;
        Ok(at)
    }
}

impl<'a> Shelf<'a> {
    /// A shelf for `shards`, each a number and the places in `source` of its samples.
    pub fn new(source: &'a dyn Source, set: &'a Description, folder: &'a ClaimedFolder, shards: &'a [(u64, Vec<u32>)]) -> Self {
        Self { source, set, folder, left: shards.iter(), open: None, good: 0, bad: 0 }
    }

    /// Takes the next sample's renditions, or why there are none.
    ///
    /// # Errors
    /// [`Error::Io`]; the shards that are complete stay.
    pub fn take(&mut self, answer: std::result::Result<Vec<Made>, Arc<BadSample>>) -> Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.left.next() {
                Some((number, entries)) => Open::begin(self.set, self.folder, *number, entries)?,
                None => return Ok(()),
            },
        };
        let Some(&entry) = open.entries.next() else { return Ok(()) };
        let label = self.source.label(entry as usize);
        match answer {
            Ok(all) => {
                self.good += 1;
                let identity = self.source.identity(entry as usize).to_string();
                open.add(Entered { sample: u64::from(entry), label, identity }, all)?;
            }
            Err(bad) => {
                self.bad += 1;
                open.bad.push(SetAside::new(u64::from(entry), label, &bad));
            }
        }
        match open.entries.len() {
            0 => open.finish(self.set, self.folder),
            _ => {
                self.open = Some(open);
                Ok(())
            }
        }
    }
}

impl<'a> Open<'a> {
    fn begin(set: &Description, folder: &ClaimedFolder, number: u64, entries: &'a [u32]) -> Result<Self> {
        let list = folder.file(&Shard::name(number));
        if list.is_file() {
            // What it lists was not whole: from here on the shard counts as not begun.
            std::fs::remove_file(&list).map_err(Error::io("cannot remove", &list))?;
        }
        let archive = |rendition: usize| {
            let mut archive = Archive { draft: Draft::create(folder.file(&set.archive_name(rendition, number)))?, length: 0 };
            archive.add(&set.archive_head(rendition, number))?;
            Ok(archive)
        };
        let (archives, manifest) = match set.layout {
            Layout::Shards => ((0..set.renditions()).map(archive).collect::<Result<_>>()?, None),
            Layout::ImageFolder => {
                let draft = Draft::create(folder.file(&format!("manifest-{number:06}.csv")))?;
                (Vec::new(), Some(csv::Writer::from_writer(draft)))
            }
        };
        let index = Draft::create(folder.file(&Shard::index_name(number)))?;
        let (hasher, samples, bad) = (blake3::Hasher::new(), Vec::new(), Vec::new());
        Ok(Self { number, entries: entries.iter(), archives, manifest, index, hasher, samples, bad })
    }

    fn add(&mut self, sample: Entered, all: Vec<Made>) -> Result<()> {
        self.samples.push(sample);
        for (rendition, made) in all.into_iter().enumerate() {
            let offset = match self.archives.get_mut(rendition) {
                Some(archive) => archive.add(&made.record)?,
                None => 0,
            };
            let entry = Place { offset, length: made.length, blake3: made.blake3 }.to_bytes();
            self.hasher.update(&entry);
            self.index.write_all(&entry).map_err(Error::io("cannot write", self.index.path()))?;
            if let (Some(manifest), Some(row)) = (&mut self.manifest, &made.row) {
                let failed = |error: csv::Error| Error::io("cannot write", "the manifest")(std::io::Error::other(error));
                manifest.serialize(row).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn finish(self, set: &Description, folder: &ClaimedFolder) -> Result<()> {
        let mut archives = Vec::with_capacity(self.archives.len());
        for mut archive in self.archives {
            archive.add(&tar::END)?;
            archives.push(archive.length);
            archive.draft.finish()?;
        }
        if let Some(manifest) = self.manifest {
            let failed = |error: String| Error::io("cannot write", "the manifest")(std::io::Error::other(error));
            manifest.into_inner().map_err(|error| failed(error.to_string()))?.finish()?;
        }
        self.index.finish()?;
        if !self.bad.is_empty() {
            let rows: BTreeSet<BadRow> = self.bad.iter().map(|bad| BadRow::new(&bad.bad())).collect();
            folder.write(&format!("bad_samples-{:06}.tsv", self.number), bad_samples_tsv(&rows).as_bytes())?;
        }
        let shard = Shard {
            export: set.export.clone(),
            shard: self.number,
            of: set.shards(),
            index_blake3: self.hasher.finalize().to_hex().to_string(),
            archives,
            samples: self.samples,
            bad: self.bad,
        };
        folder.write(&Shard::name(self.number), shard.to_text().as_bytes())
    }
}
