//! Which mixer a batch gets: the key `mix` of `[batch]`, and the choice for every batch. Knows no mixer by name.

use super::mixer::soft_targets;
use super::{DynMixer, MIXERS};
use crate::batch::{Batch, Part};
use crate::config::{Fields, Limits, Value as Given};
use crate::key::{Key, hash_name};
use crate::registry::find;
use crate::sample::Size;
use serde_json::Value;

/// Mixers, and the share of training batches that each of them gets.
#[derive(Debug, Default)]
pub struct Mix {
    shares: Vec<Share>,
}

/// A mixer and how often it is chosen.
pub struct Share {
    name: &'static str,
    p: f64,
    mixer: Box<dyn DynMixer>,
}

/// How one batch is mixed.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Trace {
    /// The mixer's name.
    pub mixer: &'static str,
    /// What it drew.
    pub draw: Value,
    /// Share, 0 to 1, that every picture keeps of itself and of its target; the rest is the picture's before it in the batch.
    pub kept: f64,
}

/// A [`Mix`] at work in a run.
pub struct Mixing<'m> {
    mix: &'m Mix,
    seed: u64,
    classes: usize,
    spare: Vec<f32>,
}

impl Mix {
    /// Reads the key `mix` of the table `[batch]`: a mixer, or a list of them; each a word, or a table with the key `mixer`, its
    /// own keys, and `p`.
    ///
    /// Everything wrong is added to the table's [`Problems`](crate::config::Problems).
    pub fn read(batch: &Fields) -> Self {
        let about = "mixes the pictures of a training batch with each other: a mixer or a list of them, at most one for each batch";
        let tables = match batch.node("mix").map(|node| &node.value) {
            Some(Given::Text(_) | Given::Table(_)) => batch.tagged("mix", "mixer", about).into_iter().collect(),
            _ => batch.tables("mix", "mixer", about),
        };
        let mix = Self::build(&tables);
        let sum: f64 = mix.shares.iter().map(|share| share.p).sum();
        if sum > 1.0 + 1e-9 {
            let help = "each `p` is the share of batches that a mixer gets; left out, it is an equal part of what the others leave";
            batch.complain("mix", format!("the chances `p` of the mixers add up to {sum}"), help);
        }
        mix
    }

    /// The choice among the mixers that `tables` describe.
    pub fn build(tables: &[Fields]) -> Self {
        let read: Vec<(Share, bool)> = tables.iter().filter_map(read_share).collect();
        let given: f64 = read.iter().filter(|(_, given)| *given).map(|(share, _)| share.p).sum();
        let open = read.iter().filter(|(_, given)| !given).count();
        let part = (1.0 - given).max(0.0) / open.max(1) as f64;
        let shares = read.into_iter().map(|(share, given)| if given { share } else { Share { p: part, ..share } });
        Self { shares: shares.collect() }
    }

    /// The mixers in their order.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Whether no batch is ever mixed.
    pub fn is_empty(&self) -> bool {
        self.shares.iter().all(|share| share.p <= 0.0)
    }

    /// The mixing of a run with `seed` over data of `classes`.
    pub fn begin(&self, seed: u64, classes: usize) -> Mixing<'_> {
        Mixing { mix: self, seed, classes, spare: Vec::new() }
    }

    /// How the batch at `place` ([`Key::sample`] is its number in the epoch; [`Key::op`] plays no part) is mixed, if it has two
    /// pictures of `size` or more.
    pub fn look(&self, place: Key, size: Size) -> Option<Trace> {
        let share = self.choose(place)?;
        let (draw, kept) = share.mixer.look(&mut share.key(place).dice(), size);
        Some(Trace { mixer: share.name, draw, kept })
    }

    fn choose(&self, place: Key) -> Option<&Share> {
        let mut left = Key { op: hash_name("mix"), ..place }.dice().unit();
        self.shares.iter().find(|share| {
            left -= share.p;
            left < 0.0
        })
    }
}

/// A mixer as a table describes it, and whether the table gives its `p`.
fn read_share(fields: &Fields) -> Option<(Share, bool)> {
    let names: Vec<&'static str> = MIXERS.iter().map(|entry| entry.name).collect();
    let word = match fields.node("mixer").map(|node| &node.value) {
        Some(Given::Text(text)) => text.as_str(),
        _ => "",
    };
    fields.key("mixer", "which mixer").word(&names).required();
    let entry = find(MIXERS, word).ok()?;
    let mixer = (entry.build)(fields);
    let p = fields.key("p", "share of training batches that it gets").number(Limits::UNIT);
    let p = p.or_shown(1.0, "an equal part of what other mixers leave");
    fields.finish();
    Some((Share { name: entry.name, p, mixer }, fields.has("p")))
}

impl Share {
    /// The word of its mixer.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Chance that a training batch gets it.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// The mixer's parameters in a few words.
    pub fn words(&self) -> String {
        self.mixer.words()
    }

    fn key(&self, place: Key) -> Key {
        Key { op: hash_name(self.name), ..place }
    }
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}) p = {}", self.name, self.words(), self.p)
    }
}

impl Mixing<'_> {
    /// Mixes a training batch of two pictures or more, if it is one that a mixer gets; it then has
    /// [`soft_targets`](Batch::soft_targets). All others stay as they are.
    pub fn apply(&mut self, batch: &mut Batch) {
        let place = Key { run: self.seed, epoch: batch.pass.epoch.into(), sample: batch.index.into(), op: 0 };
        let chosen = if batch.pass.part == Part::Train && batch.count() > 1 { self.mix.choose(place) } else { None };
        let Some(share) = chosen else { return };
        let size = Size::new(batch.shape[1] as u32, batch.shape[2] as u32);
        let count = batch.count();
        let kept = share.mixer.run(&mut share.key(place).dice(), size, count, &mut batch.images, &mut self.spare);
        batch.soft_targets = Some(soft_targets(&batch.labels, self.classes, kept));
    }
}
