//! Samples that are files, one picture each: reads and decodes them. Knows no rule by which they were listed.

use super::escape::escape;
use super::known::KnownFiles;
use super::listing::{Listing, Stamp};
use super::{Census, Parts, Read, Source};
use crate::pixels::decode::{Choice, DecodeOptions, Note, decode_choice};
use crate::sample::{BadSample, Identity, Sample, Size};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind::{IsADirectory, NotFound, PermissionDenied, UnexpectedEof, WouldBlock};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Listed picture files below a root.
pub(super) struct FileSource {
    pub root: Root,
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
        let bytes = self.root.read_unchanged(self.listing.name(index), self.listing.stamp(index), self.options.limits.max_bytes);
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
        self.read_part(index, &self.identity(index), &|_| None)
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
    fn read_part(&self, index: usize, identity: &Identity, choose: &dyn Fn(Size) -> Option<Choice>) -> Result<Read, BadSample> {
        let bytes = self.bytes(index)?;
        let worth = KnownFiles::are_worth(bytes.len());
        let mut known = if worth { self.known.get(index) } else { None };
        let was_known = known.is_some();
        let decoded = decode_choice(&bytes, &self.options, choose, &mut known, if worth { self.known.each } else { 0 });
        let decoded = decoded.map_err(|refusal| self.bad(index, "decode", refusal.reason, refusal.words))?;
        if let Some(known) = known.filter(|_| !was_known) {
            self.known.put(index, known);
        }
        let mut notes = decoded.notes;
        let extension = Path::new(OsStr::from_bytes(self.listing.name(index))).extension();
        if extension.is_some_and(|extension| !decoded.format.fits_extension(&extension.to_string_lossy())) {
            notes.insert(0, Note::Misnamed);
        }
        let sample = Sample { identity: identity.clone(), label: self.label(index), image: decoded.image };
        Ok(Read { sample, notes, part_of: decoded.part_of, turn: decoded.turn })
    }
}

/// The folder that names of files begin in, kept open: the system then finds a file without walking down to the folder again.
pub(super) struct Root {
    path: PathBuf,
    folder: Option<OwnedFd>,
}

impl Root {
    /// The folder at `path`; the working folder where that is empty.
    pub fn new(path: PathBuf) -> Self {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let folder = rustix::fs::open(if path.as_os_str().is_empty() { Path::new(".") } else { &path }, flags, Mode::empty()).ok();
        Self { path, folder }
    }

    /// Opens a file to read, without waiting where a pipe has taken its place.
    fn open(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(match &self.folder {
            Some(folder) => rustix::fs::openat(folder, name, flags, Mode::empty())?.into(),
            None => rustix::fs::open(self.path_of(name), flags, Mode::empty())?.into(),
        })
    }

    fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }

    /// The whole file `name`, if it is what it was when it was listed. Its size and time of change are looked at once it has been read:
    /// had they been others before, they would still be.
    fn read_unchanged(&self, name: &[u8], stamp: Stamp, max_bytes: u64) -> Result<Vec<u8>, Unread> {
        let changed = |what: &str| ("changed since scan".to_owned(), what.to_owned());
        if stamp == Stamp::UNKNOWN {
            let opened = retry(|| self.open(name)).map_err(|error| self.unread(name, &error));
            return opened.and(Err(changed("another size, time or kind of file")));
        }
        if stamp.size > max_bytes {
            return Err((format!("too large: {} bytes, more than max_bytes = {max_bytes}", stamp.size), String::new()));
        }
        let bytes = retry(|| {
            let mut file = self.open(name)?;
            let mut bytes = vec![0; stamp.size as usize];
            match file.read_exact(&mut bytes) {
                // Too short, a folder, or a pipe without anything in it.
                Err(error) if matches!(error.kind(), UnexpectedEof | IsADirectory | WouldBlock) => return Ok(None),
                outcome => outcome?,
            }
            Ok((stamp_of(&file)? == Some(stamp)).then_some(bytes))
        });
        bytes.map_err(|error| self.unread(name, &error))?.ok_or_else(|| changed("another size, time or kind of file"))
    }

    fn unread(&self, name: &[u8], error: &io::Error) -> Unread {
        match error.kind() {
            NotFound if self.path_of(name).is_symlink() => ("dangling link".to_owned(), error.to_string()),
            NotFound => ("changed since scan".to_owned(), error.to_string()),
            PermissionDenied => ("permission denied".to_owned(), error.to_string()),
            _ => ("cannot be read".to_owned(), error.to_string()),
        }
    }
}

/// None for what is no ordinary file.
fn stamp_of(file: &File) -> io::Result<Option<Stamp>> {
    let stat = rustix::fs::fstat(file)?;
    Ok((FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| Stamp::of_stat(&stat)))
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
