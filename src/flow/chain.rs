//! Builds a chain stage by stage, typed from end to end. Starts no thread.

use super::drive;
use super::fault::Failure;
use super::meter::{Gauge, Meters};
use super::port::{Outlet, Rx, Tx, channel};
use super::run::{Assembled, Job};
use super::stage::{Map, Scan, Sink};
use super::stop::{Control, Stop};
use super::window::Window;
use std::sync::Arc;

/// Makes the last stage's threads, once the channel that they send to is known.
type Pending<'a, T> = Box<dyn FnOnce(Tx<T>) -> Vec<Job<'a>> + 'a>;

/// A chain whose last stage so far yields `T`. Nothing runs yet. What stages borrow must outlive `'a`.
#[must_use = "a chain does nothing until it is given a sink and run"]
pub struct Flow<'a, T> {
    meters: Meters,
    stop: Stop,
    jobs: Vec<Job<'a>>,
    pending: Pending<'a, T>,
}

impl<'a, T: Send + 'a> Flow<'a, T> {
    /// Deals `items` in chunks of `chunk` (at least 1; the last one smaller), pulled on a thread of its own.
    pub fn source<I>(name: &str, chunk: usize, items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'a,
    {
        Self::deal(name, chunk, items.into_iter().map(Ok), Outlet::emit)
    }

    /// As [`Flow::source`], for items whose reading can fail: the first `Err` ends the run, after all items before it.
    pub fn try_source<I, E>(name: &str, chunk: usize, items: I) -> Self
    where
        I: IntoIterator<Item = Result<T, E>>,
        I::IntoIter: Send + 'a,
        E: Into<Failure>,
    {
        Self::deal(name, chunk, items.into_iter().map(|item| item.map_err(Into::into)), Outlet::emit)
    }

    /// Deals chunks that are already cut; empty ones are passed over.
    pub fn chunks<I>(name: &str, chunks: I) -> Self
    where
        I: IntoIterator<Item = Vec<T>>,
        I::IntoIter: Send + 'a,
    {
        Self::deal(name, usize::MAX, chunks.into_iter().map(Ok), Outlet::emit_chunk)
    }

    fn deal<V>(
        name: &str,
        chunk: usize,
        values: impl Iterator<Item = Result<V, Failure>> + Send + 'a,
        put: impl Fn(&mut Outlet<T>, V) + Send + 'a,
    ) -> Self {
        let gauge = Gauge::new(name, 0, 1, 0);
        let meters = Meters::default();
        meters.add(&gauge);
        let pending: Pending<'a, T> = Box::new(move |tx| {
            let owned = gauge.clone();
            vec![Job::new(&gauge, 0, move |control| drive::deal(values, put, (tx, chunk.max(1)), &owned, control))]
        });
        Self { meters, stop: Stop::new(), jobs: Vec::new(), pending }
    }

    /// Lets `stop` cancel the run.
    pub fn stop_on(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Adds a map with `workers` threads behind a channel for `capacity` chunks (each at least 1).
    pub fn map<U: Send + 'a>(
        self,
        name: &str,
        workers: usize,
        capacity: usize,
        map: impl Map<T, U> + Send + Sync + 'a,
    ) -> Flow<'a, U> {
        let map = Arc::new(map);
        self.map_with(name, workers, capacity, move || {
            let map = map.clone();
            move |number, item| map.map(number, item)
        })
    }

    /// As [`Flow::map`], with a function of its own for each worker, made by `make` on the worker's thread: it may keep buffers
    /// from item to item, but what it returns may depend on the item and its number only. Should `make` panic, the fault
    /// stands at the item that the worker was to begin with.
    pub fn map_with<U, M, E>(
        self,
        name: &str,
        workers: usize,
        capacity: usize,
        make: impl Fn() -> M + Send + Sync + 'a,
    ) -> Flow<'a, U>
    where
        U: Send + 'a,
        M: FnMut(u64, T) -> Result<U, E>,
        E: Into<Failure>,
    {
        let workers = workers.max(1);
        let slots = 2 * (workers - 1);
        let gauge = Gauge::new(name, capacity.max(1), workers, slots);
        self.stage(gauge, move |rx, tx, gauge| {
            let window = Arc::new(Window::new(tx, slots));
            let make = Arc::new(move || {
                let mut worker = make();
                move |number, item| worker(number, item).map_err(Into::into)
            });
            let job = |worker| {
                let (rx, window, make, owned) = (rx.clone(), window.clone(), make.clone(), gauge.clone());
                Job::new(gauge, worker, move |control| drive::work(&*make, rx, &window, &owned, control))
            };
            (0..workers).map(job).collect()
        })
    }

    /// Adds a scan behind a channel for `capacity` chunks (at least 1). Every output is passed on at once, as a chunk of one.
    pub fn scan<U: Send + 'a>(self, name: &str, capacity: usize, scan: impl Scan<T, U> + Send + 'a) -> Flow<'a, U> {
        self.scan_in_chunks(name, capacity, 1, scan)
    }

    /// As [`Flow::scan`], with outputs gathered in chunks of `chunk` (at least 1): for many small ones.
    pub fn scan_in_chunks<U: Send + 'a>(
        self,
        name: &str,
        capacity: usize,
        chunk: usize,
        scan: impl Scan<T, U> + Send + 'a,
    ) -> Flow<'a, U> {
        let gauge = Gauge::new(name, capacity.max(1), 1, 1);
        self.stage(gauge, move |rx, tx, gauge| {
            let owned = gauge.clone();
            vec![Job::new(gauge, 0, move |control| drive::scan(scan, rx, (tx, chunk.max(1)), &owned, control))]
        })
    }

    /// Ends the chain in `sink`, behind a channel for `capacity` chunks (at least 1).
    pub fn sink(self, name: &str, capacity: usize, sink: &'a mut (impl Sink<T> + ?Sized)) -> Assembled<'a> {
        let gauge = Gauge::new(name, capacity.max(1), 1, 0);
        let Connected { meters, stop, jobs, rx } = self.connect(&gauge);
        let owned = gauge.clone();
        let end = Box::new(move |control: &Control| drive::drain(sink, rx, &owned, control));
        Assembled { meters, stop, jobs, end, sink_first: false, last: gauge }
    }

    /// Joins the last stage to a new one.
    fn stage<U>(self, gauge: Arc<Gauge>, build: impl FnOnce(Rx<T>, Tx<U>, &Arc<Gauge>) -> Vec<Job<'a>> + 'a) -> Flow<'a, U> {
        let Connected { meters, stop, jobs, rx } = self.connect(&gauge);
        Flow { meters, stop, jobs, pending: Box::new(move |tx| build(rx, tx, &gauge)) }
    }

    fn connect(self, consumer: &Arc<Gauge>) -> Connected<'a, T> {
        let Flow { meters, stop, mut jobs, pending } = self;
        let (tx, rx) = channel(consumer.capacity(), consumer);
        jobs.extend(pending(tx));
        meters.add(consumer);
        Connected { meters, stop, jobs, rx }
    }
}

/// A chain whose last stage knows where to send.
struct Connected<'a, T> {
    meters: Meters,
    stop: Stop,
    jobs: Vec<Job<'a>>,
    rx: Rx<T>,
}
