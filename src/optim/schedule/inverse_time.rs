//! Falls as one over time.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::registry::Entry;

/// See [`InverseTime`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "inverse_time",
    about: "Divided by 1 + `decay` times the number of epochs done",
    example: "peak = 0.1\nschedule = \"inverse_time\"\ndecay = 0.5",
    build,
};

/// 1 / (1 + decay · epoch).
#[derive(Clone, Copy, Debug)]
struct InverseTime(f64);

fn build(fields: &Fields) -> Box<dyn Schedule> {
    Box::new(InverseTime(fields.key("decay", "how fast the rate falls").number(Limits::NOT_NEGATIVE).or(1.0)))
}

impl Schedule for InverseTime {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        1.0 / (1.0 + self.0 * f64::from(at.epoch))
    }
}
