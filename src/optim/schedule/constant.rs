//! The peak rate, always.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::registry::Entry;

/// See the module.
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "constant",
    about: "The same rate from the first step to the last",
    example: "peak = 0.1\nschedule = \"constant\"",
    build: |_| Box::new(Constant),
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Constant;

impl Schedule for Constant {
    fn factor(&self, _at: Place, _memory: &Memory) -> f64 {
        1.0
    }
}
