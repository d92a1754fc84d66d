//! `[workers]`: threads and memory. Speed depends on them, results never do.

use crate::config::{Fields, Node, Value};
use crate::event::workers::Threads;

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
    /// Which of the numbers were left to us.
    pub automatic: Automatic,
}

/// The stages whose threads are "auto": their numbers are one a core until they are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Automatic {
    /// Of reading and decoding.
    pub load: bool,
    /// Of augmenting.
    pub augment: bool,
    /// Of training.
    pub train: bool,
}

impl Automatic {
    /// Whether any number was left to us.
    pub fn any(self) -> bool {
        self.load || self.augment || self.train
    }
}

impl Workers {
    /// The numbers of threads.
    pub fn threads(&self) -> Threads {
        Threads { load: self.load, augment: self.augment, train: self.train }
    }

    /// The same with `threads` where numbers were left to us.
    pub fn with(self, threads: Threads) -> Self {
        let pick = |automatic: bool, given: usize, chosen: usize| if automatic { chosen } else { given };
        Self {
            load: pick(self.automatic.load, self.load, threads.load),
            augment: pick(self.automatic.augment, self.augment, threads.augment),
            train: pick(self.automatic.train, self.train, threads.train),
            ..self
        }
    }
}

/// More threads than this are refused: no machine we know has use for them.
const MOST: usize = 1024;

/// Reads `workers` of a pipeline file: a table, or "auto" for the whole of it, as where it is left out.
pub fn read_table(top: &Fields) -> Workers {
    let about = "threads and memory, or \"auto\"; results never depend on them";
    match top.node("workers").map(|node| &node.value) {
        Some(Value::Text(text)) if text == "auto" => {
            top.key("workers", about).read("\"auto\" or table".to_owned(), (), |_| Some(())).optional();
            read(&Fields::empty("[workers]", top.problems()))
        }
        _ => read(&top.table_or_empty("workers", about)),
    }
}

/// Reads the section. "auto" is one thread a core until a run has measured what is best.
pub fn read(fields: &Fields) -> Workers {
    let cores = cores();
    let threads = |key: &str, about: &str| {
        let kind = format!("\"auto\" or integer, 1 to {MOST}");
        let setting = fields.key(key, about).read(kind, None, |node| match &node.value {
            Value::Text(text) if text == "auto" => Some(None),
            Value::Integer(count) if (1..=MOST as i64).contains(count) => Some(Some(*count as usize)),
            _ => None,
        });
        let given = setting.or_shown(None, "auto");
        (given.unwrap_or(cores), given.is_none())
    };
    let load = threads("load", "threads that read and decode; auto: what is measured to be best within cores and memory");
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
    let automatic = Automatic { load: load.1, augment: augment.1, train: train.1 };
    Workers { load: load.0, augment: augment.0, train: train.0, memory, automatic }
}

/// Threads that can run at once: those of the process's affinity, and no more than the quota of its control group.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
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
    use super::*;
    use crate::config::Problems;

    fn read_text(text: &str) -> (Workers, usize) {
        let problems = Problems::default();
        let workers = read_table(&Fields::parse(text, &problems).unwrap());
        (workers, problems.take().len())
    }

    #[test]
    fn auto_stands_for_the_whole_for_a_stage_and_for_what_is_left_out() {
        let all = Automatic { load: true, augment: true, train: true };
        for text in ["", "workers = 'auto'", "[workers]\nload = 'auto'"] {
            let (workers, problems) = read_text(text);
            assert_eq!((workers.automatic, workers.train, problems), (all, cores(), 0), "{text}");
        }
        let (workers, _) = read_text("[workers]\nload = 3\ntrain = 'auto'");
        assert_eq!(workers.automatic, Automatic { load: false, ..all });
        let chosen = workers.with(Threads { load: 9, augment: 1, train: 2 });
        assert_eq!(chosen.threads(), Threads { load: 3, augment: 1, train: 2 });
        for wrong in ["workers = 'many'", "workers = 2", "[workers]\nload = 'all'", "[workers]\nload = 0"] {
            assert_eq!(read_text(wrong).1, 1, "{wrong}");
        }
    }

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
