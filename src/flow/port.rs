//! The two ends of a channel between stages, where everything is metered. A channel carries tickets 0, 1, 2 … without a gap;
//! the last one says how the stream ended. A channel that breaks off without that was cut: nobody wants what would follow.

use super::fault::Fault;
use super::meter::{Clock, Gauge};
use super::stage::Chunk;
use super::stop::Control;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;

/// How a stream ended.
#[derive(Debug)]
pub(super) enum Close {
    /// By itself.
    Drained,
    /// By the caller's [`super::Stop`].
    Cancelled,
    /// By a fault, which stands right behind the items of its chunk.
    Fault(Fault),
}

/// A chunk under way.
#[derive(Debug)]
pub(super) struct Parcel<T> {
    /// Its place in the channel's order.
    pub(super) ticket: u64,
    /// What it carries; may be empty if the stream ends here.
    pub(super) chunk: Chunk<T>,
    /// Set on the last one.
    pub(super) end: Option<Close>,
}

/// The sending end.
pub(super) struct Tx<T> {
    sender: Sender<Parcel<T>>,
    consumer: Arc<Gauge>,
}

impl<T> Tx<T> {
    /// Waits for room and sends; false if nobody listens any more.
    pub(super) fn send(&self, clock: &Clock, parcel: Parcel<T>) -> bool {
        let items = parcel.chunk.items.len();
        let sent = clock.block(|| self.sender.send(parcel)).is_ok();
        if sent {
            self.consumer.queue();
            clock.gauge.pass(items);
        }
        sent
    }
}

/// The receiving end; workers of one stage hold a clone each.
pub(super) struct Rx<T>(Receiver<Parcel<T>>);

impl<T> Clone for Rx<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Rx<T> {
    /// Waits for the next parcel; `None` once there are no more, or the run is over.
    pub(super) fn receive(&self, clock: &Clock, control: &Control) -> Option<Parcel<T>> {
        if control.is_over() {
            return None;
        }
        let depth = self.0.len();
        let parcel = clock.starve(|| self.0.recv()).ok()?;
        clock.gauge.take(depth, parcel.chunk.items.len());
        Some(parcel)
    }
}

/// A channel with room for `capacity` chunks in front of the stage that `consumer` measures.
pub(super) fn channel<T>(capacity: usize, consumer: &Arc<Gauge>) -> (Tx<T>, Rx<T>) {
    let (sender, receiver) = bounded(capacity);
    (Tx { sender, consumer: consumer.clone() }, Rx(receiver))
}

/// Gathers a single thread's outputs into chunks and numbers them.
pub(super) struct Outlet<T> {
    tx: Tx<T>,
    pub(super) clock: Clock,
    size: usize,
    ticket: u64,
    gathered: Chunk<T>,
    open: bool,
}

impl<T> Outlet<T> {
    /// Chunks have `size` items, the last one fewer.
    pub(super) fn new(tx: Tx<T>, clock: Clock, size: usize) -> Self {
        Self { tx, clock, size, ticket: 0, gathered: Chunk { first: 0, items: Vec::new() }, open: true }
    }

    /// Whether somebody still listens.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Number that the next item gets.
    pub(super) fn next(&self) -> u64 {
        self.gathered.first + self.gathered.items.len() as u64
    }

    /// Adds one item, and sends the chunk if it is full. Discards it once nobody listens.
    pub(super) fn emit(&mut self, item: T) {
        if self.open {
            self.gathered.items.push(item);
            if self.gathered.items.len() >= self.size {
                self.flush(None);
            }
        }
    }

    /// Sends `items` as a chunk of their own.
    pub(super) fn emit_chunk(&mut self, items: Vec<T>) {
        if self.open && !items.is_empty() {
            self.gathered.items = items;
            self.flush(None);
        }
    }

    /// Sends what is gathered with the news that the stream ends here.
    pub(super) fn close(mut self, end: Close) {
        if self.open {
            self.flush(Some(end));
        }
    }

    fn flush(&mut self, end: Option<Close>) {
        let following = Chunk { first: self.next(), items: Vec::new() };
        let chunk = std::mem::replace(&mut self.gathered, following);
        self.open = self.tx.send(&self.clock, Parcel { ticket: self.ticket, chunk, end });
        self.ticket += 1;
    }
}
