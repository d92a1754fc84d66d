//! A few samples made and encoded before any is stored: how large records are. The same samples on every machine, so that all cut
//! the set into the same shards. Writes nothing.

use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::source::set::{Description, Layout};
use crate::stage::Ticket;
use crate::stage::write::Write;
use std::path::Path;

/// Samples that are looked at.
const LOOKS: usize = 16;
/// What a file costs beside its bytes, and the lists of a shard a record.
const BESIDE: u64 = 4096;
const LISTED: u64 = 256;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Mean bytes of a record.
    pub record: u64,
}

impl Trial {
    /// Makes the first variant and the rendition for evaluation of some samples spread over the whole set.
    ///
    /// # Errors
    /// A disk that is gone. Bad samples are passed over.
    pub fn of(plan: &Plan, write: &Write) -> Result<Self> {
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let count = plan.data.source.len();
        let (mut sum, mut records) = (0, 0_u64);
        for look in 0..count.min(LOOKS) {
            let entry = (look * count / count.min(LOOKS)) as u32;
            let pass = Pass { part: Part::Validation, epoch: 0 };
            let Ok(read) = load.read(Ticket { pass, position: 0, entry, last: false })? else { continue };
            for rendition in [0, write.set.variants as usize] {
                if let Ok((bytes, _)) = write.make(u64::from(entry), &read.sample, rendition) {
                    (sum, records) = (sum + bytes.len() as u64, records + 1);
                }
            }
        }
        let unknown = plan.data.typical_pixels() * plan.data.channels as u64 + BESIDE;
        Ok(Self { record: u64::checked_div(sum, records).unwrap_or(unknown) })
    }

    /// Bytes that so many samples take on disk.
    pub fn disk(self, set: &Description, samples: u64) -> u64 {
        let beside = if set.layout == Layout::ImageFolder { BESIDE } else { LISTED };
        samples.saturating_mul(set.renditions() as u64).saturating_mul(self.record + beside)
    }

    /// Refuses to begin what cannot end: the size of so many samples, and a tenth more, against what the disk has free.
    ///
    /// # Errors
    /// Both numbers.
    pub fn refuse_full_disk(self, set: &Description, samples: u64, out: &Path) -> Result<()> {
        let needed = self.disk(set, samples);
        let needed = needed + needed / 10;
        let Ok(space) = rustix::fs::statvfs(out) else { return Ok(()) };
        let free = space.f_bavail * space.f_frsize;
        match needed <= free {
            true => Ok(()),
            false => Err(Error::refused(
                format!("the set will need about {} MiB and {} has {} MiB free", needed >> 20, out.display(), free >> 20),
                "lower write.variants, choose another write.path, or share the shards between machines with --shard I/N",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::set::{Encoding, FORMAT};

    #[test]
    fn a_set_that_the_disk_has_no_room_for_is_refused_with_both_numbers() {
        let text = String::new;
        let set = Description {
            format: FORMAT,
            export: text(),
            program: text(),
            name: text(),
            seed: 1,
            layout: Layout::Shards,
            encoding: Encoding::Raw,
            variants: 9,
            classes: Vec::new(),
            channels: 3,
            samples: 1 << 20,
            samples_per_shard: 1000,
            data: text(),
            pipeline: text(),
        };
        let trial = Trial { record: (1 << 30) - LISTED };
        let refused = trial.refuse_full_disk(&set, 1 << 20, Path::new(".")).unwrap_err().to_string();
        assert!(refused.contains(&format!("{} MiB", 11u64 << 30)) && refused.contains("MiB free"), "{refused}");
        assert!(trial.refuse_full_disk(&set, 0, Path::new(".")).is_ok());
    }
}
