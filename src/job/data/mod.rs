//! `pipeline data …`: data sets that are drawn, fetched, counted, measured, hashed, split or converted.

mod brands;
mod census;
mod convert;
mod crew;
mod divided;
mod fetch;
mod hash;
mod input;
mod public;
pub(super) mod raster;
mod split;
mod stats;
mod sums;
mod synth;
mod tree;
mod verify;

pub use brands::{Brand, Facing, draw};
pub use census::{CensusRequest, census};
pub use convert::{ConvertRequest, convert};
pub use fetch::{Remote, Step, fetch_file};
pub use hash::{HashRequest, hash};
pub use public::{Public, unpack_cifar10};
pub use split::{SplitRequest, split};
pub use stats::{StatsRequest, stats};
pub use synth::{Summary, synth_brands};
pub use verify::{VerifyRequest, verify};

use crate::error::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// `pipeline data synth brands`: see [`synth_brands`]; says what was written.
///
/// # Errors
/// As [`synth_brands`].
pub fn synth(seed: u64, out: &Path) -> Result<()> {
    let Summary { pictures, bytes, blake3 } = synth_brands(seed, out)?;
    super::say(&format!("{}: {pictures} pictures, {bytes} bytes, BLAKE3 {blake3}\n", out.display()))
}

/// `pipeline data fetch …`: the files of `what` into `out`, or the folder where its pipelines look, from `base_url`, or its
/// official place; files that are right already are not fetched again. A bar runs on a terminal.
///
/// # Errors
/// As [`fetch_file`] and [`unpack_cifar10`].
pub fn fetch(what: Public, out: Option<PathBuf>, base_url: Option<String>) -> Result<()> {
    let folder = out.unwrap_or_else(|| what.folder().into());
    let base = base_url.as_deref().unwrap_or(what.base());
    for remote in what.files() {
        let bar = bar(remote);
        let mut how = "fetched";
        fetch_file(base, remote, &folder, |step| match step {
            Step::Arrived(bytes) => bar.set_position(bytes),
            Step::Present => how = "already there",
            Step::Done => {}
        })?;
        bar.finish_and_clear();
        super::say(&format!("{}: {how}, SHA-256 is right\n", folder.join(remote.name).display()))?;
    }
    if what == Public::Cifar10 {
        unpack_cifar10(&folder.join(what.files()[0].name), &folder)?;
        super::say(&format!("unpacked into {}\n", folder.join("cifar-10-batches-bin").display()))?;
    }
    Ok(())
}

/// Drawn on a terminal's standard error only.
fn bar(remote: &Remote<'_>) -> ProgressBar {
    let bar = ProgressBar::new(remote.bytes).with_prefix(remote.name.to_owned());
    let template = "{prefix} {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
    bar
}
