//! A look at a flow while it runs. Knows no flow: whoever has one says how to look.

use super::Meter;
use std::fmt;
use std::sync::Arc;

/// What every stage has done so far, asked for at any time from any thread.
#[derive(Clone)]
pub struct Gauges(Arc<dyn Fn() -> Vec<Meter> + Send + Sync>);

impl Gauges {
    /// Gauges that are read by `look`: [`Meter::queue_depth`] is to be what waits at that moment.
    pub fn new(look: impl Fn() -> Vec<Meter> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Every stage now, from source to end.
    pub fn now(&self) -> Vec<Meter> {
        (self.0)()
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}
