//! Whether a prepared set is what was written: its description, the list of every shard, and the archives' ends and beginnings at once;
//! the records themselves when they are read, or when a writer goes on. Decodes nothing.

use super::set::{DESCRIPTION, Description, Layout, Owner, Place, Shard};
use super::tar;
use crate::error::Problem;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

const AGAIN: &str = "write the set again, or complete it with `pipeline run … --resume`, which replaces what is broken";

/// Reads `prepared.json` in `folder`.
///
/// # Errors
/// Why it is no description.
pub fn description(folder: &Path) -> Result<Description, Problem> {
    let path = folder.join(DESCRIPTION);
    let bytes = fs::read(&path).map_err(|error| {
        let help = "is this a folder that a pipeline with [write] has filled?";
        Problem::new(format!("cannot read {}: {error}", path.display()), help)
    })?;
    Description::parse(&bytes).map_err(|why| Problem::new(format!("{}: {why}", path.display()), "write the set again"))
}

/// Reads the list of shard `number` and looks at its files from outside: their lengths, beginnings and ends, and the checksum of
/// its index. Gives for each sample the bytes that all its renditions take.
///
/// # Errors
/// What is missing, cut, exchanged, or of another set.
pub fn shard(folder: &Path, set: &Description, number: u64) -> Result<(Shard, Vec<u64>), Problem> {
    let found = list(folder, set, number)?;
    let mut sums = Vec::with_capacity(found.samples.len());
    each_place(folder, set, &found, |at, place| {
        if at % set.renditions() == 0 {
            sums.push(0);
        }
        sums.last_mut().into_iter().for_each(|sum| *sum += place.length);
        Ok(())
    })?;
    match set.layout {
        Layout::Shards => (0..set.renditions()).try_for_each(|rendition| archive(folder, set, &found, rendition))?,
        Layout::ImageFolder => pictures(folder, set, &found)?,
    }
    Ok((found, sums))
}

/// As [`shard`], and holds every byte of every record against its checksum.
///
/// # Errors
/// As [`shard`], and the first record that is not what was written.
pub fn shard_and_records(folder: &Path, set: &Description, number: u64) -> Result<Shard, Problem> {
    let (found, _) = shard(folder, set, number)?;
    let archives: Vec<File> = match set.layout {
        Layout::ImageFolder => Vec::new(),
        Layout::Shards => (0..set.renditions())
            .map(|rendition| open(&folder.join(set.archive_name(rendition, number))))
            .collect::<Result<_, _>>()?,
    };
    each_place(folder, set, &found, |at, place| {
        let (sample, rendition) = (&found.samples[at / set.renditions()], at % set.renditions());
        let bytes = match archives.get(rendition) {
            Some(archive) => record(archive, place),
            None => fs::read(folder.join(set.picture_name(rendition, sample.label, &sample.identity))),
        };
        match bytes.is_ok_and(|bytes| blake3::hash(&bytes).as_bytes() == &place.blake3) {
            true => Ok(()),
            false => Err(broken(folder, number, &format!("the record of {} is not what was written", sample.identity))),
        }
    })?;
    Ok(found)
}

/// The bytes of a record, whose length has been held against the archive's.
///
/// # Errors
/// The system's, or an archive that has become shorter.
pub fn record(archive: &File, place: Place) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; place.length as usize];
    archive.read_exact_at(&mut bytes, place.offset)?;
    Ok(bytes)
}

fn broken(folder: &Path, number: u64, why: &str) -> Problem {
    Problem::new(format!("{}: shard {number}: {why}", folder.display()), AGAIN)
}

fn open(path: &Path) -> Result<File, Problem> {
    File::open(path).map_err(|error| Problem::new(format!("cannot read {}: {error}", path.display()), AGAIN))
}

/// The shard's list, if it is one of this set and of this number.
fn list(folder: &Path, set: &Description, number: u64) -> Result<Shard, Problem> {
    let path = folder.join(Shard::name(number));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message =
                format!("{}: shard {number} of {} is missing: there is no {}", folder.display(), set.shards(), path.display());
            return Err(Problem::new(message, "complete the set: `pipeline run … --resume`, with --shard on each machine"));
        }
        Err(error) => return Err(Problem::new(format!("cannot read {}: {error}", path.display()), AGAIN)),
    };
    let found = Shard::parse(&bytes).map_err(|why| Problem::new(format!("{}: {why}", path.display()), AGAIN))?;
    let series = if set.layout == Layout::Shards { set.renditions() } else { 0 };
    match found {
        _ if found.export != set.export => Err(Problem::new(format!("{} is of another set", path.display()), AGAIN)),
        _ if found.shard != number => Err(Problem::new(format!("{} is shard {}", path.display(), found.shard), AGAIN)),
        _ if found.of != set.shards() || found.archives.len() != series => {
            Err(Problem::new(format!("{} does not fit {DESCRIPTION}", path.display()), AGAIN))
        }
        found => Ok(found),
    }
}

/// Goes through the shard's index from start to end; its length and checksum must be those of the list.
fn each_place(
    folder: &Path,
    set: &Description,
    shard: &Shard,
    mut take: impl FnMut(usize, Place) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let path = folder.join(Shard::index_name(shard.shard));
    let other = || Problem::new(format!("{} is not what was written", path.display()), AGAIN);
    let file = open(&path)?;
    let count = shard.samples.len() * set.renditions();
    if file.metadata().map_or(0, |found| found.len()) != (count * Place::BYTES) as u64 {
        return Err(other());
    }
    // Hashed first: nothing that it says is believed before.
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&file).map_err(|_| other())?;
    if hasher.finalize().to_hex().as_str() != shard.index_blake3 {
        return Err(other());
    }
    let mut entries = io::BufReader::with_capacity(1 << 16, open(&path)?);
    let mut entry = [0; Place::BYTES];
    for at in 0..count {
        entries.read_exact(&mut entry).map_err(|_| other())?;
        take(at, Place::from_bytes(&entry))?;
    }
    Ok(())
}

/// An archive's length, beginning and end.
fn archive(folder: &Path, set: &Description, shard: &Shard, rendition: usize) -> Result<(), Problem> {
    let path = folder.join(set.archive_name(rendition, shard.shard));
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(broken(folder, shard.shard, &format!("{} is missing", path.display())));
        }
        Err(error) => return Err(Problem::new(format!("cannot read {}: {error}", path.display()), AGAIN)),
    };
    let wanted = set.archive_head(rendition, shard.shard);
    let mut head = vec![0; wanted.len()];
    let length = file.metadata().map_or(0, |found| found.len());
    let begins = file.read_exact_at(&mut head, 0).is_ok();
    if begins && head != wanted {
        let why = match Owner::of(&head) {
            Some(owner) if owner.export != set.export => "is of another set".to_owned(),
            Some(owner) => format!("is shard {} of the series {}", owner.shard, owner.series),
            None => "does not begin as it was written".to_owned(),
        };
        return Err(Problem::new(format!("{} {why}", path.display()), AGAIN));
    }
    let expected = shard.archives[rendition];
    if length != expected {
        let mut whole = 0;
        each_place(folder, set, shard, |at, place| {
            let inside = at % set.renditions() == rendition && place.offset.saturating_add(place.length) <= length;
            whole += usize::from(inside);
            Ok(())
        })?;
        let records = shard.samples.len();
        let why = format!("{} has {whole} of {records} records: {length} of {expected} bytes", path.display());
        return Err(Problem::new(format!("shard {}: {why}", shard.shard), AGAIN));
    }
    let mut end = tar::END;
    match file.read_exact_at(&mut end, length.saturating_sub(tar::END.len() as u64)) {
        Ok(()) if end == tar::END => Ok(()),
        _ => Err(Problem::new(format!("{} does not end as it was written", path.display()), AGAIN)),
    }
}

/// Whether every picture of the shard is there; what is in it is seen when it is read.
fn pictures(folder: &Path, set: &Description, shard: &Shard) -> Result<(), Problem> {
    for sample in &shard.samples {
        for rendition in 0..set.renditions() {
            let path = folder.join(set.picture_name(rendition, sample.label, &sample.identity));
            fs::metadata(&path).map_err(|error| Problem::new(format!("{}: {error}", path.display()), AGAIN))?;
        }
    }
    Ok(())
}

/// Archives and lists in `folder` that are not of `set`: left over from another one, or copied there under another name.
pub fn strangers(folder: &Path, set: &Description) -> Vec<Problem> {
    let number = |name: &str| name.rsplit(['-', '.']).find_map(|part| part.parse::<u64>().ok());
    let expected = |name: &str| {
        number(name).filter(|&number| number < set.shards()).is_some_and(|number| {
            let lists = [Shard::name(number), Shard::index_name(number)].iter().any(|list| list == name);
            let series = name.strip_suffix(&format!("-{number:06}.tar"));
            lists || series.is_some_and(|series| is_series(series, set))
        })
    };
    let is_ours = |name: &String| {
        let list = |ending: &str| {
            name.strip_suffix(ending).is_some_and(|stem| stem.len() >= 6 && stem.bytes().all(|b| b.is_ascii_digit()))
        };
        name.ends_with(".tar") || list(".json") || list(".index")
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // A class may be called like an archive.
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let strange = names.into_iter().filter(|name| !name.starts_with('.')).filter(is_ours).filter(|name| !expected(name));
    strange.map(|name| Problem::new(format!("{} does not belong to the set", folder.join(name).display()), "remove it")).collect()
}

fn is_series(series: &str, set: &Description) -> bool {
    let variant = series.strip_prefix('v').and_then(|number| number.parse::<usize>().ok());
    set.layout == Layout::Shards
        && (series == "evaluate" || variant.is_some_and(|at| at < set.variants as usize && set.series(at) == series))
}
