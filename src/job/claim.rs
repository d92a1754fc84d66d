//! Claims run folders, `runs/NAME/N`: one a run, locked while it is being written. Knows nothing of what is in them.

use crate::error::{Error, Result};
use crate::report::write_atomic;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A folder that this process alone writes to. The lock ends with the process, however it ends.
#[derive(Debug)]
pub struct ClaimedFolder {
    path: PathBuf,
    _lock: File,
}

const LOCK: &str = ".lock";
/// Written when a run is over; a folder without it can be resumed.
const DONE: &str = ".done";

impl ClaimedFolder {
    /// The next free number below `runs/name`, or `out`, which must be empty.
    ///
    /// # Errors
    /// [`Error::Refused`] where `out` holds something or is in use; [`Error::Io`] where it cannot be made.
    pub fn create(runs: &Path, name: &str, out: Option<&Path>) -> Result<Self> {
        if let Some(out) = out {
            refuse_if_taken(out)?;
            return Self::open(out);
        }
        let parent = runs.join(name);
        fs::create_dir_all(&parent).map_err(unusable(&parent))?;
        let mut number = numbers(&parent).last().copied().unwrap_or(0) + 1;
        loop {
            let path = parent.join(number.to_string());
            match fs::create_dir(&path) {
                Ok(()) => return Self::open(&path),
                // Another process was faster.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(unusable(&path)(error)),
            }
        }
    }

    /// The folder to go on with: `out`, or the newest unfinished one below `runs/name`.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is none, or where another process is writing to it.
    pub fn resume(runs: &Path, name: &str, out: Option<&Path>) -> Result<Self> {
        match Self::to_resume(runs, name, out) {
            Some(path) => Self::open(&path),
            None => {
                let place = out.map_or_else(|| runs.join(name), Path::to_path_buf).display().to_string();
                Err(Error::refused(format!("there is no run to resume in {place}"), "leave out --resume to start one"))
            }
        }
    }

    /// The folder that [`ClaimedFolder::resume`] would go on with, if there is one.
    pub fn to_resume(runs: &Path, name: &str, out: Option<&Path>) -> Option<PathBuf> {
        let parent = runs.join(name);
        let newest =
            || numbers(&parent).into_iter().rev().map(|n| parent.join(n.to_string())).find(|path| unfinished(path) && begun(path));
        out.map(Path::to_path_buf).or_else(newest).filter(|path| begun(path))
    }

    /// `path` itself, whatever it holds.
    ///
    /// # Errors
    /// [`Error::Refused`] where another process is writing to it.
    pub fn claim(path: &Path) -> Result<Self> {
        Self::open(path)
    }

    fn open(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(unusable(path))?;
        let lock_path = path.join(LOCK);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&lock_path);
        let mut lock = open.map_err(unusable(path))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut owner = String::new();
            // The owner's number is a courtesy; without it the refusal still stands.
            let _ = lock.read_to_string(&mut owner);
            let message = format!("{} is in use by process {}", path.display(), owner.trim());
            return Err(Error::refused(message, "wait for it, or choose another --out"));
        }
        let write = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
        write.map_err(Error::io("cannot write", &lock_path))?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Puts a file in it, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_atomic(self.file(name), bytes)
    }

    /// Keeps what the file `name` holds now under the name `copy` as well, whatever becomes of `name` later. `name` must be a file
    /// that is only ever replaced as a whole: the two share their bytes until then.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_as(&self, name: &str, copy: &str) -> Result<()> {
        let (from, to, fresh) = (self.file(name), self.file(copy), self.file(&format!(".{copy}.new")));
        // Left behind where the process was killed between the next two lines.
        let _ = fs::remove_file(&fresh);
        // A file system without links gets a copy.
        fs::hard_link(&from, &fresh).or_else(|_| fs::copy(&from, &fresh).map(drop)).map_err(Error::io("cannot write", &fresh))?;
        fs::rename(&fresh, &to).map_err(Error::io("cannot write", &to))
    }

    /// Marks the run as over.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(&self) -> Result<()> {
        self.write(DONE, b"")?;
        self.release()
    }

    /// Takes the lock's file away: a finished folder holds results only.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn release(&self) -> Result<()> {
        std::fs::remove_file(self.file(LOCK)).map_err(Error::io("cannot remove", self.file(LOCK)))
    }

    /// Gives up a folder in which nothing has been put; one that holds something stays, without its lock's file.
    pub fn abandon(&self) {
        let _ = std::fs::remove_file(self.file(LOCK));
        // Refused by the system, as it should be, where the folder holds something.
        let _ = std::fs::remove_dir(&self.path);
    }

    /// Whether the run in `path` is over.
    pub fn is_finished(path: &Path) -> bool {
        path.join("checkpoint").is_file() && !unfinished(path)
    }
}

/// Whether a run was begun there: one that was killed before its first checkpoint begins anew.
fn begun(path: &Path) -> bool {
    ["checkpoint", "pipeline.toml", LOCK].iter().any(|name| path.join(name).is_file())
}

/// A folder that cannot be written to, told before any work is done.
fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |error| {
        let help = "choose another folder with --out, or set report.path";
        Error::refused(format!("cannot write to the folder {}: {error}", path.display()), help)
    }
}

fn unfinished(path: &Path) -> bool {
    !path.join(DONE).exists()
}

fn numbers(parent: &Path) -> Vec<u64> {
    let names = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Refuses a path that is a file, or a folder with something other than an old lock in it.
pub fn refuse_if_taken(out: &Path) -> Result<()> {
    if out.is_file() {
        return Err(Error::refused(format!("{} is a file", out.display()), "give a folder"));
    }
    let others = fs::read_dir(out).into_iter().flatten().flatten().filter(|entry| entry.file_name() != LOCK).count();
    match others {
        0 => Ok(()),
        _ => Err(Error::refused(
            format!("{} is not empty", out.display()),
            "choose an empty folder, or --resume to go on with what is in it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_numbered_and_the_newest_unfinished_is_resumed() {
        let runs = tempfile::tempdir().unwrap();
        for number in 1..=3 {
            let folder = ClaimedFolder::create(runs.path(), "x", None).unwrap();
            assert_eq!(folder.path(), runs.path().join("x").join(number.to_string()));
            folder.write("checkpoint", b"c").unwrap();
            if number == 3 {
                folder.finish().unwrap();
            }
        }
        let resumed = ClaimedFolder::resume(runs.path(), "x", None).unwrap();
        assert!(resumed.path().ends_with("x/2"));
        assert_eq!(ClaimedFolder::resume(runs.path(), "y", None).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn what_is_kept_under_another_name_stays_when_the_file_is_replaced() {
        let runs = tempfile::tempdir().unwrap();
        let folder = ClaimedFolder::create(runs.path(), "x", None).unwrap();
        for (content, best) in [("one", true), ("two", false), ("three", true), ("four", false)] {
            folder.write("checkpoint", content.as_bytes()).unwrap();
            if best {
                folder.keep_as("checkpoint", "checkpoint-best").unwrap();
            }
        }
        let read = |name| fs::read_to_string(folder.file(name)).unwrap();
        assert_eq!((read("checkpoint"), read("checkpoint-best")), ("four".to_owned(), "three".to_owned()));
    }

    #[test]
    fn a_folder_in_use_or_not_empty_is_refused() {
        let runs = tempfile::tempdir().unwrap();
        let out = runs.path().join("out");
        let held = ClaimedFolder::create(runs.path(), "x", Some(&out)).unwrap();
        let refused = ClaimedFolder::create(runs.path(), "x", Some(&out)).unwrap_err();
        assert!(refused.to_string().contains(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(held);
        let again = ClaimedFolder::create(runs.path(), "x", Some(&out)).unwrap();
        again.write("report.json", b"{}").unwrap();
        drop(again);
        assert!(ClaimedFolder::create(runs.path(), "x", Some(&out)).unwrap_err().to_string().contains("not empty"));
    }
}
