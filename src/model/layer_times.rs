//! What each layer costs while batches are learned: time at work, taken where the work is done. Off unless asked for.

use super::network::Network;
use super::plan::Node;
use super::workspace::Workspace;
use super::{Shape, Span};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What one layer took, and what it computed.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTime {
    /// Its number, and for a layer inside another the way there, as in [`super::LayerSummary`].
    pub name: String,
    /// Its name in the catalogue.
    pub kind: &'static str,
    /// What it is in a few words; may be empty.
    pub about: String,
    /// Shape of its output.
    pub out_shape: Shape,
    /// Time at work forward and backward, summed over the threads.
    pub work: [Duration; 2],
    /// Floating-point operations for one image forward and backward, a multiply-add counting two: those of the plain formula, even
    /// where a kernel gets by with fewer. Backward counts the gradient of the weights and that of the input where each is computed.
    pub flops: [u64; 2],
}

/// What all layers took since [`Network::watch_layers`].
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTimes {
    /// In order.
    pub layers: Vec<LayerTime>,
    /// Time from start to end of scoring and of gathering what is scored.
    pub loss: Duration,
    /// Time from start to end of [`Network::loss_and_gradient`].
    pub whole: Duration,
    /// Calls of it.
    pub calls: u64,
    /// Threads that worked.
    pub threads: usize,
}

/// Which way the numbers go.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Forward = 0,
    Backward = 1,
}

/// Nanoseconds by thread, way and node, so that no two threads write to the same place.
pub(super) struct LayerMeter {
    /// Whether what is done now counts.
    pub on: bool,
    nodes: usize,
    cells: Vec<AtomicU64>,
    /// What was booked for layers inside the call of another, which books its own for all threads.
    within: AtomicU64,
    loss: AtomicU64,
    whole: AtomicU64,
    calls: AtomicU64,
}

impl LayerMeter {
    fn new(nodes: usize, threads: usize) -> Self {
        let cells = (0..2 * nodes * threads.max(1)).map(|_| AtomicU64::new(0)).collect();
        Self {
            on: true,
            nodes,
            cells,
            within: AtomicU64::default(),
            loss: AtomicU64::default(),
            whole: AtomicU64::default(),
            calls: AtomicU64::default(),
        }
    }

    fn threads(&self) -> usize {
        self.cells.len() / (2 * self.nodes).max(1)
    }

    /// The current thread's row.
    fn row(&self, way: Way) -> &[AtomicU64] {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.threads().max(1);
        &self.cells[(2 * thread + way as usize) * self.nodes..][..self.nodes]
    }

    fn total(&self, way: Way, node: usize) -> u64 {
        self.cells.chunks(2 * self.nodes.max(1)).map(|thread| thread[way as usize * self.nodes + node].load(Relaxed)).sum()
    }

    /// Books a call that took so long, and so long for its loss.
    pub fn note(&self, whole: Duration, loss: Duration) {
        self.whole.fetch_add(whole.as_nanos() as u64, Relaxed);
        self.loss.fetch_add(loss.as_nanos() as u64, Relaxed);
        self.calls.fetch_add(1, Relaxed);
    }
}

/// Splits one thread's time at the ends of layers; does nothing where nothing is measured.
pub(super) struct Watch<'m>(Option<Running<'m>>);

struct Running<'m> {
    meter: &'m LayerMeter,
    row: &'m [AtomicU64],
    mark: Instant,
    /// Whether a call of another layer is on the way meanwhile.
    within: bool,
}

impl<'m> Watch<'m> {
    pub fn start(meter: Option<&'m LayerMeter>, way: Way) -> Self {
        Self(meter.map(|meter| Running { meter, row: meter.row(way), mark: Instant::now(), within: false }))
    }

    /// The same inside the call of another layer, whose own time this is not.
    pub fn start_within(meter: Option<&'m LayerMeter>, way: Way) -> Self {
        Self(meter.map(|meter| Running { meter, row: meter.row(way), mark: Instant::now(), within: true }))
    }

    /// Books this thread's time since the last lap for a node.
    pub fn lap(&mut self, node: usize) {
        if let Some(Running { meter, row, mark, within }) = &mut self.0 {
            let time = split(mark);
            row[node].fetch_add(time, Relaxed);
            if *within {
                meter.within.fetch_add(time, Relaxed);
            }
        }
    }

    /// The same where all threads worked on it together, less what they booked for others.
    pub fn lap_of_all(&mut self, node: usize) {
        if let Some(Running { meter, row, mark, .. }) = &mut self.0 {
            let time = split(mark) * rayon::current_num_threads() as u64;
            row[node].fetch_add(time.saturating_sub(meter.within.swap(0, Relaxed)), Relaxed);
        }
    }

    /// The same where they worked on the gradient sums of several nodes: booked by their lengths.
    pub fn lap_of_sums(&mut self, nodes: &[Node], first: usize) {
        if let Some(Running { row, mark, .. }) = &mut self.0 {
            let (time, all) = (split(mark) * rayon::current_num_threads() as u64, nodes.iter().map(|node| node.sums.len()).sum());
            let all: usize = all;
            for (node, cell) in nodes.iter().zip(&row[first..]) {
                cell.fetch_add((time as f64 * node.sums.len() as f64 / all.max(1) as f64) as u64, Relaxed);
            }
        }
    }
}

fn split(mark: &mut Instant) -> u64 {
    let now = Instant::now();
    now.duration_since(std::mem::replace(mark, now)).as_nanos() as u64
}

impl Network {
    /// Measures what layers take whenever `workspace` is used from now on, on pools of up to `threads`, or stops doing so until it is
    /// asked for again. Results do not change.
    pub fn watch_layers(&self, workspace: &mut Workspace, threads: usize, on: bool) {
        let meter = workspace.meter.get_or_insert_with(|| LayerMeter::new(self.plan.nodes.len(), threads));
        meter.on = on;
    }

    /// What was measured; none where nobody asked for it.
    pub fn layer_times(&self, workspace: &Workspace) -> Option<LayerTimes> {
        let meter = workspace.meter.as_ref()?;
        let nodes = &self.plan.nodes;
        let lowest = nodes.iter().position(|node| !node.parameters.is_empty()).unwrap_or(nodes.len());
        let spent = |name: &str, way| {
            // The marks of a residual block bear its name.
            let same = nodes.iter().enumerate().filter(|(_, node)| node.name == name);
            Duration::from_nanos(same.map(|(index, _)| meter.total(way, index)).sum())
        };
        let time = |(index, node): (usize, &Node)| {
            Some(LayerTime {
                name: node.name.clone(),
                kind: node.kind?,
                about: node.about.clone(),
                out_shape: node.shape,
                work: [Way::Forward, Way::Backward].map(|way| spent(&node.name, way)),
                flops: flops(node, has_matrix(self.spans(), &node.parameters), index > lowest),
            })
        };
        let span = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed));
        Some(LayerTimes {
            layers: nodes.iter().enumerate().filter_map(time).collect(),
            loss: span(&meter.loss),
            whole: span(&meter.whole),
            calls: meter.calls.load(Relaxed),
            threads: meter.threads(),
        })
    }
}

/// Whether a layer's parameters hold a product's weights.
fn has_matrix(spans: &[Span], parameters: &Range<usize>) -> bool {
    spans.iter().any(|span| span.trained && span.shape.len() > 1 && parameters.contains(&span.start))
}

fn flops(node: &Node, learns: bool, passes_on: bool) -> [u64; 2] {
    let forward = 2 * node.multiply_adds;
    [forward, forward * (u64::from(learns) + u64::from(passes_on))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fields, Problems};
    use crate::model::Noise;
    use crate::model::preset::{Lenet, Mlp};

    fn measured(network: &Network) -> LayerTimes {
        let images: Vec<f32> = (0..6 * network.input().len()).map(|i| (i % 13) as f32 / 13.0).collect();
        let labels = [0, 1, 2, 3, 0, 1];
        let parameters = network.initialise(1);
        let learn = |workspace: &mut Workspace| {
            let mut gradient = vec![0.0; network.parameter_count()];
            let noise = Noise { seed: 1, step: 2 };
            (network.loss_and_gradient(workspace, &parameters, &images, &labels, noise, &mut gradient), gradient)
        };
        let (mut plain, mut watched) = (network.workspace(6), network.workspace(6));
        network.watch_layers(&mut watched, rayon::current_num_threads(), true);
        assert_eq!(network.layer_times(&plain), None);
        let (before, after) = (learn(&mut plain), learn(&mut watched));
        assert!(before == after, "measuring changes nothing");
        let times = network.layer_times(&watched).unwrap();
        network.watch_layers(&mut watched, 1, false);
        learn(&mut watched);
        assert!(network.layer_times(&watched).as_ref() == Some(&times), "nothing counts meanwhile");
        times
    }

    #[test]
    fn every_layer_that_computes_takes_time_and_together_no_more_than_there_was() {
        let lenet = Lenet { channels: [3, 4], hidden: 9, keep_hidden: 0.5 }.layers();
        let mlp = Mlp { hidden: vec![8, 7], keep_input: 0.8, keep_hidden: 0.5 }.layers();
        let block = "layers = [{ layer = 'conv', out = 4, kernel = 3, padding = 1 }, 'batch_norm', { layer = 'residual', branch = \
                     [{ layer = 'conv', out = 4, kernel = 3, padding = 1 }, 'batch_norm', 'relu'] }, 'linear']";
        let residual = crate::model::read(&Fields::parse(block, &Problems::default()).unwrap()).layers;
        let networks = [(lenet, Shape::new(1, 12, 12)), (mlp, Shape::new(1, 5, 5)), (residual, Shape::new(1, 6, 6))];
        for (layers, input) in networks {
            let network = Network::new(layers, input, 4).unwrap();
            let times = measured(&network);
            assert_eq!((times.calls, times.layers.len()), (1, network.summary().len()));
            for layer in times.layers.iter().filter(|layer| layer.flops[0] > 0) {
                assert!(layer.work[0] > Duration::ZERO && (layer.work[1] > Duration::ZERO) == (layer.flops[1] > 0), "{layer:?}");
            }
            let work: Duration = times.layers.iter().flat_map(|layer| layer.work).sum();
            assert!(work + times.loss <= times.whole * times.threads as u32, "{work:?} in {:?}", times.whole);
        }
    }

    #[test]
    fn a_first_layer_has_no_gradient_to_pass_on() {
        let mlp = Mlp { hidden: vec![8], keep_input: 1.0, keep_hidden: 1.0 }.layers();
        let times = measured(&Network::new(mlp, Shape::new(1, 5, 5), 4).unwrap());
        let flops: Vec<_> = times.layers.iter().filter(|layer| layer.kind == "linear").map(|layer| layer.flops).collect();
        assert_eq!(flops, [[400, 400], [64, 128]]);
    }
}
