//! Mean and standard deviation that values are normalised with: given in the file, or measured before the first step.

use super::signals::Signals;
use crate::error::{Error, Result};
use crate::pixels::normalize::Normalize;
use crate::plan::Plan;

/// What values are normalised with; kept in the checkpoint, so that a resumed run does not measure again.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Moments {
    /// Of every channel, on the scale 0–1.
    pub mean: Vec<f32>,
    /// Of every channel, on the scale 0–1, more than 0.
    pub std: Vec<f32>,
}

impl Moments {
    /// What `plan` gives, and for the rest what its training samples show.
    ///
    /// # Errors
    /// [`Error::Refused`] for a channel that never changes; an interruption.
    pub fn of_plan(plan: &Plan, signals: &Signals) -> Result<Self> {
        let given = &plan.normalize;
        let as_f32 = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let needed = given.mean.is_none() || given.std.is_none();
        let moments = if needed { plan.measure(signals.stop())? } else { None };
        if signals.stop().is_requested() {
            return Err(signals.interrupted("nothing was learned yet: start it again without --resume".to_owned()));
        }
        let channels = plan.data.channels;
        let (mean, std) = moments.map_or((vec![0.0; channels], vec![1.0; channels]), |moments| (moments.mean(), moments.std()));
        let std = given.std.clone().unwrap_or(std);
        if let Some(channel) = std.iter().position(|&std| std == 0.0) {
            let message = format!("all training pixels are equal in channel {channel}: their standard deviation is 0");
            return Err(Error::refused(message, "give normalize.std in the file, or look at the data"));
        }
        Ok(Moments { mean: as_f32(given.mean.as_ref().unwrap_or(&mean)), std: as_f32(&std) })
    }

    /// The function that applies them.
    pub fn normalize(&self) -> Normalize {
        Normalize::new(&self.mean, &self.std)
    }
}
