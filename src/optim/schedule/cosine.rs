//! Falls along half a cosine.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::optim::exact;
use crate::registry::Entry;

/// See [`Cosine`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "cosine",
    about: "Falls along half a cosine, step by step, to the share `floor` of the peak at the end",
    example: "peak = 0.1\nschedule = \"cosine\"\nwarmup_epochs = 1",
    build,
};

/// floor + (1 − floor) · (1 + cos(π · step / steps)) / 2 (Loshchilov & Hutter 2017, without restarts).
#[derive(Clone, Copy, Debug)]
struct Cosine {
    floor: f64,
}

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let floor = fields.key("floor", "share of the peak that is reached at the end").number(Limits::UNIT).or(0.0);
    Box::new(Cosine { floor })
}

impl Schedule for Cosine {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        anneal(1.0, self.floor, at.share())
    }
}

/// From `from` to `to` along half a cosine; `share` of the way, 0 to 1.
pub(super) fn anneal(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * (1.0 + exact::cos_pi(share)) / 2.0
}
