//! Runs a chain: threads begin in [`Assembled::run`] and have all ended when it returns. Knows no types of items.

use super::fault::{Fault, contain, panicked};
use super::meter::{Bound, Gauge, Meters};
use super::stop::{Control, Stop};
use crate::event::Meter;
use std::sync::Arc;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Steps of niceness that threads give way by where the sink goes first: on a core that both want, they get a quarter of the time.
/// On two cores, where photographs were loaded for a small network at the rate that both together allow, 2 to 6 % more was learned
/// a second with 5 to 10 steps; with many more, loading would starve beside other programs.
pub(super) const NICENESS: i32 = 5;

/// A thread that is to be.
pub(super) struct Job<'a> {
    gauge: Arc<Gauge>,
    thread: String,
    body: Box<dyn FnOnce(&Control) + Send + 'a>,
}

impl<'a> Job<'a> {
    pub(super) fn new(gauge: &Arc<Gauge>, worker: usize, body: impl FnOnce(&Control) + Send + 'a) -> Self {
        let thread = format!("{}-{worker}", gauge.stage().replace('\0', "?"));
        Self { gauge: gauge.clone(), thread, body: Box::new(body) }
    }
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

/// What the sink has to say; `None` if its input broke off.
pub(super) type Verdict = Option<Result<Ending, Fault>>;

/// A whole chain, ready to run.
#[must_use = "a chain does nothing until it is run"]
pub struct Assembled<'a> {
    pub(super) meters: Meters,
    pub(super) stop: Stop,
    pub(super) jobs: Vec<Job<'a>>,
    pub(super) last: Arc<Gauge>,
    pub(super) sink_first: bool,
    pub(super) end: Box<dyn FnOnce(&Control) -> Verdict + 'a>,
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

    /// Lets the sink and the threads that work for it go first: all others run at a lower priority ([`give_way`]). They can work
    /// ahead, as far as there is room; a sink with threads of its own waits for the slowest of them at every turn.
    pub fn sink_first(mut self) -> Self {
        self.sink_first = true;
        self
    }

    /// Runs the chain, the sink on the calling thread and every other worker on a thread named `stage-number`. Returns when all
    /// of them have ended. A source that waits for something else than the flow should watch its own [`Stop`]: it is asked to
    /// end only between items.
    ///
    /// # Errors
    /// The first fault in data order: an error or a panic in a stage, after everything before it has reached the sink; or a
    /// thread that could not be started, before anything was taken by the sink.
    pub fn run(self) -> Result<Outcome, Fault> {
        let Assembled { meters, stop, jobs, last, sink_first, end } = self;
        let control = Control::new(stop);
        let (verdict, escaped) = std::thread::scope(|scope| {
            let (running, failed) = start(scope, jobs, sink_first, &control);
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

/// Lowers the calling thread's priority by 5 steps of niceness, as threads do that a sink [goes before](Assembled::sink_first). Nothing
/// happens where the system has no priorities of threads, or refuses.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        // Of Linux, "this process" is the calling thread. What a sandbox refuses is not needed: results never depend on it.
        let _ = getpriority_process(None).and_then(|now| setpriority_process(None, (now + NICENESS).min(19)));
    }
}

type Running<'scope> = Vec<(Arc<Gauge>, ScopedJoinHandle<'scope, ()>)>;

/// Starts all threads. If the system refuses one, the ends of its channels are dropped with the rest, so those already running
/// end as well.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    jobs: Vec<Job<'scope>>,
    sink_first: bool,
    control: &'scope Control,
) -> (Running<'scope>, Option<Fault>) {
    let mut running = Vec::with_capacity(jobs.len());
    for Job { gauge, thread, body } in jobs {
        let work = move || {
            if sink_first {
                give_way();
            }
            body(control)
        };
        match Builder::new().name(thread).spawn_scoped(scope, work) {
            Ok(handle) => running.push((gauge, handle)),
            Err(error) => {
                let (stage, why) = (
                    gauge.stage().to_owned(),
                    format!("cannot start a thread: {error}; use fewer workers, or raise the limit on processes (ulimit -u)"),
                );
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
