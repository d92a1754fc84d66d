//! What a flow promises, held against every position, several numbers of threads and random delays.

use super::mock::{Gate, Jitter, Trouble, Watch, faulty, until, watched};
use super::*;
use proptest::prelude::*;
use std::convert::Infallible;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

const TROUBLES: [Trouble; 2] = [Trouble::Error, Trouble::Panic];
const THREADS: [usize; 3] = [1, 2, 8];

/// Collects items, and checks their numbers.
#[derive(Default)]
struct Collect(Vec<u64>);

impl Sink<u64> for Collect {
    fn take(&mut self, number: u64, item: u64) -> Result<ControlFlow<()>, Failure> {
        assert_eq!(number, self.0.len() as u64);
        self.0.push(item);
        Ok(Continue(()))
    }
}

/// Sums of `of` consecutive items; the rest when the stream ends by itself.
struct Groups {
    of: usize,
    held: Vec<u64>,
}

impl Groups {
    fn of(of: usize) -> Self {
        Self { of, held: Vec::new() }
    }
}

impl Scan<u64, u64> for Groups {
    fn scan(&mut self, _: u64, item: u64, emit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        self.held.push(item);
        if self.held.len() == self.of {
            emit(self.held.drain(..).sum());
        }
        Ok(())
    }

    fn finish(&mut self, emit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        if !self.held.is_empty() {
            emit(self.held.drain(..).sum());
        }
        Ok(())
    }
}

fn same(_: u64, item: u64) -> Result<u64, Infallible> {
    Ok(item)
}

fn total(flow: &Assembled) -> u64 {
    flow.bound().iter().map(|stage| stage.chunks() as u64).sum()
}

/// Counts what is pulled from it and hands out 0, 1, 2 …
fn counted(pulled: &AtomicU64) -> impl Iterator<Item = u64> + Send {
    std::iter::repeat_with(|| pulled.fetch_add(1, SeqCst))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn order_holds_for_any_workers_capacities_chunks_and_delays(
        (first, second) in (prop::sample::select(vec![1usize, 2, 3, 8]), prop::sample::select(vec![1usize, 2, 3, 8])),
        (capacity, chunk, of, size) in (1usize..6, 1usize..9, 1usize..7, 1usize..4),
        (count, seed, most) in (0u64..300, any::<u64>(), 0u64..40),
    ) {
        let jitter = Jitter { seed, most };
        let mut sink = Collect::default();
        let flow = Flow::source("count", chunk, 0..count)
            .map("double", first, capacity, |number: u64, item: u64| {
                assert_eq!(number, item);
                jitter.wait(item);
                Ok::<_, Infallible>(item * 2)
            })
            .map("increment", second, capacity, |number: u64, item: u64| {
                jitter.wait(!number);
                Ok::<_, Infallible>(item + 1)
            })
            .scan_in_chunks("group", capacity, size, Groups::of(of))
            .sink("collect", capacity, &mut sink);
        let outcome = watched(|watch| watch.run(flow)).expect("nothing fails");
        let items: Vec<u64> = (0..count).map(|item| item * 2 + 1).collect();
        let expected: Vec<u64> = items.chunks(of).map(|group| group.iter().sum()).collect();
        prop_assert_eq!(&sink.0, &expected);
        prop_assert_eq!(outcome.ending, Ending::Drained);
        let passed: Vec<u64> = outcome.meters.iter().map(|meter| meter.items).collect();
        let groups = expected.len() as u64;
        prop_assert_eq!(passed, [count, count, count, groups, groups]);
    }
}

/// Holds the sink before every chunk and lets it through one by one: each time, the source must have been drawn from exactly
/// `bound` chunks beyond what the sink is done with, and never more in between.
fn hold_and_count(watch: &Watch, chunk: u64, slack: u64, build: impl FnOnce(Flow<'_, u64>) -> Flow<'_, u64>) {
    let (pulled, done, most, gate) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), Gate::default());
    let limit = AtomicU64::new(u64::MAX);
    let items = counted(&pulled).inspect(|item| {
        most.fetch_max(item + 1 - done.load(SeqCst), SeqCst);
    });
    let items = items.take_while(|&item| item < limit.load(SeqCst));
    let mut sink = |number: u64, _: u64| {
        if number.is_multiple_of(chunk) {
            gate.pass();
        }
        if (number + 1).is_multiple_of(chunk) {
            done.fetch_add(chunk, SeqCst);
        }
        Ok::<_, Infallible>(Continue(()))
    };
    let flow = build(Flow::source("source", chunk as usize, items)).sink("sink", 2, &mut sink);
    let bound = total(&flow) - slack;
    let meters = flow.meters();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for step in 0..8 {
                until(|| pulled.load(SeqCst) == (bound + step) * chunk);
                if step == 0 {
                    until(|| {
                        let waits = meters.waits();
                        waits.starts_with("source: 1 of 1 workers alive: 0 at work, 0 waiting for input from nobody, 1 waiting")
                            && waits.contains("sink: 1 of 1 workers alive: 1 at work")
                            && waits.contains("input channel 2 of 2")
                    });
                }
                gate.admit(1);
            }
            until(|| pulled.load(SeqCst) == (bound + 8) * chunk);
            limit.store(0, SeqCst);
            gate.admit(u64::MAX / 2);
        });
        watch.run(flow).expect("nothing fails");
    });
    assert_eq!(most.load(SeqCst), bound * chunk);
}

#[test]
fn a_blocked_sink_stops_the_source_after_exactly_the_bound() {
    watched(|watch| {
        for chunk in [1, 3] {
            hold_and_count(watch, chunk, 0, |flow| flow);
            for workers in [1, 2, 3, 8] {
                for capacity in [1, 2, 5] {
                    hold_and_count(watch, chunk, 0, |flow| flow.map("one", workers, capacity, same));
                    hold_and_count(watch, chunk, 0, |flow| flow.map("one", workers, capacity, same).map("two", 2, 1, same));
                }
            }
        }
    });
}

#[test]
fn a_scan_that_passes_chunks_on_as_they_are_holds_each_only_once() {
    watched(|watch| {
        for chunk in [1, 4] {
            hold_and_count(watch, chunk, 1, |flow| flow.scan_in_chunks("group", 3, chunk as usize, Groups::of(1)));
        }
    });
}

#[test]
fn a_fault_at_any_position_is_met_in_order_and_ends_an_endless_source() {
    watched(|watch| {
        for (trouble, threads) in TROUBLES.into_iter().flat_map(|trouble| THREADS.map(|threads| (trouble, threads))) {
            for at in 0..200 {
                let pulled = AtomicU64::new(0);
                let mut sink = Collect::default();
                let flow = Flow::source("count", 7, counted(&pulled))
                    .map("fine", 2, 2, same)
                    .map("faulty", threads, 2, faulty(at, trouble))
                    .scan("group", 2, Groups::of(1))
                    .sink("collect", 2, &mut sink);
                let bound = total(&flow);
                let fault = watch.run(flow).expect_err("it strikes");
                assert!(trouble.is(&fault, "faulty", at), "{fault}");
                assert_eq!(sink.0, (0..at).collect::<Vec<_>>());
                let pulled = pulled.load(SeqCst);
                assert!(pulled <= (at / 7 + 1 + bound) * 7, "{pulled} pulled for a fault at {at}");
            }
        }
    });
}

#[test]
fn a_fault_in_the_last_chunk_is_not_lost_to_the_end() {
    watched(|watch| {
        for (trouble, at) in TROUBLES.into_iter().flat_map(|trouble| (0..10).map(move |at| (trouble, at))) {
            let mut sink = Collect::default();
            let flow = Flow::source("count", 20, 0..10).map("faulty", 2, 1, faulty(at, trouble)).map("fine", 2, 1, same);
            let fault = watch.run(flow.sink("collect", 1, &mut sink)).expect_err("it strikes");
            assert!(trouble.is(&fault, "faulty", at) && sink.0.len() as u64 == at, "{fault}");
        }
    });
}

#[test]
fn of_two_faults_in_one_chunk_the_earlier_in_data_order_wins() {
    watched(|watch| {
        for (up, down) in (0..7).flat_map(|up| (0..7).map(move |down| (up, down))) {
            let mut sink = Collect::default();
            let flow = Flow::source("count", 7, 0..).map("up", 2, 1, faulty(up, Trouble::Error));
            let flow = flow.map("down", 2, 1, faulty(down, Trouble::Panic)).sink("collect", 1, &mut sink);
            let fault = watch.run(flow).expect_err("both strike");
            let up_wins = up <= down;
            assert!(if up_wins { Trouble::Error.is(&fault, "up", up) } else { Trouble::Panic.is(&fault, "down", down) }, "{fault}");
            assert_eq!(sink.0.len() as u64, up.min(down));
        }
    });
}

#[test]
fn of_two_faults_in_a_map_the_earlier_one_wins_even_if_it_comes_later() {
    watched(|watch| {
        for at in 0..100 {
            let struck = AtomicBool::new(false);
            let map = |number: u64, item: u64| -> Result<u64, Failure> {
                if number == at {
                    until(|| struck.load(SeqCst));
                    return Err("earlier".into());
                }
                if number == at + 1 {
                    struck.store(true, SeqCst);
                    return Err("later".into());
                }
                Ok(item)
            };
            let mut sink = Collect::default();
            let fault = watch.run(Flow::source("count", 1, 0..).map("map", 2, 1, map).sink("collect", 1, &mut sink));
            let fault = fault.expect_err("both strike");
            assert_eq!((fault.item, fault.why.as_str()), (at, "earlier"));
            assert_eq!(sink.0, (0..at).collect::<Vec<_>>());
        }
    });
}

#[test]
fn of_faults_in_two_stages_the_earlier_in_data_order_wins() {
    watched(|watch| {
        for (at, threads) in (0..100).flat_map(|at| THREADS.map(|threads| (at, threads))) {
            let struck = AtomicBool::new(false);
            let later = |number: u64, item: u64| {
                struck.fetch_or(number > at, SeqCst);
                if number > at { Err("upstream, later item") } else { Ok(item) }
            };
            let earlier = |number: u64, item: u64| {
                if number < at {
                    return Ok(item);
                }
                until(|| struck.load(SeqCst));
                Err("downstream, earlier item")
            };
            let mut sink = Collect::default();
            let flow = Flow::source("count", 1, 0..).map("up", threads, 1, later).map("down", threads, 1, earlier);
            let fault = watch.run(flow.sink("collect", 1, &mut sink)).expect_err("both strike");
            assert_eq!((fault.stage.as_str(), fault.item), ("down", at));
            assert_eq!(sink.0.len() as u64, at);
        }
    });
}

#[test]
fn a_source_that_fails_is_named_after_all_that_it_dealt() {
    watched(|watch| {
        for (trouble, at) in TROUBLES.into_iter().flat_map(|trouble| (0..200).map(move |at| (trouble, at))) {
            let items = (0..).map(|item| if item == at { trouble.strike().map(|()| item) } else { Ok(item) });
            let mut sink = Collect::default();
            let flow = Flow::try_source("count", 7, items).map("fine", 2, 2, same).sink("collect", 2, &mut sink);
            let fault = watch.run(flow).expect_err("it strikes");
            assert!(trouble.is(&fault, "count", at), "{fault}");
            assert_eq!(sink.0, (0..at).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_scan_that_fails_is_named_after_all_that_it_emitted() {
    watched(|watch| {
        for (trouble, at) in TROUBLES.into_iter().flat_map(|trouble| (0..200).map(move |at| (trouble, at))) {
            let scan = |number: u64, item: u64, emit: &mut dyn FnMut(u64)| {
                emit(item);
                if number == at { trouble.strike() } else { Ok(()) }
            };
            let mut sink = Collect::default();
            let flow = Flow::source("count", 7, 0..).map("fine", 2, 2, same).scan_in_chunks("scan", 2, 5, scan);
            let fault = watch.run(flow.map("more", 2, 2, same).sink("collect", 2, &mut sink)).expect_err("it strikes");
            assert!(trouble.is(&fault, "scan", at), "{fault}");
            assert_eq!(sink.0, (0..=at).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_sink_that_fails_is_named_and_takes_nothing_more() {
    watched(|watch| {
        for (trouble, at) in TROUBLES.into_iter().flat_map(|trouble| (0..200).map(move |at| (trouble, at))) {
            let mut taken = 0;
            let mut sink = |number: u64, _: u64| {
                taken += 1;
                if number == at { trouble.strike() } else { Ok(()) }.map(Continue)
            };
            let flow = Flow::source("count", 7, 0..).map("fine", 2, 2, same).sink("sink", 2, &mut sink);
            let fault = watch.run(flow).expect_err("it strikes");
            assert!(trouble.is(&fault, "sink", at), "{fault}");
            assert_eq!(taken, at + 1);
        }
    });
}

/// Fails at its end, having emitted one thing more.
struct BadEnd(Trouble);

impl Scan<u64, u64> for BadEnd {
    fn scan(&mut self, _: u64, item: u64, emit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        emit(item);
        Ok(())
    }

    fn finish(&mut self, emit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        emit(99);
        self.0.strike()
    }
}

#[test]
fn a_scan_that_fails_to_finish_is_named_after_all_that_it_emitted() {
    watched(|watch| {
        for trouble in TROUBLES {
            let mut sink = Collect::default();
            let flow = Flow::source("count", 2, 0..5).scan_in_chunks("scan", 1, 4, BadEnd(trouble)).sink("collect", 1, &mut sink);
            let fault = watch.run(flow).expect_err("it strikes");
            assert!(trouble.is(&fault, "scan", 5), "{fault}");
            assert_eq!(sink.0, [0, 1, 2, 3, 4, 99]);
        }
    });
}

#[test]
fn a_worker_that_cannot_be_made_is_a_fault_where_it_was_to_begin() {
    watched(|watch| {
        let made = AtomicU64::new(0);
        let make = || {
            made.fetch_add(1, SeqCst);
            if true {
                std::panic::resume_unwind(Box::new("no buffers"));
            }
            same
        };
        let mut sink = Collect::default();
        let flow = Flow::source("count", 4, 0..).map_with("map", 3, 2, make).sink("collect", 1, &mut sink);
        let fault = watch.run(flow).expect_err("no worker works");
        assert_eq!((fault.stage.as_str(), fault.item, fault.why.as_str()), ("map", 0, "panicked: no buffers"));
        assert!(sink.0.is_empty() && made.load(SeqCst) > 0);
    });
}

#[test]
fn an_error_keeps_its_type_and_a_printed_panic_its_words() {
    watched(|watch| {
        let mut sink = Collect::default();
        let io = |_: u64, _: u64| Err::<u64, _>(std::io::Error::from_raw_os_error(28));
        let fault = watch.run(Flow::source("count", 4, 0..).map("io", 2, 2, io).sink("collect", 1, &mut sink)).expect_err("ENOSPC");
        let payload = fault.payload.expect("an error").downcast::<std::io::Error>().expect("of its type");
        assert_eq!(payload.raw_os_error(), Some(28));
        let loud = |number: u64, item: u64| if number == 3 { panic!("item {item} is odd") } else { Ok::<_, Infallible>(item) };
        let fault = watch.run(Flow::source("count", 4, 0..).map("loud", 2, 2, loud).sink("collect", 1, &mut sink));
        assert_eq!(fault.expect_err("it panics").to_string(), "stage `loud` failed at item 3: panicked: item 3 is odd");
    });
}

/// An iterator that panics when dropped, on its thread, where nothing else contains it.
struct Bomb;

impl Iterator for Bomb {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        None
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("tick"));
    }
}

#[test]
fn a_panic_while_dropping_is_a_fault_too() {
    watched(|watch| {
        let mut sink = Collect::default();
        let fault = watch.run(Flow::source("bomb", 4, Bomb).map("fine", 2, 2, same).sink("collect", 1, &mut sink));
        assert_eq!(fault.expect_err("it panics").to_string(), "stage `bomb` failed at item 0: panicked: tick");
    });
}

/// An item that may panic when dropped.
struct Shell(bool);

impl Drop for Shell {
    fn drop(&mut self) {
        if self.0 {
            std::panic::resume_unwind(Box::new("bang"));
        }
    }
}

#[test]
fn an_item_that_panics_while_dropped_unused_is_a_fault_too() {
    watched(|watch| {
        let meters = OnceLock::<Meters>::new();
        let mut sink = |_: u64, _: Shell| {
            // The source has left everything in the channel and ended: the sink's end is the last one to be dropped.
            until(|| meters.get().is_some_and(|meters| meters.readings()[1].queued == 4 && meters.readings()[0].alive == 0));
            Ok::<_, Infallible>(Break(()))
        };
        let flow = Flow::source("shells", 1, (0..4).map(|item| Shell(item == 3))).sink("sink", 4, &mut sink);
        meters.get_or_init(|| flow.meters());
        let fault = watch.run(flow).expect_err("it panics");
        assert_eq!(fault.to_string(), "stage `sink` failed at item 1: panicked: bang");
    });
}

#[test]
fn once_the_sink_has_enough_no_stage_is_given_anything() {
    watched(|watch| {
        let (pulled, scanned) = (AtomicU64::new(0), AtomicU64::new(0));
        let meters = OnceLock::<Meters>::new();
        let over = || {
            until(|| {
                meters.get().map(|meters| meters.readings()[2].clone()).is_some_and(|sink| sink.meter.items == 1 && sink.alive == 0)
            });
        };
        let items = counted(&pulled).inspect(|&item| {
            if item == 45 {
                over();
            }
        });
        let scan = |number: u64, item: u64, emit: &mut dyn FnMut(u64)| {
            scanned.fetch_add(1, SeqCst);
            if number == 0 {
                emit(item);
            } else if number == 9 {
                over();
            }
            Ok::<_, Infallible>(())
        };
        let mut sink = |_: u64, _: u64| Ok::<_, Infallible>(Break(()));
        let flow = Flow::source("source", 10, items).scan("scan", 9, scan).sink("sink", 1, &mut sink);
        meters.get_or_init(|| flow.meters());
        assert_eq!(watch.run(flow).map(|outcome| outcome.ending).ok(), Some(Ending::Enough));
        assert_eq!((pulled.load(SeqCst), scanned.load(SeqCst)), (46, 10));
    });
}

#[test]
fn a_sink_that_has_enough_ends_an_endless_source_at_any_position() {
    watched(|watch| {
        for (at, threads) in (0..200).flat_map(|at| THREADS.map(|threads| (at, threads))) {
            let finished = AtomicBool::new(false);
            let mut taken = Vec::new();
            let mut sink = |_: u64, item: u64| {
                taken.push(item);
                Ok::<_, Infallible>(if item == at { Break(()) } else { Continue(()) })
            };
            let flow = Flow::source("count", 7, 0..)
                .map("map", threads, 2, same)
                .scan("never whole", 1, Silent { until: at, finished: &finished })
                .sink("sink", 1, &mut sink);
            let outcome = watch.run(flow).expect("nothing fails");
            assert_eq!(taken, (0..=at).collect::<Vec<_>>());
            assert!(outcome.ending == Ending::Enough && outcome.stopped_early());
            assert_eq!(outcome.meters.last().map(|meter| meter.items), Some(at + 1));
            assert!(!finished.load(SeqCst), "a stream that was cut is not finished");
        }
    });
}

/// Passes items on up to number `until`, swallows all others, and tells when it is asked to finish.
struct Silent<'f> {
    until: u64,
    finished: &'f AtomicBool,
}

impl Scan<u64, u64> for Silent<'_> {
    fn scan(&mut self, number: u64, item: u64, emit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        if number <= self.until {
            emit(item);
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        self.finished.store(true, SeqCst);
        Ok(())
    }

    fn cut_short(&mut self, emit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        self.finish(emit)
    }
}

#[test]
fn cancelling_at_any_position_delivers_exactly_what_was_dealt() {
    watched(|watch| {
        for (at, threads) in (0..200).flat_map(|at| THREADS.map(|threads| (at, threads))) {
            let stop = Stop::new();
            let items = (0..).inspect(|&item| {
                if item == at {
                    stop.request();
                }
            });
            let mut sink = Collect::default();
            let flow = Flow::source("count", 7, items).stop_on(stop.clone()).map("map", threads, 2, same);
            let outcome = watch.run(flow.scan("group", 1, Groups::of(3)).sink("collect", 2, &mut sink)).expect("nothing fails");
            assert!(outcome.ending == Ending::Cancelled && outcome.stopped_early());
            assert_eq!(outcome.meters[1].items, at + 1);
            let whole: Vec<u64> = (0..=at).collect::<Vec<_>>().chunks_exact(3).map(|group| group.iter().sum()).collect();
            assert_eq!(sink.0, whole, "an incomplete group is dropped");
        }
    });
}

#[test]
fn cancelling_from_outside_delivers_all_that_the_source_gave() {
    watched(|watch| {
        for at in 0..100 {
            let (stop, pulled) = (Stop::from(std::sync::Arc::new(AtomicBool::new(false))), AtomicU64::new(0));
            let mut taken = 0;
            let mut sink = |number: u64, _: u64| {
                taken += 1;
                if number == at {
                    stop.request();
                }
                Ok::<_, Infallible>(Continue(()))
            };
            let flow = Flow::source("count", 3, counted(&pulled)).stop_on(stop.clone()).map("map", 3, 2, same);
            assert_eq!(watch.run(flow.sink("sink", 1, &mut sink)).map(|outcome| outcome.ending).ok(), Some(Ending::Cancelled));
            assert_eq!(taken, pulled.load(SeqCst));
            assert!(taken > at);
        }
    });
}

#[test]
fn odd_shapes_work() {
    watched(|watch| {
        for (count, chunk, workers, capacity) in
            [(0, 1, 1, 1), (0, 5, 8, 3), (3, 1, 64, 1), (3, 9, 64, 9), (1000, 1, 64, 1), (1000, 3, 1, 1), (5, 0, 0, 0)]
        {
            let mut sink = Collect::default();
            let flow =
                Flow::source("count", chunk, 0..count).map("one", workers, capacity, same).map("two", workers, capacity, same);
            let flow = flow.scan_in_chunks("group", capacity, 0, Groups::of(2)).sink("collect", capacity, &mut sink);
            assert_eq!(watch.run(flow).map(|outcome| outcome.ending).ok(), Some(Ending::Drained));
            let expected: Vec<u64> = (0..count).collect::<Vec<_>>().chunks(2).map(|pair| pair.iter().sum()).collect();
            assert_eq!(sink.0, expected);
        }
    });
}

#[test]
fn chunks_already_cut_are_numbered_through() {
    watched(|watch| {
        let mut sink = Collect::default();
        let chunks = vec![vec![0], vec![], vec![1, 2, 3], vec![], vec![4, 5]];
        let flow = Flow::chunks("cut", chunks).map("map", 2, 1, same).sink("collect", 1, &mut sink);
        let meters = flow.meters();
        watch.run(flow).expect("nothing fails");
        assert_eq!(sink.0, (0..6).collect::<Vec<_>>());
        let chunks: Vec<u64> = meters.readings().iter().map(|reading| reading.chunks).collect();
        assert_eq!(chunks, [3, 3, 3]);
    });
}

#[test]
fn everything_taken_was_passed_on_by_the_stage_before_and_all_time_is_accounted_for() {
    watched(|watch| {
        let begin = std::time::Instant::now();
        let mut sink = Collect::default();
        let jitter = Jitter { seed: 5, most: 30 };
        let late = |number: u64, item: u64| {
            jitter.wait(number);
            same(number, item)
        };
        let flow = Flow::source("count", 4, 0..1003).map("one", 3, 2, late).map("two", 2, 3, same);
        let flow = flow.scan("group", 2, Groups::of(10)).sink("collect", 1, &mut sink);
        let meters = flow.meters();
        assert_eq!(meters.moves(), 0);
        let outcome = watch.run(flow).expect("nothing fails");
        let wall = begin.elapsed();
        let readings = meters.readings();
        for pair in readings.windows(2) {
            assert_eq!(pair[0].meter.items, pair[1].taken);
        }
        let chunks: Vec<u64> = readings.iter().map(|reading| reading.chunks).collect();
        assert_eq!(chunks, [251, 251, 251, 101, 101]);
        assert!(readings.iter().all(|reading| reading.alive + reading.starving + reading.blocking + reading.queued == 0));
        for meter in &outcome.meters {
            assert!(meter.busy + meter.starved + meter.blocked <= wall * meter.workers as u32, "{meter:?}");
            assert!(meter.queue_depth <= meter.queue_capacity as f64, "{meter:?}");
        }
        assert!(meters.moves() > 0);
    });
}

#[test]
fn every_worker_has_a_named_thread_and_buffers_of_its_own() {
    watched(|watch| {
        let barrier = std::sync::Barrier::new(3);
        let make = || {
            let mut buffer = Vec::new();
            let barrier = &barrier;
            move |_: u64, item: u64| {
                if buffer.is_empty() {
                    barrier.wait();
                }
                buffer.push(item);
                Ok::<_, Infallible>(std::thread::current().name().map(str::to_owned))
            }
        };
        let mut names = std::collections::BTreeSet::new();
        let mut sink = |_: u64, name: Option<String>| {
            names.extend(name);
            Ok::<_, Infallible>(Continue(()))
        };
        watch.run(Flow::source("count", 1, 0..50).map_with("work\0er", 3, 1, make).sink("sink", 1, &mut sink)).expect("it works");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["work?er-0", "work?er-1", "work?er-2"]);
    });
}

/// The priority of the calling thread, as steps of niceness.
#[cfg(target_os = "linux")]
fn niceness() -> i32 {
    rustix::process::getpriority_process(None).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_sink_goes_first_all_others_give_way_and_only_there() {
    for first in [false, true] {
        let (here, seen) = (niceness(), std::sync::Mutex::new(Vec::new()));
        let flow = Flow::source("count", 3, 0..20u64).map("look", 2, 2, |_: u64, item: u64| {
            seen.lock().unwrap().push(niceness());
            Ok::<_, Infallible>(item)
        });
        let mut sink = |_: u64, _: u64| Ok::<_, Infallible>(Continue(()));
        let flow = flow.sink("end", 2, &mut sink);
        let flow = if first { flow.sink_first() } else { flow };
        flow.run().unwrap();
        let expected = if first { (here + run::NICENESS).min(19) } else { here };
        assert!(seen.into_inner().unwrap().iter().all(|&found| found == expected), "{expected}");
        assert_eq!(niceness(), here);
    }
}
