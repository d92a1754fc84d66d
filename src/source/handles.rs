//! Files that many threads read from, opened when they are first needed. Knows no format.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files that are kept open; others are opened for each read.
const KEPT_OPEN: usize = 256;

/// So many files, by number.
pub(super) struct Handles {
    files: Vec<OnceLock<File>>,
    opened: AtomicUsize,
}

impl Handles {
    pub fn new(count: usize) -> Self {
        Self { files: (0..count).map(|_| OnceLock::new()).collect(), opened: AtomicUsize::new(0) }
    }

    /// Lets `read` have file `number`, which is at `path`.
    ///
    /// # Errors
    /// Of opening or reading it.
    pub fn with<T>(&self, number: usize, path: impl Fn() -> PathBuf, read: impl Fn(&File) -> io::Result<T>) -> io::Result<T> {
        if let Some(file) = self.files[number].get() {
            return read(file);
        }
        let file = File::open(path())?;
        match self.opened.fetch_add(1, Ordering::Relaxed) {
            before if before < KEPT_OPEN => read(self.files[number].get_or_init(|| file)),
            _ => read(&file),
        }
    }
}
