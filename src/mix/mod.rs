//! What may be done to a whole training batch: every picture is mixed with another one of it, and so are their targets. One mixer
//! a file, in a catalogue. Knows no file, no thread and no network.
//!
//! What happens to a batch is a function of (run seed, epoch, number of the batch) and of what is in it, never of who arrived first.
//!
//! Adding a mixer: a file beside this one, `mod x;` and `x::ENTRY,` here.

mod choice;
#[cfg(test)]
mod laws;
mod mixer;

mod cutmix;
mod mixup;

pub use choice::{Mix, Mixing, Share, Trace};
pub use mixer::{DynMixer, Mixer};

use crate::config::Fields;
use crate::registry::Entry;

/// Reads a mixer's own keys, all but `mixer` and `p`, which belong to the choice among them.
pub type Build = fn(&Fields) -> Box<dyn DynMixer>;

/// Every mixer. Examples are a table of the list `mix` in `[batch]`.
pub const MIXERS: &[Entry<Build>] = &[mixup::ENTRY, cutmix::ENTRY];
