//! Checked plan → assembled flow: which stage follows which, with how many workers and how much room between them.

use super::Plan;
use crate::batch::Batch;
use crate::error::Error;
use crate::flow::{Bound, Flow, Stop};
use crate::pixels::normalize::Normalize;
use crate::sample::{Image, Size};
use crate::stage::augment::Augment;
use crate::stage::batch::Batcher;
use crate::stage::load::Load;
use crate::stage::measure::Moments;
use crate::stage::write::{Answer, Write};
use crate::stage::{Slot, Ticket};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicU32;

/// Chunks that may wait in front of a stage.
const ROOM: usize = 2;
/// Batches that may wait in front of the trainer.
const BATCHES: usize = 3;
/// Pictures with fewer pixels are decoded whole, unless they may be decoded at a smaller scale.
pub(super) const WHOLE_PIXELS: u64 = 64 * 64;

/// Pixels that make a chunk worth passing on: small pictures travel in company, large ones alone.
const CHUNK_PIXELS: u64 = 1 << 17;

/// Tickets in, loaded samples out: in chunks of so many, by so many workers.
pub(super) fn loaded<'p, I>(load: &'p Load<'p>, tickets: I, stop: Stop, (chunk, workers): (usize, usize)) -> Flow<'p, Slot>
where
    I: Iterator<Item = Ticket> + Send + 'p,
{
    let flow = Flow::source("source", chunk, tickets).stop_on(stop);
    flow.map("load", workers, ROOM, |_, ticket| load.load(ticket))
}

/// Loaded samples in, batches out.
pub(super) fn batched<'p>(
    loaded: Flow<'p, Slot>,
    augment: &'p Augment<'p>,
    workers: usize,
    mut batcher: Batcher<'p>,
) -> Flow<'p, Batch> {
    let augmented = loaded.map("augment", workers, ROOM, |_, slot| Ok::<_, Error>(augment.apply(slot)));
    augmented.scan("batch", ROOM, move |_, slot, emit: &mut dyn FnMut(Batch)| {
        batcher.take(slot).into_iter().for_each(emit);
        Ok::<_, Error>(())
    })
}

impl Plan {
    /// The augment stage of this plan.
    pub fn augment_stage(&self) -> Augment<'_> {
        let classes = self.data.source.classes();
        Augment { seed: self.seed, train: &self.augment, evaluate: &self.evaluate, size: self.size, classes }
    }

    /// The load stage of this plan.
    pub fn load_stage<'p>(&'p self, augment: &'p Augment<'p>) -> Load<'p> {
        let (source, test) = (&*self.data.source, self.data.test.as_deref());
        let early_pixels = self.data.early_pixels();
        let whole_pixels = if self.data.scaled { 0 } else { WHOLE_PIXELS };
        Load { source, test, augment, early_pixels, whole_pixels, failed_in_a_row: AtomicU32::new(0) }
    }

    /// Samples a chunk: 1 to 64, by the size of the data's pictures.
    pub fn chunk(&self) -> usize {
        (CHUNK_PIXELS / self.data.typical_pixels().max(1)).clamp(1, 64) as usize
    }

    /// Tickets in, loaded samples out.
    pub fn loaded<'p, I>(&'p self, load: &'p Load<'p>, tickets: I, stop: Stop) -> Flow<'p, Slot>
    where
        I: Iterator<Item = Ticket> + Send + 'p,
    {
        loaded(load, tickets, stop, (self.chunk(), self.workers.load))
    }

    /// Tickets in, batches out, for training, scoring or measuring. `first_index` is the number of the first batch in its pass.
    pub fn batches<'p, I>(
        &'p self,
        load: &'p Load<'p>,
        tickets: I,
        stop: Stop,
        normalize: Normalize,
        first_index: u32,
    ) -> Flow<'p, Batch>
    where
        I: Iterator<Item = Ticket> + Send + 'p,
    {
        let size = self.size.unwrap_or(Size::new(1, 1));
        let batcher = Batcher::new(self.batch_size, self.last_batch, normalize, self.data.channels, size);
        let mixing = self.mix.begin(self.seed, self.data.source.classes().len());
        let batcher = batcher.starting_at(first_index).mixing(mixing);
        batched(self.loaded(load, tickets, stop), load.augment, self.workers.augment, batcher)
    }

    /// Tickets in, stored variants out, for an offline set: one stage, so that a picture is let go where it was read.
    pub fn written<'p, I>(&'p self, load: &'p Load<'p>, write: &'p Write<'p>, tickets: I, stop: Stop) -> Flow<'p, Answer>
    where
        I: Iterator<Item = Ticket> + Send + 'p,
    {
        let made = |ticket: Ticket| write.write(u64::from(ticket.entry), load.read(ticket)?);
        self.written_by(write.set.renditions(), made, tickets, stop)
    }

    /// The same flow for whoever writes otherwise: `made` answers each ticket with so many renditions of a sample.
    pub fn written_by<'p, I>(
        &self,
        renditions: usize,
        made: impl Fn(Ticket) -> Result<Answer, Error> + Send + Sync + 'p,
        tickets: I,
        stop: Stop,
    ) -> Flow<'p, Answer>
    where
        I: Iterator<Item = Ticket> + Send + 'p,
    {
        let chunk = self.chunk().div_ceil(renditions);
        let flow = Flow::source("source", chunk, tickets).stop_on(stop);
        flow.map("write", self.write_workers(), ROOM, move |_, ticket| made(ticket))
    }

    /// The most samples whose renditions can be on their way to the disk at once.
    pub fn written_in_flight(&self, renditions: usize) -> usize {
        // One chunk each worker has, two it may be ahead, and those that wait.
        let chunks = 3 * self.write_workers() + BATCHES + 1;
        chunks * self.chunk().div_ceil(renditions)
    }

    /// Threads that read, augment and store an offline set.
    pub fn write_workers(&self) -> usize {
        self.workers.load.max(self.workers.augment)
    }

    /// Mean and standard deviation of every channel over the training samples as the evaluation chain leaves them.
    ///
    /// # Errors
    /// A bug in a stage; bad samples are passed over, the run itself accounts for them. Where `stop` was requested the sums are
    /// of a part only, and must not be used.
    pub fn measure(&self, stop: Stop) -> Result<Option<Moments>, Error> {
        let augment = self.augment_stage();
        let load = self.load_stage(&augment);
        let parts = crate::stage::deal::Parts { validation: self.data.parts.train.clone(), ..Default::default() };
        let pass = crate::batch::Pass { part: crate::batch::Part::Validation, epoch: 0 };
        let tickets = crate::stage::deal::pass(&parts, self.seed, pass, 0);
        let mut whole: Option<Moments> = None;
        let mut add = |_, moments: Option<Moments>| {
            if let Some(moments) = moments {
                whole.get_or_insert_default().add(&moments);
            }
            Ok::<_, Error>(ControlFlow::Continue(()))
        };
        let of = |slot: Slot| augment.apply(slot).outcome.ok().map(|sample| Moments::of_views(&sample.views));
        let flow = self.loaded(&load, tickets, stop).map("measure", self.workers.augment, ROOM, |_, slot| Ok::<_, Error>(of(slot)));
        flow.sink("sum", BATCHES, &mut add).run()?;
        Ok(whole)
    }

    /// The most chunks of samples, and the most batches, that can be on their way at once.
    pub fn in_flight(&self) -> (usize, usize) {
        let augment = self.augment_stage();
        let load = self.load_stage(&augment);
        let normalize = Normalize::new(&vec![0.0; self.data.channels], &vec![1.0; self.data.channels]);
        let mut nothing = |_, _: Batch| Ok::<_, Error>(ControlFlow::Continue(()));
        let flow = self.batches(&load, std::iter::empty(), Stop::new(), normalize, 0);
        let bounds = flow.sink("train", BATCHES, &mut nothing).bound();
        let batches = bounds.last().map_or(0, Bound::chunks) + 1;
        (bounds[..bounds.len() - 1].iter().map(Bound::chunks).sum(), batches)
    }

    /// Room in front of the trainer.
    pub const fn batch_room() -> usize {
        BATCHES
    }

    /// Original pictures, each followed by what augmentation makes of it in the first `variants` epochs.
    pub fn contact_rows(&self, samples: usize, variants: u32) -> Vec<Vec<Image>> {
        let augment = self.augment_stage();
        let load = self.load_stage(&augment);
        let entries = &self.data.parts.train;
        let step = (entries.len() / samples.max(1)).max(1);
        let row = |&entry: &u32| {
            let shown = |part, epoch| {
                let pass = crate::batch::Pass { part, epoch };
                let read = load.read(Ticket { pass, position: 0, entry, last: false }).ok()?.ok()?;
                augment.shown(read.sample, pass).ok()
            };
            let original = shown(crate::batch::Part::Validation, 0);
            let epochs = (0..variants).map(|epoch| shown(crate::batch::Part::Train, epoch));
            std::iter::once(original).chain(epochs).collect::<Option<Vec<Image>>>()
        };
        entries.iter().step_by(step).take(samples).filter_map(row).collect()
    }
}
