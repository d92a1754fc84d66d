//! How many samples a second pass by, from what is told of progress.

use crate::batch::Part;
use std::time::{Duration, Instant};

/// Counts samples from the first progress told on, whichever pass they belong to.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    last: Option<(Part, u32, u64)>,
    span: Option<(Instant, Instant)>,
    counted: u64,
}

impl Pace {
    /// Takes note that `done` entries of a pass are over; answers how many are new. What was done before the first call, by a run
    /// that was interrupted perhaps, counts for nothing.
    pub fn note(&mut self, part: Part, epoch: u32, done: u64, now: Instant) -> u64 {
        let fresh = match self.last {
            Some((last, at, before)) if (last, at) == (part, epoch) => done.saturating_sub(before),
            Some(_) => done,
            None => 0,
        };
        self.last = Some((part, epoch, done));
        let (began, _) = self.span.unwrap_or((now, now));
        self.span = Some((began, now));
        self.counted += fresh;
        fresh
    }

    /// Samples a second since the first progress, or since [`Pace::restart`]; none where no time has passed.
    pub fn per_second(&self) -> Option<f64> {
        let (began, now) = self.span?;
        let time = now.saturating_duration_since(began);
        (time > Duration::ZERO).then(|| self.counted as f64 / time.as_secs_f64())
    }

    /// Begins to measure anew, from the last progress on.
    pub fn restart(&mut self) {
        self.counted = 0;
        self.span = self.span.map(|(_, now)| (now, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_counted_over_passes_and_not_those_from_before() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(pace.note(Part::Train, 3, 500, at(0)), 0);
        assert_eq!(pace.per_second(), None);
        assert_eq!(pace.note(Part::Train, 3, 600, at(1)), 100);
        assert_eq!(pace.note(Part::Validation, 3, 60, at(2)), 60);
        assert_eq!(pace.per_second(), Some(80.0));
        pace.restart();
        assert_eq!(pace.per_second(), None);
        assert_eq!(pace.note(Part::Train, 4, 40, at(4)), 40);
        assert_eq!(pace.per_second(), Some(20.0));
    }
}
