//! Which nodes run together, and where each writes. Knows nodes by how they work.

use super::plan::{Node, Place, Stage, Step, TASKS};
use std::ops::Range;

/// Floats that the slots of one stage may take together before there are fewer of them.
const SLOT_FLOATS: usize = 1 << 24;
/// Multiply-adds for a float that cost less than its way to memory and back.
const CHEAP: u64 = 16;

/// Cuts nodes into stages. What normalises has a stage before it, which measures for it.
pub(super) fn cut(nodes: &mut [Node]) -> Vec<Stage> {
    let measured_first = nodes.first().is_some_and(|node| node.normalise().is_some());
    let waiting = (0..nodes.len()).filter(|&index| (index == 0 && !measured_first) || nodes[index].step.waits());
    let mut starts: Vec<usize> = measured_first.then_some(0).into_iter().chain(waiting).collect();
    starts.push(nodes.len());
    let mut layout = Layout::default();
    let ranges = starts.windows(2).map(|pair| pair[0]..pair[1]);
    let mut stages: Vec<Stage> = ranges.map(|range| layout.stage(range.clone(), &mut nodes[range])).collect();
    for index in 1..stages.len() {
        stages[index - 1].kept = !is_made_anew(nodes, &stages[index - 1..=index], index - 1);
    }
    stages
}

/// Whether a stage, the first of two, is computed anew where its output is read: nobody but the head of the second reads it, which asks
/// image by image, and that costs less than to fetch from memory what was stored there.
fn is_made_anew(nodes: &[Node], stages: &[Stage], number: usize) -> bool {
    let (range, head) = (stages[0].nodes.clone(), stages[1].nodes.start);
    let (own, here) = (&nodes[range.clone()], |place: Option<Place>| place.is_some_and(|place| place.stage == number));
    let asks = matches!(&nodes[head].step, Step::PerBatch(work) if work.takes_made_rows());
    let costly = own.iter().any(|node| match &node.step {
        Step::PerImage(work) => work.is_costly(),
        Step::InPlace(work) => work.is_costly(),
        Step::PerBatch(_) => true,
        _ => false,
    });
    let alone = own.last().is_some_and(|node| here(node.place));
    let reads = |node: &Node| here(node.from) || here(node.place) || matches!(node.step, Step::Join(_, branch) if here(branch));
    let others = nodes.iter().enumerate().filter(|(index, _)| !range.contains(index) && *index != head);
    let cost: u64 = own.iter().map(|node| node.multiply_adds).sum();
    asks && alone && !costly && cost <= CHEAP * stages[0].record as u64 && !others.map(|(_, node)| node).any(reads)
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
        for node in &mut *nodes {
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
        let in_place = (range.start..)
            .zip(&*nodes)
            .all(|(index, node)| (index == range.start && node.step.waits()) || matches!(node.step, Step::View | Step::InPlace(_)));
        let slots = (SLOT_FLOATS / sums.max(1)).clamp(1, TASKS);
        Stage { nodes: range, record: record.max(1), kept: true, in_place, sums, slots }
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
