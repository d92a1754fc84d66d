//! What the layers take while the trainer steps. Knows no report.

use super::trainer::Trainer;
use crate::model::LayerTimes;

impl Trainer {
    /// Measures what layers take in [`Trainer::step`] from now on, or stops doing so. What is learned does not change.
    pub fn watch_layers(&mut self, on: bool) {
        let Self { network, workspace, setup, .. } = self;
        network.watch_layers(workspace, setup.threads.max(1), on);
    }

    /// What was measured; none where nobody asked for it.
    pub fn layer_times(&self) -> Option<LayerTimes> {
        self.network.layer_times(&self.workspace)
    }
}
