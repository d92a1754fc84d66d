//! The files of a folder, at any depth, as they stand there. Knows no picture and no class.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a walk found.
#[derive(Default)]
pub struct Tree {
    /// Paths from the root, as raw bytes, in their order, with the bytes of the files.
    pub files: BTreeMap<Vec<u8>, u64>,
    /// Hidden and system files, and what is neither file nor folder.
    pub left_out: u64,
}

/// Names that systems leave behind, beside those that begin with a dot.
const SYSTEM: [&[u8]; 4] = [b"Thumbs.db", b"ehthumbs.db", b"desktop.ini", b"__MACOSX"];

impl Tree {
    /// Walks `root`; links are followed, no folder is entered twice. A link that leads nowhere is a file: reading it will tell.
    ///
    /// # Errors
    /// [`Error::Io`] for a folder that cannot be read.
    pub fn of(root: &Path) -> Result<Self> {
        if !root.is_dir() {
            return Err(Error::refused(format!("there is no folder {}", root.display()), "give the folder whose files are meant"));
        }
        let (mut tree, mut walked, mut folders) = (Tree::default(), HashSet::new(), vec![Vec::new()]);
        while let Some(folder) = folders.pop() {
            let path = root.join(OsStr::from_bytes(&folder));
            let seen = fs::metadata(&path).map_err(Error::io("cannot read", &path))?;
            if walked.insert((seen.dev(), seen.ino())) {
                tree.list(&path, &folder, &mut folders)?;
            }
        }
        Ok(tree)
    }

    fn list(&mut self, path: &Path, folder: &[u8], folders: &mut Vec<Vec<u8>>) -> Result<()> {
        for entry in fs::read_dir(path).map_err(Error::io("cannot read", path))? {
            let entry = entry.map_err(Error::io("cannot read", path))?;
            let alone = entry.file_name().into_vec();
            let name = if folder.is_empty() { alone.clone() } else { [folder, b"/", &alone].concat() };
            match fs::metadata(entry.path()) {
                _ if alone.starts_with(b".") || SYSTEM.contains(&alone.as_slice()) => self.left_out += 1,
                Ok(found) if found.is_dir() => folders.push(name),
                Ok(found) if found.is_file() => drop(self.files.insert(name, found.len())),
                Ok(_) => self.left_out += 1,
                Err(_) => drop(self.files.insert(name, 0)),
            }
        }
        Ok(())
    }

    /// Leaves out the file `other`, which may stand in the folder without belonging to it.
    pub fn without(mut self, root: &Path, other: &Path) -> Self {
        let real = |path: &Path| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(parent.canonicalize().ok()?.join(path.file_name()?))
        };
        let inside = real(other).zip(root.canonicalize().ok());
        if let Some(name) = inside.as_ref().and_then(|(other, root)| other.strip_prefix(root).ok()) {
            self.files.remove(name.as_os_str().as_bytes());
        }
        self
    }
}

/// The path of a file of the tree.
pub fn place(root: &Path, name: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(name))
}
