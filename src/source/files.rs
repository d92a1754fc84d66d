//! Samples that are files, one picture each: reads and decodes them. Knows no rule by which they were listed.

use super::escape::escape;
use super::known::KnownFiles;
use super::listing::{Listing, Stamp};
use super::{Census, Parts, Read, Source};
use crate::pixels::decode::{Choice, DecodeOptions, Note, decode_choice};
use crate::sample::{BadSample, Identity, Sample, Size};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Listed picture files below a root.
pub(super) struct FileSource {
    pub root: PathBuf,
    pub classes: Vec<String>,
    pub listing: Listing,
    pub options: DecodeOptions,
    pub census: Census,
    /// What reading files has found out about them. They stay what they were listed as, so it stays true.
    pub known: KnownFiles,
}

/// Why a file's bytes cannot be had: a short reason, and the system's words.
type Unread = (String, String);

impl FileSource {
    fn bad(&self, index: usize, stage: &'static str, reason: String, words: String) -> BadSample {
        let class = self.classes[self.listing.label(index) as usize].clone();
        BadSample { path: escape(self.listing.name(index)), class, stage, reason, words }
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, BadSample> {
        let path = self.root.join(OsStr::from_bytes(self.listing.name(index)));
        let bytes = read_unchanged(&path, self.listing.stamp(index), self.options.limits.max_bytes);
        bytes.map_err(|(reason, words)| self.bad(index, "read", reason, words))
    }
}

impl Source for FileSource {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.listing.len()
    }

    fn channels(&self) -> usize {
        self.options.channels
    }

    fn fixed_size(&self) -> Option<Size> {
        None
    }

    fn identity(&self, index: usize) -> Identity {
        Identity(escape(self.listing.name(index)).into())
    }

    fn label(&self, index: usize) -> u32 {
        self.listing.label(index)
    }

    fn stored_bytes(&self, index: usize) -> u64 {
        self.listing.stamp(index).size
    }

    fn read(&self, index: usize) -> Result<Read, BadSample> {
        self.read_part(index, &|_| None)
    }

    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }

    fn stored(&self, index: usize) -> Option<Result<Vec<u8>, BadSample>> {
        Some(self.bytes(index))
    }

    fn digest(&self, index: usize) -> Result<[u8; 32], BadSample> {
        self.bytes(index).map(|bytes| *blake3::hash(&bytes).as_bytes())
    }

    fn census(&self) -> &Census {
        &self.census
    }
}

impl Parts for FileSource {
    fn read_part(&self, index: usize, choose: &dyn Fn(Size) -> Option<Choice>) -> Result<Read, BadSample> {
        let bytes = self.bytes(index)?;
        let before = self.known.get(index);
        let was_known = before.is_some();
        let mut known = before;
        let decoded = decode_choice(&bytes, &self.options, choose, &mut known, self.known.each);
        let decoded = decoded.map_err(|refusal| self.bad(index, "decode", refusal.reason, refusal.words))?;
        if let Some(known) = known.filter(|_| !was_known) {
            self.known.put(index, known);
        }
        let mut notes = decoded.notes;
        let extension = Path::new(OsStr::from_bytes(self.listing.name(index))).extension();
        if extension.is_some_and(|extension| !decoded.format.fits_extension(&extension.to_string_lossy())) {
            notes.insert(0, Note::Misnamed);
        }
        let sample = Sample { identity: self.identity(index), label: self.label(index), image: decoded.image };
        Ok(Read { sample, notes, part_of: decoded.part_of, turn: decoded.turn })
    }
}

/// The whole file, if it is what it was when it was listed: the same size and time of change before and after reading.
fn read_unchanged(path: &Path, stamp: Stamp, max_bytes: u64) -> Result<Vec<u8>, Unread> {
    if stamp != Stamp::UNKNOWN && stamp.size > max_bytes {
        return Err((format!("too large: {} bytes, more than max_bytes = {max_bytes}", stamp.size), String::new()));
    }
    let changed = |what: &str| ("changed since scan".to_owned(), what.to_owned());
    let bytes = retry(|| {
        let mut file = open(path)?;
        if stamp_of(&file)? != Some(stamp) {
            return Ok(None);
        }
        let mut bytes = vec![0; stamp.size as usize];
        match file.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            outcome => outcome?,
        }
        Ok((stamp_of(&file)? == Some(stamp)).then_some(bytes))
    });
    match bytes {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(changed("another size, time or kind of file")),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound if path.is_symlink() => ("dangling link".to_owned(), error.to_string()),
            io::ErrorKind::NotFound => changed(&error.to_string()),
            io::ErrorKind::PermissionDenied => ("permission denied".to_owned(), error.to_string()),
            _ => ("cannot be read".to_owned(), error.to_string()),
        }),
    }
}

/// Opens a file to read, without waiting where a pipe has taken its place.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path)
}

fn stamp_of(file: &File) -> io::Result<Option<Stamp>> {
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then(|| Stamp::of(&metadata)))
}

/// Tries again what a failing disk or a stalled network share refused, three times, after 10, 40 and 160 ms.
pub(super) fn retry<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const PASSING: [Errno; 4] = [Errno::IO, Errno::STALE, Errno::INTR, Errno::TIMEDOUT];
    let mut pauses = [10, 40, 160].into_iter();
    loop {
        match attempt() {
            Err(error) if PASSING.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) => match pauses.next() {
                Some(pause) => std::thread::sleep(Duration::from_millis(pause)),
                None => return Err(error),
            },
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_three_times_more_and_what_will_not_is_not() {
        let failing = |errno: Errno, times: u32| {
            let mut attempts = 0;
            let outcome = retry(|| {
                attempts += 1;
                if attempts > times { Ok(()) } else { Err(io::Error::from_raw_os_error(errno.raw_os_error())) }
            });
            (outcome.is_ok(), attempts)
        };
        assert_eq!(failing(Errno::IO, 3), (true, 4));
        assert_eq!(failing(Errno::STALE, 9), (false, 4));
        assert_eq!(failing(Errno::NOENT, 1), (false, 1));
    }
}
