//! The bodies of the threads: what a source, a worker of a map, a scan and a sink do with their channels. Foreign code runs
//! contained; whatever it does, every ticket taken is answered and every channel end is dropped.

use super::fault::{Cause, Failure, contain};
use super::meter::{Clock, Gauge};
use super::port::{Close, Outlet, Parcel, Rx, Tx};
use super::run::{Ending, Verdict};
use super::stage::{Chunk, Scan, Sink};
use super::stop::Control;
use super::window::Window;
use std::sync::Arc;

/// Deals until the iterator ends, somebody stops it, or nobody listens. `put` adds what the iterator yields to the outlet.
pub(super) fn deal<T, V>(
    mut values: impl Iterator<Item = Result<V, Failure>>,
    put: impl Fn(&mut Outlet<T>, V),
    (tx, size): (Tx<T>, usize),
    gauge: &Arc<Gauge>,
    control: &Control,
) {
    let mut outlet = Outlet::new(tx, Clock::start(gauge), size);
    let end = contain(|| {
        while outlet.is_open() && !control.is_over() {
            if control.is_cancelled() {
                return Ok(Some(Close::Cancelled));
            }
            match values.next() {
                Some(value) => put(&mut outlet, value?),
                None => return Ok(Some(Close::Drained)),
            }
        }
        Ok(None)
    });
    let at = outlet.next();
    match end {
        Ok(Some(end)) => outlet.close(end),
        Ok(None) => {}
        Err(cause) => outlet.close(Close::Fault(cause.at(gauge.stage(), at))),
    }
}

/// One worker of a map: takes chunks as they come, and hands each in with the items up to the first fault.
pub(super) fn work<In, Out, M: FnMut(u64, In) -> Result<Out, Failure>>(
    make: &impl Fn() -> M,
    rx: Rx<In>,
    window: &Window<Out>,
    gauge: &Arc<Gauge>,
    control: &Control,
) {
    let _guard = window.guard();
    let clock = Clock::start(gauge);
    let mut worker: Option<M> = None;
    while let Some(parcel) = rx.receive(&clock, control) {
        if !window.wants(parcel.ticket) {
            break;
        }
        let answer = answer(make, &mut worker, parcel, gauge.stage());
        if !window.hand_in(&clock, answer) {
            break;
        }
    }
}

/// The parcel that answers `parcel`. The worker is made at its first chunk, contained like its work.
fn answer<In, Out, M: FnMut(u64, In) -> Result<Out, Failure>>(
    make: &impl Fn() -> M,
    worker: &mut Option<M>,
    parcel: Parcel<In>,
    stage: &str,
) -> Parcel<Out> {
    let Parcel { ticket, chunk: Chunk { first, items }, end } = parcel;
    let _span = tracing::trace_span!("chunk", stage, first).entered();
    let mut done = Vec::with_capacity(items.len());
    let result = contain(|| {
        for item in items {
            let worker = worker.get_or_insert_with(make);
            done.push(worker(first + done.len() as u64, item)?);
        }
        Ok(())
    });
    let fault = result.err().map(|cause| Close::Fault(cause.at(stage, first + done.len() as u64)));
    Parcel { ticket, chunk: Chunk { first, items: done }, end: fault.or(end) }
}

/// Feeds a scan in order and passes on what it emits, in chunks of `size`.
pub(super) fn scan<In, Out>(
    mut scan: impl Scan<In, Out>,
    rx: Rx<In>,
    (tx, size): (Tx<Out>, usize),
    gauge: &Arc<Gauge>,
    control: &Control,
) {
    let mut outlet = Outlet::new(tx, Clock::start(gauge), size);
    let mut taken = 0;
    while let Some(Parcel { chunk, end, .. }) = rx.receive(&outlet.clock, control) {
        let result = feed(&mut scan, chunk, end.as_ref(), &mut outlet, &mut taken);
        let end = result.err().map(|cause| Close::Fault(cause.at(gauge.stage(), taken))).or(end);
        if let Some(end) = end {
            return outlet.close(end);
        }
        if !outlet.is_open() {
            return;
        }
    }
}

/// One chunk through a scan, and its closing words if the stream ends with it. `taken` counts the items that went through.
fn feed<In, Out>(
    scan: &mut impl Scan<In, Out>,
    chunk: Chunk<In>,
    end: Option<&Close>,
    outlet: &mut Outlet<Out>,
    taken: &mut u64,
) -> Result<(), Cause> {
    let _span = tracing::trace_span!("chunk", stage = outlet.clock.gauge.stage(), first = chunk.first).entered();
    contain(|| {
        for (number, item) in (chunk.first..).zip(chunk.items) {
            scan.scan(number, item, &mut |out| outlet.emit(out))?;
            *taken += 1;
            if !outlet.is_open() {
                return Ok(());
            }
        }
        match end {
            Some(Close::Drained) => scan.finish(&mut |out| outlet.emit(out)),
            Some(Close::Cancelled) => scan.cut_short(&mut |out| outlet.emit(out)),
            Some(Close::Fault(_)) | None => Ok(()),
        }
    })
}

/// Feeds the sink until the stream ends, or the sink has enough, and then says that the run is over. `None` if the stream broke off without saying how it ends.
pub(super) fn drain<In>(sink: &mut (impl Sink<In> + ?Sized), rx: Rx<In>, gauge: &Arc<Gauge>, control: &Control) -> Verdict {
    let clock = Clock::start(gauge);
    let ending = take_all(sink, rx, &clock, control);
    control.end();
    ending
}

fn take_all<In>(sink: &mut (impl Sink<In> + ?Sized), rx: Rx<In>, clock: &Clock, control: &Control) -> Verdict {
    while let Some(Parcel { chunk, end, .. }) = rx.receive(clock, control) {
        let mut next = chunk.first;
        let _span = tracing::trace_span!("chunk", stage = clock.gauge.stage(), first = chunk.first).entered();
        let enough = contain(|| {
            for item in chunk.items {
                let flow = sink.take(next, item)?;
                next += 1;
                if flow.is_break() {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        clock.gauge.pass((next - chunk.first) as usize);
        match (enough, end) {
            (Err(cause), _) => return Some(Err(cause.at(clock.gauge.stage(), next))),
            (Ok(true), _) => return Some(Ok(Ending::Enough)),
            (Ok(false), Some(Close::Drained)) => return Some(Ok(Ending::Drained)),
            (Ok(false), Some(Close::Cancelled)) => return Some(Ok(Ending::Cancelled)),
            (Ok(false), Some(Close::Fault(fault))) => return Some(Err(fault)),
            (Ok(false), None) => {}
        }
    }
    None
}
