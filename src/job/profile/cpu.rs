//! Processor time of this process's threads, where the system tells: `/proc/self/task/*/schedstat`.

use std::collections::BTreeMap;
use std::time::Duration;

/// Of the calling thread so far.
pub fn of_thread() -> Option<Duration> {
    time("/proc/thread-self/schedstat")
}

/// Of all threads so far, by their names without the number at the end. Threads that have ended do not count.
pub fn by_name() -> Option<BTreeMap<String, Duration>> {
    let mut times = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        // One that ends between the two looks is passed over.
        let path = task.path();
        let (Ok(name), Some(time)) = (std::fs::read_to_string(path.join("comm")), time(path.join("schedstat"))) else { continue };
        let name = name.trim_end().trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        *times.entry(name.to_owned()).or_default() += time;
    }
    Some(times)
}

/// Of all threads together.
pub fn of_process() -> Option<Duration> {
    by_name().map(|times| times.values().sum())
}

fn time(path: impl AsRef<std::path::Path>) -> Option<Duration> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time_of_its_own_thread() {
        let work = || {
            let began = of_thread().unwrap();
            let mut sum = 0u64;
            while of_thread().unwrap() < began + Duration::from_millis(5) {
                sum = (0..10_000u64).fold(sum, |sum, x| std::hint::black_box(sum ^ x));
            }
            by_name().unwrap()
        };
        let seen = std::thread::Builder::new().name("worker-17".into()).spawn(work).unwrap().join().unwrap();
        assert!(seen["worker"] >= Duration::from_millis(4), "{seen:?}");
    }
}
