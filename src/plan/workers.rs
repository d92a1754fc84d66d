//! `[workers]`: threads and memory. Speed depends on them, results never do.

use crate::config::{Fields, Node, Value};

/// Threads of every stage, and the memory that a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Threads that read and decode.
    pub load: usize,
    /// Threads that augment.
    pub augment: usize,
    /// Threads of the trainer's own pool.
    pub train: usize,
    /// Bytes that the run may use; a plan whose bound is above it is refused.
    pub memory: u64,
}

/// More threads than this are refused: no machine we know has use for them.
const MOST: usize = 1024;

/// Reads the section. "auto" is one thread a core for every stage: stages that wait cost nothing.
pub fn read(fields: &Fields) -> Workers {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = |key: &str, about: &str| {
        let kind = format!("\"auto\" or integer, 1 to {MOST}");
        let setting = fields.key(key, about).read(kind, cores, |node| match &node.value {
            Value::Text(text) if text == "auto" => Some(cores),
            Value::Integer(count) if (1..=MOST as i64).contains(count) => Some(*count as usize),
            _ => None,
        });
        setting.or_shown(cores, "auto")
    };
    let load = threads("load", "threads that read and decode");
    let augment = threads("augment", "threads that augment");
    let train = threads("train", "threads of the trainer");
    let memory = fields
        .key("memory", "what a run may use, like \"2GiB\"; a plan that could need more is refused")
        .read("text like \"2GiB\" or \"800MB\"".to_owned(), u64::MAX, |node: &Node| match &node.value {
            Value::Text(text) => parse_bytes(text),
            _ => None,
        })
        .or_shown(available_memory(), "what is free");
    fields.finish();
    Workers { load, augment, train, memory }
}

/// "2GiB", "512 MB", "1000000" in bytes.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    (1.0..1e18).contains(&bytes).then_some(bytes as u64)
}

/// Memory that the system says is available, or no limit where it does not say. Of a limit on addresses (`ulimit -v`) half: stacks
/// and allocators reserve more than they use.
fn available_memory() -> u64 {
    let addresses = rustix::process::getrlimit(rustix::process::Resource::As).current;
    free_memory().min(addresses.map_or(u64::MAX, |limit| limit / 2))
}

fn free_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(parse_bytes("2GiB"), Some(2 << 30));
        assert_eq!(parse_bytes("1.5 MB"), Some(1_500_000));
        assert_eq!(parse_bytes("77"), Some(77));
        for wrong in ["", "GiB", "2 GoB", "-1", "0"] {
            assert_eq!(parse_bytes(wrong), None, "{wrong}");
        }
    }
}
