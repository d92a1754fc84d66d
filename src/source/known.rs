//! What is known of files that have been read, within a bound of memory. Knows numbers of files, not what is known.

use crate::pixels::decode::Known;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most bytes that it takes; what comes later is forgotten, and found out again when it is needed.
const MOST_BYTES: usize = 128 << 20;
/// Most bytes for one file.
const FILE_BYTES: usize = 4 << 10;
/// Files of fewer bytes are walked through whole as fast as anything about them is looked up.
const SMALL: usize = 4 << 10;
/// Bytes beside what is known of a file: its number, and twice the room that it takes in a table.
const BESIDE: usize = 2 * std::mem::size_of::<(u32, Known)>();
/// Parts that are locked by themselves.
const SHARDS: usize = 16;

/// By the numbers of files.
#[derive(Debug)]
pub struct KnownFiles {
    shards: [Mutex<HashMap<u32, Known>>; SHARDS],
    bytes: AtomicUsize,
    /// Bytes for what is known of a file.
    pub each: usize,
}

/// Most bytes for what is known of so many files.
pub fn most_bytes(files: usize) -> usize {
    (files.saturating_mul(FILE_BYTES + 2 * BESIDE)).min(MOST_BYTES)
}

impl KnownFiles {
    /// Nothing yet, of so many files.
    pub fn of(files: usize) -> Self {
        let each = (MOST_BYTES / files.max(1)).saturating_sub(2 * BESIDE).min(FILE_BYTES);
        Self { shards: Default::default(), bytes: AtomicUsize::new(0), each }
    }

    /// Whether it saves time to keep anything about files of so many bytes.
    pub fn are_worth(bytes: usize) -> bool {
        bytes >= SMALL
    }

    fn shard(&self, index: usize) -> std::sync::MutexGuard<'_, HashMap<u32, Known>> {
        self.shards[index % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of file `index`.
    pub fn get(&self, index: usize) -> Option<Known> {
        self.shard(index).get(&u32::try_from(index).ok()?).cloned()
    }

    /// Keeps what is known of file `index`, if there is room.
    pub fn put(&self, index: usize, known: Known) {
        let Ok(number) = u32::try_from(index) else { return };
        let bytes = known.bytes() + BESIDE;
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_BYTES {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return;
        }
        self.shard(index).insert(number, known);
    }
}
