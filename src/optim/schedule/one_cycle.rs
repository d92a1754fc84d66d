//! Rises to the peak and falls far below where it began.

use super::cosine::anneal;
use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::registry::Entry;

/// See [`OneCycle`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "one_cycle",
    about: "Rises to the peak along half a cosine in the first `pct_start` of the run, then falls to almost nothing",
    example: "peak = 0.1\nschedule = \"one_cycle\"\npct_start = 0.3",
    build,
};

/// PyTorch's OneCycleLR with cosine annealing (Smith & Topin 2018): peak / div_factor at the first step, the peak after
/// pct_start of all steps, peak / div_factor / final_div_factor at the last step.
#[derive(Clone, Copy, Debug)]
struct OneCycle {
    pct_start: f64,
    start: f64,
    end: f64,
}

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let pct_start = fields.key("pct_start", "share of the run in which the rate rises").number(Limits::UNIT).or(0.3);
    let at_least_one = Limits::within(1.0, 1e12);
    let start = 1.0 / fields.key("div_factor", "the peak divided by this is the first rate").number(at_least_one).or(25.0);
    let about = "the first rate divided by this is the last rate";
    let end = start / fields.key("final_div_factor", about).number(at_least_one).or(1e4);
    Box::new(OneCycle { pct_start, start, end })
}

impl Schedule for OneCycle {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        let (step, last) = (at.step as f64, at.steps as f64 - 1.0);
        let top = self.pct_start * at.steps as f64 - 1.0;
        match step {
            _ if top > 0.0 && step <= top => anneal(self.start, 1.0, step / top),
            _ if last > top.max(0.0) => anneal(1.0, self.end, ((step - top.max(0.0)) / (last - top.max(0.0))).min(1.0)),
            _ => self.end,
        }
    }
}
