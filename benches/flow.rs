//! What the dataflow engine costs: bare chunks a second, and its share where a chunk is 1 ms of work.

use augpipe::flow::Flow;
use divan::{Bencher, black_box, counter::ItemsCount};
use std::convert::Infallible;
use std::ops::ControlFlow::Continue;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

const CHUNKS: u64 = 500;

fn main() {
    rounds_a_millisecond();
    println!("wall time beyond the work at 1 ms a chunk (needs a quiet machine), least of 10 pairs: {:.3} %", overhead() * 100.0);
    if let Some((worker, all)) = cost() {
        let (worker, all) = (worker * 1e6, all * 1e6);
        println!("CPU time of the engine at 1 ms a chunk: {worker:.2} us on the worker's thread, {all:.2} us on all threads");
    }
    divan::main();
}

/// A fixed amount of arithmetic that cannot be skipped.
fn work(rounds: u64, seed: u64) -> u64 {
    (0..rounds).fold(seed, |state, round| black_box(state.rotate_left(5) ^ round).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// How much of [`work`] takes 1 ms on an undisturbed core: the best of several tries.
fn rounds_a_millisecond() -> u64 {
    static ROUNDS: OnceLock<u64> = OnceLock::new();
    *ROUNDS.get_or_init(|| {
        let tried = 1_000_000;
        let time = (0..9).map(|seed| {
            let begin = Instant::now();
            black_box(work(tried, seed));
            begin.elapsed()
        });
        let best = time.min().unwrap_or(Duration::from_millis(1));
        (tried as f64 / best.as_secs_f64() / 1000.0) as u64
    })
}

fn direct(rounds: u64) {
    for seed in 0..CHUNKS {
        black_box(work(rounds, seed));
    }
}

/// `chunks` chunks of one item through a map of `workers`.
fn flow(chunks: u64, workers: usize, rounds: u64) {
    let mut sink = |_: u64, item: u64| {
        black_box(item);
        Ok::<_, Infallible>(Continue(()))
    };
    let map = |_: u64, seed: u64| Ok::<_, Infallible>(work(rounds, seed));
    let chain = Flow::source("source", 1, 0..chunks).map("work", workers, 4, map).sink("sink", 4, &mut sink);
    assert!(chain.run().is_ok());
}

/// Time in the flow beyond the work itself, as a share of the work: threads started and ended included.
fn overhead() -> f64 {
    let rounds = rounds_a_millisecond();
    let time = |run: &dyn Fn()| {
        let begin = Instant::now();
        run();
        begin.elapsed().as_secs_f64()
    };
    let pairs: Vec<(f64, f64)> = (0..10).map(|_| (time(&|| direct(rounds)), time(&|| flow(CHUNKS, 1, rounds)))).collect();
    let least = |times: &mut dyn Iterator<Item = f64>| times.fold(f64::INFINITY, f64::min);
    least(&mut pairs.iter().map(|pair| pair.1)) / least(&mut pairs.iter().map(|pair| pair.0)) - 1.0
}

/// Seconds of CPU time that the engine takes for a chunk when each takes 1 ms: on the worker's thread, which the stage's work
/// has to share, and on all threads. The stage sleeps instead of working, so that all that is counted is the engine, on a
/// machine with other things to do as well.
fn cost() -> Option<(f64, f64)> {
    const MANY: u64 = 3000;
    let worker = Mutex::new(Vec::new());
    let nap = |number: u64, item: u64| {
        if number == 0 || number == MANY - 1 {
            worker.lock().unwrap_or_else(PoisonError::into_inner).extend(thread_cpu());
        }
        std::thread::sleep(Duration::from_millis(1));
        Ok::<_, Infallible>(item)
    };
    let mut sink = |_: u64, _: u64| Ok::<_, Infallible>(Continue(()));
    let begin = process_cpu()?;
    (0..MANY).for_each(|item| assert!(nap(item, item).is_ok()));
    let between = process_cpu()?;
    let chain = Flow::source("source", 1, 0..MANY).map("nap", 1, 4, nap).sink("sink", 4, &mut sink);
    assert!(chain.run().is_ok());
    let all = (process_cpu()? - between) - (between - begin);
    let [alone_from, alone_to, from, to] = worker.into_inner().ok()?.try_into().ok()?;
    Some((((to - from) - (alone_to - alone_from)) / MANY as f64, all / MANY as f64))
}

/// The process's CPU time so far in seconds, where the system tells (Linux), in steps of 10 ms.
fn process_cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// The calling thread's CPU time so far in seconds, where the system tells (Linux), in nanosecond steps.
fn thread_cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(stat.split_whitespace().next()?.parse::<f64>().ok()? * 1e-9)
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn one_ms_a_chunk_direct(bencher: Bencher) {
    bencher.counter(ItemsCount::new(CHUNKS)).bench(|| direct(rounds_a_millisecond()));
}

#[divan::bench(args = [1, 2], sample_count = 5, sample_size = 1)]
fn one_ms_a_chunk(bencher: Bencher, workers: usize) {
    bencher.counter(ItemsCount::new(CHUNKS)).bench(|| flow(CHUNKS, workers, rounds_a_millisecond()));
}

#[divan::bench(args = [1, 2, 8], sample_count = 5, sample_size = 1)]
fn empty_chunks(bencher: Bencher, workers: usize) {
    const MANY: u64 = 100_000;
    bencher.counter(ItemsCount::new(MANY)).bench(|| flow(MANY, workers, 0));
}
