//! Where labelled pictures come from. Knows how to find, check and read them, not what happens to them afterwards.
//!
//! A pipeline file's `[source]` table is read into a [`SourceSpec`], which checks nothing but its keys; [`SourceSpec::open`]
//! then looks at the data and refuses, before any work starts, what cannot be used. An opened [`Source`] is read from many
//! threads at once; what is wrong with a single sample is that sample's [`BadSample`], which depends on its file alone.
//!
//! Adding a source: one file with its `ENTRY`, and two lines here.

pub mod cached;
mod cifar;
mod classes;
mod duplicates;
mod escape;
mod files;
mod handles;
mod held;
mod idx;
mod image_folder;
pub mod known;
mod listing;
mod manifest;
mod picture;
mod pictures;
mod prepared;
mod scan;
pub mod set;
mod settings;
mod shards;
pub mod split;
pub mod tar;
mod webdataset;
pub mod whole;

use crate::config::Fields;
use crate::pixels::decode::{Choice, Note, Turn};
use crate::registry::{self, Entry};
use crate::sample::{BadSample, Identity, Sample, Size};
use std::path::Path;

pub use duplicates::{Duplicates, duplicates};
pub use escape::{escape, unescape};
pub use pictures::{decoding, pictures};
pub use settings::DECODING;

/// Builds a source from its keys; paths are relative to the folder given. Problems with keys are noted in the fields.
pub type Build = fn(&Fields, &Path) -> Box<dyn SourceSpec>;

/// All sources that a pipeline file can name.
pub const SOURCES: &[Entry<Build>] =
    &[cifar::ENTRY, idx::ENTRY, image_folder::ENTRY, manifest::ENTRY, prepared::ENTRY, shards::ENTRY];

/// A source as a pipeline file describes it; nothing has been opened yet.
pub trait SourceSpec: Send + Sync {
    /// Finds, lists and checks the data.
    ///
    /// # Errors
    /// [`crate::error::Error::Refused`] with every problem found.
    fn open(&self) -> crate::error::Result<Box<dyn Source>>;
}

/// Reads the table `fields`, whose key `format` names the source, and notes its problems; paths are relative to `base`. None
/// where no known source is named.
pub fn read(fields: &Fields, base: &Path) -> Option<Box<dyn SourceSpec>> {
    let about = format!("kind of source: one of {}", SOURCES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", "));
    let name = fields.key("format", &about).text().required();
    match registry::find(SOURCES, &name) {
        Ok(entry) => {
            let spec = (entry.build)(fields, base);
            fields.finish();
            Some(spec)
        }
        Err(near) => {
            if fields.has("format") && !name.is_empty() {
                let known = SOURCES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
                let help = near.map_or(format!("known: {known}"), |near| format!("did you mean \"{near}\"? (known: {known})"));
                fields.complain("format", format!("there is no source \"{}\"", name.escape_default()), help);
            }
            None
        }
    }
}

/// A sample as read, and what was odd about its file.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// Identity, label and pixels, of the source's number of channels.
    pub sample: Sample,
    /// Oddities to be counted, each at most once.
    pub notes: Vec<Note>,
    /// Where the sample holds only the part of a picture that was asked for: the whole one's size.
    pub part_of: Option<Size>,
    /// To be kept as long as the picture is a giant.
    pub turn: Turn,
}

/// What was found when a source was opened: `found` files = [`Source::len`] + everything in `filtered`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Everything met: files, links, and whatever else stands in the folders. Records, where files hold many samples.
    pub found: u64,
    /// What was left out by a rule, by rule, and how often.
    pub filtered: Vec<(&'static str, u64)>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Samples of each class, in the order of the class names.
    pub per_class: Vec<u64>,
}

/// Labelled pictures, ready to be read in any order from any number of threads.
pub trait Source: Send + Sync {
    /// Class names; a label is an index into them.
    fn classes(&self) -> &[String];

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are none; an opened source has some.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Channels of every picture: 1 or 3.
    fn channels(&self) -> usize;

    /// Height and width, where all pictures have the same by their format.
    fn fixed_size(&self) -> Option<Size>;

    /// Who sample `index` is. Samples are in the order of their names' raw bytes, or of their records.
    fn identity(&self, index: usize) -> Identity;

    /// Its class number.
    fn label(&self, index: usize) -> u32;

    /// Bytes that it takes where it is stored.
    fn stored_bytes(&self, index: usize) -> u64;

    /// Reads and decodes it.
    ///
    /// # Errors
    /// Why it cannot be used; the same for the same file, whenever it is asked.
    fn read(&self, index: usize) -> Result<Read, BadSample>;

    /// Reads what training is shown at `epoch`: the same as [`Source::read`], but for prepared sets, which hold variants.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn read_at_epoch(&self, index: usize, epoch: u32) -> Result<Read, BadSample> {
        let _ = epoch;
        self.read(index)
    }

    /// Its other face, where pictures can be read in part and are the same at every epoch.
    fn parts(&self) -> Option<&dyn Parts> {
        None
    }

    /// How many different renditions of a sample [`Source::read_at_epoch`] gives.
    fn variants(&self) -> usize {
        1
    }

    /// Whether [`Source::read`] gives a rendition that no epoch is shown.
    fn evaluates_apart(&self) -> bool {
        false
    }

    /// The bytes of its picture as they are stored; none where pictures are no files or records of their own.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn stored(&self, index: usize) -> Option<Result<Vec<u8>, BadSample>> {
        let _ = index;
        None
    }

    /// BLAKE3 of its stored bytes.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn digest(&self, index: usize) -> Result<[u8; 32], BadSample>;

    /// What was found when it was opened.
    fn census(&self) -> &Census;

    /// BLAKE3 over class names, identities, labels and stored sizes: what a resumed run holds against its beginnings. Times of
    /// change are left out, so that a copy of a data set is the same data set.
    fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut text = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        self.classes().iter().for_each(|name| text(name));
        (0..self.len()).for_each(|index| text(&self.identity(index).0));
        for index in 0..self.len() {
            hasher.update(&self.label(index).to_le_bytes());
            hasher.update(&self.stored_bytes(index).to_le_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// A source that need not decode all of a picture.
pub trait Parts: Sync {
    /// [`Source::read`], or only the part of the picture that `choose` names for its size, where the file is of a kind that can be
    /// decoded in part; [`Read::part_of`] tells which. `identity` is [`Source::identity`], which the caller has at hand.
    ///
    /// # Errors
    /// As [`Source::read`], and the same for every part.
    fn read_part(&self, index: usize, identity: &Identity, choose: &dyn Fn(Size) -> Option<Choice>) -> Result<Read, BadSample>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;

    fn problems_of(text: &str) -> Vec<String> {
        let problems = Problems::default();
        let fields = Fields::parse(text, &problems).unwrap();
        read(&fields, Path::new("."));
        problems.take().into_iter().map(|p| format!("{} | {}", p.message, p.help.unwrap_or_default())).collect()
    }

    #[test]
    fn every_source_builds_from_its_example_and_refuses_an_unknown_key() {
        for entry in SOURCES {
            assert_eq!(problems_of(entry.example), [""; 0], "{}", entry.name);
            let problems = problems_of(&format!("{}\nchanels = 1\n", entry.example));
            assert!(problems.len() == 1 && problems[0].contains("channels"), "{}: {problems:?}", entry.name);
        }
    }

    #[test]
    fn a_misspelt_format_gets_a_hint_and_a_missing_one_is_asked_for() {
        assert!(problems_of("format = 'image_foler'")[0].contains("did you mean \"image_folder\""));
        assert!(problems_of("path = 'x'")[0].contains("needs the key `format`"));
    }
}
