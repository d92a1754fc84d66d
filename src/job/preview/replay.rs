//! What the trainer saw: the batches of a pass are made again by the stages that made them, and the samples' rows taken out.

use super::shown::Shown;
use crate::batch::{Batch, Pass};
use crate::error::{Error, Result};
use crate::job::facts::number;
use crate::job::run::moments::Moments;
use crate::job::run::signals::Signals;
use crate::plan::Plan;
use crate::report::printable;
use crate::sample::{Finished, Identity, Image, Size, View};
use crate::stage::batch::{Batcher, LastBatch};
use crate::stage::{FinishedSlot, Ticket, deal};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// One row of a batch.
pub struct Replayed {
    /// Number of the batch in its pass, from 0.
    pub batch: u32,
    /// The batch's own digest: BLAKE3 over labels and values.
    pub batch_blake3: String,
    /// Place in the batch, from 0.
    pub row: usize,
    /// BLAKE3 over the row's values, `f32`, little endian.
    pub row_blake3: String,
    /// The values as pictures again, one a view.
    pub pictures: Vec<Image>,
    /// Whether an operation made the numbers itself: a picture then spans them from black to white.
    pub floats: bool,
    /// Whether the row holds exactly the values of the traced picture; where batches are mixed it holds several pictures.
    pub pure: bool,
    /// Where batches are mixed: the classes that it is learned as, with their shares.
    pub shares: Vec<(String, f32)>,
}

impl Replayed {
    /// What it holds.
    pub fn held(&self) -> String {
        let shares: Vec<String> =
            self.shares.iter().map(|(class, share)| format!("{class} {}", number(f64::from(*share)))).collect();
        let learned = if shares.is_empty() { String::new() } else { format!(", learned as {}", shares.join(", ")) };
        let held = match (self.pure, self.floats) {
            (false, _) => "mixed with others of its batch",
            (true, false) => "equal to the traced picture, bit for bit",
            (true, true) => "equal to what the chain makes of the sample alone, bit for bit",
        };
        let count = self.pictures.len();
        let views = if count > 1 { format!(", {count} views") } else { String::new() };
        let floats = if self.floats { ", in numbers of its own, shown from the least to the largest" } else { "" };
        format!("{held}{learned}{views}{floats}")
    }

    /// In words.
    pub fn sentence(&self) -> String {
        let Self { batch, row, row_blake3, batch_blake3, .. } = self;
        let held = printable(&self.held());
        format!("row {row} of batch {batch}, {held}; BLAKE3 of the row {row_blake3}, of the batch {batch_blake3}")
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        let Self { batch, batch_blake3, row, row_blake3, pure, pictures, shares, floats } = self;
        let size = pictures.first().map(Image::size);
        let hashes: Vec<String> = pictures.iter().map(super::shown::blake3_of).collect();
        serde_json::json!({
            "batch": batch, "batch_blake3": batch_blake3, "row": row, "row_blake3": row_blake3, "size": size,
            "pictures_blake3": hashes, "equals_trace": pure, "shares": shares, "floats": floats,
        })
    }
}

/// A row for every sample that is in a batch; none for those that were set aside, or left out at the end of the pass.
///
/// # Errors
/// [`Error::Refused`] where the pipeline makes no batches; [`Error::Fault`] should a row not hold what the traced picture says.
pub fn replay(
    plan: &Plan,
    tickets: &[Ticket],
    shown: &[Shown],
    moments: &Moments,
    signals: &Signals,
) -> Result<Vec<Option<Replayed>>> {
    let Some(size) = plan.size else {
        return Err(Error::refused("this pipeline makes no batches", "leave out --replay"));
    };
    if plan.data.scaled && tickets.iter().any(|ticket| ticket.pass.part == crate::batch::Part::Train) {
        let why = "training pictures are decoded at a smaller scale (decode = \"scaled\"), the traced ones are not";
        return Err(Error::refused(why, "add --set source.decode=exact, or leave out --replay"));
    }
    let passes: HashSet<Pass> = tickets.iter().map(|ticket| ticket.pass).collect();
    let mut found: Vec<Option<Replayed>> = tickets.iter().map(|_| None).collect();
    for pass in passes {
        let wanted: Vec<usize> = (0..tickets.len()).filter(|&place| tickets[place].pass == pass).collect();
        walk(plan, pass, moments, signals, &wanted, &mut |batch| {
            for &place in &wanted {
                let who = &*shown[place].who.identity;
                if let Some(row) = batch.identities.iter().position(|identity| &*identity.0 == who) {
                    found[place] = Some(taken(plan, batch, row, &shown[place], moments, size)?);
                }
            }
            Ok(wanted.iter().all(|&place| found[place].is_some()))
        })?;
    }
    Ok(found)
}

/// Makes the batches of a pass as a run does, from its first on, until `enough` says so.
fn walk(
    plan: &Plan,
    pass: Pass,
    moments: &Moments,
    signals: &Signals,
    wanted: &[usize],
    enough: &mut dyn FnMut(&Batch) -> Result<bool>,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let tickets = deal::pass(&plan.data.parts, plan.seed, pass, 0);
    let flow = plan.batches(&load, tickets, signals.stop(), moments.normalize(), 0);
    let mut take = |_, batch: Batch| {
        let done = enough(&batch)?;
        Ok::<_, Error>(if done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    flow.sink("preview", Plan::batch_room(), &mut take).run()?;
    match signals.stop().is_requested() {
        true => Err(signals.interrupted("start it again".to_owned())),
        false => Ok(()),
    }
}

fn taken(plan: &Plan, batch: &Batch, row: usize, shown: &Shown, moments: &Moments, size: Size) -> Result<Replayed> {
    let values = batch.shape.iter().product::<usize>() * batch.views;
    let values = &batch.images[row * values..][..values];
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let alone = alone(plan, shown, moments, size);
    let pure = alone.as_ref().is_some_and(|alone| alone.iter().flat_map(|value| value.to_le_bytes()).eq(bytes.iter().copied()));
    if !pure && batch.soft_targets.is_none() {
        let why = "the row of the batch does not hold the traced picture: please report this".to_owned();
        return Err(Error::Fault { stage: "batch".to_owned(), item: u64::from(batch.index), why });
    }
    let floats = shown.outcome.as_ref().is_ok_and(|journey| journey.views.iter().any(|view| matches!(view, View::Floats(_))));
    let picture = |view: &[f32]| if floats { stretched(view, batch.shape) } else { picture_of(view, batch.shape, moments) };
    Ok(Replayed {
        batch: batch.index,
        batch_blake3: blake3::Hash::from_bytes(batch.digest).to_hex().to_string(),
        row,
        row_blake3: blake3::hash(&bytes).to_hex().to_string(),
        pictures: values.chunks_exact(values.len() / batch.views).map(picture).collect(),
        floats,
        pure,
        shares: shares(plan, batch, row),
    })
}

/// The values that the batch stage makes of the traced picture where it is alone.
fn alone(plan: &Plan, shown: &Shown, moments: &Moments, size: Size) -> Option<Vec<f32>> {
    let journey = shown.outcome.as_ref().ok()?;
    let mut batcher = Batcher::new(1, LastBatch::Keep, moments.normalize(), plan.data.channels, size);
    let identity = Identity(shown.who.identity.as_str().into());
    let finished = Finished { identity, label: 0, views: journey.views.clone() };
    let pass = Pass { part: shown.who.part, epoch: 0 };
    let ticket = Ticket { pass, position: 0, entry: 0, last: true };
    batcher.take(FinishedSlot { ticket, outcome: Ok(finished), notes: Vec::new() }).map(|batch| batch.images.to_vec())
}

/// The classes that a mixed row is of, with their shares.
fn shares(plan: &Plan, batch: &Batch, row: usize) -> Vec<(String, f32)> {
    let classes = plan.data.source.classes();
    let Some(targets) = &batch.soft_targets else { return Vec::new() };
    let of_row = targets.iter().skip(row * classes.len()).copied();
    classes.iter().cloned().zip(of_row).filter(|(_, share)| *share > 0.0).collect()
}

/// Normalised planes as a picture again: x = 255 · (v · std + mean), rounded to the nearest whole number.
fn picture_of(values: &[f32], [channels, height, width]: [usize; 3], moments: &Moments) -> Image {
    interleaved(values, [channels, height, width], |channel, value| {
        255.0 * (value * f64::from(moments.std[channel]) + f64::from(moments.mean[channel]))
    })
}

/// Planes of numbers on any scale as a picture: the least is black, the largest white.
fn stretched(values: &[f32], shape: [usize; 3]) -> Image {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let (low, span) = (f64::from(low), (f64::from(high) - f64::from(low)).max(f64::MIN_POSITIVE));
    interleaved(values, shape, |_, value| 255.0 * (value - low) / span)
}

/// Planes, one a channel, as a picture; `byte` makes 0 to 255 of a channel's value, which is then rounded.
fn interleaved(values: &[f32], [channels, height, width]: [usize; 3], byte: impl Fn(usize, f64) -> f64) -> Image {
    let area = height * width;
    let at = |place: usize| {
        let (pixel, channel) = (place / channels, place % channels);
        byte(channel, f64::from(values[channel * area + pixel])).round() as u8
    };
    Image::new(Size::new(height as u32, width as u32), channels, (0..area * channels).map(at).collect())
}
