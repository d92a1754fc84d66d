//! Falls in a straight line.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::registry::Entry;

/// See [`Linear`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "linear",
    about: "Falls in a straight line, step by step, to the share `floor` of the peak at the end",
    example: "peak = 0.1\nschedule = \"linear\"\nfloor = 0.01",
    build,
};

/// 1 − (1 − floor) · step / steps.
#[derive(Clone, Copy, Debug)]
struct Linear {
    floor: f64,
}

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let floor = fields.key("floor", "share of the peak that is reached at the end").number(Limits::UNIT).or(0.0);
    Box::new(Linear { floor })
}

impl Schedule for Linear {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        1.0 - (1.0 - self.floor) * at.share()
    }
}
