//! Backward through a planned network. Spreads images over fixed tasks of the current rayon pool; knows no loss.
//!
//! Memory is slower than arithmetic, so gradients go through as many layers as they can while they are in the cache: those of a
//! stage that works [in place](super::plan::Stage::in_place) as soon as the layer behind it hands back an image's.

use super::images::{Images, collect};
use super::layer::{Normalise, PerBatch};
use super::layer_times::{Watch, Way};
use super::pass::{Batch, with_rows};
use super::plan::{Node, Plan, Step, TASKS};
use super::row_sums::RowSums;
use super::workspace::Workspace;
use crate::kernel::reduce;
use crate::kernel::rows::{self, Rows};
use rayon::prelude::*;

/// How far back it goes.
#[derive(Clone, Copy)]
struct Goal {
    /// The first layer whose parameters are learned, or 0.
    lowest: usize,
    /// Whether the gradient of the images is wanted.
    to_input: bool,
}

/// The first layer with parameters that end behind `from`, or where there is a residual block before it, that block's beginning: halfway
/// through one, both its ways would have to be told apart.
fn lowest(plan: &Plan, from: usize) -> usize {
    let learns = |node: &Node| !node.parameters.is_empty() && node.parameters.end > from;
    let first = plan.nodes.iter().position(learns).unwrap_or(plan.nodes.len());
    if from == 0 {
        return first;
    }
    let fork = plan.nodes.iter().position(|node| matches!(node.step, Step::Fork(_)));
    fork.map_or(first, |fork| fork.min(first))
}

/// Takes the gradient of the outputs, in the workspace's `front`, back through every layer, and writes the gradient of every
/// trained parameter. `to_input` asks for the gradient of the images as well, which is then left in `front`.
pub(super) fn backward(plan: &Plan, workspace: &mut Workspace, batch: Batch<'_>, gradient: &mut [f32], to_input: bool) {
    let lowest = if to_input { 0 } else { lowest(plan, workspace.learned_from) };
    let goal = Goal { lowest, to_input };
    plan.nodes[..lowest].iter().for_each(|node| gradient[node.parameters.clone()].fill(0.0));
    let mut done = false;
    workspace.unproved.clear();
    for (index, stage) in plan.stages.iter().enumerate().rev() {
        if stage.nodes.end <= goal.lowest && !to_input {
            return;
        }
        let head = plan.nodes[stage.nodes.clone()].first().filter(|head| stage.nodes.start >= goal.lowest && head.step.waits());
        if !done {
            let wanted = stage.nodes.start > goal.lowest || head.is_some() || to_input;
            tail_backward(plan, index, workspace, batch, gradient, (goal, wanted));
        }
        done = match head.map(|node| (node, &node.step)) {
            Some((node, Step::Normalise(work))) => {
                normalise_backward((stage.nodes.start, node, work.as_ref()), workspace, batch, gradient);
                false
            }
            Some((node, Step::PerBatch(work))) => {
                let head = (index, node, work.as_ref());
                batch_backward(plan, head, workspace, batch, gradient, goal)
            }
            _ => false,
        };
    }
}

/// Turns what was measured into what the stage before needs to go through the layer that normalises image by image.
fn normalise_backward(
    (index, node, work): (usize, &Node, &dyn Normalise),
    workspace: &mut Workspace,
    batch: Batch<'_>,
    gradient: &mut [f32],
) {
    let mut watch = Watch::start(workspace.meter.as_ref().filter(|meter| meter.on), Way::Backward);
    let (sums, range) = ((&workspace.measured[..work.sums_len()], batch.count), node.parameters.clone());
    let saved = &mut workspace.saved[node.saved.clone()];
    work.settle_gradient(&batch.parameters[range.clone()], sums, saved, &mut gradient[range.clone()]);
    workspace.unproved.push(range);
    watch.lap(index);
}

/// Takes the gradient in `front` through the layer in front of a stage that needs all images. Answers whether it went through the
/// layers of the stage before as well.
fn batch_backward(
    plan: &Plan,
    (stage, node, work): (usize, &Node, &dyn PerBatch),
    workspace: &mut Workspace,
    batch: Batch<'_>,
    gradient: &mut [f32],
    goal: Goal,
) -> bool {
    let (count, out, index) = (batch.count, node.shape.len(), plan.stages[stage].nodes.start);
    let meter = workspace.meter.as_ref().filter(|meter| meter.on);
    let mut watch = Watch::start(meter, Way::Backward);
    let (records, prepared, saved, keys) = (&workspace.records[..], &workspace.prepared, &workspace.saved, &workspace.keys);
    let run = Images { plan, stage, records, batch, prepared, saved, keys, meter, within: true };
    let output = Rows::kept(&workspace.front[..count * out], out, count);
    let wanted = index > goal.lowest || goal.to_input;
    let before = stage.checked_sub(1).filter(|&before| wanted && plan.stages[before].in_place);
    let sums = &workspace.image_sums;
    let then = |row: usize, gradient: &mut [f32]| {
        if let Some(before) = before {
            let run = Images { stage: before, ..run };
            run.backward_in_place(goal.lowest, row, gradient);
            measure(&run, goal, sums, row, gradient);
        }
    };
    let to = wanted.then(|| &mut workspace.back[..count * node.input.len()]);
    let to = to.map(|back| (back, &then as &rows::Then<'_>));
    let (range, mut proved) = (node.parameters.clone(), false);
    with_rows(Images { stage: stage.saturating_sub(1), ..run }, (node.from, Way::Backward), |input| {
        proved = work.backward(&batch.parameters[range.clone()], input, output, to, &mut gradient[range.clone()]);
    });
    watch.lap_of_all(index);
    if !proved {
        workspace.unproved.push(range);
    }
    std::mem::swap(&mut workspace.front, &mut workspace.back);
    if let Some(before) = before {
        add_up(plan, before, workspace, (goal, count, TASKS));
    }
    before.is_some()
}

/// Measures an image's gradient for the layer in front of its stage, if that normalises.
fn measure(run: &Images<'_>, goal: Goal, sums: &RowSums, row: usize, gradient: &[f32]) {
    let start = run.plan.stages[run.stage].nodes.start;
    if let Some((node, work)) = run.plan.head(run.stage).filter(|_| start >= goal.lowest) {
        let mut watch = run.watch(Way::Backward);
        let input = run.at(node.from, node.input.len(), row, &[]);
        sums.put(row, work.sums_len(), |sums| work.measure_gradient(&run.saved[node.saved.clone()], input, gradient, sums));
        watch.lap(start);
    }
}

/// Adds up what was measured, in up to so many groups of images.
fn add_up(plan: &Plan, stage: usize, workspace: &mut Workspace, (goal, count, groups): (Goal, usize, usize)) {
    if let Some((_, work)) = plan.head(stage).filter(|_| plan.stages[stage].nodes.start >= goal.lowest) {
        let measured = &mut workspace.measured[..work.sums_len()];
        workspace.image_sums.total(count, count.div_ceil(groups), measured);
    }
}

/// Takes the gradient in `front` through the layers of a stage that work image by image, down to the lowest, and, where the
/// gradient of their input is `wanted`, leaves it in `front`. Measures for the layer in front of them if that normalises.
fn tail_backward(
    plan: &Plan,
    index: usize,
    workspace: &mut Workspace,
    batch: Batch<'_>,
    gradient: &mut [f32],
    (goal, wanted): (Goal, bool),
) {
    let (stage, count) = (&plan.stages[index], batch.count);
    let (records, prepared, saved, keys) = (&workspace.records[..], &workspace.prepared, &workspace.saved, &workspace.keys);
    let meter = workspace.meter.as_ref().filter(|meter| meter.on);
    let run = Images { plan, stage: index, records, batch, prepared, saved, keys, meter, within: false };
    let ([len, out], nodes, image_sums) = (run.lens(), run.tail(), &workspace.image_sums);
    if stage.in_place {
        rows::each(&mut workspace.front[..count * out], out, &|row, gradient| {
            run.backward_in_place(goal.lowest, row, gradient);
            measure(&run, goal, image_sums, row, gradient);
        });
        return add_up(plan, index, workspace, (goal, count, TASKS));
    }
    let task = count.div_ceil(stage.slots);
    let front = workspace.front[..count * out].par_chunks_mut(task * out);
    let back = workspace.back[..count * len].par_chunks_mut(task * len);
    let held = workspace.held[..count * plan.held.max(1)].par_chunks_mut(task * plan.held.max(1));
    let slots = workspace.sums.par_chunks_mut(stage.sums.max(1));
    front.zip(back).zip(held).zip(slots).enumerate().for_each(|(number, (((front, back), held), sums))| {
        sums.fill(0.0);
        let images = front.chunks_exact_mut(out).zip(back.chunks_exact_mut(len)).zip(held.chunks_exact_mut(plan.held.max(1)));
        for (offset, ((values, back), held)) in images.enumerate() {
            let row = number * task + offset;
            run.with_record(row, |record| {
                run.backward(goal.lowest, record, row, (values, wanted.then_some(&mut *back)), held, sums);
            });
            measure(&run, goal, image_sums, row, back);
        }
    });
    let mut watch = Watch::start(meter, Way::Backward);
    reduce::add_tree(&mut workspace.sums, stage.sums, count.div_ceil(task));
    collect(&plan.nodes[nodes.clone()], &workspace.sums, gradient);
    watch.lap_of_sums(&plan.nodes[nodes.clone()], nodes.start);
    let trained = plan.nodes[nodes].iter().map(|node| node.parameters.clone()).filter(|range| !range.is_empty());
    workspace.unproved.extend(trained);
    std::mem::swap(&mut workspace.front, &mut workspace.back);
    add_up(plan, index, workspace, (goal, count, stage.slots));
}
