//! Times a function on inputs that wait in memory, on some threads at once. Knows no stage.

use super::cpu;
use crate::report::profile::Alone;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Inputs that are copied at once, before the clock runs.
const BLOCK: usize = 16;

/// What one worker found: every call's input and time, and the processor time of all.
#[derive(Debug, Default)]
pub struct Calls {
    /// Place of the input, and how long the call took.
    pub calls: Vec<(usize, Duration)>,
    cpu: Option<Duration>,
}

/// Calls the function of each of `workers` threads, made by `make`, with copies of `inputs` in turn for about `time`, at least
/// once. Copies are made and results dropped outside the measured time. `cpu` asks for the processor time so far of all that works
/// on a worker's behalf.
pub fn call<T: Clone + Sync, R, F: FnMut(T) -> R>(
    inputs: &[T],
    workers: usize,
    time: Duration,
    make: impl Fn() -> F + Sync,
    cpu: impl Fn() -> Option<Duration> + Sync,
) -> Vec<Calls> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let (mut function, mut mine) = (make(), Calls { cpu: Some(Duration::ZERO), ..Calls::default() });
        let began = Instant::now();
        while mine.calls.is_empty() || began.elapsed() < time {
            let block = BLOCK.min(inputs.len());
            let first = next.fetch_add(block, Relaxed);
            let copies: Vec<_> = (first..first + block).map(|at| (at % inputs.len(), inputs[at % inputs.len()].clone())).collect();
            let before = cpu();
            let mut results = Vec::with_capacity(block);
            for (at, copy) in copies {
                let start = Instant::now();
                results.push(function(copy));
                mine.calls.push((at, start.elapsed()));
                if began.elapsed() > 4 * time {
                    break;
                }
            }
            mine.cpu = mine.cpu.zip(cpu().zip(before)).map(|(sum, (after, before))| sum + after.saturating_sub(before));
        }
        found.lock().unwrap_or_else(PoisonError::into_inner).push(mine);
    };
    if inputs.is_empty() {
        return Vec::new();
    }
    match workers {
        0 | 1 => work(),
        _ => std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work)))),
    }
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// [`call`] with the processor time of each worker's own thread.
pub fn call_threads<T: Clone + Sync, R, F: FnMut(T) -> R>(
    inputs: &[T],
    workers: usize,
    time: Duration,
    make: impl Fn() -> F + Sync,
) -> Vec<Calls> {
    let mut found = call(inputs, workers, time, make, cpu::of_thread);
    for Calls { calls, cpu } in &mut found {
        // To ask for it takes some, which shows where calls are quick: a thread is on one processor at a time.
        *cpu = cpu.map(|cpu| cpu.min(calls.iter().map(|(_, time)| *time).sum()));
    }
    found
}

/// The numbers of so many `workers`, each call being `samples` samples.
pub fn summary(found: &[Calls], workers: usize, samples: f64) -> Alone {
    let whole = |calls: &Calls| calls.calls.iter().map(|(_, time)| *time).sum::<Duration>().as_secs_f64();
    let rate = found.iter().map(|calls| samples * calls.calls.len() as f64 / whole(calls).max(1e-9)).sum();
    let mut times: Vec<f64> =
        found.iter().flat_map(|calls| &calls.calls).map(|(_, time)| 1e3 * time.as_secs_f64() / samples).collect();
    times.sort_by(f64::total_cmp);
    let count = times.len().max(1) as f64;
    let at =
        |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1))).copied().unwrap_or(0.0);
    let mean_ms = times.iter().sum::<f64>() / count;
    let cpu: Option<Duration> = found.iter().map(|calls| calls.cpu).sum();
    let cpu_ms = cpu.map_or(mean_ms, |cpu| 1e3 * cpu.as_secs_f64() / samples / count);
    Alone { workers, rate, cpu_ms, mean_ms, p50_ms: at(0.5), p99_ms: at(0.99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_taken_in_turn_and_every_call_counts() {
        let inputs: Vec<usize> = (0..40).collect();
        for workers in [1, 3] {
            let found = call_threads(&inputs, workers, Duration::from_millis(3), || |input: usize| assert!(input < 40));
            assert_eq!(found.len(), workers);
            let calls: Vec<_> = found.iter().flat_map(|calls| &calls.calls).collect();
            assert!(calls.len() >= 16 && calls.iter().all(|(at, _)| *at < 40));
        }
        assert!(call_threads(&[] as &[u8], 2, Duration::ZERO, || |_| ()).is_empty());
    }

    #[test]
    fn a_summary_adds_rates_and_orders_times() {
        let ms = Duration::from_millis;
        let one = Calls { calls: vec![(0, ms(1)), (1, ms(3))], cpu: Some(ms(2)) };
        let other = Calls { calls: vec![(2, ms(2)), (3, ms(10))], cpu: Some(ms(10)) };
        let found = summary(&[one, other], 2, 1.0);
        assert_eq!((found.workers, found.mean_ms, found.p50_ms, found.p99_ms, found.cpu_ms), (2, 4.0, 3.0, 10.0, 3.0));
        assert!((found.rate - (500.0 + 2000.0 / 12.0)).abs() < 1e-9);
    }
}
