//! The batch stage: collects samples, in order, into dense normalised batches, and has training batches mixed. The gap that a
//! set-aside sample leaves is filled by the next one, so what a batch holds depends on the data alone.

use super::FinishedSlot;
use crate::batch::{Batch, Buffer, Digest, Part, Pass, Pool};
use crate::mix::Mixing;
use crate::pixels::normalize::{Normalize, write_planes};
use crate::sample::{BadSample, Finished, Identity, NoteCounts, Size, View};
use std::sync::Arc;

/// What happens to the samples left over at the end of a pass when they fill no whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBatch {
    /// They make a smaller batch.
    Keep,
    /// Training leaves them out of this epoch (the next one draws others); validation and test keep them always.
    Drop,
}

/// From so many bytes on, a batch is more than a core's part of any cache holds until it is read.
const PAST_CACHES: usize = 16 << 20;

/// Collects; one a flow.
pub struct Batcher<'m> {
    batch_size: usize,
    last_batch: LastBatch,
    normalize: Normalize,
    mixing: Option<Mixing<'m>>,
    shape: [usize; 3],
    index: u32,
    pool: Pool,
    /// Numbers of the batch that is being filled: so many are.
    images: Buffer,
    filled: usize,
    digest: Digest,
    views: usize,
    labels: Vec<u32>,
    identities: Vec<Identity>,
    bad: Vec<Arc<BadSample>>,
    notes: NoteCounts,
}

impl<'m> Batcher<'m> {
    /// Makes batches of `batch_size` pictures of `size` with `channels`, each byte normalised; numbers are taken as they are.
    pub fn new(batch_size: usize, last_batch: LastBatch, normalize: Normalize, channels: usize, size: Size) -> Self {
        let shape = [channels, size.height as usize, size.width as usize];
        Self {
            batch_size,
            last_batch,
            normalize,
            mixing: None,
            shape,
            index: 0,
            pool: Pool::default(),
            images: Buffer::default(),
            filled: 0,
            digest: Digest::default(),
            views: 1,
            labels: Vec::new(),
            identities: Vec::new(),
            bad: Vec::new(),
            notes: NoteCounts::default(),
        }
    }

    /// Starts in the middle of a pass, as a resumed run does: `index` batches of it have been made.
    pub fn starting_at(mut self, index: u32) -> Self {
        self.index = index;
        self
    }

    /// Has training batches mixed.
    pub fn mixing(mut self, mixing: Mixing<'m>) -> Self {
        self.mixing = Some(mixing);
        self
    }

    /// Takes one slot; gives a batch when it is full or the pass ends with this slot.
    pub fn take(&mut self, slot: FinishedSlot) -> Option<Batch> {
        if slot.ticket.pass.epoch == 0 {
            self.notes.add(&slot.notes);
        }
        match slot.outcome {
            Ok(sample) => self.add(sample),
            Err(bad) => self.bad.push(bad),
        }
        let full = self.labels.len() == self.batch_size;
        (full || slot.ticket.last).then(|| self.emit(slot.ticket.pass, slot.ticket.position + 1, slot.ticket.last))
    }

    fn add(&mut self, sample: Finished) {
        let values = self.shape.iter().product::<usize>();
        self.views = sample.views.len();
        if self.images.is_empty() {
            self.images = self.pool.take(values * self.views * self.batch_size);
        }
        let end = self.filled + values * self.views;
        if self.images.len() < end {
            self.images.resize(end);
        }
        let past_caches = size_of_val::<[f32]>(&self.images) >= PAST_CACHES;
        self.digest.bytes(&sample.label.to_le_bytes());
        for (view, to) in sample.views.iter().zip(self.images[self.filled..end].chunks_exact_mut(values.max(1))) {
            match view {
                View::Bytes(image) => {
                    self.digest.bytes(image.pixels());
                    if past_caches {
                        self.normalize.write_past_caches(image, to);
                    } else {
                        self.normalize.write(image, to);
                    }
                }
                View::Floats(image) => {
                    self.digest.floats(image.values());
                    write_planes(image, to);
                }
            }
        }
        self.filled = end;
        self.labels.push(sample.label);
        self.identities.push(sample.identity);
    }

    fn emit(&mut self, pass: Pass, consumed: u64, last: bool) -> Batch {
        let partial = self.labels.len() < self.batch_size;
        let mut left_out = 0;
        if partial && self.last_batch == LastBatch::Drop && pass.part == Part::Train {
            left_out = self.labels.len() as u64;
            self.filled = 0;
            self.digest.finish();
            self.labels.clear();
            self.identities.clear();
        }
        let mut images = std::mem::take(&mut self.images);
        images.resize(std::mem::take(&mut self.filled));
        self.normalize.numbers().for_each(|number| self.digest.floats(&[number]));
        let mut batch = Batch {
            pass,
            index: self.index,
            shape: self.shape,
            images,
            views: std::mem::replace(&mut self.views, 1),
            labels: std::mem::take(&mut self.labels),
            soft_targets: None,
            identities: std::mem::take(&mut self.identities),
            consumed,
            left_out,
            bad: std::mem::take(&mut self.bad),
            notes: std::mem::take(&mut self.notes),
            last,
            digest: self.digest.finish(),
        };
        if let Some(mixing) = &mut self.mixing {
            mixing.apply(&mut batch);
        }
        if batch.soft_targets.is_some() {
            self.digest.bytes(&batch.digest);
            self.digest.bytes(&batch.digest_of_numbers());
            batch.digest = self.digest.finish();
        }
        self.index = if last { 0 } else { self.index + 1 };
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fields, Problems};
    use crate::mix::Mix;
    use crate::sample::Image;
    use crate::stage::Ticket;

    /// The batches of a pass of 11 pictures, from the one numbered `first` on.
    fn batches(mix: &Mix, first: u32) -> Vec<Batch> {
        let batcher = Batcher::new(4, LastBatch::Keep, Normalize::new(&[0.5], &[0.25]), 1, Size::new(5, 6));
        let mut batcher = batcher.starting_at(first).mixing(mix.begin(7, 3));
        let slot = |entry: u32| {
            let ticket = Ticket { pass: Pass { part: Part::Train, epoch: 1 }, position: entry.into(), entry, last: entry == 10 };
            let pixels = (0..30).map(|value| (value * 8 + entry) as u8).collect();
            let identity = Identity(entry.to_string().into());
            let views = vec![View::Bytes(Image::new(Size::new(5, 6), 1, pixels))];
            FinishedSlot { ticket, outcome: Ok(Finished { identity, label: entry % 3, views }), notes: Vec::new() }
        };
        (4 * first..11).filter_map(|entry| batcher.take(slot(entry))).collect()
    }

    #[test]
    fn a_pass_taken_up_in_the_middle_is_mixed_as_the_whole_one_and_digests_tell_batches_apart() {
        let fields = Fields::parse("mix = ['mixup', { mixer = 'cutmix', p = 0.4 }]", &Problems::default()).unwrap();
        let mix = Mix::read(&fields);
        let whole = batches(&mix, 0);
        assert_eq!(whole.iter().map(Batch::count).collect::<Vec<_>>(), [4, 4, 3]);
        assert!(whole.iter().all(|batch| batch.soft_targets.is_some()));
        assert!(batches(&mix, 1) == whole[1..] && batches(&mix, 2) == whole[2..]);
        let plain = batches(&Mix::default(), 0);
        assert!(plain.iter().zip(&whole).all(|(plain, mixed)| plain.soft_targets.is_none() && plain.digest != mixed.digest));
        let digests: std::collections::HashSet<_> = plain.iter().chain(&whole).map(|batch| batch.digest).collect();
        assert_eq!(digests.len(), 6);
    }

    #[test]
    fn a_digest_changes_with_any_pixel_label_or_normalisation() {
        let digest = |pixel: u8, label: u32, mean: f32| {
            let mut batcher = Batcher::new(2, LastBatch::Keep, Normalize::new(&[mean], &[0.25]), 1, Size::new(1, 2));
            let slot = |entry: u32, label: u32, pixel: u8| {
                let ticket = Ticket { pass: Pass { part: Part::Train, epoch: 0 }, position: entry.into(), entry, last: false };
                let views = vec![View::Bytes(Image::new(Size::new(1, 2), 1, vec![9, pixel]))];
                FinishedSlot { ticket, outcome: Ok(Finished { identity: Identity("x".into()), label, views }), notes: Vec::new() }
            };
            assert!(batcher.take(slot(0, 1, 8)).is_none());
            batcher.take(slot(1, label, pixel)).map(|batch| batch.digest)
        };
        let plain = digest(7, 1, 0.5);
        assert!(plain.is_some() && plain == digest(7, 1, 0.5));
        assert!([digest(6, 1, 0.5), digest(7, 0, 0.5), digest(7, 1, 0.4)].iter().all(|other| *other != plain));
    }
}
