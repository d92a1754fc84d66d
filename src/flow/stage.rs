//! What a stage is to its author: one of three traits, each also met by closures. Knows no thread and no channel.

use super::fault::Failure;
use std::ops::ControlFlow;

/// Consecutive items on their way: the unit that channels and workers pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<T> {
    /// Number of the first item, counted from 0 in data order since the source or the last [`Scan`].
    pub first: u64,
    /// The items; the i-th has number `first + i`.
    pub items: Vec<T>,
}

/// A stage without memory: one item in, one out, on any number of workers. What it returns may depend on the item and its
/// number only.
///
/// A closure `|number: u64, item: In| -> Result<Out, E>` is a `Map`. Workers with buffers of their own: [`super::Flow::map_with`].
pub trait Map<In, Out> {
    /// The item's successor.
    ///
    /// # Errors
    /// Whatever went wrong; the run ends with it, unless an item earlier in data order fails as well.
    fn map(&self, number: u64, item: In) -> Result<Out, Failure>;
}

impl<F, In, Out, E> Map<In, Out> for F
where
    F: Fn(u64, In) -> Result<Out, E>,
    E: Into<Failure>,
{
    fn map(&self, number: u64, item: In) -> Result<Out, Failure> {
        self(number, item).map_err(Into::into)
    }
}

/// A stage with memory: sees every item in data order on one thread and emits any number of outputs for it.
///
/// A closure `|number: u64, item: In, emit: &mut dyn FnMut(Out)| -> Result<(), E>` is a `Scan` that has nothing to finish.
pub trait Scan<In, Out> {
    /// Takes the next item. `emit` passes an output on; it waits while there is no room, and discards once nobody listens any
    /// more, in which case no further item comes.
    ///
    /// # Errors
    /// Whatever went wrong. What was emitted before still arrives.
    fn scan(&mut self, number: u64, item: In, emit: &mut dyn FnMut(Out)) -> Result<(), Failure>;

    /// The stream has ended by itself: emits the rest. Never called after a fault, an early stop or a cancellation.
    ///
    /// # Errors
    /// Whatever went wrong; the fault's item number is the count of items taken.
    fn finish(&mut self, emit: &mut dyn FnMut(Out)) -> Result<(), Failure> {
        let _ = emit;
        Ok(())
    }

    /// The run was cancelled and this was the last item dealt. Emits nothing unless overridden, so that an incomplete group is
    /// dropped instead of being taken for a whole one.
    ///
    /// # Errors
    /// As [`Scan::finish`].
    fn cut_short(&mut self, emit: &mut dyn FnMut(Out)) -> Result<(), Failure> {
        let _ = emit;
        Ok(())
    }
}

impl<F, In, Out, E> Scan<In, Out> for F
where
    F: FnMut(u64, In, &mut dyn FnMut(Out)) -> Result<(), E>,
    E: Into<Failure>,
{
    fn scan(&mut self, number: u64, item: In, emit: &mut dyn FnMut(Out)) -> Result<(), Failure> {
        self(number, item, emit).map_err(Into::into)
    }
}

/// The end of a chain: sees every item in data order on the caller's thread.
///
/// A closure `|number: u64, item: In| -> Result<ControlFlow<()>, E>` is a `Sink`.
pub trait Sink<In> {
    /// Takes the next item; `Break` ends the run well, without the items that would follow.
    ///
    /// # Errors
    /// Whatever went wrong.
    fn take(&mut self, number: u64, item: In) -> Result<ControlFlow<()>, Failure>;
}

impl<F, In, E> Sink<In> for F
where
    F: FnMut(u64, In) -> Result<ControlFlow<()>, E>,
    E: Into<Failure>,
{
    fn take(&mut self, number: u64, item: In) -> Result<ControlFlow<()>, Failure> {
        self(number, item).map_err(Into::into)
    }
}
