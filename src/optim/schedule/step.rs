//! Falls in stairs.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::optim::exact;
use crate::registry::Entry;

/// See [`Step`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "step",
    about: "Multiplied by `factor` after every `every` epochs",
    example: "peak = 0.1\nschedule = \"step\"\nevery = 10\nfactor = 0.5",
    build,
};

/// factor^⌊epoch / every⌋.
#[derive(Clone, Copy, Debug)]
struct Step {
    every: u32,
    factor: f64,
}

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let every = fields.key("every", "epochs between two falls").integer(1, 1_000_000).required() as u32;
    let factor = fields.key("factor", "what the rate is multiplied by").number(Limits::above(0.0, 1.0)).or(0.1);
    Box::new(Step { every, factor })
}

impl Schedule for Step {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        exact::power(self.factor, u64::from(at.epoch / self.every))
    }
}
