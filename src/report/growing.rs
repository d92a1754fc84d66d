//! A file that is written piece by piece and seen only when it is whole. Knows nothing of what is in it.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Grows beside its place under a hidden name; [`GrowingFile::finish`] puts it there. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct GrowingFile {
    path: PathBuf,
    beside: PathBuf,
    out: Option<BufWriter<File>>,
}

impl GrowingFile {
    /// An empty file that is to stand at `path`. One writer a path at a time.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let beside = super::atomic::neighbour(&path);
        let file = File::create(&beside).map_err(Error::io("cannot write", &path))?;
        Ok(Self { path, beside, out: Some(BufWriter::new(file)) })
    }

    /// Adds `text`.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn add(&mut self, text: &[u8]) -> Result<()> {
        let written = self.out.as_mut().map_or(Ok(()), |out| out.write_all(text));
        written.map_err(Error::io("cannot write", &self.path))
    }

    /// Puts the file in its place, whole, over the one that may stand there.
    ///
    /// # Errors
    /// [`Error::Io`] with the path; then nothing is left of it.
    pub fn finish(mut self) -> Result<()> {
        let out = self.out.take();
        let flushed =
            out.map_or(Ok(()), |out| out.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all()));
        let put = flushed.and_then(|()| fs::rename(&self.beside, &self.path));
        put.map_err(Error::io("cannot write", &self.path))
    }
}

impl Drop for GrowingFile {
    fn drop(&mut self) {
        // Of a finished file there is nothing to remove; what cannot be removed is overwritten by the next one.
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_seen_when_it_is_whole_and_an_unfinished_one_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        let mut file = GrowingFile::create(&path).unwrap();
        (0..9000).for_each(|number| file.add(format!("{number}\n").as_bytes()).unwrap());
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 9000);
        let mut other = GrowingFile::create(&path).unwrap();
        other.add(b"half").unwrap();
        drop(other);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 9000);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(GrowingFile::create(folder.path().join("absent/table.csv")).unwrap_err().to_string().contains("table.csv"));
    }
}
