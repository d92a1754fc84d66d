//! Shows training images to layers that start from data, before the first step. Knows no layer.

use super::moments::Moments;
use super::signals::Signals;
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::model::SURVEY_IMAGES;
use crate::plan::Plan;
use crate::stage::deal::{self, Parts};
use crate::train::Trainer;
use std::ops::ControlFlow;

/// Shows the network of `trainer` as many training samples as it wants to see, spread evenly over all, prepared as for evaluation.
/// Reads nothing where no layer asks for it.
///
/// # Errors
/// Whatever keeps samples from being read; an interruption.
pub fn survey(plan: &Plan, moments: &Moments, trainer: &mut Trainer, signals: &Signals) -> Result<()> {
    trainer.survey(|survey| {
        let entries = &plan.data.parts.train;
        let shown = entries.iter().step_by((entries.len() / SURVEY_IMAGES).max(1)).copied().collect();
        let parts = Parts { validation: shown, ..Parts::default() };
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let tickets = deal::pass(&parts, plan.seed, Pass { part: Part::Validation, epoch: 0 }, 0);
        let mut look = |_, batch: Batch| {
            // Of several views of a sample the first stands for it.
            let (each, views) = (batch.images.len() / batch.count().max(1), batch.views.max(1));
            let more = match views {
                1 => survey.look(&batch.images),
                _ => batch.images.chunks_exact(each.max(1)).all(|sample| survey.look(&sample[..each / views])),
            };
            Ok::<_, Error>(if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        };
        let flow = plan.batches(&load, tickets, signals.stop(), moments.normalize(), 0);
        flow.sink("survey", Plan::batch_room(), &mut look).run()?;
        if signals.stop().is_requested() {
            return Err(signals.interrupted("nothing was learned yet: start it again without --resume".to_owned()));
        }
        Ok(())
    })
}
