//! `[source]`, `[split]`, `[test]`: opens the data, decides which samples serve for what, and looks at one of them for its size.

mod measures;

use super::twice::listed;
use crate::augment::Chain;
use crate::batch::Part;
use crate::config::{Fields, Node, Place, Value};
use crate::error::Error;
use crate::sample::Size;
use crate::source::cached::{self, Keep};
use crate::source::split::SplitSpec;
use crate::source::{self, Source};
use crate::stage::deal::Parts;
use rayon::prelude::*;
use std::path::Path;
use std::sync::OnceLock;

/// Opened data.
pub struct Data {
    /// Training and validation samples, and test samples where `[split]` holds some out.
    pub source: Box<dyn Source>,
    /// Test samples that come from elsewhere.
    pub test: Option<Box<dyn Source>>,
    /// Which samples serve for what.
    pub parts: Parts,
    /// Channels of every picture.
    pub channels: usize,
    /// Share of samples that may be bad.
    pub max_bad: f64,
    /// What the user should know about the data.
    pub warnings: Vec<String>,
    /// Where decoded pictures are kept, and bytes for them.
    pub cache: Option<(Cache, u64)>,
    /// Whether training pictures are decoded at a smaller scale where a crop is larger than needed.
    pub scaled: bool,
    max_pixels: u64,
    /// Sizes of a few pictures, or the one that all have.
    sizes: Vec<Size>,
    /// Hashes of what was found, in `source` and in `test`, once somebody has asked.
    found: OnceLock<Vec<[u8; 32]>>,
}

/// Keys of `[source]` that hold for `[test]`, too, unless it gives its own.
const INHERITED: [&str; 8] =
    ["format", "channels", "exif_orientation", "max_pixels", "max_side", "max_bytes", "max_scans", "allow_truncated"];

/// Keys that say where data is.
const PLACES: [&str; 3] = ["path", "root", "images"];

/// Reads the three sections and opens the data; none where a problem kept it from being opened.
pub fn read(top: &Fields, base: &Path, seed: u64) -> Option<Data> {
    let split_fields = top.table_or_empty("split", "which share of the samples is held out");
    let split = SplitSpec::read(&split_fields, top.has("test"));
    split_fields.finish();
    let Some(fields) = top.table("source", "where samples come from") else {
        top.complain("source", "the file needs a table `[source]`", "[source] format = \"image_folder\", path = \"…\"");
        return None;
    };
    let max_bad = super::read_max_bad(&fields);
    let about = "keeps decoded pictures for later epochs, in memory or in a file beside the runs that goes with the process";
    let cache = fields.key("cache", about).choice(&[("none", None), ("memory", Some(Cache::Memory)), ("disk", Some(Cache::Disk))]);
    let cache = cache.or_shown(None, "none");
    let about = "how training pictures are decoded: exact, or scaled: JPEGs of the common kind at a half, a quarter or an eighth where the \
                 crop is larger than what it is resized to, which changes pixels a little";
    let scaled = fields.key("decode", about).choice(&[("exact", false), ("scaled", true)]).or_shown(false, "exact");
    let most = |fields: &Fields| fields.key("max_pixels", "larger pictures are set aside").integer(1, 1 << 32).or(1 << 25) as u64;
    let test_fields = top.table("test", "samples that are scored once, at the end; keys as in [source]").map(|mut test| {
        INHERITED.iter().for_each(|key| test.inherit(key, &fields));
        test
    });
    let max_pixels = test_fields.as_ref().map_or(0, most).max(most(&fields));
    if fields.is_void() {
        return None;
    }
    let spec = source::read(&fields, base).filter(|_| says_where(&fields));
    let test_spec = test_fields.as_ref().map(|test| source::read(test, base).filter(|_| says_where(test)));
    let source = open(top, "source", spec)?;
    let test = match test_spec {
        Some(spec) => Some(open(top, "test", spec)?),
        None => None,
    };
    let (parts, small) = deal_parts(&*source, test.as_deref(), &split, seed);
    if let Some(test) = &test {
        refuse_mismatch(top, &*source, &**test);
    }
    if parts.train.is_empty() {
        top.complain("split", "no sample is left for training", "lower split.validation and split.test");
    }
    let sizes = source.fixed_size().map_or_else(|| some_sizes(&*source), |size| vec![size]);
    let channels = source.channels();
    let warnings = warnings(&*source, test.as_deref(), small);
    let (cache_bytes, found) = (None, OnceLock::new());
    let data = Data { source, test, parts, channels, max_bad, warnings, cache: cache_bytes, scaled, max_pixels, sizes, found };
    Some(data.caching(top, cache))
}

/// Whether a section says where its data is; a section that does not was complained of when it was read.
fn says_where(fields: &Fields) -> bool {
    PLACES.iter().any(|key| fields.has(key))
}

fn open(top: &Fields, section: &str, spec: Option<Box<dyn source::SourceSpec>>) -> Option<Box<dyn Source>> {
    match spec?.open() {
        Ok(source) => Some(source),
        Err(Error::Refused(problems)) => {
            for mut problem in problems {
                problem.place = problem.place.or_else(|| place_in(top, section));
                top.problems().push(problem);
            }
            None
        }
        Err(error) => {
            top.complain(section, error.to_string(), "");
            None
        }
    }
}

/// Where a section says which data it means, or else the section.
fn place_in(top: &Fields, section: &str) -> Option<Place> {
    let Some(Node { value: Value::Table(entries), .. }) = top.node(section) else { return top.place_of(section) };
    let given = |key: &&str| entries.iter().find(|(name, _, _)| name == *key).map(|(_, _, node)| node.place.clone());
    PLACES.iter().find_map(given).or_else(|| top.place_of(section))
}

/// Who serves for what, and a warning for every class that is too small for its share.
fn deal_parts(source: &dyn Source, test: Option<&dyn Source>, spec: &SplitSpec, seed: u64) -> (Parts, Vec<String>) {
    let samples: Vec<_> = (0..source.len()).into_par_iter().map(|index| (source.identity(index), source.label(index))).collect();
    let split = spec.split(&samples, seed);
    let small = split.small.iter().map(|&label| {
        let class = source.classes()[label as usize].escape_debug().to_string();
        format!("class \"{class}\" is too small to have a sample in every part of the split")
    });
    let of = |part: Part| (0..).zip(&split.parts).filter(|(_, decided)| **decided == part).map(|(index, _)| index).collect();
    let test_entries = test.map_or_else(|| of(Part::Test), |test| (0..test.len() as u32).collect());
    (Parts { train: of(Part::Train), validation: of(Part::Validation), test: test_entries }, small.collect())
}

fn refuse_mismatch(top: &Fields, source: &dyn Source, test: &dyn Source) {
    let only_in =
        |one: &[String], other: &[String]| -> Vec<String> { one.iter().filter(|name| !other.contains(name)).cloned().collect() };
    let (missing, unknown) = (only_in(source.classes(), test.classes()), only_in(test.classes(), source.classes()));
    if !missing.is_empty() || !unknown.is_empty() {
        let part =
            |what: &str, names: &[String]| if names.is_empty() { String::new() } else { format!("; {what} {}", listed(names)) };
        let parts = part("it lacks", &missing) + &part("training does not know", &unknown);
        top.complain(
            "test",
            format!("the test set has other classes than the training set{parts}"),
            "both need the same class names",
        );
    } else if source.classes() != test.classes() {
        top.complain("test", "the test set has the training set's classes in another order", "both need the same order");
    }
    if source.channels() != test.channels() {
        let message = format!("test pictures have {} channels, training pictures {}", test.channels(), source.channels());
        top.complain("test", message, "give both the same `channels`");
    }
}

/// Sizes of a few samples, spread over the whole set, as far as they can be read.
fn some_sizes(source: &dyn Source) -> Vec<Size> {
    let looks = source.len().min(16);
    let read = (0..looks).filter_map(|look| source.read(look * source.len() / looks).ok());
    read.map(|read| read.sample.image.size()).collect()
}

fn warnings(source: &dyn Source, test: Option<&dyn Source>, small: Vec<String>) -> Vec<String> {
    let sources = [Some(source), test];
    sources.iter().flatten().flat_map(|source| source.census().warnings.clone()).chain(small).collect()
}

/// Where decoded pictures can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// In the process's memory.
    Memory,
    /// In a file.
    Disk,
}

impl Data {
    /// Notes how much room decoded pictures will take: of the few that were looked at the mean for each, and an eighth more.
    fn caching(mut self, top: &Fields, cache: Option<Cache>) -> Self {
        let Some(cache) = cache else { return self };
        if top.has("write") {
            top.complain("source", "`cache` has nothing to do: [write] reads every sample once", "leave it out");
        } else if self.source.fixed_size().is_some() {
            self.warnings.push("`cache` has nothing to do: these pictures are in memory already".to_owned());
        } else {
            let pictures = (self.source.len() * cached::renditions(&*self.source)) as u64;
            let each = self.typical_pixels() * self.channels as u64;
            self.cache = Some((cache, pictures.saturating_mul(each + each / 8)));
        }
        self
    }

    /// Problems where decoding at a smaller scale has nothing to do, and a word about it where it has.
    pub fn scaling(&mut self, top: &Fields, augment: &Chain) {
        if !self.scaled {
            return;
        }
        let refusals = [
            (top.has("write"), "[write] makes all variants of a picture that is decoded once, whole"),
            (self.cache.is_some(), "`cache` keeps whole pictures"),
            (self.source.parts().is_none(), "only picture files are decoded in part: format = \"image_folder\" or \"manifest\""),
            (
                !augment.can_scale(),
                "[[augment]] must begin with a `resized_crop` that averages (antialias, bilinear or bicubic), unfused",
            ),
        ];
        for (_, why) in refusals.iter().filter(|(refused, _)| *refused) {
            top.complain("source", format!("decode = \"scaled\" has nothing to do: {why}"), "leave it out, or decode = \"exact\"");
        }
        let words = "decode = \"scaled\": training JPEGs are decoded at a half, a quarter or an eighth where a crop is larger than \
                     needed; pixels differ a little from those of decode = \"exact\"";
        self.warnings.push(words.to_owned());
    }

    /// Begins to keep decoded pictures, on disk in `runs`; a problem where there is not enough room.
    pub fn keeping(self, top: &Fields, runs: &Path) -> Self {
        let Some((cache, room)) = self.cache else { return self };
        if cache == Cache::Disk {
            let existing = runs.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
            let free = rustix::fs::statvfs(existing).map_or(u64::MAX, |space| space.f_bavail * space.f_frsize);
            if room > free {
                let (needed, free) = (room >> 20, free >> 20);
                let message = format!("decoded pictures take {needed} MiB, and {} has {free} MiB free", existing.display());
                top.complain("source", message, "leave out cache = \"disk\", or set report.path to a larger disk");
                return self;
            }
        }
        let keep = if cache == Cache::Memory { Keep::Memory } else { Keep::Disk(runs.to_path_buf()) };
        Self { source: cached::cached(self.source, keep, room), ..self }
    }

    /// The size that every picture has after the chains; a problem where they disagree or it varies and batches are to be made.
    pub fn common_size(&self, top: &Fields, augment: &Chain, evaluate: &Chain) -> Option<Size> {
        let (train, other) = (self.usual_size(augment), self.usual_size(evaluate));
        let help = "end both chains at one size: op = \"resize\", \"resized_crop\", \"crop\" or \"center_crop\"";
        if top.has("write") {
            return None;
        }
        self.refuse_small(top, augment, evaluate);
        match (train, other) {
            (Some(train), Some(other)) if train == other => return Some(train),
            (Some(train), Some(other)) => {
                top.complain("augment", format!("training pictures end as {train}, all others as {other}"), help);
            }
            (None, _) => top.complain("augment", "training pictures have different sizes after [[augment]]", help),
            (_, None) => top.complain("evaluate", "validation and test pictures have different sizes after [[evaluate]]", help),
        }
        None
    }

    /// The size that a chain gives to more than half of the pictures looked at; a few others are set aside when they are met.
    fn usual_size(&self, chain: &Chain) -> Option<Size> {
        if self.sizes.is_empty() {
            return chain.out_size(None);
        }
        let sizes: Vec<Option<Size>> = self.sizes.iter().map(|&size| chain.out_size(Some(size))).collect();
        let count = |size: &Option<Size>| sizes.iter().filter(|other| *other == size).count();
        sizes.iter().find(|size| 2 * count(size) > sizes.len()).copied().flatten()
    }

    /// A problem where every picture is too small for a chain: known at once where all have one size, else from the first few.
    fn refuse_small(&self, top: &Fields, augment: &Chain, evaluate: &Chain) {
        for (chain, key) in [(augment, "augment"), (evaluate, "evaluate")] {
            let refused = self.sizes.iter().map(|&size| chain.refuses(size)).collect::<Option<Vec<String>>>();
            if let Some(why) = refused.as_ref().and_then(|refused| refused.first()) {
                let help = "lower the size, or give the operation small = \"pad\" or \"resize\"";
                top.complain(key, format!("every picture that was looked at is refused by {why}"), help);
            }
        }
    }
}
