//! Pictures without labels, as they are named on a command line: files, and all files in folders. Knows no class.

use super::files::{FileSource, Root};
use super::known::KnownFiles;
use super::listing::{Listing, Stamp};
use super::scan::Scan;
use super::{Census, Source, escape, settings};
use crate::config::Fields;
use crate::error::{Error, Problem, Result};
use crate::pixels::decode::DecodeOptions;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Reads `channels` and the keys in [`super::DECODING`].
pub fn decoding(fields: &Fields) -> DecodeOptions {
    settings::decode_options(fields)
}

/// The files among `paths`, and all files in the folders among them, at any depth. Paths stay in their order; the files of a folder
/// are in the order of their names' bytes, without hidden and system files. A sample is called by its path; its label is 0.
///
/// # Errors
/// [`Error::Refused`] with every path that is not there or cannot be entered, or where there is no file at all.
pub fn pictures(paths: &[PathBuf], options: DecodeOptions) -> Result<Box<dyn Source>> {
    let (mut listing, mut filtered, mut problems) = (Listing::default(), BTreeMap::new(), Vec::new());
    for path in paths {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => match Scan::without_classes(path) {
                Ok(scan) => {
                    scan.filtered.iter().for_each(|(rule, count)| *filtered.entry(*rule).or_default() += count);
                    add_all(&mut listing, path, &scan.listing);
                }
                Err(Error::Refused(more)) => problems.extend(more),
                Err(other) => return Err(other),
            },
            Ok(found) => listing.push(path.as_os_str().as_bytes(), 0, Stamp::of(&found)),
            Err(error) => problems.push(absent(path, &error)),
        }
    }
    if problems.is_empty() && listing.len() == 0 {
        let names: Vec<String> = paths.iter().map(|path| escape(path.as_os_str().as_bytes())).collect();
        problems.push(Problem::new(format!("there is no file in {}", names.join(", ")), "is this the right folder?"));
    }
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    let count = listing.len() as u64;
    let filtered: Vec<(&'static str, u64)> = filtered.into_iter().collect();
    let found = count + filtered.iter().map(|(_, count)| count).sum::<u64>();
    let census = Census { found, filtered, warnings: Vec::new(), per_class: vec![count] };
    let known = KnownFiles::of(listing.len());
    Ok(Box::new(FileSource { root: Root::new(PathBuf::new()), classes: vec![String::new()], listing, options, census, known }))
}

/// Adds the files of `folder`, by their paths from where the folder's own begins.
fn add_all(listing: &mut Listing, folder: &Path, inside: &Listing) {
    for index in 0..inside.len() {
        let path = folder.join(std::ffi::OsStr::from_bytes(inside.name(index)));
        listing.push(path.as_os_str().as_bytes(), 0, inside.stamp(index));
    }
}

fn absent(path: &Path, error: &std::io::Error) -> Problem {
    let name = escape(path.as_os_str().as_bytes());
    match error.kind() {
        std::io::ErrorKind::NotFound => Problem::new(format!("there is no {name}"), "give picture files, or folders of them"),
        _ => Problem::new(format!("cannot look at {name}: {error}"), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use std::fs;

    fn options() -> DecodeOptions {
        decoding(&Fields::empty("none", &Problems::default()))
    }

    fn names(source: &dyn Source) -> Vec<String> {
        (0..source.len()).map(|index| source.identity(index).to_string()).collect()
    }

    #[test]
    fn paths_keep_their_order_and_folders_are_read_in_the_order_of_names() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir_all(root.join("a/deep/er")).unwrap();
        for name in ["z.png", "a/2.png", "a/10.png", "a/deep/er/x.png", "a/.hidden", "a/Thumbs.db"] {
            fs::write(root.join(name), "no picture").unwrap();
        }
        std::os::unix::fs::symlink(root.join("a"), root.join("a/deep/loop")).unwrap();
        let paths = [root.join("z.png"), root.join("a"), root.join("z.png")];
        let source = pictures(&paths, options()).unwrap();
        let expected =
            ["z.png", "a/10.png", "a/2.png", "a/deep/er/x.png", "z.png"].map(|name| root.join(name).display().to_string());
        assert_eq!(names(&*source), expected);
        assert_eq!(source.census().filtered.iter().map(|(_, count)| count).sum::<u64>(), 3);
        let bad = source.read(0).unwrap_err();
        assert!(bad.path == expected[0] && bad.class.is_empty() && bad.stage == "decode", "{bad:?}");
    }

    #[test]
    fn everything_that_is_not_there_is_refused_at_once() {
        let place = tempfile::tempdir().unwrap();
        let absent = ["one.png", "two"].map(|name| place.path().join(name));
        match pictures(&absent, options()) {
            Err(Error::Refused(problems)) => assert_eq!(problems.len(), 2),
            _ => panic!("not refused"),
        }
        let error = pictures(&[place.path().to_owned()], options()).err().unwrap();
        assert!(error.to_string().contains("there is no file in"), "{error}");
    }
}
