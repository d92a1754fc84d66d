//! The trainer by itself, on batches that were made beforehand. A look that is too short for whole batches tells how fast it is, not
//! how it takes to fewer threads.

use super::alone::{call, summary};
use super::cpu;
use super::stages::Stages;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::plan::TrainEnd;
use crate::report::profile::{Alone, StageProfile};
use crate::stage::FinishedSlot;
use crate::train::{Setup, Trainer};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Threads more that give less than this are looked at again: whatever else was on the machine may have been in their way.
const GAIN: f64 = 1.05;

impl Stages<'_> {
    /// Batches of the first `count` samples, taken again from the first where there are fewer; whole ones only, where there are any.
    fn batches(&self, finished: &[FinishedSlot], count: usize) -> Result<Vec<Batch>> {
        let mut batcher = self.batcher();
        let marked = finished.iter().cycle().take(if finished.is_empty() { 0 } else { count }).cloned().enumerate();
        let marked = marked.map(|(place, mut slot)| {
            slot.ticket.last = place + 1 == count;
            slot
        });
        let mut batches: Vec<Batch> = marked.filter_map(|slot| batcher.take(slot)).filter(|batch| batch.count() > 0).collect();
        if batches.iter().any(|batch| batch.count() == self.plan.batch_size) {
            batches.retain(|batch| batch.count() == self.plan.batch_size);
        }
        match batches.is_empty() {
            true => Err(Error::refused("no sample can be learned from", "look at the data with `pipeline preview`")),
            false => Ok(batches),
        }
    }

    /// A trainer of so many threads that has seen `batches`.
    fn trainer(&self, end: &TrainEnd, batches: &[Batch], threads: usize) -> Result<Trainer> {
        let mut trainer = Trainer::new(end.network.clone(), &end.config, Setup { threads, ..self.plan.setup() })?;
        trainer.survey(|survey| {
            batches.iter().all(|batch| survey.look(&batch.images));
            Ok(())
        })?;
        Ok(trainer)
    }

    /// The one batch that a quick look trains with: a whole batch where a step is short enough, else what there is time for; and
    /// whether there is time for a step that does not count.
    fn quick_batch(&self, end: &TrainEnd, finished: &[FinishedSlot]) -> Result<(Vec<Batch>, bool)> {
        let few = self.cores.min(self.plan.batch_size);
        let first = self.batches(finished, few)?;
        let mut trainer = self.trainer(end, &first, self.cores)?;
        let began = Instant::now();
        trainer.step(&first[0].images, first[0].targets())?;
        let each = began.elapsed().as_secs_f64() / first[0].count() as f64;
        let count = ((self.time.as_secs_f64() / each) as usize).clamp(few, self.plan.batch_size);
        Ok((self.batches(finished, count)?, each * count as f64 <= 2.0 * self.time.as_secs_f64()))
    }

    pub(super) fn train(&self, end: &TrainEnd, finished: &[FinishedSlot]) -> Result<StageProfile> {
        let (batches, warm) = match self.until {
            Some(_) => self.quick_batch(end, finished)?,
            None => (self.batches(finished, finished.len())?, true),
        };
        let samples = batches[0].count() as f64;
        let places: Vec<usize> = (0..batches.len()).collect();
        let measure = |threads| {
            let mut trainer = self.trainer(end, &batches, threads)?;
            if warm {
                trainer.step(&batches[0].images, batches[0].targets())?;
            }
            let trainer = Mutex::new(trainer);
            let step = |at: usize| {
                let batch: &Batch = &batches[at];
                trainer.lock().unwrap_or_else(PoisonError::into_inner).step(&batch.images, batch.targets()).is_ok()
            };
            let found = call(&places, 1, self.time, || step, cpu::of_process);
            Ok(Alone { workers: threads, ..summary(&found, threads, samples) })
        };
        // Of a few samples of a large batch, and of a first step, most is what a step takes whatever its size, and chance.
        let telling = warm && samples as usize == self.plan.batch_size;
        let alone = match self.until {
            Some(_) if !telling => vec![measure(self.cores.max(1))?],
            Some(_) => doubted(self.settings(measure)?, measure)?,
            None => self.settings(measure)?,
        };
        Ok(StageProfile { team: true, ..self.stage("train", self.plan.workers.train, true, alone) })
    }
}

/// Where more threads seem to gain nothing, `measure` looks at them once more, and the better of both looks counts: a run has far more
/// to lose by too few of them than by one that waits.
fn doubted(mut alone: Vec<Alone>, measure: impl Fn(usize) -> Result<Alone>) -> Result<Vec<Alone>> {
    for place in 1..alone.len() {
        if alone[place].rate < GAIN * alone[place - 1].rate {
            let again = measure(alone[place].workers)?;
            if again.rate > alone[place].rate {
                alone[place] = again;
            }
        }
    }
    Ok(alone)
}

/// Operations of a training step, a sample: backward twice as many as forward.
pub(in crate::job) fn step_flops(end: &TrainEnd) -> f64 {
    3.0 * end.network.summary().iter().map(|layer| layer.flops_per_sample as f64).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(rates: &[(usize, f64)]) -> Vec<Alone> {
        rates.iter().map(|&(workers, rate)| Alone { workers, rate, ..Alone::default() }).collect()
    }

    #[test]
    fn threads_that_seem_to_gain_nothing_get_a_second_look() {
        let again = |rate| move |workers| Ok(Alone { workers, rate, ..Alone::default() });
        assert_eq!(doubted(looks(&[(1, 100.0), (2, 180.0)]), again(500.0)).unwrap(), looks(&[(1, 100.0), (2, 180.0)]));
        assert_eq!(doubted(looks(&[(1, 100.0), (2, 80.0)]), again(190.0)).unwrap(), looks(&[(1, 100.0), (2, 190.0)]));
        assert_eq!(doubted(looks(&[(1, 100.0), (2, 80.0)]), again(70.0)).unwrap(), looks(&[(1, 100.0), (2, 80.0)]));
        assert_eq!(doubted(looks(&[(1, 100.0), (2, 90.0), (4, 300.0)]), again(170.0)).unwrap()[2].rate, 300.0);
        assert!(doubted(looks(&[(4, 100.0)]), again(1.0)).is_ok());
    }
}
