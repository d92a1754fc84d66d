//! Looks through the members of archives, which of them make up a sample, and what is wrong. Knows no class number.

use super::super::escape;
use super::super::tar::{self, Member};
use super::SHOWN;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const PICTURES: [&[u8]; 6] = [b"jpg", b"jpeg", b"png", b"webp", b"bmp", b"npy"];
const HIDDEN: &str = "hidden members, and members without a dot in their name";
const NO_PICTURE: &str = "samples without a picture";
/// The longest class.
const LONGEST_CLASS: u64 = 1024;

/// A sample in an archive.
pub(super) struct Entry {
    /// Where its name begins among all names.
    pub start: u64,
    pub name_length: u32,
    pub archive: u32,
    pub label: u32,
    pub offset: u64,
    pub length: u64,
}

/// Samples as they are found.
#[derive(Default)]
pub(super) struct Found {
    pub names: Vec<u8>,
    pub entries: Vec<Entry>,
    /// Each different class, by its number of appearance: an entry's label until all are known.
    pub classes: HashMap<String, u32>,
    pub filtered: BTreeMap<&'static str, u64>,
    /// Samples without a class: the first ones' names, and how many.
    pub unlabelled: (Vec<String>, u64),
}

/// The sample whose members are being met.
#[derive(Default)]
struct Group {
    key: Vec<u8>,
    extensions: Vec<Vec<u8>>,
    picture: Option<Member>,
    class: Option<String>,
}

impl Found {
    /// Adds the samples of an archive.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn look_through(&mut self, archive: u32, path: &Path) -> std::result::Result<(), String> {
        let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
        let metadata = file.metadata().map_err(|error| format!("cannot be read: {error}"))?;
        if !metadata.is_file() {
            return Err("is no file".to_owned());
        }
        let (mut group, mut seen) = (Group::default(), HashSet::new());
        tar::scan(&file, metadata.len(), |member| self.take(archive, &file, member, &mut group, &mut seen))?;
        self.close(archive, group);
        Ok(())
    }

    fn take(
        &mut self,
        archive: u32,
        file: &File,
        member: Member,
        group: &mut Group,
        seen: &mut HashSet<Vec<u8>>,
    ) -> std::result::Result<(), String> {
        let base = member.name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let dot = member.name[base..].iter().position(|&byte| byte == b'.').map(|dot| base + dot);
        let Some(dot) = dot.filter(|&dot| dot > base) else {
            *self.filtered.entry(HIDDEN).or_default() += 1;
            return Ok(());
        };
        let (key, extension) = (&member.name[..dot], member.name[dot + 1..].to_ascii_lowercase());
        let shown = || escape(&member.name);
        if group.key != key {
            if !seen.insert(key.to_vec()) {
                return Err(format!("{} comes a second time", shown()));
            }
            let done = std::mem::replace(group, Group { key: key.to_vec(), ..Group::default() });
            self.close(archive, done);
        }
        if group.extensions.contains(&extension) {
            return Err(format!("{} comes a second time", shown()));
        }
        if PICTURES.contains(&extension.as_slice()) {
            if group.picture.is_some() {
                return Err(format!("{} is a second picture of one sample", shown()));
            }
            group.picture = Some(member.clone());
        } else if extension == b"cls" {
            group.class = Some(read_class(file, &member).map_err(|why| format!("{}: {why}", shown()))?);
        }
        group.extensions.push(extension);
        Ok(())
    }

    fn close(&mut self, archive: u32, group: Group) {
        if group.key.is_empty() {
            return;
        }
        let Some(picture) = group.picture else {
            *self.filtered.entry(NO_PICTURE).or_default() += 1;
            return;
        };
        let Some(class) = group.class else {
            if self.unlabelled.0.len() < SHOWN {
                self.unlabelled.0.push(escape(&group.key));
            }
            self.unlabelled.1 += 1;
            return;
        };
        let next = self.classes.len() as u32;
        let label = *self.classes.entry(class).or_insert(next);
        let (start, name_length) = (self.names.len() as u64, group.key.len() as u32);
        self.names.extend_from_slice(&group.key);
        let (offset, length) = (picture.offset, picture.length);
        self.entries.push(Entry { start, name_length, archive, label, offset, length });
    }
}

fn read_class(file: &File, member: &Member) -> std::result::Result<String, String> {
    if member.length > LONGEST_CLASS {
        return Err(format!("a class of {} bytes", member.length));
    }
    let mut bytes = vec![0; member.length as usize];
    file.read_exact_at(&mut bytes, member.offset).map_err(|error| error.to_string())?;
    match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err("no class".to_owned()),
    }
}
