//! One image through the layers of a stage, forward and backward, and the parameters of these layers. Knows no batch.

use super::layer::{Draw, ImageGradient};
use super::layer_times::{LayerMeter, Watch, Way};
use super::pass::Batch;
use super::plan::{Block, Node, Place, Plan, Step};
use crate::kernel::{blend, scratch};
use std::ops::Range;

/// A stage's layers that work image by image.
#[derive(Clone, Copy)]
pub(super) struct Images<'a> {
    pub plan: &'a Plan,
    pub stage: usize,
    /// Records of the stages before; going back, of this one as well.
    pub records: &'a [Vec<f32>],
    pub batch: Batch<'a>,
    pub prepared: &'a [f32],
    pub saved: &'a [f32],
    pub keys: &'a [u64],
    pub meter: Option<&'a LayerMeter>,
    /// Whether this happens inside the call of a layer that needs all images.
    pub within: bool,
}

impl<'a> Images<'a> {
    /// Numbers of the nodes behind one that waits for the whole batch.
    pub fn tail(&self) -> Range<usize> {
        let nodes = &self.plan.stages[self.stage].nodes;
        let waits =
            self.plan.nodes[nodes.clone()].first().is_some_and(|node| matches!(node.step, Step::PerBatch(_) | Step::Normalise(_)));
        nodes.start + usize::from(waits)..nodes.end
    }

    /// Floats in front of the tail and behind it.
    pub fn lens(&self) -> [usize; 2] {
        let len = |node: usize| match node.checked_sub(1) {
            Some(before) => self.plan.nodes[before].shape.len(),
            None => self.plan.input.len(),
        };
        [len(self.tail().start), len(self.tail().end)]
    }

    /// An image's activations at a place; `record` is its record in this stage, or the part of it in which the place lies.
    pub fn at<'r>(&self, place: Option<Place>, len: usize, row: usize, record: &'r [f32]) -> &'r [f32]
    where
        'a: 'r,
    {
        match place {
            None => &self.batch.images[row * self.plan.input.len()..][..len],
            Some(place) if place.stage == self.stage => &record[place.at..][..len],
            Some(place) => &self.records[place.stage][row * self.plan.stages[place.stage].record + place.at..][..len],
        }
    }

    fn draw(&self, node: usize, row: usize) -> Draw {
        Draw { key: self.keys[node], row: row as u64 }
    }

    /// A watch for what is done here, which tells the time inside another layer's call apart.
    pub fn watch(&self, way: Way) -> Watch<'a> {
        if self.within { Watch::start_within(self.meter, way) } else { Watch::start(self.meter, way) }
    }

    /// Runs the layers on an image in a record that nobody keeps, on the way forward or back, and has `work` read it.
    pub fn anew<T>(&self, row: usize, way: Way, work: impl FnOnce(&[f32]) -> T) -> T {
        scratch::with(self.plan.stages[self.stage].record, |record| {
            self.run(record, row, way);
            work(record)
        })
    }

    /// Going back, has `work` read an image's record, which was kept or is made anew.
    pub fn with_record(&self, row: usize, work: impl FnOnce(&[f32])) {
        let stage = &self.plan.stages[self.stage];
        match stage.kept {
            true => work(&self.records[self.stage][row * stage.record..][..stage.record]),
            false => self.anew(row, Way::Backward, work),
        }
    }

    /// Takes the gradient of an image's output, where it lies, through a stage that works in place, down to layer `lowest`.
    pub fn backward_in_place(&self, lowest: usize, row: usize, gradient: &mut [f32]) {
        self.with_record(row, |record| self.backward(lowest, record, row, (gradient, None), &mut [], &mut []));
    }

    /// Runs the layers on an image, from one that normalises on.
    pub fn forward(&self, record: &mut [f32], row: usize) {
        self.run(record, row, Way::Forward);
    }

    fn run(&self, record: &mut [f32], row: usize, way: Way) {
        let mut watch = self.watch(way);
        for index in self.plan.stages[self.stage].nodes.clone() {
            let node = &self.plan.nodes[index];
            let (Some(place), len) = (node.place.filter(|place| place.stage == self.stage), node.shape.len()) else { continue };
            if let Step::Join(_, branch) = node.step {
                self.join(node, (branch, place.at), record, row);
                watch.lap(index);
                continue;
            }
            let (before, output) = record.split_at_mut(place.at);
            let input = || self.at(node.from, node.input.len(), row, before);
            match &node.step {
                Step::PerImage(work) => work.forward(&self.prepared[node.prepared.clone()], input(), &mut output[..len]),
                Step::Normalise(work) => work.forward(&self.saved[node.saved.clone()], input(), &mut output[..len]),
                Step::InPlace(work) => {
                    if node.copies {
                        output[..len].copy_from_slice(input());
                    }
                    work.forward(&mut output[..len], self.batch.training.then(|| self.draw(index, row)));
                }
                Step::View | Step::PerBatch(_) | Step::Fork(_) | Step::Turn(_) | Step::Join(..) => {}
            }
            watch.lap(index);
        }
    }

    /// Adds a branch and its shortcut, where the branch lies or at a new place.
    fn join(&self, node: &Node, (branch, at): (Option<Place>, usize), record: &mut [f32], row: usize) {
        let len = node.shape.len();
        if node.copies {
            let (before, output) = record.split_at_mut(at);
            output[..len].copy_from_slice(self.at(branch, len, row, before));
            blend::add(&mut output[..len], self.at(node.from, len, row, before));
            return;
        }
        match node.from.filter(|from| from.stage == self.stage && from.at > at) {
            Some(from) => {
                let (before, behind) = record.split_at_mut(from.at);
                blend::add(&mut before[at..at + len], &behind[..len]);
            }
            None => {
                let (before, output) = record.split_at_mut(at);
                blend::add(&mut output[..len], self.at(node.from, len, row, before));
            }
        }
    }

    /// Takes the gradient of the stage's output, which is used up, down to layer `lowest`, whose input's gradient goes to `to`, if that is
    /// wanted.
    pub fn backward(
        &self,
        lowest: usize,
        record: &[f32],
        row: usize,
        (gradient, to): (&mut [f32], Option<&mut [f32]>),
        held: &mut [f32],
        sums: &mut [f32],
    ) {
        let nodes = self.tail();
        let lens = self.plan.nodes[nodes.clone()].iter().map(|node| node.input.len().max(node.shape.len()));
        let widest = lens.max().unwrap_or(0).max(gradient.len());
        let moves = |index: &usize| self.plan.nodes[*index].step.moves_gradient();
        let mut left = nodes.clone().filter(|&index| index >= lowest).filter(moves).count();
        let wanted = to.is_some();
        scratch::with(2 * widest, |buffer| {
            let mut watch = Watch::start(self.meter, Way::Backward);
            let out = gradient.len();
            let mut hops = Hops::new(gradient, to, buffer.split_at_mut(widest));
            let mut here = hops.start(left);
            // What the layer behind this stage, which normalises, has left to be done image by image.
            if let Some((node, work)) = self.plan.head(self.stage + 1) {
                let input = self.at(node.from, node.input.len(), row, record);
                work.backward(&self.saved[node.saved.clone()], input, &mut here[..out]);
                watch.lap(self.plan.stages[self.stage].nodes.end);
            }
            for index in nodes.rev().take_while(|&index| index >= lowest) {
                let node = &self.plan.nodes[index];
                let [input_len, len] = [node.input.len(), node.shape.len()];
                match &node.step {
                    Step::InPlace(work) => {
                        work.backward(self.at(node.place, len, row, record), &mut here[..len], self.draw(index, row));
                    }
                    Step::PerImage(work) => {
                        let input = self.at(node.from, input_len, row, record);
                        let next = hops.next(left);
                        let to = (index > lowest || wanted).then_some(&mut next[..input_len]);
                        let pass = ImageGradient { input, output: &here[..len], to };
                        work.backward(&self.prepared[node.prepared.clone()], pass, &mut sums[node.sums.clone()]);
                        hops.leave(std::mem::replace(&mut here, next), left);
                        left -= 1;
                    }
                    Step::Join(block, _) => held[block.held..][..len].copy_from_slice(&here[..len]),
                    Step::Turn(block) if block.projects => {
                        let next = hops.next(left);
                        turn(*block, held, here, next);
                        hops.leave(std::mem::replace(&mut here, next), left);
                        left -= 1;
                    }
                    Step::Fork(block) => blend::add(&mut here[..len], &held[block.held..][..len]),
                    Step::View | Step::PerBatch(_) | Step::Normalise(_) | Step::Turn(_) => {}
                }
                watch.lap(index);
            }
        });
    }
}

/// Holds the gradient that came through the shortcut, and goes on with the one that was held for the branch. They are the same one
/// where the shortcut is the input itself.
fn turn(block: Block, held: &mut [f32], here: &[f32], next: &mut [f32]) {
    let [input, output] = block.lens;
    next[..output].copy_from_slice(&held[block.held..][..output]);
    held[block.held..][..input].copy_from_slice(&here[..input]);
}

/// The buffers that a gradient goes through: from where it came to where it is wanted, without a copy, and two between.
struct Hops<'b> {
    from: &'b mut [f32],
    to: Option<&'b mut [f32]>,
    between: [&'b mut [f32]; 2],
}

impl<'b> Hops<'b> {
    fn new(from: &'b mut [f32], to: Option<&'b mut [f32]>, between: (&'b mut [f32], &'b mut [f32])) -> Self {
        Self { from, to, between: between.into() }
    }

    /// Where the gradient begins, if it moves so many times: where it ends, if it never does.
    fn start(&mut self, moves: usize) -> &'b mut [f32] {
        let from = std::mem::take(&mut self.from);
        match self.to.take_if(|_| moves == 0) {
            Some(to) => {
                to.copy_from_slice(from);
                to
            }
            None => from,
        }
    }

    /// Where the gradient moves to, if so many moves are left.
    fn next(&mut self, moves: usize) -> &'b mut [f32] {
        self.to.take_if(|_| moves == 1).unwrap_or_else(|| std::mem::take(&mut self.between[moves % 2]))
    }

    /// Takes back a buffer that the gradient has left, with so many moves left before that: the next but one uses it, unless it is where the
    /// gradient came from, which may be too short.
    fn leave(&mut self, buffer: &'b mut [f32], moves: usize) {
        let place = &mut self.between[(moves + 1) % 2];
        if place.is_empty() {
            *place = buffer;
        }
    }
}

/// Lays the parameters of all layers out for this step's calls, in parallel. `prepared` begins where the first node's part does.
pub(super) fn prepare(nodes: &[Node], arena: &[f32], prepared: &mut [f32], (meter, index): (Option<&LayerMeter>, usize)) {
    match nodes {
        [] => {}
        [node] => {
            if let Step::PerImage(work) = &node.step {
                let mut watch = Watch::start(meter, Way::Forward);
                work.prepare(&arena[node.parameters.clone()], &arena[node.state.clone()], prepared);
                watch.lap(index);
            }
        }
        _ => {
            let (left, right) = nodes.split_at(nodes.len() / 2);
            let (first, second) = prepared.split_at_mut(right[0].prepared.start - left[0].prepared.start);
            let middle = index + left.len();
            rayon::join(|| prepare(left, arena, first, (meter, index)), || prepare(right, arena, second, (meter, middle)));
        }
    }
}

/// Writes the summed gradients of a stage's layers in the order of the parameters, in parallel.
pub(super) fn collect(nodes: &[Node], sums: &[f32], gradient: &mut [f32]) {
    let Some(first) = nodes.first() else { return };
    collect_from(first.parameters.start, nodes, sums, &mut gradient[first.parameters.start..]);
}

fn collect_from(start: usize, nodes: &[Node], sums: &[f32], gradient: &mut [f32]) {
    match nodes {
        [] => {}
        [node] => {
            if let Step::PerImage(work) = &node.step {
                work.collect(&sums[node.sums.clone()], &mut gradient[node.parameters.start - start..node.parameters.end - start]);
            }
        }
        _ => {
            let (left, right) = nodes.split_at(nodes.len() / 2);
            let middle = right[0].parameters.start;
            let (first, second) = gradient.split_at_mut(middle - start);
            rayon::join(|| collect_from(start, left, sums, first), || collect_from(middle, right, sums, second));
        }
    }
}
