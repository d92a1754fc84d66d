//! Files that are seen whole or not at all. Knows nothing of what is in them.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Puts a file of `bytes` at `path`: written beside it under a hidden name, flushed to the disk, then renamed over it. Whoever
/// looks at `path`, after a crash too, finds the old file or the new one. One writer a path at a time.
///
/// # Errors
/// [`Error::Io`] with the path; the file that stood there before is untouched and nothing is left beside it.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    // A fixed name: what a killed process left behind is overwritten by the next one instead of piling up.
    let beside = neighbour(path);
    let written = fill(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // A file whose flush failed is not to be trusted; the first failure is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(|error| Error::io("cannot write", path)(explained(error, path, bytes.len())))?;
    flush_folder(path).map_err(Error::io("cannot write", path))
}

/// A file that is written piece by piece and still seen whole or not at all: it has its name once [`Draft::finish`] has given it one.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    /// None once it is finished.
    file: Option<BufWriter<File>>,
}

impl Draft {
    /// A draft of the file at `path`, which stays as it is until the draft is finished.
    ///
    /// # Errors
    /// [`Error::Io`] where nothing can be written there.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let file = File::create(neighbour(&path)).map_err(Error::io("cannot write", &path))?;
        Ok(Self { path, file: Some(BufWriter::new(file)) })
    }

    /// The file that it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// [`Error::Io`]; what stood there is untouched.
    pub fn finish(mut self) -> Result<()> {
        let flushed = match self.file.as_mut() {
            Some(file) => {
                let waiting = file.buffer().len();
                let flushed = file.flush().and_then(|()| file.get_ref().sync_all());
                flushed.map_err(|error| explained(error, &self.path, waiting))
            }
            None => Ok(()),
        };
        flushed.and_then(|()| fs::rename(neighbour(&self.path), &self.path)).map_err(Error::io("cannot write", &self.path))?;
        self.file = None;
        flush_folder(&self.path).map_err(Error::io("cannot write", &self.path))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes));
        written.map_err(|error| explained(error, &self.path, bytes.len()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What cannot be removed is overwritten by the next draft.
            let _ = fs::remove_file(neighbour(&self.path));
        }
    }
}

/// What a full disk would have needed, and what it has.
fn explained(error: std::io::Error, path: &Path, needed: usize) -> std::io::Error {
    if error.kind() != std::io::ErrorKind::StorageFull {
        return error;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let free = rustix::fs::statvfs(folder).map_or(0, |space| space.f_bavail * space.f_frsize);
    let words = format!("{error}: {needed} bytes are needed, {free} are free; make room, then go on with --resume");
    std::io::Error::new(std::io::ErrorKind::StorageFull, words)
}

/// The hidden name beside `path` under which it is written.
pub(super) fn neighbour(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

fn fill(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename last: the folder is a file of its own to the disk.
fn flush_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write_atomic(&path, b"a long first version").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_is_not_seen_before_it_is_finished_and_leaves_nothing_if_it_never_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        fs::write(&path, b"before").unwrap();
        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"half").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"before");
        drop(draft);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"whole").unwrap();
        draft.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), fs::read_dir(&folder).unwrap().count()), (&b"whole"[..], 1));
        assert!(Draft::create(folder.path().join("absent/file")).unwrap_err().to_string().contains("absent"));
    }

    #[test]
    fn what_a_killed_writer_left_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        fs::write(neighbour(&path), b"half a fi").unwrap();
        write_atomic(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_names_the_file_and_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        let refused = write_atomic(&taken, b"x").unwrap_err();
        assert!(refused.to_string().contains("taken"), "{refused}");
        assert_eq!(refused.exit_code(), 4);
        assert!(taken.join("inside").is_dir());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the temporary file is gone");
        assert!(write_atomic(folder.path().join("absent/file"), b"x").is_err());
    }
}
