//! What is known of files that have been read, within a bound of memory. Knows numbers of files, not what is known.

use crate::pixels::decode::Known;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most bytes that it takes; what comes later is forgotten, and found out again when it is needed.
pub const MOST_BYTES: usize = 64 << 20;
/// Bytes that a file of 500 x 375 pixels takes, about.
pub const FILE_BYTES: usize = 320;
/// Parts that are locked by themselves.
const SHARDS: usize = 16;

/// By the numbers of files.
#[derive(Debug, Default)]
pub struct KnownFiles {
    shards: [Mutex<HashMap<u32, Known>>; SHARDS],
    bytes: AtomicUsize,
}

impl KnownFiles {
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
        // Twice, for the room that a table keeps free.
        let bytes = known.bytes() + 2 * std::mem::size_of::<(u32, Known)>();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_BYTES {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return;
        }
        self.shard(index).insert(number, known);
    }
}
