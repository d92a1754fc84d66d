//! Forward through a planned network. Spreads images over fixed tasks of the current rayon pool; knows no loss.

use super::images::{Images, prepare};
use super::layer_times::{Watch, Way};
use super::plan::{Node, Place, Plan, Step, TASKS};
use super::workspace::Workspace;
use crate::kernel::rows::{self, Rows};

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

/// The activations of all images at a place, which are kept.
fn rows<'r>(plan: &Plan, records: &'r [Vec<f32>], batch: Batch<'r>, place: Option<Place>) -> Rows<'r> {
    match place {
        Some(place) => Rows::kept(&records[place.stage][place.at..], plan.stages[place.stage].record, batch.count),
        None => Rows::kept(batch.images, plan.input.len(), batch.count),
    }
}

/// Has `work` read what a layer that needs all images reads: as it lies, or, where `before`, the layers of the stage before it, keep
/// nothing, as they make it.
pub(super) fn with_rows(before: Images<'_>, (from, way): (Option<Place>, Way), work: impl FnOnce(Rows<'_>)) {
    let plan = before.plan;
    match from.filter(|place| !plan.stages[place.stage].kept) {
        None => work(rows(plan, before.records, before.batch, from)),
        Some(place) => {
            let make = |row: usize, read: &mut dyn FnMut(&[f32])| before.anew(row, way, |record| read(&record[place.at..]));
            work(Rows::made(&make, before.batch.count));
        }
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

/// Runs a stage's layers, and measures for a layer behind it that normalises. One that keeps nothing runs when the next asks.
fn forward_stage(plan: &Plan, index: usize, workspace: &mut Workspace, batch: Batch<'_>) {
    let stage = &plan.stages[index];
    if !stage.kept {
        return;
    }
    let (before, here) = workspace.records.split_at_mut(index);
    let record = (&mut here[0][..batch.count * stage.record], stage.record);
    let meter = workspace.meter.as_ref().filter(|meter| meter.on);
    let (prepared, saved, keys) = (&workspace.prepared, &workspace.saved, &workspace.keys);
    let next = plan.head(index + 1).filter(|_| batch.training);
    let (sums, first) = (&workspace.image_sums, &plan.nodes[stage.nodes.start]);
    let work = match &first.step {
        Step::PerBatch(work) => Some(work),
        _ => None,
    };
    let run = Images { plan, stage: index, records: before, batch, prepared, saved, keys, meter, within: work.is_some() };
    let then = |row: usize, record: &mut [f32]| {
        run.forward(record, row);
        if let Some((node, work)) = next {
            let mut watch = run.watch(Way::Forward);
            sums.put(row, work.sums_len(), |sums| work.measure(run.at(node.from, node.input.len(), row, record), sums));
            watch.lap(stage.nodes.end);
        }
    };
    match work {
        None => rows::each(record.0, record.1, &then),
        Some(work) => {
            let mut watch = Watch::start(meter, Way::Forward);
            let (earlier, parameters) =
                (Images { stage: index.saturating_sub(1), ..run }, &batch.parameters[first.parameters.clone()]);
            with_rows(earlier, (first.from, Way::Forward), |input| work.forward(parameters, input, record, &then));
            watch.lap_of_all(stage.nodes.start);
        }
    }
    if let Some((node, work)) = next {
        let mut watch = Watch::start(meter, Way::Forward);
        let measured = &mut workspace.measured[..work.sums_len()];
        workspace.image_sums.total(batch.count, batch.count.div_ceil(TASKS), measured);
        let (parameters, state) = tensors(node, batch);
        work.settle(parameters, state, Some((measured, batch.count)), &mut workspace.saved[node.saved.clone()]);
        watch.lap(stage.nodes.end);
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
