//! Rises and falls in straight lines.

use super::{BuildSchedule, Memory, Place, Schedule};
use crate::config::{Fields, Limits};
use crate::registry::Entry;

/// See [`Triangle`].
pub const ENTRY: Entry<BuildSchedule> = Entry {
    name: "triangle",
    about: "Rises in a straight line from the share `start` of the peak, and falls in another to the share `floor`",
    example: "peak = 0.1\nschedule = \"triangle\"\nstart = 0.2\nat = 0.23\nfloor = 0.07",
    build,
};

/// From start at the first step over 1 at the share `at` of all steps to floor after the last.
#[derive(Clone, Copy, Debug)]
struct Triangle {
    start: f64,
    at: f64,
    floor: f64,
}

fn build(fields: &Fields) -> Box<dyn Schedule> {
    let start = fields.key("start", "share of the peak at the first step").number(Limits::UNIT).or(0.0);
    let at = fields.key("at", "share of the run after which the peak is reached").number(Limits::UNIT).or(0.2);
    let floor = fields.key("floor", "share of the peak that is reached at the end").number(Limits::UNIT).or(0.0);
    Box::new(Triangle { start, at, floor })
}

impl Schedule for Triangle {
    fn factor(&self, at: Place, _memory: &Memory) -> f64 {
        match at.share() {
            share if share < self.at => self.start + (1.0 - self.start) * share / self.at,
            share if self.at < 1.0 => 1.0 + (self.floor - 1.0) * (share - self.at) / (1.0 - self.at),
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_through_its_three_corners_in_straight_lines() {
        let triangle = Triangle { start: 0.2, at: 0.25, floor: 0.1 };
        let factor = |step| triangle.factor(Place { step, epoch: 0, steps_per_epoch: 100, steps: 400 }, &Memory::default());
        for (step, expected) in [(0, 0.2), (50, 0.6), (100, 1.0), (250, 0.55), (400, 0.1)] {
            assert!((factor(step) - expected).abs() < 1e-12, "{step}: {}", factor(step));
        }
        let rising = Triangle { start: 0.0, at: 1.0, floor: 0.0 };
        assert_eq!(rising.factor(Place { step: 9, epoch: 0, steps_per_epoch: 9, steps: 9 }, &Memory::default()), 1.0);
    }
}
