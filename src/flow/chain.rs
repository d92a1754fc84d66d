//! Builds a chain stage by stage, typed from end to end, and runs it: threads begin in [`Assembled::run`] and have all ended
//! when it returns.

use super::drive;
use super::fault::{Failure, Fault, contain, panicked};
use super::meter::{Bound, Gauge, Meters};
use super::port::{Outlet, Rx, Tx, channel};
use super::stage::{Map, Scan, Sink};
use super::stop::{Control, Stop};
use super::window::Window;
use crate::event::Meter;
use std::sync::Arc;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// A thread that is to be.
struct Job<'a> {
    gauge: Arc<Gauge>,
    thread: String,
    body: Box<dyn FnOnce(&Control) + Send + 'a>,
}

impl<'a> Job<'a> {
    fn new(gauge: &Arc<Gauge>, worker: usize, body: impl FnOnce(&Control) + Send + 'a) -> Self {
        let thread = format!("{}-{worker}", gauge.stage().replace('\0', "?"));
        Self { gauge: gauge.clone(), thread, body: Box::new(body) }
    }
}

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
        Assembled { meters, stop, jobs, end, last: gauge }
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

/// How a run ended that met no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The source had no more, and everything was taken.
    Drained,
    /// [`Stop`] was requested before the source had ended; every item dealt until then went its way.
    Cancelled,
    /// The sink had enough.
    Enough,
}

/// What a run without a fault leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How every stage spent its time, from source to sink.
    pub meters: Vec<Meter>,
    /// Why it ended.
    pub ending: Ending,
}

impl Outcome {
    /// Whether it ended before the source did.
    pub fn stopped_early(&self) -> bool {
        self.ending != Ending::Drained
    }
}

type Verdict = Option<Result<Ending, Fault>>;

/// A whole chain, ready to run.
#[must_use = "a chain does nothing until it is run"]
pub struct Assembled<'a> {
    meters: Meters,
    stop: Stop,
    jobs: Vec<Job<'a>>,
    last: Arc<Gauge>,
    end: Box<dyn FnOnce(&Control) -> Verdict + 'a>,
}

impl Assembled<'_> {
    /// The most chunks that each stage can hold, from source to sink; a blocked sink stops the source after exactly the sum
    /// (where there are scans: at most).
    pub fn bound(&self) -> Vec<Bound> {
        self.meters.bound()
    }

    /// The counters, to be watched while [`Assembled::run`] runs.
    pub fn meters(&self) -> Meters {
        self.meters.clone()
    }

    /// Runs the chain, the sink on the calling thread and every other worker on a thread named `stage-number`. Returns when all
    /// of them have ended. A source that waits for something else than the flow should watch its own [`Stop`]: it is asked to
    /// end only between items.
    ///
    /// # Errors
    /// The first fault in data order: an error or a panic in a stage, after everything before it has reached the sink; or a
    /// thread that could not be started, before anything was taken by the sink.
    pub fn run(self) -> Result<Outcome, Fault> {
        let Assembled { meters, stop, jobs, last, end } = self;
        let control = Control::new(stop);
        let (verdict, escaped) = std::thread::scope(|scope| {
            let (running, failed) = start(scope, jobs, &control);
            let verdict = match failed {
                None => contain(|| Ok(end(&control))).unwrap_or_else(|cause| Some(Err(cause.at(last.stage(), last.items())))),
                Some(fault) => {
                    drop(end);
                    Some(Err(fault))
                }
            };
            control.end();
            (verdict, join(running))
        });
        let ending = conclude(verdict, escaped, &last)?;
        Ok(Outcome { meters: meters.totals(), ending })
    }
}

type Running<'scope> = Vec<(Arc<Gauge>, ScopedJoinHandle<'scope, ()>)>;

/// Starts all threads. If the system refuses one, the ends of its channels are dropped with the rest, so those already running
/// end as well.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    jobs: Vec<Job<'scope>>,
    control: &'scope Control,
) -> (Running<'scope>, Option<Fault>) {
    let mut running = Vec::with_capacity(jobs.len());
    for Job { gauge, thread, body } in jobs {
        match Builder::new().name(thread).spawn_scoped(scope, move || body(control)) {
            Ok(handle) => running.push((gauge, handle)),
            Err(error) => {
                let (stage, why) = (gauge.stage().to_owned(), format!("cannot start a thread: {error}"));
                return (running, Some(Fault { stage, item: 0, why, payload: Some(error.into()) }));
            }
        }
    }
    (running, None)
}

/// Waits for all threads. A panic that got past the containment, as from dropping an item, is the first such stage's fault.
fn join(running: Running<'_>) -> Option<Fault> {
    let mut escaped = None;
    for (gauge, handle) in running {
        if let Err(payload) = handle.join() {
            escaped.get_or_insert(panicked(payload).at(gauge.stage(), gauge.items()));
        }
    }
    escaped
}

/// A fault that came down the chain counts before one that escaped; a stream that broke off for no known reason is one, too.
fn conclude(verdict: Verdict, escaped: Option<Fault>, last: &Gauge) -> Result<Ending, Fault> {
    let broken = || {
        let (stage, why) = (last.stage().to_owned(), "its input broke off".to_owned());
        Fault { stage, item: last.items(), why, payload: None }
    };
    match (verdict, escaped) {
        (Some(Err(fault)), _) | (_, Some(fault)) => Err(fault),
        (Some(Ok(ending)), None) => Ok(ending),
        (None, None) => Err(broken()),
    }
}
