//! A folder whose sub folders are classes.

use super::files::{FileSource, Root};
use super::known::KnownFiles;
use super::scan::Scan;
use super::{Build, Census, Source, SourceSpec, classes, escape, settings};
use crate::config::Fields;
use crate::error::{Error, Result};
use crate::pixels::decode::DecodeOptions;
use crate::registry::Entry;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `image_folder`.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "image_folder",
    about: "Picture files (JPEG, PNG, WebP, BMP) in one folder for each class",
    example: "format = \"image_folder\"\npath = \"data/brands/train\"",
    build,
};

struct ImageFolder {
    path: PathBuf,
    options: DecodeOptions,
    allow_empty: bool,
}

fn build(fields: &Fields, base: &Path) -> Box<dyn SourceSpec> {
    let path = settings::path(fields, base, "path", "the folder that holds the class folders");
    Box::new(ImageFolder { path, options: settings::decode_options(fields), allow_empty: settings::allow_empty(fields) })
}

impl SourceSpec for ImageFolder {
    /// Walks the folder. Classes are its sub folders in the order of their names' bytes; files may stand deeper. Names that
    /// begin with a dot, system files, and whatever is no regular file are left out and counted.
    fn open(&self) -> Result<Box<dyn Source>> {
        let what = escape(self.path.as_os_str().as_bytes());
        let Scan { classes, listing, filtered, .. } = Scan::of(&self.path)?;
        let per_class = listing.counts(classes.len());
        let warnings = classes::check(&what, &classes, &per_class, self.allow_empty)?;
        if listing.len() == 0 {
            return Err(Error::refused(format!("{what} has no file in any class folder"), "is this the right folder?"));
        }
        let filtered: Vec<_> = filtered.into_iter().collect();
        let found = listing.len() as u64 + filtered.iter().map(|(_, count)| count).sum::<u64>();
        let census = Census { found, filtered, warnings, per_class };
        let known = KnownFiles::of(listing.len());
        Ok(Box::new(FileSource { root: Root::new(self.path.clone()), classes, listing, options: self.options, census, known }))
    }
}
