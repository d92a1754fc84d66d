//! When the stages of a flow are to be told of, and what they have done by then. Writes nothing.

use crate::event::Event;
use crate::event::gauges::Gauges;
use crate::report::StageRecord;
use std::time::{Duration, Instant};

/// From one line about the stages to the next, at least.
pub const EVERY: Duration = Duration::from_secs(2);

/// The flow that is at work, if there is one.
#[derive(Default)]
pub struct AtWork(Option<Flow>);

struct Flow {
    gauges: Gauges,
    began: Instant,
    /// When its stages were last told of.
    told: Instant,
}

impl AtWork {
    /// Seconds since the flow began and its stages, where a part of it has moved on and `every` has passed since the last time: no
    /// thread is needed for it, and what stands still is not told of again and again.
    pub fn heard(&mut self, event: &Event, every: Duration) -> Option<(f64, Vec<StageRecord>)> {
        match event {
            Event::Flowing(gauges) => {
                let now = Instant::now();
                self.0 = Some(Flow { gauges: gauges.clone(), began: now, told: now });
                return None;
            }
            Event::Finished { .. } => self.0 = None,
            _ => {}
        }
        let flow = self.0.as_mut().filter(|flow| matches!(event, Event::Progress { .. }) && flow.told.elapsed() >= every)?;
        flow.told = Instant::now();
        let seconds = flow.began.elapsed().as_secs_f64();
        Some((seconds, flow.gauges.now().iter().map(|meter| StageRecord::new(meter, seconds)).collect()))
    }
}
