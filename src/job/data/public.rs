//! The public data sets: where their files are, what they hash to, how they are laid out. Knows no network.

use super::fetch::{Remote, hidden};
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{Read, copy};
use std::path::Path;

/// A data set that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// Handwritten digits: 60,000 + 10,000, 28x28 gray, four IDX files.
    Mnist,
    /// Ten kinds of things: 50,000 + 10,000, 32x32 RGB, binary batches.
    Cifar10,
}

const MNIST: [Remote<'_>; 4] = [
    Remote {
        name: "train-images-idx3-ubyte.gz",
        bytes: 9_912_422,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    },
    Remote {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 28_881,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    },
    Remote {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 1_648_877,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    },
    Remote {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 4_542,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
];

const CIFAR10: [Remote<'_>; 1] = [Remote {
    name: "cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
}];

/// The folder in CIFAR-10's archive, and ours.
const BATCHES: &str = "cifar-10-batches-bin";
/// 10,000 records of a label and 3 · 32 · 32 values.
const BATCH_BYTES: u64 = 10_000 * 3_073;
/// What is taken out of the archive, and how long it may be at most.
const MEMBERS: [(&str, u64); 7] = [
    ("batches.meta.txt", 4_096),
    ("data_batch_1.bin", BATCH_BYTES),
    ("data_batch_2.bin", BATCH_BYTES),
    ("data_batch_3.bin", BATCH_BYTES),
    ("data_batch_4.bin", BATCH_BYTES),
    ("data_batch_5.bin", BATCH_BYTES),
    ("test_batch.bin", BATCH_BYTES),
];

impl Public {
    /// The folder on the official server, or on the mirror that torchvision uses.
    pub const fn base(self) -> &'static str {
        match self {
            Public::Mnist => "https://ossci-datasets.s3.amazonaws.com/mnist",
            Public::Cifar10 => "https://www.cs.toronto.edu/~kriz",
        }
    }

    /// Its files.
    pub const fn files(self) -> &'static [Remote<'static>] {
        match self {
            Public::Mnist => &MNIST,
            Public::Cifar10 => &CIFAR10,
        }
    }

    /// Where it goes unless told otherwise.
    pub const fn folder(self) -> &'static str {
        match self {
            Public::Mnist => "data/mnist",
            Public::Cifar10 => "data",
        }
    }
}

/// Takes CIFAR-10's batches out of `archive` (tar in gzip) into `folder/cifar-10-batches-bin`. Only regular files of the known
/// names and at most their known lengths are written, each whole or not at all; everything else in the archive is left alone.
///
/// # Errors
/// [`Error::Io`] where a file cannot be read or written; [`Error::Damaged`] where the archive is broken or lacks a file.
pub fn unpack_cifar10(archive: &Path, folder: &Path) -> Result<()> {
    let file = File::open(archive).map_err(Error::io("cannot read", archive))?;
    let target = folder.join(BATCHES);
    fs::create_dir_all(&target).map_err(Error::io("cannot make", &target))?;
    let damaged = |why: String| Error::Damaged { path: archive.to_owned(), why: format!("{why}; remove it and fetch it again") };
    // Never inflates more than twice what the real archive holds, whatever this one claims.
    let inflated = flate2::read::GzDecoder::new(file).take(2 * 7 * BATCH_BYTES);
    let mut missing: Vec<&str> = MEMBERS.iter().map(|(name, _)| *name).collect();
    let mut tar = tar::Archive::new(inflated);
    for entry in tar.entries().map_err(|error| damaged(error.to_string()))? {
        let mut entry = entry.map_err(|error| damaged(error.to_string()))?;
        let Some((name, limit)) = member(&entry.path_bytes()) else { continue };
        let regular = entry.header().entry_type().is_file();
        if !regular || entry.size() > limit || !missing.contains(&name) {
            return Err(damaged(format!("its entry {name} is not a regular file of at most {limit} bytes, or is there twice")));
        }
        put(&mut entry, &target.join(name)).map_err(|error| damaged(format!("its entry {name}: {error}")))?;
        missing.retain(|other| *other != name);
    }
    if missing.is_empty() { Ok(()) } else { Err(damaged(format!("it lacks {}", missing.join(", ")))) }
}

/// The known file that an archive's path means, if it means one.
fn member(path: &[u8]) -> Option<(&'static str, u64)> {
    MEMBERS.into_iter().find(|(name, _)| path == format!("{BATCHES}/{name}").as_bytes())
}

fn put(entry: &mut impl Read, path: &Path) -> std::io::Result<()> {
    let beside = hidden(path);
    let mut file = File::create(&beside)?;
    let put = copy(entry, &mut file).and_then(|_| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    put.inspect_err(|_| {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// An archive with these entries: path, type, content.
    fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            // Past the builder's own checks of paths.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn good() -> Vec<(&'static str, tar::EntryType, &'static [u8])> {
        let paths = [
            "cifar-10-batches-bin/batches.meta.txt",
            "cifar-10-batches-bin/data_batch_1.bin",
            "cifar-10-batches-bin/data_batch_2.bin",
            "cifar-10-batches-bin/data_batch_3.bin",
            "cifar-10-batches-bin/data_batch_4.bin",
            "cifar-10-batches-bin/data_batch_5.bin",
            "cifar-10-batches-bin/test_batch.bin",
        ];
        paths.map(|path| (path, tar::EntryType::Regular, path.as_bytes())).to_vec()
    }

    /// Unpacks into a fresh folder; tells how it went and every file below it.
    fn unpacked(bytes: &[u8]) -> (Result<()>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar.gz");
        File::create(&path).unwrap().write_all(bytes).unwrap();
        let out = folder.path().join("deep/out");
        let done = unpack_cifar10(&path, &out);
        let mut names = Vec::new();
        let mut folders = vec![folder.path().to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.is_dir() {
                    true => folders.push(entry),
                    false => names.push(entry.file_name().unwrap().to_string_lossy().into_owned()),
                }
            }
        }
        names.retain(|name| name != "a.tar.gz");
        names.sort();
        (done, names)
    }

    #[test]
    fn the_known_files_are_taken_and_nothing_else() {
        let mut entries = good();
        entries.insert(0, ("cifar-10-batches-bin/", tar::EntryType::Directory, b""));
        entries.insert(2, ("cifar-10-batches-bin/readme.html", tar::EntryType::Regular, b"<html>"));
        entries.push(("../../../data_batch_1.bin", tar::EntryType::Regular, b"out of the folder"));
        entries.push(("/tmp/data_batch_1.bin", tar::EntryType::Regular, b"absolute"));
        entries.push(("cifar-10-batches-bin/../test_batch.bin", tar::EntryType::Regular, b"around"));
        let (done, names) = unpacked(&archive(&entries));
        done.unwrap();
        assert_eq!(names, MEMBERS.map(|(name, _)| name));
    }

    #[test]
    fn links_doubles_giants_and_gaps_are_refused() {
        let refused = |entries: &[(&str, tar::EntryType, &[u8])]| {
            let (done, names) = unpacked(&archive(entries));
            assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
            done.unwrap_err().to_string()
        };
        let mut linked = good();
        linked[1].1 = tar::EntryType::Symlink;
        assert!(refused(&linked).contains("data_batch_1.bin is not a regular file"));
        let doubled = [good(), good()].concat();
        assert!(refused(&doubled).contains("batches.meta.txt"));
        let giant = vec![0; 5_000];
        let mut large = good();
        large[0].2 = &giant;
        assert!(refused(&large).contains("at most 4096 bytes"));
        assert!(refused(&good()[..5]).contains("it lacks data_batch_5.bin, test_batch.bin"));
    }

    #[test]
    fn an_archive_cut_anywhere_is_refused() {
        let whole = archive(&good());
        for cut in (0..whole.len() - 8).step_by(37) {
            let (done, names) = unpacked(&whole[..cut]);
            assert!(done.is_err() && names.iter().all(|name| !name.starts_with('.')), "cut at {cut}: {names:?}");
        }
    }

    #[test]
    fn every_pin_is_a_sha256() {
        for remote in [Public::Mnist, Public::Cifar10].into_iter().flat_map(Public::files) {
            assert!(remote.sha256.len() == 64 && remote.sha256.bytes().all(|digit| b"0123456789abcdef".contains(&digit)));
        }
    }
}
