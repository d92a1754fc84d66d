//! What chosen weights make of samples, one by one. Knows no report.

use super::trainer::Trainer;
use crate::model::Guesses;

impl Trainer {
    /// What the network makes of samples of `views` images each, with the weights that [`Trainer::restore_best`] has chosen: scored as
    /// by [`Trainer::evaluate_views`], bit for bit.
    pub fn examine(&mut self, images: &[f32], labels: &[u32], views: usize) -> Guesses {
        let Self { network, workspace, pool, params, .. } = self;
        pool.install(|| network.examine(workspace, params, images, labels, views))
    }
}
