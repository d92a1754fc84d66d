//! A shelf without end.

use super::Written;
use crate::error::Result;
use crate::job::claim::ClaimedFolder;
use crate::job::run::write::Shelf;
use crate::plan::Plan;
use crate::stage::write::Answer;

/// A shelf that begins again when its shards are full.
pub struct Endless<'a> {
    from: &'a Written,
    plan: &'a Plan,
    claimed: &'a ClaimedFolder,
    shelf: Shelf<'a>,
    left: usize,
}

impl<'a> Endless<'a> {
    /// An empty one.
    pub fn new(from: &'a Written, plan: &'a Plan, claimed: &'a ClaimedFolder) -> Self {
        let shelf = Shelf::new(&*plan.data.source, &from.set, claimed, &from.shards);
        Self { from, plan, claimed, shelf, left: from.entries.len() }
    }

    /// Takes the next sample's renditions.
    ///
    /// # Errors
    /// As [`Shelf::take`].
    pub fn take(&mut self, (answer, _): Answer) -> Result<()> {
        if self.left == 0 {
            *self = Self::new(self.from, self.plan, self.claimed);
        }
        self.left -= 1;
        self.shelf.take(answer)
    }
}
