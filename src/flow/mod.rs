//! The dataflow engine: typed chains of stages on their own threads, joined by bounded channels, with order kept. Knows no
//! image, no float and no file; it never uses rayon and never touches the process's panic hook.
#![doc = include_str!("README.md")]

mod bell;
mod chain;
mod drive;
mod fault;
mod meter;
mod port;
mod run;
mod stage;
mod stop;
mod window;

#[cfg(test)]
mod laws;
#[cfg(test)]
pub mod mock;

pub use chain::Flow;
pub use fault::{Failure, Fault};
pub use meter::{Bound, Meters, Reading};
pub use run::{Assembled, Ending, Outcome, give_way};
pub use stage::{Chunk, Map, Scan, Sink};
pub use stop::Stop;
