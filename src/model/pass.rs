//! Forward and backward through a planned network. Spreads images over fixed tasks of the current rayon pool; knows no loss.

use super::layer::{Draw, ImageGradient, Rows, Work};
use super::plan::{Node, Plan, Stage, TASKS};
use super::workspace::Workspace;
use crate::kernel::{reduce, scratch};
use rayon::prelude::*;

/// One run over a batch.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub parameters: &'a [f32],
    pub images: &'a [f32],
    pub count: usize,
    /// Whether layers may draw, with the keys of the workspace.
    pub training: bool,
}

/// The activations that a stage starts from: rows in the images, or in the record of the stage before.
fn stage_input<'r>(plan: &Plan, records: &'r [Vec<f32>], images: &'r [f32], stage: usize, count: usize) -> Rows<'r> {
    let before = stage.checked_sub(1).map(|before| (before, &plan.stages[before]));
    match before.and_then(|(index, stage)| Some((index, stage, plan.nodes[stage.nodes.end - 1].place?))) {
        Some((index, stage, place)) => Rows { data: &records[index][place..], stride: stage.record, count },
        None => Rows { data: images, stride: plan.input.len(), count },
    }
}

/// Runs every layer on the batch; outputs stay in the workspace's records.
pub(super) fn forward(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>) {
    for node in &plan.nodes {
        if let Work::PerImage(work) = &node.work {
            work.prepare(&batch.parameters[node.parameters.clone()], &mut workspace.prepared[node.prepared.clone()]);
        }
    }
    for (index, stage) in plan.stages.iter().enumerate() {
        let (before, here) = workspace.records.split_at_mut(index);
        let input = stage_input(plan, before, batch.images, index, batch.count);
        let Some(record) = here[0].get_mut(..batch.count * stage.record).filter(|record| !record.is_empty()) else { continue };
        if let Work::PerBatch(work) = &plan.nodes[stage.nodes.start].work {
            let parameters = &batch.parameters[plan.nodes[stage.nodes.start].parameters.clone()];
            work.forward(parameters, input, record, stage.record);
        }
        let task = batch.count.div_ceil(TASKS);
        let run = Images { plan, stage, input, prepared: &workspace.prepared, keys: &workspace.keys };
        record.par_chunks_mut(task * stage.record).enumerate().for_each(|(number, records)| {
            for (index, record) in records.chunks_exact_mut(stage.record).enumerate() {
                run.forward(record, number * task + index, batch.training);
            }
        });
    }
}

/// Copies the last layer's outputs, row after row, to the workspace's logits.
pub(super) fn gather_output(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>) {
    let rows = stage_input(plan, &workspace.records, batch.images, plan.stages.len(), batch.count);
    let len = plan.output().len();
    for (row, to) in workspace.logits.chunks_exact_mut(len).take(batch.count).enumerate() {
        to.copy_from_slice(&rows.data[row * rows.stride..][..len]);
    }
}

/// A stage's layers that work image by image.
#[derive(Clone, Copy)]
struct Images<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    input: Rows<'a>,
    prepared: &'a [f32],
    keys: &'a [u64],
}

impl<'a> Images<'a> {
    /// Numbers of the layers, without one that needs the whole batch.
    fn nodes(&self) -> std::ops::Range<usize> {
        let head = matches!(self.plan.nodes[self.stage.nodes.start].work, Work::PerBatch(_));
        self.stage.nodes.start + usize::from(head)..self.stage.nodes.end
    }

    fn draw(&self, node: usize, row: usize) -> Draw {
        Draw { key: self.keys[node], row: row as u64 }
    }

    /// Where the input of a layer lies in the record; none where it is the stage's input.
    fn place_before(&self, node: usize) -> Option<usize> {
        if node == self.stage.nodes.start { None } else { self.plan.nodes[node - 1].place }
    }

    fn input_row(&self, row: usize) -> &'a [f32] {
        let len = self.plan.input_of(self.stage.nodes.start).len();
        &self.input.data[row * self.input.stride..][..len]
    }

    fn forward(&self, record: &mut [f32], row: usize, training: bool) {
        for index in self.nodes() {
            let node = &self.plan.nodes[index];
            let (Some(place), len) = (node.place, node.shape.len()) else { continue };
            let (before, output) = record.split_at_mut(place);
            let input = || match self.place_before(index) {
                Some(from) => &before[from..from + self.plan.input_of(index).len()],
                None => self.input_row(row),
            };
            match &node.work {
                Work::View | Work::PerBatch(_) => {}
                Work::PerImage(work) => work.forward(&self.prepared[node.prepared.clone()], input(), &mut output[..len]),
                Work::InPlace(work) => {
                    if node.copies {
                        output[..len].copy_from_slice(input());
                    }
                    work.forward(&mut output[..len], training.then(|| self.draw(index, row)));
                }
            }
        }
    }

    /// Turns the gradient of a layer that works in place.
    fn backward_in_place(&self, index: usize, record: &[f32], gradient: &mut [f32], row: usize) {
        if let (Work::InPlace(work), Some(place)) = (&self.plan.nodes[index].work, self.plan.nodes[index].place) {
            work.backward(&record[place..place + gradient.len()], gradient, self.draw(index, row));
        }
    }

    /// Takes the gradient of the stage's output down to layer `lowest`, whose input's gradient goes to `to`, if that is wanted.
    fn backward(&self, lowest: usize, record: &[f32], row: usize, gradient: &[f32], to: Option<&mut [f32]>, sums: &mut [f32]) {
        let widest = self.nodes().map(|node| self.plan.input_of(node).len()).max().unwrap_or(0).max(gradient.len());
        scratch::with(2 * widest, |buffer| {
            let (mut here, mut next) = buffer.split_at_mut(widest);
            here[..gradient.len()].copy_from_slice(gradient);
            for index in self.nodes().rev().take_while(|&index| index >= lowest) {
                let (node, len) = (&self.plan.nodes[index], self.plan.nodes[index].shape.len());
                let Work::PerImage(work) = &node.work else {
                    self.backward_in_place(index, record, &mut here[..len], row);
                    continue;
                };
                let input_len = self.plan.input_of(index).len();
                let input = match self.place_before(index) {
                    Some(from) => &record[from..from + input_len],
                    None => self.input_row(row),
                };
                let wanted = (index > lowest || to.is_some()).then_some(&mut next[..input_len]);
                let pass = ImageGradient { input, output: &here[..len], to: wanted };
                work.backward(&self.prepared[node.prepared.clone()], pass, &mut sums[node.sums.clone()]);
                std::mem::swap(&mut here, &mut next);
            }
            if let Some(to) = to {
                to.copy_from_slice(&here[..to.len()]);
            }
        });
    }
}

/// Takes the gradient of the outputs, in the workspace's `front`, back through every layer, and writes the gradient of every
/// parameter. `to_input` asks for the gradient of the images as well, which is then left in `front`.
pub(super) fn backward(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>, gradient: &mut [f32], to_input: bool) {
    let first = plan.nodes.iter().position(|node| !node.parameters.is_empty()).unwrap_or(plan.nodes.len());
    let lowest = if to_input { 0 } else { first };
    for (index, stage) in plan.stages.iter().enumerate().rev() {
        if stage.nodes.end <= lowest {
            return;
        }
        let head = &plan.nodes[stage.nodes.start];
        let wanted = stage.nodes.start > lowest || matches!(head.work, Work::PerBatch(_)) || to_input;
        tail_backward(plan, index, workspace, batch, gradient, (lowest, wanted));
        if let Work::PerBatch(work) = &head.work {
            let input = stage_input(plan, &workspace.records[..index], batch.images, index, batch.count);
            let out = head.shape.len();
            let output = Rows { data: &workspace.front[..batch.count * out], stride: out, count: batch.count };
            let to = (stage.nodes.start > lowest || to_input).then_some(&mut workspace.back);
            let to = to.map(|back| &mut back[..batch.count * plan.input_of(stage.nodes.start).len()]);
            let range = head.parameters.clone();
            work.backward(&batch.parameters[range.clone()], input, output, to, &mut gradient[range]);
            std::mem::swap(&mut workspace.front, &mut workspace.back);
        }
    }
}

/// Takes the gradient in `front` through the layers of a stage that work image by image, down to layer `lowest`, and, where the
/// gradient of their input is `wanted`, leaves it in `front`.
fn tail_backward(
    plan: &Plan,
    index: usize,
    workspace: &mut Workspace,
    batch: Batch<'_>,
    gradient: &mut [f32],
    (lowest, wanted): (usize, bool),
) {
    let (stage, count) = (&plan.stages[index], batch.count);
    let (before, here) = workspace.records.split_at(index);
    let input = stage_input(plan, before, batch.images, index, count);
    let run = Images { plan, stage, input, prepared: &workspace.prepared, keys: &workspace.keys };
    let nodes = run.nodes();
    let out = plan.input_of(nodes.end).len();
    let record_of = |row: usize| &here[0][row * stage.record..(row + 1) * stage.record];
    let task = count.div_ceil(stage.slots);
    let front = workspace.front[..count * out].par_chunks_mut(task * out).enumerate();
    if !nodes.clone().any(|node| matches!(plan.nodes[node].work, Work::PerImage(_))) {
        front.for_each(|(number, chunk)| {
            for (offset, values) in chunk.chunks_exact_mut(out).enumerate() {
                let row = number * task + offset;
                nodes.clone().rev().for_each(|node| run.backward_in_place(node, record_of(row), values, row));
            }
        });
        return;
    }
    let len = plan.input_of(nodes.start).len();
    let back = workspace.back[..count * len].par_chunks_mut(task * len);
    let sums = workspace.sums.par_chunks_mut(stage.sums.max(1));
    front.zip(back).zip(sums).for_each(|(((number, chunk), back), sums)| {
        sums.fill(0.0);
        for (offset, (values, back)) in chunk.chunks_exact(out).zip(back.chunks_exact_mut(len)).enumerate() {
            let row = number * task + offset;
            run.backward(lowest, record_of(row), row, values, wanted.then_some(back), sums);
        }
    });
    collect(&plan.nodes[nodes], stage.sums, count.div_ceil(task), &mut workspace.sums, gradient);
    std::mem::swap(&mut workspace.front, &mut workspace.back);
}

/// Adds the slots in a fixed tree and writes the gradients in the order of the parameters.
fn collect(nodes: &[Node], len: usize, slots: usize, sums: &mut [f32], gradient: &mut [f32]) {
    reduce::add_tree(sums, len, slots);
    for node in nodes {
        if let Work::PerImage(work) = &node.work {
            work.collect(&sums[node.sums.clone()], &mut gradient[node.parameters.clone()]);
        }
    }
}
