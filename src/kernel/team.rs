//! A pool of threads that is entered without allocating: one of its threads waits inside for work to be handed over. Knows no work.
//!
//! A job that enters a rayon pool from outside takes a place in a queue that grows by a block of memory every few dozen jobs;
//! handed to a thread that is inside already, it needs none, and what it forks goes to that thread's own, bounded queue.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Threads that work together.
pub struct Team {
    pool: ThreadPool,
    desk: Arc<Desk>,
    turn: Mutex<()>,
}

/// Where work is handed over.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Nothing to do.
    #[default]
    Idle,
    /// Somebody waits for this to be done.
    Job(Job),
    /// It is done.
    Done,
    /// No more work will come.
    Closed,
}

/// A call somewhere on the stack of a thread that waits for it.
#[derive(Clone, Copy)]
struct Job {
    call: *mut (),
    run: unsafe fn(*mut ()),
}

// SAFETY: the call's closure and result are `Send`, and whoever owns the call does not touch it before the state is `Done`.
unsafe impl Send for Job {}

struct Call<F, R> {
    work: Option<F>,
    result: Option<Result<R, Box<dyn Any + Send>>>,
}

/// Makes the call that `call` points to.
///
/// # Safety
/// `call` points to a `Call<F, R>` that nobody else touches meanwhile.
unsafe fn run<F: FnOnce() -> R, R>(call: *mut ()) {
    // SAFETY: as the caller promises.
    let call = unsafe { &mut *call.cast::<Call<F, R>>() };
    if let Some(work) = call.work.take() {
        call.result = Some(catch_unwind(AssertUnwindSafe(work)));
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.changed.notify_all();
    }

    /// Waits until `wanted` takes the state.
    fn wait<T>(&self, wanted: impl Fn(State) -> Option<T>) -> T {
        let mut state = self.state();
        loop {
            match wanted(*state) {
                Some(found) => return found,
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// What the thread inside does until the desk closes.
    fn serve(&self) {
        let job = |state| match state {
            State::Job(job) => Some(Some(job)),
            State::Closed => Some(None),
            _ => None,
        };
        while let Some(Job { call, run }) = self.wait(job) {
            // SAFETY: the call lives, untouched, on the stack of a thread that waits for the state `Done`.
            unsafe { run(call) };
            self.set(State::Done);
        }
    }
}

impl Team {
    /// So many threads, at least one, called `name` and a number.
    ///
    /// # Errors
    /// Where the system does not give them.
    pub fn new(threads: usize, name: &'static str) -> Result<Self, ThreadPoolBuildError> {
        let builder = ThreadPoolBuilder::new().num_threads(threads.max(1));
        let pool = builder.thread_name(move |number| format!("{name}-{number}")).build()?;
        let desk: Arc<Desk> = Arc::default();
        let inside = desk.clone();
        pool.spawn(move || inside.serve());
        Ok(Self { pool, desk, turn: Mutex::default() })
    }

    /// Runs `work` inside, where rayon's operations use these threads, and hands back its result; a panic goes on here. Calls from
    /// several threads take turns; one from within runs where it is.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        if self.pool.current_thread_index().is_some() {
            return work();
        }
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut call = Call { work: Some(work), result: None };
        let job = job_of(&mut call);
        self.desk.set(State::Job(job));
        // Nothing from here on to `Done` can panic: the call must not leave the stack while it is being made.
        self.desk.wait(|state| matches!(state, State::Done).then_some(()));
        *self.desk.state() = State::Idle;
        drop(turn);
        match call.result {
            Some(Ok(result)) => result,
            Some(Err(panic)) => resume_unwind(panic),
            None => unreachable!("a call that is done has a result"),
        }
    }
}

fn job_of<F: FnOnce() -> R + Send, R: Send>(call: &mut Call<F, R>) -> Job {
    Job { call: (call as *mut Call<F, R>).cast(), run: run::<F, R> }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.desk.set(State::Closed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn work_runs_inside_on_all_threads_and_may_borrow() {
        for threads in [1, 2, 5] {
            let team = Team::new(threads, "team").unwrap();
            let values: Vec<usize> = (0..1000).collect();
            let mut seen = 0;
            for round in 0..50 {
                let sum = team.install(|| {
                    seen += 1;
                    assert_eq!(rayon::current_num_threads(), threads);
                    values.par_iter().sum::<usize>() + round
                });
                assert_eq!(sum, 499_500 + round);
            }
            assert_eq!((seen, team.install(|| team.install(|| 7))), (50, 7));
        }
    }

    #[test]
    fn calls_from_many_threads_take_turns() {
        let (team, inside) = (Team::new(2, "team").unwrap(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        team.install(|| {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_goes_on_outside_and_the_team_works_on() {
        let team = Team::new(2, "team").unwrap();
        let caught = catch_unwind(AssertUnwindSafe(|| team.install(|| -> u32 { panic!("inside") })));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"inside"));
        assert_eq!(team.install(|| 3), 3);
    }
}
