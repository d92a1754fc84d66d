//! Deals [`Ticket`]s: which entries are read, in which order, epoch after epoch. Opens no file.

use super::Ticket;
use crate::batch::{Part, Pass};
use crate::key::{Key, hash_name};

/// Which entries of the source belong to which part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Indices into the source, in its order.
    pub train: Vec<u32>,
    /// Likewise; empty where nothing is held out.
    pub validation: Vec<u32>,
    /// Indices into the test source.
    pub test: Vec<u32>,
}

impl Parts {
    /// The entries of `part`, in the source's order.
    pub fn of(&self, part: Part) -> &[u32] {
        match part {
            Part::Train => &self.train,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
        }
    }

    /// The entries of a pass in the order in which they are read: shuffled for training, keyed by (run seed, epoch); the
    /// source's order otherwise.
    pub fn order(&self, seed: u64, pass: Pass) -> Vec<u32> {
        let mut entries = self.of(pass.part).to_vec();
        if pass.part == Part::Train {
            let key = Key { run: seed, epoch: u64::from(pass.epoch), sample: 0, op: hash_name("shuffle") };
            key.dice().shuffle(&mut entries);
        }
        entries
    }
}

/// Where a run stands: the next entry to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Epoch, from 0.
    pub epoch: u32,
    /// Entries of the epoch's training pass already used; all of them where only validation is left.
    pub consumed: u64,
}

/// How much of the training part a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// Epochs that begin.
    pub count: u32,
    /// Entries of the last one's training pass; more than there are is all of them.
    pub last: usize,
}

impl Epochs {
    /// Entries of the training pass of `epoch`, of the `all` that there are.
    pub fn entries(self, epoch: u32, all: usize) -> usize {
        if epoch + 1 < self.count { all } else { all.min(self.last) }
    }
}

/// The tickets of a whole training run from `start` on: for every epoch the training pass, then the validation pass.
pub fn training(parts: &Parts, seed: u64, start: Position, epochs: Epochs) -> impl Iterator<Item = Ticket> + Send + '_ {
    (start.epoch..epochs.count).flat_map(move |epoch| {
        let skip = if epoch == start.epoch { start.consumed as usize } else { 0 };
        let mut order = parts.order(seed, Pass { part: Part::Train, epoch });
        order.truncate(epochs.entries(epoch, order.len()));
        let train = tickets(order, Pass { part: Part::Train, epoch }, skip);
        train.chain(pass(parts, seed, Pass { part: Part::Validation, epoch }, 0))
    })
}

/// The tickets of one pass, without its first `skip`.
pub fn pass(parts: &Parts, seed: u64, pass: Pass, skip: usize) -> impl Iterator<Item = Ticket> + Send + use<> {
    tickets(parts.order(seed, pass), pass, skip)
}

fn tickets(order: Vec<u32>, pass: Pass, skip: usize) -> impl Iterator<Item = Ticket> + Send + use<> {
    let count = order.len();
    let ticket = move |(position, entry)| Ticket { pass, position: position as u64, entry, last: position + 1 == count };
    order.into_iter().enumerate().skip(skip).map(ticket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        Parts { train: (0..10).collect(), validation: vec![10, 11], test: vec![] }
    }

    #[test]
    fn every_entry_is_dealt_once_an_epoch_and_epochs_differ_in_order() {
        let parts = parts();
        let dealt: Vec<Ticket> = training(&parts, 1, Position { epoch: 0, consumed: 0 }, Epochs { count: 2, last: 99 }).collect();
        assert_eq!(dealt.len(), 24);
        let order = |epoch| parts.order(1, Pass { part: Part::Train, epoch });
        let mut sorted = order(0);
        sorted.sort_unstable();
        assert_eq!(sorted, parts.train);
        assert_ne!(order(0), order(1));
        assert_eq!(dealt.iter().filter(|ticket| ticket.last).count(), 4);
    }

    #[test]
    fn dealing_from_any_position_continues_the_whole() {
        let parts = parts();
        let epochs = Epochs { count: 3, last: 4 };
        let whole: Vec<Ticket> = training(&parts, 3, Position { epoch: 0, consumed: 0 }, epochs).collect();
        assert_eq!(whole.len(), 12 + 12 + 4 + 2);
        assert!(whole[27].last && whole[27].position == 3 && whole[27].pass.part == Part::Train);
        for epoch in 0..3 {
            for consumed in 0..=if epoch == 2 { 4 } else { 10 } {
                let rest: Vec<Ticket> = training(&parts, 3, Position { epoch, consumed }, epochs).collect();
                let start = epoch as usize * 12 + consumed as usize;
                assert_eq!(rest, whole[start..]);
            }
        }
    }
}
