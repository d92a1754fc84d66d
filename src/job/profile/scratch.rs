//! A folder beside a set that is not written: what a profile stores goes there, and goes with it, however the profile ends.

use crate::error::{Error, Result};
use crate::job::claim::{ClaimedFolder, refuse_if_taken};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder that is to go when a second signal ends the process.
static HELD: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A hidden folder of ours on the file system of a set; removed when it is dropped. What a killed profile left is taken over.
pub struct Scratch {
    claimed: ClaimedFolder,
}

impl Scratch {
    /// A folder beside `set`, or in it where something else is mounted there.
    ///
    /// # Errors
    /// A folder that cannot be written to, is in use by another profile, or holds what is not ours.
    pub fn beside(set: &Path) -> Result<Self> {
        let set = std::path::absolute(set).map_err(Error::io("cannot find", set))?;
        let device = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_dir).map(|found| found.dev());
        let parent = set.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
        let mounted = device(&set).is_some_and(|there| Some(there) != device(parent));
        let name = set.file_name().unwrap_or_default().to_string_lossy();
        let path = if mounted { &set } else { parent }.join(format!(".{name}.profile"));
        if !path.join(".lock").is_file() {
            refuse_if_taken(&path)?;
        }
        fs::create_dir_all(&path).map_err(|error| {
            let help = "what is measured is stored beside write.path: choose another with --set write.path=FOLDER";
            Error::refused(format!("cannot make the folder {}: {error}", path.display()), help)
        })?;
        let scratch = Self { claimed: ClaimedFolder::claim(&path)? };
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
        for entry in fs::read_dir(scratch.claimed.path()).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
        Ok(scratch)
    }

    /// An empty folder in it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.claimed.file(name);
        self.clear(name)?;
        fs::create_dir_all(&path).map_err(Error::io("cannot make the folder", &path))?;
        Ok(path)
    }

    /// Removes that folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear(&self, name: &str) -> Result<()> {
        let path = self.claimed.file(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("cannot remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        leave();
    }
}

/// Removes the folder, if there is one.
pub fn leave() {
    if let Some(path) = HELD.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // Threads that have not ended may put a file where one was just removed.
        for _ in 0..100 {
            if fs::remove_dir_all(&path).is_ok() || !path.exists() {
                break;
            }
        }
    }
}
