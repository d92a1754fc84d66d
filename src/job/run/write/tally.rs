//! What of a set is there when a run ends, for its report: counted from the lists of its shards. Opens no picture.

use super::Share;
use super::begin::Work;
use crate::plan::WriteEnd;
use crate::report::{Costs, WrittenSet};
use crate::source::set::{Description, Layout, Place, Shard};
use std::path::Path;

/// Counts the shards of `work` that are whole in `folder`.
pub fn tally(
    folder: &Path,
    set: &Description,
    end: &WriteEnd,
    work: &Work,
    share: Option<Share>,
    costs: Option<Costs>,
) -> WrittenSet {
    let layout = if set.layout == Layout::Shards { "shards" } else { "image_folder" };
    let mut written = WrittenSet {
        path: std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()).display().to_string(),
        layout: layout.to_owned(),
        encoding: set.encoding.extension().to_owned(),
        variants: end.variants,
        kept: work.whole.len() as u64,
        of: work.of,
        share: share.map(|share| format!("{}/{}", share.index + 1, share.of)),
        export: set.export.clone(),
        classes: vec![[0; 2]; set.classes.len()],
        costs,
        ..WrittenSet::default()
    };
    work.whole.iter().for_each(|shard| add(&mut written, folder, set, shard));
    for (number, _) in &work.shards {
        // One that is missing or broken is none of those that are whole.
        let list = std::fs::read(folder.join(Shard::name(*number))).ok().and_then(|bytes| Shard::parse(&bytes).ok());
        list.iter().for_each(|shard| add(&mut written, folder, set, shard));
    }
    written
}

fn add(written: &mut WrittenSet, folder: &Path, set: &Description, shard: &Shard) {
    let labels = shard.samples.iter().map(|sample| (sample.label, 0)).chain(shard.bad.iter().map(|bad| (bad.label, 1)));
    for (label, which) in labels {
        written.classes.get_mut(label as usize).into_iter().for_each(|counts| counts[which] += 1);
    }
    written.shards += 1;
    written.pictures += (shard.samples.len() * set.renditions()) as u64;
    written.bytes += match set.layout {
        Layout::Shards => shard.archives.iter().sum::<u64>(),
        Layout::ImageFolder => {
            let index = std::fs::read(folder.join(Shard::index_name(shard.shard))).unwrap_or_default();
            let places = index.chunks_exact(Place::BYTES).filter_map(|entry| <&[u8; Place::BYTES]>::try_from(entry).ok());
            places.map(|entry| Place::from_bytes(entry).length).sum()
        }
    };
}
