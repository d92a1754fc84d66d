//! Walks a folder whose sub folders are classes. Reads names and sizes, opens no file.
//!
//! Real folders are walked first, then folders that links point to, in the order of their names; a folder that has been
//! walked is not walked again, which ends every loop. The outcome does not depend on the order in which the system lists names.

use super::escape::escape;
use super::files::retry;
use super::listing::{Listing, Stamp};
use crate::error::{Error, Problem, Result};
use rayon::prelude::*;
use rustix::fs::{AtFlags, Mode, OFlags};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const HIDDEN: &str = "hidden and system files";
const LOOSE: &str = "files outside any class folder";
const IRREGULAR: &str = "neither files nor folders (pipes, sockets, devices)";
const WALKED: &str = "links to folders already read";
const LOOP: &str = "links that lead nowhere but in circles";

/// Names that systems leave behind; beside these, every name that begins with a dot.
const SYSTEM: [&[u8]; 6] = [b"Thumbs.db", b"ehthumbs.db", b"desktop.ini", b"__MACOSX", b"@eaDir", b"$RECYCLE.BIN"];

/// Files that one task asks the system about: to hand over fewer costs more than it gains.
const ASKED_TOGETHER: usize = 256;

/// What a walk found.
#[derive(Default)]
pub(super) struct Scan {
    pub classes: Vec<String>,
    pub listing: Listing,
    pub filtered: BTreeMap<&'static str, u64>,
    problems: Vec<Problem>,
    walked: HashSet<(u64, u64)>,
    /// Links to folders, relative to the root, with their labels.
    links: Vec<(Vec<u8>, u32)>,
}

/// A name in a folder, with its kind; links are not followed.
type Named = (Vec<u8>, FileType);

impl Scan {
    /// Walks `root`.
    ///
    /// # Errors
    /// Every folder that cannot be read, up to ten.
    pub fn of(root: &Path) -> Result<Self> {
        let mut scan = Scan::default();
        let names = match scan.enter_root(root).and_then(|()| list(root)) {
            Ok(names) => names,
            Err(error) => return Err(Error::Refused(vec![unreadable(root, &error)])),
        };
        for (label, name) in scan.take_classes(root, names).into_iter().enumerate() {
            scan.classes.push(escape(&name));
            scan.walk(root, name, label as u32);
        }
        scan.finished(root)
    }

    /// Walks `root`, in which there are no classes.
    ///
    /// # Errors
    /// As [`Scan::of`].
    pub fn without_classes(root: &Path) -> Result<Self> {
        let mut scan = Scan::default();
        let names =
            scan.enter_root(root).and_then(|()| list(root)).map_err(|error| Error::Refused(vec![unreadable(root, &error)]))?;
        let mut folders = Vec::new();
        scan.take_names(root, b"", names, 0, &mut folders);
        folders.into_iter().for_each(|folder| scan.walk(root, folder, 0));
        scan.finished(root)
    }

    /// Follows links to folders, and puts the files in order.
    fn finished(mut self, root: &Path) -> Result<Self> {
        self.walk_links(root);
        if !self.problems.is_empty() {
            self.problems.truncate(10);
            return Err(Error::Refused(self.problems));
        }
        self.listing.sort();
        Ok(self)
    }

    /// Marks the root and the folders above it as walked, so that no link leads back up.
    fn enter_root(&mut self, root: &Path) -> io::Result<()> {
        for folder in fs::canonicalize(root)?.ancestors() {
            self.walked.extend(fs::metadata(folder).map(|metadata| (metadata.dev(), metadata.ino())));
        }
        Ok(())
    }

    fn filter(&mut self, rule: &'static str) {
        *self.filtered.entry(rule).or_default() += 1;
    }

    /// The class folders among the names in the root, in order. What is no class is filtered.
    fn take_classes(&mut self, root: &Path, names: Vec<Named>) -> Vec<Vec<u8>> {
        let mut classes = Vec::new();
        let mut linked = Vec::new();
        for (name, kind) in names {
            if is_hidden(&name) {
                self.filter(HIDDEN);
            } else if kind.is_dir() {
                classes.push(name);
            } else if kind.is_symlink() {
                linked.push(name);
            } else {
                self.filter(if kind.is_file() { LOOSE } else { IRREGULAR });
            }
        }
        let place = |name: &[u8]| root.join(std::ffi::OsStr::from_bytes(name));
        let node = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let own: HashSet<_> = classes.iter().filter_map(|name| fs::metadata(place(name)).ok()).map(node).collect();
        for name in linked {
            match fs::metadata(place(&name)) {
                Ok(metadata) if metadata.is_dir() => {
                    let node = node(metadata);
                    if own.contains(&node) || self.walked.contains(&node) { self.filter(WALKED) } else { classes.push(name) }
                }
                Ok(_) => self.filter(LOOSE),
                Err(error) => self.filter(if is_loop(&error) { LOOP } else { LOOSE }),
            }
        }
        classes.sort();
        classes
    }

    /// Walks the folder `first`, relative to the root, and all real folders in it.
    fn walk(&mut self, root: &Path, first: Vec<u8>, label: u32) {
        let mut folders = vec![first];
        while let Some(folder) = folders.pop() {
            let path = join(root, &folder);
            match retry(|| fs::metadata(&path)) {
                Ok(metadata) if !self.walked.insert((metadata.dev(), metadata.ino())) => {
                    self.filter(WALKED);
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    self.problems.push(unreadable(&path, &error));
                    continue;
                }
            }
            match list(&path) {
                Ok(names) => self.take_names(root, &folder, names, label, &mut folders),
                Err(error) => self.problems.push(unreadable(&path, &error)),
            }
        }
    }

    fn take_names(&mut self, root: &Path, folder: &[u8], names: Vec<Named>, label: u32, folders: &mut Vec<Vec<u8>>) {
        // Asked by their place in an open folder, files cost no walk down their whole path.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(join(root, folder), flags, Mode::empty());
        let whole = |alone: &[u8]| if folder.is_empty() { alone.to_vec() } else { [folder, b"/", alone].concat() };
        let look = |alone: &[u8]| match &opened {
            Ok(folder) => Ok(Stamp::of_stat(&rustix::fs::statat(folder, alone, AtFlags::SYMLINK_NOFOLLOW)?)),
            Err(_) => fs::symlink_metadata(join(root, &whole(alone))).map(|found| Stamp::of(&found)),
        };
        let stamp = |(alone, kind): &Named| match kind.is_file() && !is_hidden(alone) {
            true => retry(|| look(alone)).unwrap_or(Stamp::UNKNOWN),
            false => Stamp::UNKNOWN,
        };
        let stamps: Vec<Stamp> = names.par_iter().with_min_len(ASKED_TOGETHER).map(stamp).collect();
        for ((name_alone, kind), stamp) in names.into_iter().zip(stamps) {
            let name = whole(&name_alone);
            if is_hidden(&name_alone) {
                self.filter(HIDDEN);
            } else if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() {
                self.listing.push(&name, label, stamp);
            } else if kind.is_symlink() {
                self.take_link(root, name, label);
            } else {
                self.filter(IRREGULAR);
            }
        }
    }

    fn take_link(&mut self, root: &Path, name: Vec<u8>, label: u32) {
        match retry(|| fs::metadata(join(root, &name))) {
            Ok(found) if found.is_file() => self.listing.push(&name, label, Stamp::of(&found)),
            Ok(found) if found.is_dir() => self.links.push((name, label)),
            Ok(_) => self.filter(IRREGULAR),
            Err(error) if is_loop(&error) => self.filter(LOOP),
            // Dangling, or out of reach: reading it will tell.
            Err(_) => self.listing.push(&name, label, Stamp::UNKNOWN),
        }
    }

    fn walk_links(&mut self, root: &Path) {
        while !self.links.is_empty() {
            let mut links = std::mem::take(&mut self.links);
            links.sort();
            for (name, label) in links {
                self.walk(root, name, label);
            }
        }
    }
}

fn join(root: &Path, name: &[u8]) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(name))
}

/// The names in a folder. Their order does not matter: nothing depends on it until the end, when all are sorted.
fn list(folder: &Path) -> io::Result<Vec<Named>> {
    retry(|| {
        let names = fs::read_dir(folder)?.map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().into_vec(), entry.file_type()?))
        });
        names.collect()
    })
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") || SYSTEM.contains(&name)
}

fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn unreadable(folder: &Path, error: &io::Error) -> Problem {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "paths are relative to the pipeline file",
        io::ErrorKind::PermissionDenied => "grant the right to read and enter it, or take it away",
        _ => "",
    };
    Problem::new(format!("cannot read the folder {}: {error}", escape(folder.as_os_str().as_bytes())), help)
}
