//! `pipeline data hash`: the BLAKE3 of every file of a folder.

use super::crew;
use super::sums::{self, Hash};
use super::tree::{Tree, place};
use crate::error::{Error, Result};
use crate::job::say;
use crate::report::{count, printable, write_atomic};
use crate::source::escape;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct HashRequest {
    /// The folder.
    pub path: PathBuf,
    /// File for the list; none prints it.
    pub out: Option<PathBuf>,
    /// Threads; none is one a core.
    pub workers: Option<u16>,
    /// Whether the list is printed as one JSON document, with sizes.
    pub json: bool,
}

/// Hashes all files, and writes the list: see [`sums`](super::sums) for what it looks like. Hidden and system files are left out, as
/// they are when pictures are listed.
///
/// # Errors
/// [`Error::Refused`] where there is no folder or no file, [`Error::Io`] for the first file that cannot be read: then there is no list.
pub fn hash(request: &HashRequest) -> Result<()> {
    let root = &request.path;
    let tree = Tree::of(root)?;
    let tree = request.out.iter().fold(tree, |tree, out| tree.without(root, out));
    if tree.files.is_empty() {
        return Err(Error::refused(format!("there is no file in {}", root.display()), "is this the right folder?"));
    }
    let mut hashes = BTreeMap::new();
    for (name, hash) in hashes_of(root, tree.files.keys().collect(), request.workers)? {
        hashes.insert(name.clone(), hash.map_err(Error::io("cannot read", place(root, name)))?);
    }
    if let Some(out) = &request.out {
        write_atomic(out, &sums::to_text(&hashes))?;
    }
    let (files, bytes) = (hashes.len() as u64, tree.files.values().sum::<u64>());
    match (request.json, &request.out) {
        (true, out) => say(&as_json(root, out.as_deref(), &tree, &hashes)),
        (false, None) => say(&String::from_utf8_lossy(&sums::to_text(&hashes))),
        (false, Some(out)) => {
            let left_out = tree.left_out;
            let (from, to) = (printable(&root.display().to_string()), printable(&out.display().to_string()));
            say(&format!("{to}: {} files of {from}, {} bytes; {left_out} hidden files left out\n", count(files), count(bytes)))
        }
    }
}

/// The hash of each file, in the order given.
///
/// # Errors
/// Where the system gives no threads. A file that cannot be read is an answer.
pub fn hashes_of<'n>(root: &Path, names: Vec<&'n Vec<u8>>, workers: Option<u16>) -> Result<Vec<(&'n Vec<u8>, io::Result<Hash>)>> {
    let hashes = crew::each(names.len(), workers, "hashing", |index| hash_of(&place(root, names[index])))?;
    Ok(names.into_iter().zip(hashes).collect())
}

fn hash_of(path: &Path) -> io::Result<Hash> {
    // A pipe that has taken a file's place would never end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(*hasher.finalize().as_bytes())
}

fn as_json(root: &Path, out: Option<&Path>, tree: &Tree, hashes: &BTreeMap<Vec<u8>, Hash>) -> String {
    let file = |(name, hash): (&Vec<u8>, &Hash)| {
        let bytes = tree.files.get(name).copied().unwrap_or(0);
        serde_json::json!({ "path": escape(name), "bytes": bytes, "blake3": blake3::Hash::from_bytes(*hash).to_hex().as_str() })
    };
    let files: Vec<serde_json::Value> = hashes.iter().map(file).collect();
    let bytes: u64 = tree.files.values().sum();
    let document = serde_json::json!({
        "path": root, "out": out, "count": files.len(), "bytes": bytes, "left_out": tree.left_out, "files": files,
    });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
