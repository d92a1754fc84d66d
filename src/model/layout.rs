//! Which nodes run together, and where each writes. Knows nodes by how they work.

use super::plan::{Node, Place, Stage, Step, TASKS};
use std::ops::Range;

/// Floats that the slots of one stage may take together before there are fewer of them.
const SLOT_FLOATS: usize = 1 << 24;

/// Cuts nodes into stages. What normalises has a stage before it, which measures for it.
pub(super) fn cut(nodes: &mut [Node]) -> Vec<Stage> {
    let measured_first = nodes.first().is_some_and(|node| node.normalise().is_some());
    let waiting = (0..nodes.len()).filter(|&index| (index == 0 && !measured_first) || nodes[index].step.waits());
    let mut starts: Vec<usize> = measured_first.then_some(0).into_iter().chain(waiting).collect();
    starts.push(nodes.len());
    let mut layout = Layout::default();
    let ranges = starts.windows(2).map(|pair| pair[0]..pair[1]);
    ranges.map(|range| layout.stage(range.clone(), &mut nodes[range])).collect()
}

/// Where the outputs of the nodes so far lie.
#[derive(Default)]
struct Layout {
    stage: usize,
    at: Option<Place>,
    /// Whether the numbers at `at` may be changed: nobody needs them as they are.
    free: bool,
    /// The blocks that are not joined yet.
    open: Vec<Open>,
}

/// A residual block on the way.
#[derive(Default)]
struct Open {
    begin: Option<Place>,
    /// Where its branch ended, and whether that may be changed.
    branch: Option<Place>,
    free: bool,
}

impl Layout {
    /// Places the outputs of a stage's nodes in its record. What works in place does so wherever nobody needs what was there.
    fn stage(&mut self, range: Range<usize>, nodes: &mut [Node]) -> Stage {
        let (mut record, mut sums) = (0, 0);
        for node in nodes {
            node.from = self.at;
            if self.moves(node) {
                self.at = Some(Place { stage: self.stage, at: record });
                record += node.shape.len();
            }
            node.place = self.at;
            if let Step::PerImage(work) = &node.step {
                node.sums = sums..sums + work.sums_len();
                sums = node.sums.end;
            }
        }
        self.stage += 1;
        let slots = (SLOT_FLOATS / sums.max(1)).clamp(1, TASKS);
        Stage { nodes: range, record: record.max(1), sums, slots }
    }

    /// Whether a node's output needs a new place; otherwise it lies at `at`.
    fn moves(&mut self, node: &mut Node) -> bool {
        let in_reach = |place: Option<Place>| place.is_some_and(|place| place.stage == self.stage);
        match &mut node.step {
            Step::View => false,
            Step::InPlace(work) => {
                node.copies = !(self.free && in_reach(self.at));
                self.free = !work.reads_output();
                node.copies
            }
            Step::PerImage(_) | Step::PerBatch(_) | Step::Normalise(_) => {
                self.free = true;
                true
            }
            Step::Fork(_) => {
                self.open.push(Open { begin: self.at, ..Open::default() });
                self.free = false;
                false
            }
            Step::Turn(_) => {
                if let Some(open) = self.open.last_mut() {
                    (open.branch, open.free) = (self.at, self.free);
                    self.at = open.begin;
                }
                self.free = false;
                false
            }
            Step::Join(_, branch_end) => {
                let Open { branch, free, .. } = self.open.pop().unwrap_or_default();
                *branch_end = branch;
                node.copies = !(free && in_reach(branch));
                if !node.copies {
                    self.at = branch;
                }
                self.free = true;
                node.copies
            }
        }
    }
}
