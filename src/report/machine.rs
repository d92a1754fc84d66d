//! What the system tells about itself: processor, threads, peak memory. Everything here may differ between runs.

use serde::{Deserialize, Serialize};

/// Where a run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, where the system tells.
    pub cpu: Option<String>,
    /// Vector extensions that were found, of those that matter here.
    pub features: Vec<String>,
    /// Threads that can run at once.
    pub threads: usize,
    /// Architecture and operating system.
    pub platform: String,
    /// This program's version.
    pub version: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        Self {
            cpu: std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| field(&text, "model name").map(str::to_owned)),
            features: features(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    let found = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    found.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<String> {
    Vec::new()
}

/// The processor time that all threads of this process, those that have ended too, have taken so far; none where the system does
/// not tell.
pub fn cpu_time() -> Option<std::time::Duration> {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(std::time::Duration::new(clock.tv_sec.try_into().ok()?, clock.tv_nsec.try_into().ok()?))
}

/// The most memory in bytes that this process has had resident so far (`VmHWM` of `/proc/self/status`); none where the system
/// does not tell.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: u64 = field(&status, "VmHWM")?.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Lets [`peak_memory`] begin anew from what is resident now, so that of several runs in one process each tells its own. Whether the
/// system can (Linux: `/proc/self/clear_refs`, see proc_pid_clear_refs(5)); where it cannot, peaks go on adding up.
pub fn forget_peak_memory() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The value of the first line `name: value`.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn peak_memory_grows_with_what_is_touched_and_stays_until_it_is_forgotten() {
        let before = peak_memory().unwrap();
        let touched = std::hint::black_box(vec![1u8; 256 << 20]);
        let after = peak_memory().unwrap();
        assert!(after >= 256 << 20 && after >= before, "{before} {after}");
        drop(touched);
        // The kernel sums counters of single processors, each a few pages behind.
        assert!(peak_memory().unwrap() + (1 << 20) >= after, "a peak does not fall");
        if forget_peak_memory() {
            assert!(peak_memory().unwrap() < after, "but begins anew");
        }
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        assert_eq!(field("VmPeak:\t 9 kB\nVmHWM:\t  7 kB\n", "VmHWM"), Some("7 kB"));
        assert_eq!(field("VmHWMx: 1", "VmHWM"), None);
    }
}
