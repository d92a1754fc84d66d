//! Time and counts of every stage, taken at the ends of its channels: stages hold no timing code. Readable while a run goes on.

use crate::event::Meter;
use std::cell::Cell;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many chunks may be in one stage at once, waiting in its input channel included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Stage name.
    pub stage: String,
    /// Chunks in its input channel.
    pub capacity: usize,
    /// Chunks in the hands of its workers, one each.
    pub workers: usize,
    /// Finished chunks that wait for an earlier one (a map), or the chunk being gathered (a scan).
    pub window: usize,
}

impl Bound {
    /// All of them.
    pub fn chunks(&self) -> usize {
        self.capacity + self.workers + self.window
    }
}

/// One stage's counters. Written by its threads, read by anyone; each is exact once its threads have ended.
#[derive(Debug)]
pub(super) struct Gauge {
    bound: Bound,
    alive: AtomicUsize,
    starving: AtomicUsize,
    blocking: AtomicUsize,
    queued: AtomicI64,
    taken: AtomicU64,
    items: AtomicU64,
    chunks: AtomicU64,
    busy: AtomicU64,
    starved: AtomicU64,
    blocked: AtomicU64,
    depths: AtomicU64,
    visits: AtomicU64,
}

impl Gauge {
    pub(super) fn new(stage: &str, capacity: usize, workers: usize, window: usize) -> Arc<Self> {
        let bound = Bound { stage: stage.to_owned(), capacity, workers, window };
        let [alive, starving, blocking] = Default::default();
        let [taken, items, chunks, busy, starved, blocked, depths, visits] = Default::default();
        let queued = AtomicI64::new(0);
        Arc::new(Self { bound, alive, starving, blocking, queued, taken, items, chunks, busy, starved, blocked, depths, visits })
    }

    pub(super) fn stage(&self) -> &str {
        &self.bound.stage
    }

    /// Room in its input channel.
    pub(super) fn capacity(&self) -> usize {
        self.bound.capacity
    }

    /// Items passed on so far.
    pub(super) fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }

    /// A chunk has come to wait in this stage's input channel.
    pub(super) fn queue(&self) {
        self.queued.fetch_add(1, Relaxed);
    }

    /// A chunk of `items` was taken from the input channel, in which `depth` were waiting.
    pub(super) fn take(&self, depth: usize, items: usize) {
        self.queued.fetch_sub(1, Relaxed);
        self.depths.fetch_add(depth as u64, Relaxed);
        self.visits.fetch_add(1, Relaxed);
        self.taken.fetch_add(items as u64, Relaxed);
    }

    /// A chunk of `items` was passed on. An empty one only carries the news that the stream ends, and does not count.
    pub(super) fn pass(&self, items: usize) {
        self.items.fetch_add(items as u64, Relaxed);
        self.chunks.fetch_add(u64::from(items > 0), Relaxed);
    }

    fn reading(&self) -> Reading {
        let span = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed));
        let visits = self.visits.load(Relaxed);
        let meter = Meter {
            stage: self.bound.stage.clone(),
            workers: self.bound.workers,
            items: self.items(),
            busy: span(&self.busy),
            starved: span(&self.starved),
            blocked: span(&self.blocked),
            queue_depth: if visits == 0 { 0.0 } else { self.depths.load(Relaxed) as f64 / visits as f64 },
            queue_capacity: self.bound.capacity,
        };
        Reading {
            meter,
            taken: self.taken.load(Relaxed),
            chunks: self.chunks.load(Relaxed),
            alive: self.alive.load(Relaxed),
            starving: self.starving.load(Relaxed),
            blocking: self.blocking.load(Relaxed),
            queued: self.queued.load(Relaxed).max(0) as usize,
        }
    }
}

/// One stage's counters at one moment. Waits that still last are in the counts of workers, not yet in the times.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Items passed on, and times.
    pub meter: Meter,
    /// Items taken from the input channel.
    pub taken: u64,
    /// Chunks passed on.
    pub chunks: u64,
    /// Workers that have begun and not ended.
    pub alive: usize,
    /// Of these, how many wait for input.
    pub starving: usize,
    /// Of these, how many wait for room in the output channel or in the stage's window.
    pub blocking: usize,
    /// Chunks in the input channel.
    pub queued: usize,
}

/// One worker's stopwatch: its time is spent waiting for input, waiting for room, or else at work.
pub(super) struct Clock {
    pub(super) gauge: Arc<Gauge>,
    mark: Cell<Instant>,
}

impl Clock {
    pub(super) fn start(gauge: &Arc<Gauge>) -> Self {
        gauge.alive.fetch_add(1, Relaxed);
        Self { gauge: gauge.clone(), mark: Cell::new(Instant::now()) }
    }

    /// Waits for input.
    pub(super) fn starve<R>(&self, wait: impl FnOnce() -> R) -> R {
        self.wait(&self.gauge.starving, &self.gauge.starved, wait)
    }

    /// Waits for room.
    pub(super) fn block<R>(&self, wait: impl FnOnce() -> R) -> R {
        self.wait(&self.gauge.blocking, &self.gauge.blocked, wait)
    }

    fn wait<R>(&self, waiting: &AtomicUsize, total: &AtomicU64, wait: impl FnOnce() -> R) -> R {
        self.lap(&self.gauge.busy);
        waiting.fetch_add(1, Relaxed);
        let result = wait();
        waiting.fetch_sub(1, Relaxed);
        self.lap(total);
        result
    }

    /// Books the time since the last lap.
    fn lap(&self, total: &AtomicU64) {
        let now = Instant::now();
        let span = now.duration_since(self.mark.replace(now));
        total.fetch_add(span.as_nanos() as u64, Relaxed);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.lap(&self.gauge.busy);
        self.gauge.alive.fetch_sub(1, Relaxed);
    }
}

/// A shareable view of all stages' counters, for progress displays and watchdogs. Valid before, during and after the run.
#[derive(Clone, Debug, Default)]
pub struct Meters(Arc<Mutex<Vec<Arc<Gauge>>>>);

impl Meters {
    pub(super) fn add(&self, gauge: &Arc<Gauge>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(gauge.clone());
    }

    fn gauges(&self) -> Vec<Arc<Gauge>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every stage's counters now, from source to sink.
    pub fn readings(&self) -> Vec<Reading> {
        self.gauges().iter().map(|gauge| gauge.reading()).collect()
    }

    /// Every stage's meter now, from source to sink.
    pub fn totals(&self) -> Vec<Meter> {
        self.readings().into_iter().map(|reading| reading.meter).collect()
    }

    /// A number that grows whenever any stage takes or passes something on: if it stands still, so does the flow.
    pub fn moves(&self) -> u64 {
        let sum = |gauge: &Arc<Gauge>| gauge.visits.load(Relaxed) + gauge.items() + gauge.chunks.load(Relaxed);
        self.gauges().iter().map(sum).sum()
    }

    /// The most chunks that each stage can hold, from source to sink.
    pub fn bound(&self) -> Vec<Bound> {
        self.gauges().iter().map(|gauge| gauge.bound.clone()).collect()
    }

    /// Who waits on which channel, a line a stage: what to print when [`Meters::moves`] stands still.
    pub fn waits(&self) -> String {
        let readings = self.readings();
        let name = |at: Option<usize>| at.and_then(|at| readings.get(at)).map_or("nobody", |reading| reading.meter.stage.as_str());
        let mut lines = String::new();
        for (at, reading) in readings.iter().enumerate() {
            let Reading { meter, alive, starving, blocking, queued, .. } = reading;
            let working = alive.saturating_sub(starving + blocking);
            let (before, after) = (name(at.checked_sub(1)), name(Some(at + 1)));
            let _ = writeln!(
                lines,
                "{}: {alive} of {} workers alive: {working} at work, {starving} waiting for input from {before}, {blocking} waiting \
                 for room towards {after}; input channel {queued} of {}; {} items passed on",
                meter.stage, meter.workers, meter.queue_capacity, meter.items
            );
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_s_time_is_busy_starved_or_blocked_and_nothing_else() {
        let gauge = Gauge::new("s", 4, 1, 0);
        let begin = Instant::now();
        let clock = Clock::start(&gauge);
        clock.starve(|| assert_eq!(gauge.reading().starving, 1));
        clock.block(|| assert_eq!((gauge.reading().starving, gauge.reading().blocking, gauge.reading().alive), (0, 1, 1)));
        drop(clock);
        let wall = begin.elapsed();
        let Reading { meter, alive, starving, blocking, .. } = gauge.reading();
        assert_eq!((alive, starving, blocking), (0, 0, 0));
        assert!(meter.busy + meter.starved + meter.blocked <= wall);
        assert!(meter.busy > Duration::ZERO && meter.starved > Duration::ZERO && meter.blocked > Duration::ZERO);
    }

    #[test]
    fn queue_depth_is_the_mean_found_at_each_visit() {
        let gauge = Gauge::new("s", 4, 1, 0);
        [4, 2, 0].into_iter().for_each(|depth| gauge.take(depth, 10));
        gauge.pass(30);
        gauge.pass(0);
        let reading = gauge.reading();
        assert_eq!((reading.meter.queue_depth, reading.taken, reading.meter.items, reading.chunks), (2.0, 30, 30, 1));
    }
}
