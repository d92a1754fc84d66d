//! Falls when nothing gets better any more.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::event::Score;
use crate::optim::{Monitor, exact};
use crate::registry::Entry;

/// See [`Plateau`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "plateau",
    about: "Multiplied by `factor` whenever the monitored number was not better for `patience` epochs",
    example: "peak = 0.1\nschedule = \"plateau\"\nfactor = 0.5\npatience = 3",
    build,
};

/// factor^cuts, not below floor.
#[derive(Clone, Copy, Debug)]
struct Plateau {
    factor: f64,
    patience: u32,
    min_delta: f64,
    floor: f64,
    monitor: Monitor,
}

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let factor = fields.key("factor", "what the rate is multiplied by").number(Limits::above(0.0, 1.0)).or(0.1);
    let about = "epochs in a row without anything better, after which the rate falls";
    let patience = fields.key("patience", about).integer(1, 1_000_000).or(10) as u32;
    let about = "how much better counts as better";
    let min_delta = fields.key("min_delta", about).number(Limits::NOT_NEGATIVE).or(0.0);
    let floor = fields.key("floor", "share of the peak that it never falls below").number(Limits::UNIT).or(0.0);
    Box::new(Plateau { factor, patience, min_delta, floor, monitor: Monitor::read(fields) })
}

impl Schedule for Plateau {
    fn factor(&self, _at: Place, memory: &Memory) -> f64 {
        exact::power(self.factor, u64::from(memory.cuts)).max(self.floor)
    }

    fn note_epoch(&self, memory: &mut Memory, train: &Score, validation: Option<&Score>) {
        let value = self.monitor.value(train, validation);
        if let Some(value) = value.filter(|&value| self.monitor.better(value, memory.best, self.min_delta)) {
            memory.best = Some(value);
            memory.waited = 0;
            return;
        }
        memory.waited += 1;
        if memory.waited >= self.patience {
            memory.waited = 0;
            memory.cuts = memory.cuts.saturating_add(1);
        }
    }

    fn needs_validation(&self) -> bool {
        self.monitor.needs_validation()
    }
}
