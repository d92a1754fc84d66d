//! How a prepared set lies on disk: what its files are called and what is in them. Knows no augmentation; opens nothing by itself.
//!
//! ```text
//! prepared.json                       what the set is; decided before the first picture is made
//! 000007.json                         shard 7: its samples, those set aside, and the checksums below
//! 000007.index                        for each sample and series, where its record lies, how long it is, and its BLAKE3
//! v0-000007.tar … evaluate-000007.tar one archive a series: variant 0, 1, … and the rendition for evaluation   (shards)
//! CLASS/NAME.v0.png …                 one file a record                                                  (image folder)
//! manifest-000007.csv                 what was drawn for each record                                     (image folder)
//! bad_samples-000007.tsv              where samples were set aside
//! ```
//!
//! A shard is a fixed number of samples in the order of the set, so what stands in which shard follows from the pipeline and the
//! data alone. `000007.json` is written last: a shard that has it is complete.

mod shard;

pub use shard::{Entered, Place, SetAside, Shard};

use super::tar;
use crate::sample::Image;
use serde::{Deserialize, Serialize};

/// The version of the files described here.
pub const FORMAT: u32 = 2;
/// The file that says what the set is.
pub const DESCRIPTION: &str = "prepared.json";

/// How the pictures of a set are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Tar archives.
    Shards,
    /// One file each, in a folder for each class.
    ImageFolder,
}

/// How a picture becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lossless, smaller.
    Png,
    /// Lossless, as NumPy stores arrays: nothing to decode.
    Raw,
    /// Of this quality, 1–100: training sees other bytes than online.
    Jpeg(u8),
}

impl Encoding {
    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Encoding::Png => "png",
            Encoding::Raw => "npy",
            Encoding::Jpeg(_) => "jpg",
        }
    }

    /// A picture's bytes.
    ///
    /// # Errors
    /// The encoder's words.
    pub fn encode(self, image: &Image) -> Result<Vec<u8>, String> {
        match self {
            Encoding::Png => crate::pixels::encode::encode_png(image),
            Encoding::Raw => Ok(crate::pixels::npy::encode_npy(image)),
            Encoding::Jpeg(quality) => crate::pixels::encode::encode_jpeg(image, quality),
        }
    }
}

/// `prepared.json`. Everything in it is known before the first picture is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// [`FORMAT`].
    pub format: u32,
    /// BLAKE3 of all the rest: every shard repeats it.
    pub export: String,
    /// The program that writes it, with its version: another one may make other pictures.
    pub program: String,
    /// The pipeline's name.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// How pictures are stored.
    pub layout: Layout,
    /// How they are encoded.
    pub encoding: Encoding,
    /// Variants of each sample; there is one rendition more, for evaluation. A set without variants is a copy of its source.
    pub variants: u32,
    /// Class names in the order of their numbers.
    pub classes: Vec<String>,
    /// Channels of every picture.
    pub channels: usize,
    /// Samples of the source, those that will be set aside included.
    pub samples: u64,
    /// Samples of a shard; the last one has fewer.
    pub samples_per_shard: u64,
    /// Digest of the data that it was made from.
    pub data: String,
    /// The pipeline that it was made by, a line a key.
    pub pipeline: String,
}

impl Description {
    /// With the `export` that follows from the rest.
    pub fn named(mut self) -> Self {
        self.export.clear();
        let text = serde_json::to_string(&self).unwrap_or_default();
        self.export = blake3::hash(text.as_bytes()).to_hex().to_string();
        self
    }

    /// As it stands in its file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// Another version, or bytes that were not written so.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if version.format != FORMAT {
            return Err(format!("it has format {}, this program reads format {FORMAT}", version.format));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match read.clone().named() == read && read.to_text().as_bytes() == bytes {
            true => Ok(read),
            false => Err("it was changed after it was written".to_owned()),
        }
    }

    /// How many shards the set has.
    pub fn shards(&self) -> u64 {
        self.samples.div_ceil(self.samples_per_shard.max(1))
    }

    /// Renditions of each sample.
    pub fn renditions(&self) -> usize {
        self.variants as usize + 1
    }

    /// `v0`, `v1` … and `evaluate`.
    pub fn series(&self, rendition: usize) -> String {
        if rendition == self.variants as usize { "evaluate".to_owned() } else { format!("v{rendition}") }
    }

    /// `v0-000007.tar`.
    pub fn archive_name(&self, rendition: usize, shard: u64) -> String {
        format!("{}-{shard:06}.tar", self.series(rendition))
    }

    /// What an archive begins with: who it is, for every reader of archives to pass over.
    pub fn archive_head(&self, rendition: usize, shard: u64) -> Vec<u8> {
        let (of, series) = (self.shards(), self.series(rendition));
        let owner = Owner { export: self.export.clone(), series, shard, of };
        let mut head = Vec::new();
        tar::append_comment(&mut head, &serde_json::to_string(&owner).unwrap_or_default());
        head
    }

    /// `CLASS/NAME.v0.png`: different for every sample and series, because the sample's whole path below its class is in it.
    pub fn picture_name(&self, rendition: usize, label: u32, identity: &str) -> String {
        let class = self.classes.get(label as usize).map_or("", String::as_str);
        let below = identity.strip_prefix(class).and_then(|rest| rest.strip_prefix('/')).unwrap_or(identity);
        let series = if self.variants == 0 { String::new() } else { format!(".{}", self.series(rendition)) };
        format!("{}/{}{series}.{}", escaped(class), escaped(below), self.encoding.extension())
    }

    /// `00000012-v0-cat_3_png`: the sample's place in the source, the series, and what it is called. There is no dot in it, because
    /// readers take what follows the first one for the kind of file.
    pub fn key(&self, rendition: usize, sample: u64, identity: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = identity.chars().take(48).map(plain).collect();
        format!("{sample:08}-{}-{name}", self.series(rendition))
    }

    /// A record of an archive: the picture, its class number, and what else is known of it.
    pub fn record(&self, rendition: usize, sample: u64, meta: &Meta, picture: &[u8]) -> Vec<u8> {
        let key = self.key(rendition, sample, &meta.source);
        let mut record = Vec::with_capacity(picture.len() + 8 * tar::BLOCK);
        tar::append(&mut record, &format!("{key}.{}", self.encoding.extension()), picture);
        tar::append(&mut record, &format!("{key}.cls"), meta.label.to_string().as_bytes());
        tar::append(&mut record, &format!("{key}.json"), serde_json::to_string(meta).unwrap_or_default().as_bytes());
        record
    }
}

/// Who an archive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The set's `export`.
    pub export: String,
    /// Which series.
    pub series: String,
    /// Which shard, from 0.
    pub shard: u64,
    /// How many there are.
    pub of: u64,
}

impl Owner {
    /// Reads what an archive begins with; none where it begins otherwise.
    pub fn of(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head.get(tar::BLOCK..)?).ok()?;
        let (_, rest) = text.split_once(" comment=")?;
        serde_json::from_str(rest.split('\n').next()?).ok()
    }
}

/// `KEY.json`: what is known of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Identity of the sample that it was made from.
    pub source: String,
    /// Class number.
    pub label: u32,
    /// Class name.
    pub class: String,
    /// Number of the variant, or `evaluate`.
    pub variant: String,
    /// What was drawn, an object an operation.
    pub draws: serde_json::Value,
}

/// A name as a file's name: no slash, and nothing that a file system or a CSV reader could take amiss.
pub fn escaped(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    name.chars().map(|c| if safe(c) { c.to_string() } else { format!("%{:02X}", c as u32) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn description() -> Description {
        let text = String::new;
        let classes = vec!["a".to_owned(), "b c".to_owned()];
        let (layout, encoding) = (Layout::Shards, Encoding::Jpeg(90));
        let (format, name, seed, variants, channels) = (FORMAT, "x".to_owned(), 7, 3, 3);
        let (samples, samples_per_shard, data, pipeline) = (10, 4, text(), "a = 1\nb = 2".to_owned());
        let (export, program) = (text(), "augpipe 1".to_owned());
        let description = Description {
            format,
            export,
            program,
            name,
            seed,
            layout,
            encoding,
            variants,
            classes,
            channels,
            samples,
            samples_per_shard,
            data,
            pipeline,
        };
        description.named()
    }

    fn shard() -> Shard {
        let samples = vec![Entered { sample: 3, label: 1, identity: "b c/ü\\n.png".to_owned() }];
        Shard { export: "e".to_owned(), shard: 1, of: 3, index_blake3: "f".to_owned(), archives: vec![7, 8], samples, bad: vec![] }
    }

    #[test]
    fn every_flip_of_a_description_or_of_a_shards_list_is_found() {
        let (description, shard) = (description().to_text().into_bytes(), shard().to_text().into_bytes());
        assert_eq!(Description::parse(&description).unwrap().to_text().as_bytes(), description);
        assert_eq!(Shard::parse(&shard).unwrap(), self::shard());
        for bytes in [&description, &shard] {
            for (place, bit) in (0..bytes.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << bit;
                assert!(Description::parse(&flipped).is_err() && Shard::parse(&flipped).is_err(), "{place} {bit}");
            }
            assert!((0..bytes.len()).all(|end| Description::parse(&bytes[..end]).is_err() && Shard::parse(&bytes[..end]).is_err()));
        }
    }

    #[test]
    fn names_say_series_and_source_and_keys_have_no_dot() {
        let description = description();
        assert_eq!((description.shards(), description.renditions()), (3, 4));
        assert_eq!(description.archive_name(0, 7), "v0-000007.tar");
        assert_eq!(description.archive_name(3, 7), "evaluate-000007.tar");
        assert_eq!(description.picture_name(1, 1, "b c/x/y.png"), "b c/x%2Fy.png.v1.jpg");
        assert_eq!(description.key(3, 12, "a/x.y.png"), "00000012-evaluate-a_x_y_png");
        let owner = Owner::of(&description.archive_head(2, 1)).unwrap();
        assert_eq!((owner.series.as_str(), owner.shard, owner.of, owner.export == description.export), ("v2", 1, 3, true));
        assert_eq!(Owner::of(b"short"), None);
    }

    #[test]
    fn a_place_is_stored_in_48_bytes() {
        let place = Place { offset: 1 << 40, length: 77, blake3: std::array::from_fn(|byte| byte as u8) };
        assert_eq!(Place::from_bytes(&place.to_bytes()), place);
    }
}
