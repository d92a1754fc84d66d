//! `pipeline data verify`: whether a folder still holds what a list of hashes says.

use super::hash::hashes_of;
use super::sums;
use super::tree::{Tree, place};
use crate::error::{Error, Result};
use crate::job::say;
use crate::report::{count, printable};
use crate::source::escape;
use serde::Serialize;
use std::path::PathBuf;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The folder.
    pub path: PathBuf,
    /// The list.
    pub manifest: PathBuf,
    /// Threads; none is one a core.
    pub workers: Option<u16>,
    /// Whether one JSON document is printed.
    pub json: bool,
}

/// What differs. Names are escaped, in the order of their bytes.
#[derive(Debug, Default, Serialize)]
struct Differences {
    path: PathBuf,
    manifest: PathBuf,
    /// Files of the list.
    listed: u64,
    /// Those that are as they were.
    same: u64,
    missing: Vec<String>,
    changed: Vec<String>,
    added: Vec<String>,
    unreadable: Vec<Unreadable>,
}

#[derive(Debug, Serialize)]
struct Unreadable {
    path: String,
    why: String,
}

/// Compares every file, and names all that differ.
///
/// # Errors
/// [`Error::Damaged`] where any differs, [`Error::Refused`] where folder or list cannot be used.
pub fn verify(request: &VerifyRequest) -> Result<()> {
    let (root, manifest) = (&request.path, &request.manifest);
    let text = std::fs::read(manifest).map_err(|error| {
        Error::refused(format!("cannot read {}: {error}", manifest.display()), "`pipeline data hash PATH --out FILE` writes one")
    })?;
    let listed = sums::parse(manifest, &text)?;
    let tree = Tree::of(root)?.without(root, manifest);
    let mut found =
        Differences { path: root.clone(), manifest: manifest.clone(), listed: listed.len() as u64, ..Differences::default() };
    found.added = tree.files.keys().filter(|name| !listed.contains_key(*name)).map(|name| escape(name)).collect();
    // Files that the walk leaves out may stand in a list that another program wrote.
    let is_there = |name: &Vec<u8>| tree.files.contains_key(name) || place(root, name).exists();
    let (there, missing): (Vec<&Vec<u8>>, Vec<&Vec<u8>>) = listed.keys().partition(|name| is_there(name));
    found.missing = missing.into_iter().map(|name| escape(name)).collect();
    for (name, hash) in hashes_of(root, there, request.workers)? {
        match hash {
            Ok(hash) if listed.get(name) == Some(&hash) => found.same += 1,
            Ok(_) => found.changed.push(escape(name)),
            Err(error) => found.unreadable.push(Unreadable { path: escape(name), why: error.to_string() }),
        }
    }
    say(&if request.json { serde_json::to_string_pretty(&found).unwrap_or_default() + "\n" } else { found.text() })?;
    found.verdict()
}

impl Differences {
    fn text(&self) -> String {
        let lines =
            |what: &str, names: &[String]| names.iter().map(|name| format!("{what:<11}{}\n", printable(name))).collect::<String>();
        let unreadable: String =
            self.unreadable.iter().map(|file| format!("{:<11}{}: {}\n", "unreadable", printable(&file.path), file.why)).collect();
        let differing = lines("missing", &self.missing) + &lines("changed", &self.changed) + &lines("added", &self.added);
        let place = printable(&self.path.display().to_string());
        format!("{differing}{unreadable}{place}: {} of {} listed files are as they were\n", count(self.same), count(self.listed))
    }

    fn verdict(&self) -> Result<()> {
        let counts = [
            (self.missing.len(), "missing"),
            (self.changed.len(), "changed"),
            (self.added.len(), "added"),
            (self.unreadable.len(), "unreadable"),
        ];
        let words: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        match words.is_empty() {
            true => Ok(()),
            false => {
                let why = format!("differs from {}: {}", self.manifest.display(), words.join(", "));
                Err(Error::Damaged { path: self.path.clone(), why })
            }
        }
    }
}
