//! What a set will be and which of its shards are left to be written: decided before the first picture is made. Makes no picture for
//! the set.

use super::trial::Trial;
use super::{Request, Share};
use crate::error::{Error, Result};
use crate::job::claim::{ClaimedFolder, refuse_if_taken};
use crate::key::{Key, hash_name};
use crate::plan::{Plan, WriteEnd, fingerprint};
use crate::source::set::{DESCRIPTION, Description, FORMAT, Layout, Shard, escaped};
use crate::source::whole;
use crate::stage::write::Write;
use std::path::Path;

/// What is left to do, and what was done before.
pub struct Work {
    /// Shards to be written, each with its samples' places in the source, in their order.
    pub shards: Vec<(u64, Vec<u32>)>,
    /// Shards that are there and whole.
    pub whole: Vec<Shard>,
    /// Shards of the set.
    pub of: u64,
}

/// What the set will be, and what a look at a few samples says of its size.
///
/// # Errors
/// A disk that is gone.
pub fn describe(plan: &Plan, end: &WriteEnd, out: &Path) -> Result<(Description, Trial)> {
    let mut set = Description {
        format: FORMAT,
        export: String::new(),
        program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        name: plan.name.clone(),
        seed: plan.seed,
        layout: end.layout,
        encoding: end.encoding,
        variants: end.variants,
        classes: plan.data.source.classes().to_vec(),
        channels: plan.data.channels,
        samples: plan.data.source.len() as u64,
        samples_per_shard: 1,
        data: plan.data.digest(),
        pipeline: fingerprint(plan),
    };
    let trial = Trial::of(plan, &Write { augment: plan.augment_stage(), set: &set, out })?;
    set.samples_per_shard = match (end.shard_samples, end.layout) {
        (Some(samples), _) => samples,
        (None, Layout::Shards) => (end.shard_bytes / trial.record.max(1)).max(1),
        (None, Layout::ImageFolder) => (100_000 / set.renditions() as u64).clamp(1, 1000),
    };
    Ok((set.named(), trial))
}

/// Archives of all series are written side by side.
///
/// # Errors
/// More than the system opens for a process.
pub fn refuse_many_files(set: &Description) -> Result<()> {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let needed = set.renditions() as u64 + 64;
    match set.layout == Layout::ImageFolder || needed <= allowed {
        true => Ok(()),
        false => Err(Error::refused(
            format!("{} variants need {needed} open files, the system allows {allowed}", set.variants),
            "lower write.variants, raise `ulimit -n`, or format = \"image_folder\"",
        )),
    }
}

/// Refuses a folder that holds something else, and what this pipeline has left there unless it is to be completed.
///
/// # Errors
/// In which lines the two differ.
pub fn refuse_other_set(set: &Description, out: &Path, resume: bool) -> Result<()> {
    if !out.join(DESCRIPTION).is_file() {
        return if resume && only_hidden(out) { Ok(()) } else { refuse_if_taken(out) };
    }
    let help = "--resume completes a set that was interrupted; otherwise choose an empty folder";
    if !resume {
        return Err(Error::refused(format!("{} is not empty: it holds a set, or a part of one", out.display()), help));
    }
    let then = whole::description(out).map_err(|problem| Error::Refused(vec![problem]))?;
    if then == *set {
        return Ok(());
    }
    let only_in = |a: &Description, b: &Description, mark: &str| -> String {
        let lines = |set: &Description| format!("{}\ndata = {}\nprogram = {}", set.pipeline, set.data, set.program);
        let other = lines(b);
        lines(a).lines().filter(|line| !other.lines().any(|other| other == *line)).map(|line| format!("\n{mark} {line}")).collect()
    };
    let diff = only_in(&then, set, "-") + &only_in(set, &then, "+");
    Err(Error::refused(format!("{} holds a set that differs from what this pipeline would write:{diff}", out.display()), help))
}

/// Whether there is nothing but what a run leaves that was killed before it had begun.
fn only_hidden(out: &Path) -> bool {
    let mut names = std::fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.file_name());
    out.is_dir() && names.all(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Finds out what is to be done, and makes the folder ready for it.
///
/// # Errors
/// Too little room; a folder that cannot be written to.
pub fn begin(plan: &Plan, set: &Description, trial: &Trial, claimed: &ClaimedFolder, request: &Request) -> Result<Work> {
    let share = request.share.unwrap_or(Share::ALL);
    let mut work = Work { shards: Vec::new(), whole: Vec::new(), of: set.shards() };
    let (order, per_shard) = (order(set), set.samples_per_shard as usize);
    for number in (0..set.shards()).filter(|number| number % share.of == share.index) {
        let entries = order.iter().skip(number as usize * per_shard).take(per_shard).copied();
        match request.resume.then(|| whole::shard_and_records(claimed.path(), set, number)) {
            Some(Ok(whole)) => work.whole.push(whole),
            _ => work.shards.push((number, entries.collect())),
        }
    }
    let samples: usize = work.shards.iter().map(|(_, entries)| entries.len()).sum();
    trial.refuse_full_disk(set, samples as u64, claimed.path())?;
    let folders = match set.layout {
        Layout::Shards => Vec::new(),
        Layout::ImageFolder => plan.data.source.classes().iter().map(|class| claimed.file(&escaped(class))).collect(),
    };
    for folder in &folders {
        std::fs::create_dir_all(folder).map_err(Error::io("cannot make the folder", folder))?;
        sweep(folder)?;
    }
    sweep(claimed.path())?;
    claimed.write(DESCRIPTION, set.to_text().as_bytes())?;
    Ok(work)
}

/// The places in the source of the set's samples, in the order of the set: mixed where readers take a shard from start to end.
pub fn order(set: &Description) -> Vec<u32> {
    let mut order: Vec<u32> = (0..set.samples as u32).collect();
    if set.layout == Layout::Shards {
        Key { run: set.seed, epoch: 0, sample: 0, op: hash_name("shards") }.dice().shuffle(&mut order);
    }
    order
}

/// Removes what a killed run was writing: hidden files that have no name yet.
fn sweep(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("cannot read", folder))?.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(b".tmp") {
            std::fs::remove_file(entry.path()).map_err(Error::io("cannot remove", entry.path()))?;
        }
    }
    Ok(())
}
