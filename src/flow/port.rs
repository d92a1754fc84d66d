//! The two ends of a channel between stages, where everything is metered. A channel carries tickets 0, 1, 2 … without a gap;
//! the last one says how the stream ended. A channel that breaks off without that was cut: nobody wants what would follow.

use super::bell::Bell;
use super::fault::Fault;
use super::meter::{Clock, Gauge};
use super::stage::Chunk;
use super::stop::Control;
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
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

/// Where both ends of a channel wait.
#[derive(Default)]
struct Bells {
    /// Senders, for room.
    room: Bell,
    /// Receivers, for input.
    input: Bell,
}

/// The sending end.
pub(super) struct Tx<T> {
    /// `None` only while it is dropped.
    sender: Option<Sender<Parcel<T>>>,
    bells: Arc<Bells>,
    consumer: Arc<Gauge>,
}

impl<T> Tx<T> {
    /// Waits for room and sends; false if nobody listens any more.
    pub(super) fn send(&self, clock: &Clock, parcel: Parcel<T>) -> bool {
        let items = parcel.chunk.items.len();
        let ends = parcel.end.is_some();
        let sent = clock.block(|| self.put(parcel));
        if sent {
            self.consumer.queue();
            clock.gauge.pass(items);
            self.bells
                .input
                .ring(|| ends || self.sender.as_ref().is_none_or(|sender| 2 * sender.len() >= self.consumer.capacity()));
        }
        sent
    }

    fn put(&self, parcel: Parcel<T>) -> bool {
        let mut waiting = Some(parcel);
        self.bells.room.wait(|| {
            let (Some(sender), Some(parcel)) = (&self.sender, waiting.take()) else { return Some(false) };
            match sender.try_send(parcel) {
                Ok(()) => Some(true),
                Err(TrySendError::Disconnected(_)) => Some(false),
                Err(TrySendError::Full(parcel)) => {
                    waiting = Some(parcel);
                    None
                }
            }
        })
    }
}

impl<T> Drop for Tx<T> {
    fn drop(&mut self) {
        drop(self.sender.take());
        self.bells.input.ring_out();
    }
}

/// The receiving end; workers of one stage hold a clone each.
pub(super) struct Rx<T> {
    /// `None` only while it is dropped.
    receiver: Option<Receiver<Parcel<T>>>,
    bells: Arc<Bells>,
}

impl<T> Clone for Rx<T> {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.clone(), bells: self.bells.clone() }
    }
}

impl<T> Drop for Rx<T> {
    fn drop(&mut self) {
        drop(self.receiver.take());
        self.bells.room.ring_out();
    }
}

impl<T> Rx<T> {
    /// Waits for the next parcel; `None` once there are no more, or the run is over.
    pub(super) fn receive(&self, clock: &Clock, control: &Control) -> Option<Parcel<T>> {
        if control.is_over() {
            return None;
        }
        let receiver = self.receiver.as_ref()?;
        let depth = receiver.len();
        let parcel = clock.starve(|| {
            self.bells.input.wait(|| match receiver.try_recv() {
                Ok(parcel) => Some(Some(parcel)),
                Err(TryRecvError::Disconnected) => Some(None),
                Err(TryRecvError::Empty) => None,
            })
        })?;
        self.bells.room.ring(|| 2 * receiver.len() <= clock.gauge.capacity());
        clock.gauge.take(depth, parcel.chunk.items.len());
        Some(parcel)
    }
}

/// A channel with room for `capacity` chunks in front of the stage that `consumer` measures.
pub(super) fn channel<T>(capacity: usize, consumer: &Arc<Gauge>) -> (Tx<T>, Rx<T>) {
    let (sender, receiver) = bounded(capacity);
    let bells = Arc::new(Bells::default());
    (Tx { sender: Some(sender), bells: bells.clone(), consumer: consumer.clone() }, Rx { receiver: Some(receiver), bells })
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
