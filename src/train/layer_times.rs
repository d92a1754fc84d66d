//! What the layers take while the trainer steps. Knows no report.

use super::trainer::Trainer;
use crate::model::LayerTimes;

impl Trainer {
    /// Begins to measure what layers take in [`Trainer::step`]. What is learned does not change.
    pub fn watch_layers(&mut self) {
        let Self { network, workspace, setup, .. } = self;
        network.watch_layers(workspace, setup.threads.max(1));
    }

    /// What was measured; none where nobody asked for it.
    pub fn layer_times(&self) -> Option<LayerTimes> {
        self.network.layer_times(&self.workspace)
    }
}
