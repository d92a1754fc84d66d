//! Falls by the same share every epoch.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::optim::exact;
use crate::registry::Entry;

/// See [`Exponential`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "exponential",
    about: "Multiplied by `factor` after every epoch",
    example: "peak = 0.1\nschedule = \"exponential\"\nfactor = 0.95",
    build,
};

/// factor^epoch.
#[derive(Clone, Copy, Debug)]
struct Exponential(f64);

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let about = "what the rate is multiplied by after every epoch";
    Box::new(Exponential(fields.key("factor", about).number(Limits::above(0.0, 1.0)).or(0.95)))
}

impl Schedule for Exponential {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        exact::power(self.0, u64::from(at.epoch))
    }
}
