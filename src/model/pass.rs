//! Forward and backward through a planned network. Spreads images over fixed tasks of the current rayon pool; knows no loss.

use super::images::{Images, collect, prepare};
use super::layer::Rows;
use super::layer_times::{Watch, Way};
use super::plan::{Node, Place, Plan, Step, TASKS};
use super::workspace::Workspace;
use crate::kernel::reduce;
use rayon::prelude::*;

/// One run over a batch.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// The arena: trained parameters, then state.
    pub parameters: &'a [f32],
    pub images: &'a [f32],
    pub count: usize,
    /// Whether layers may draw, with the keys of the workspace, and normalise by what the batch is.
    pub training: bool,
}

/// The activations of all images at a place.
fn rows<'r>(plan: &Plan, records: &'r [Vec<f32>], batch: Batch<'r>, place: Option<Place>) -> Rows<'r> {
    let count = batch.count;
    match place {
        Some(place) => Rows { data: &records[place.stage][place.at..], stride: plan.stages[place.stage].record, count },
        None => Rows { data: batch.images, stride: plan.input.len(), count },
    }
}

/// Runs every layer on the batch; outputs stay in the workspace's records.
pub(super) fn forward(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>) {
    prepare(&plan.nodes, batch.parameters, &mut workspace.prepared, (workspace.meter.as_ref().filter(|meter| meter.on), 0));
    if !batch.training {
        for node in &plan.nodes {
            if let Some(work) = node.normalise() {
                let (parameters, state) = tensors(node, batch);
                work.settle(parameters, state, None, &mut workspace.saved[node.saved.clone()]);
            }
        }
    }
    (0..plan.stages.len()).for_each(|stage| forward_stage(plan, stage, workspace, batch));
}

/// A layer's trained parameters and its state.
fn tensors<'a>(node: &Node, batch: Batch<'a>) -> (&'a [f32], &'a [f32]) {
    (&batch.parameters[node.parameters.clone()], &batch.parameters[node.state.clone()])
}

/// Runs a stage's layers, and measures for a layer behind it that normalises.
fn forward_stage(plan: &Plan, index: usize, workspace: &mut Workspace, batch: Batch<'_>) {
    let stage = &plan.stages[index];
    let (before, here) = workspace.records.split_at_mut(index);
    let record = &mut here[0][..batch.count * stage.record];
    let meter = workspace.meter.as_ref().filter(|meter| meter.on);
    if let Some(Node { step: Step::PerBatch(work), from, parameters, .. }) = plan.nodes[stage.nodes.clone()].first() {
        let mut watch = Watch::start(meter, Way::Forward);
        work.forward(&batch.parameters[parameters.clone()], rows(plan, before, batch, *from), record, stage.record);
        watch.lap_of_all(stage.nodes.start);
    }
    let next = plan.head(index + 1).filter(|_| batch.training);
    let len = next.map_or(1, |(_, work)| work.sums_len());
    let mut nothing = [0.0f64; TASKS];
    let measured = if next.is_some() { &mut workspace.measured[..TASKS * len] } else { &mut nothing[..] };
    let task = batch.count.div_ceil(TASKS).max(1);
    let (prepared, saved, keys) = (&workspace.prepared, &workspace.saved, &workspace.keys);
    let run = Images { plan, stage: index, earlier: before, batch, prepared, saved, keys, meter };
    let tasks = record.par_chunks_mut(task * stage.record).zip(measured.par_chunks_mut(len)).enumerate();
    tasks.for_each(|(number, (records, sums))| {
        sums.fill(0.0);
        for (offset, record) in records.chunks_exact_mut(stage.record).enumerate() {
            let row = number * task + offset;
            run.forward(record, row);
            if let Some((node, work)) = next {
                let mut watch = Watch::start(meter, Way::Forward);
                work.measure(run.at(node.from, node.input.len(), row, record), sums);
                watch.lap(stage.nodes.end);
            }
        }
    });
    if let Some((node, work)) = next {
        let mut watch = Watch::start(meter, Way::Forward);
        add_rows(&mut workspace.measured, len, batch.count.div_ceil(task));
        let (parameters, state) = tensors(node, batch);
        let sums = Some((&workspace.measured[..len], batch.count));
        work.settle(parameters, state, sums, &mut workspace.saved[node.saved.clone()]);
        watch.lap(stage.nodes.end);
    }
}

/// Adds `count` rows of `len` sums to the first, in order.
fn add_rows(rows: &mut [f64], len: usize, count: usize) {
    let (first, others) = rows[..count.max(1) * len].split_at_mut(len);
    for row in others.chunks_exact(len.max(1)) {
        first.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

/// Copies the last layer's outputs, row after row, to the workspace's logits.
pub(super) fn gather_output(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>) {
    let rows = rows(plan, &workspace.records, batch, plan.nodes.last().and_then(|node| node.place));
    let len = plan.output().len();
    for (row, to) in workspace.logits.chunks_exact_mut(len).take(batch.count).enumerate() {
        to.copy_from_slice(&rows.data[row * rows.stride..][..len]);
    }
}

/// Takes the gradient of the outputs, in the workspace's `front`, back through every layer, and writes the gradient of every
/// trained parameter. `to_input` asks for the gradient of the images as well, which is then left in `front`.
pub(super) fn backward(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>, gradient: &mut [f32], to_input: bool) {
    let first = plan.nodes.iter().position(|node| !node.parameters.is_empty()).unwrap_or(plan.nodes.len());
    let lowest = if to_input { 0 } else { first };
    for (index, stage) in plan.stages.iter().enumerate().rev() {
        if stage.nodes.end <= lowest && !to_input {
            return;
        }
        let head = plan.nodes[stage.nodes.clone()].first().filter(|_| stage.nodes.start >= lowest);
        let behind = head.is_some_and(|head| matches!(head.step, Step::PerBatch(_) | Step::Normalise(_)));
        let wanted = stage.nodes.start > lowest || behind || to_input;
        tail_backward(plan, index, workspace, batch, gradient, (lowest, wanted));
        match head {
            Some(node) if behind => head_backward(plan, (stage.nodes.start, node), workspace, batch, gradient, (lowest, to_input)),
            _ => {}
        }
    }
}

/// Takes the gradient in `front` through the layer in front of a stage: whole, or, for one that normalises, so far that the stage
/// before it can do the rest image by image.
fn head_backward(
    plan: &Plan,
    (index, node): (usize, &Node),
    workspace: &mut Workspace,
    batch: Batch<'_>,
    gradient: &mut [f32],
    (lowest, to_input): (usize, bool),
) {
    let (range, out) = (node.parameters.clone(), node.shape.len());
    let mut watch = Watch::start(workspace.meter.as_ref().filter(|meter| meter.on), Way::Backward);
    match &node.step {
        Step::Normalise(work) => {
            let sums = (&workspace.measured[..work.sums_len()], batch.count);
            let saved = &mut workspace.saved[node.saved.clone()];
            work.settle_gradient(&batch.parameters[range.clone()], sums, saved, &mut gradient[range]);
            watch.lap(index);
        }
        Step::PerBatch(work) => {
            let input = rows(plan, &workspace.records, batch, node.from);
            let output = Rows { data: &workspace.front[..batch.count * out], stride: out, count: batch.count };
            let to = (index > lowest || to_input).then_some(&mut workspace.back);
            let to = to.map(|back| &mut back[..batch.count * node.input.len()]);
            work.backward(&batch.parameters[range.clone()], input, output, to, &mut gradient[range]);
            watch.lap_of_all(index);
            std::mem::swap(&mut workspace.front, &mut workspace.back);
        }
        _ => {}
    }
}

/// Takes the gradient in `front` through the layers of a stage that work image by image, down to layer `lowest`, and, where the
/// gradient of their input is `wanted`, leaves it in `front`. Measures for the layer in front of them if that normalises.
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
    let (prepared, saved, keys, meter) =
        (&workspace.prepared, &workspace.saved, &workspace.keys, workspace.meter.as_ref().filter(|meter| meter.on));
    let run = Images { plan, stage: index, earlier: before, batch, prepared, saved, keys, meter };
    let nodes = run.tail();
    let [len, out] = run.lens();
    let record_of = |row: usize| &here[0][row * stage.record..(row + 1) * stage.record];
    let task = count.div_ceil(stage.slots);
    let head = plan.head(index).filter(|_| stage.nodes.start >= lowest);
    let sums_len = head.map_or(1, |(_, work)| work.sums_len());
    let mut nothing = [0.0f64; TASKS];
    let measured = if head.is_some() { &mut workspace.measured[..TASKS * sums_len] } else { &mut nothing[..] };
    let front = workspace.front[..count * out].par_chunks_mut(task * out);
    let back = workspace.back[..count * len].par_chunks_mut(task * len);
    let held = workspace.held[..count * plan.held.max(1)].par_chunks_mut(task * plan.held.max(1));
    let slots = workspace.sums.par_chunks_mut(stage.sums.max(1));
    let tasks = front.zip(back).zip(held).zip(slots).zip(measured.par_chunks_mut(sums_len)).enumerate();
    tasks.for_each(|(number, ((((front, back), held), sums), measured))| {
        sums.fill(0.0);
        measured.fill(0.0);
        let images = front.chunks_exact_mut(out).zip(back.chunks_exact_mut(len)).zip(held.chunks_exact_mut(plan.held.max(1)));
        for (offset, ((values, back), held)) in images.enumerate() {
            let row = number * task + offset;
            run.backward(lowest, record_of(row), row, (values, wanted.then_some(&mut *back)), held, sums);
            if let Some((node, work)) = head {
                let input = run.at(node.from, node.input.len(), row, &[]);
                let mut watch = Watch::start(meter, Way::Backward);
                work.measure_gradient(&saved[node.saved.clone()], input, back, measured);
                watch.lap(stage.nodes.start);
            }
        }
    });
    if head.is_some() {
        add_rows(&mut workspace.measured, sums_len, count.div_ceil(task));
    }
    let mut watch = Watch::start(meter, Way::Backward);
    reduce::add_tree(&mut workspace.sums, stage.sums, count.div_ceil(task));
    collect(&plan.nodes[nodes.clone()], &workspace.sums, gradient);
    watch.lap_of_sums(&plan.nodes[nodes.clone()], nodes.start);
    std::mem::swap(&mut workspace.front, &mut workspace.back);
}
