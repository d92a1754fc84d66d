//! One training run from its first measurement to its test. Knows nothing of the folder's reports or of who looks on.

use super::budget::Punctual;
use super::checkpoints::CheckpointFiles;
use super::diagnose::{Clinic, Walk};
use super::moments::Moments;
use super::resume::{self, Past};
use super::screen::gauges;
use super::self_check::{refuse_failed, self_check};
use super::signals::Signals;
use super::survey::survey;
use super::{Request, artifacts};
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::event::self_check::SelfCheck;
use crate::event::{Event, Facts, Listener, Meter, Stopped};
use crate::job::claim::ClaimedFolder;
use crate::job::report;
use crate::plan::{Plan, TrainEnd, memory_bound, resolved_text};
use crate::sample::{BadSample, Image, NoteCounts};
use crate::stage::deal::{self, Position};
use crate::stage::ledger::Stream;
use crate::stage::train::{Driver, Train};
use crate::train::{Caller, Totals, Trainer};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// Everything that one training run holds.
pub(super) struct Session<'a> {
    plan: &'a Plan,
    end: &'a TrainEnd,
    claimed: &'a ClaimedFolder,
    listener: &'a dyn Listener,
    signals: &'a Signals,
    trainer: Trainer,
    moments: Moments,
    /// What an interrupted run had come to, where this one goes on.
    pub past: Option<Past>,
    self_check: Option<SelfCheck>,
    resume_words: String,
    asked: Instant,
    /// Training samples beside their variants, once they were drawn.
    pub sheet: Vec<Vec<Image>>,
}

impl<'a> Session<'a> {
    /// Measures what has to be measured, checks the network, or takes up what an interrupted run had come to.
    ///
    /// # Errors
    /// What keeps the run from beginning.
    pub fn begin(
        plan: &'a Plan,
        end: &'a TrainEnd,
        claimed: &'a ClaimedFolder,
        listener: &'a dyn Listener,
        signals: &'a Signals,
        request: &Request,
    ) -> Result<Self> {
        listener.hear(&Event::Planned(Arc::new(facts(plan, end))));
        super::warn(plan, listener);
        plan.worker_choice.iter().for_each(|choice| listener.hear(&Event::WorkersChosen(choice.clone())));
        let mut trainer = Trainer::new(end.network.clone(), &end.config, plan.setup())?;
        let goes_on = request.resume && claimed.file("checkpoint").is_file();
        let past = if goes_on { Some(resume::take_up(plan, claimed, &mut trainer)?) } else { None };
        let moments = match &past {
            Some(past) => past.moments.clone(),
            None => Moments::of_plan(plan, signals)?,
        };
        let mut found = None;
        if past.is_none() {
            survey(plan, &moments, &mut trainer, signals)?;
            if request.self_check {
                let checked = self_check(plan, end, &moments, &trainer, signals)?;
                refuse_failed(&checked)?;
                listener.hear(&Event::SelfChecked(Arc::new(checked.clone())));
                found = Some(checked);
            }
            claimed.write("pipeline.toml", resolved_text(plan).as_bytes())?;
        }
        let resume_words = request.resume_words();
        let self_check = found;
        let (asked, sheet) = (request.asked, Vec::new());
        Ok(Self { plan, end, claimed, listener, signals, trainer, moments, past, self_check, resume_words, asked, sheet })
    }

    /// Learns, chooses the weights, tests and examines them.
    ///
    /// # Errors
    /// Whatever stopped it.
    pub fn whole(&mut self, began: Instant) -> Result<()> {
        let (meters, stopped, stream) = self.learn()?;
        if stopped == Stopped::Interrupted {
            self.listener.hear(&Event::Finished { meters, wall: began.elapsed() });
            return Err(self.signals.interrupted(self.resume_words.clone()));
        }
        self.trainer.restore_best();
        let mut clinic = Clinic::open(self.plan, self.claimed)?;
        let stream = self.test(stream, &mut clinic)?;
        let (moments, listener, signals, resume_words) = (&self.moments, self.listener, self.signals, &self.resume_words);
        clinic.examine(&mut self.trainer, &Walk { moments, listener, signals, resume_words })?;
        let weights = self.trainer.weights_blake3();
        self.listener.hear(&Event::Trained { stopped, weights, stream: stream.0 });
        self.sheet = report::small(artifacts::save(self.plan, &self.trainer, &self.moments, self.claimed, self.listener)?);
        let diagnosis = clinic.conclude(self.end, &self.trainer, self.listener)?;
        self.listener.hear(&Event::Diagnosed(Arc::new(diagnosis)));
        self.listener.hear(&Event::Finished { meters, wall: began.elapsed() });
        Ok(())
    }

    /// What a run that goes on knew when it stopped, or what one knows that begins.
    fn known(&self) -> (Caller, Vec<Arc<BadSample>>, NoteCounts) {
        match &self.past {
            Some(past) => (past.caller.clone(), past.bad.clone(), past.odd_files),
            None => (resume::fresh_caller(self.plan, &self.moments), Vec::new(), NoteCounts::default()),
        }
    }

    /// Why a trainer has nothing left to do.
    fn ended(&self) -> Stopped {
        if self.trainer.progress().stopped { Stopped::EarlyStopping } else { Stopped::Epochs }
    }

    /// Runs all epochs that are left.
    fn learn(&mut self) -> Result<(Vec<Meter>, Stopped, Stream)> {
        let plan = self.plan;
        let parts = &plan.data.parts;
        let (mut caller, bad, odd_files) = self.known();
        let epochs = plan.epochs(self.trainer.length());
        if let Some(found) = &self.self_check {
            caller.notes["self_check"] = serde_json::to_value(found).unwrap_or_default();
        }
        let start = Position { epoch: self.trainer.progress().epoch, consumed: caller.consumed };
        let stream = Stream::from_hex(&caller.stream_blake3).unwrap_or_default();
        let entries = [parts.train.len() as u64, parts.validation.len() as u64];
        let (name, first_epoch) = (plan.name.clone(), start.epoch);
        self.listener.hear(&Event::Started { name, first_epoch, epochs: epochs.count, samples: entries[0] });
        if self.trainer.done() {
            return Ok((Vec::new(), self.ended(), stream));
        }
        let mut keep = CheckpointFiles(self.claimed);
        if self.past.is_some() {
            keep.mend(&self.trainer)?;
        }
        // A training pass that is over is followed by its validation pass, which counts from 0.
        let under_way = start.consumed < epochs.entries(start.epoch, parts.train.len()) as u64;
        let counted = if under_way { start.consumed } else { 0 };
        let ledger = plan.data.ledger(&[Part::Train, Part::Validation]).starting_at(counted, bad, odd_files);
        let (listener, stop) = (self.listener, self.signals.stop());
        let punctual = Punctual::new(listener, self.end.config.budget.filter(|_| self.past.is_none()), self.asked, epochs.count);
        let driver = Driver {
            listener: &punctual,
            keep: &mut keep,
            stop,
            ledger,
            stream,
            caller,
            entries,
            epochs,
            checkpoint_steps: self.end.config.checkpoint_steps,
            tell_weights: plan.outputs.tensorboard,
        };
        let mut sink = Train::new(&mut self.trainer, driver);
        let (asked, mut delivered) = (self.asked, false);
        let mut take = |_, batch: Batch| {
            if !std::mem::replace(&mut delivered, true) {
                listener.hear(&Event::FirstBatch { after: asked.elapsed() });
            }
            sink.take(&batch)
        };
        let first_index = self.past.as_ref().filter(|_| under_way).map_or(0, |past| past.batches_done) as u32;
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let tickets = deal::training(parts, plan.seed, start, epochs);
        let normalize = self.moments.normalize();
        // An interruption is taken by the sink, after a whole step: the flow itself is never cancelled.
        let flow = plan.batches(&load, tickets, crate::flow::Stop::new(), normalize, first_index);
        let flow = flow.sink("train", Plan::batch_room(), &mut take).sink_first();
        listener.hear(&Event::Flowing(gauges(flow.meters())));
        let outcome = flow.run()?;
        let stopped = sink.stopped().unwrap_or(Stopped::Epochs);
        Ok((outcome.meters, stopped, sink.into_books().1))
    }

    /// Scores the test part, if there is one, with the chosen weights.
    fn test(&mut self, mut stream: Stream, clinic: &mut Clinic<'_>) -> Result<Stream> {
        let plan = self.plan;
        if plan.data.parts.test.is_empty() {
            return Ok(stream);
        }
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let tickets = deal::pass(&plan.data.parts, plan.seed, Pass { part: Part::Test, epoch: 0 }, 0);
        let normalize = self.moments.normalize();
        let mut ledger = plan.data.ledger(&[Part::Test]);
        let mut totals = Totals::default();
        let (trainer, listener, total) = (&mut self.trainer, self.listener, plan.data.parts.test.len() as u64);
        let mut take = |_, batch: Batch| {
            stream.add(&batch.digest);
            for fresh in ledger.account(&batch)? {
                listener.hear(&Event::Quarantined(fresh));
            }
            if !batch.notes.is_empty() {
                listener.hear(&Event::Odd(batch.notes));
            }
            ledger.verdict()?;
            totals.join(&clinic.look(trainer, Part::Test, &batch)?);
            let loss = totals.score().loss;
            listener.hear(&Event::Progress { part: Part::Test, epoch: 0, done: batch.consumed, total, loss });
            Ok::<_, Error>(ControlFlow::Continue(()))
        };
        let flow = plan.batches(&load, tickets, self.signals.stop(), normalize, 0);
        let flow = flow.sink("test", Plan::batch_room(), &mut take);
        self.listener.hear(&Event::Flowing(gauges(flow.meters())));
        let outcome = flow.run()?;
        if outcome.stopped_early() {
            return Err(self.signals.interrupted(self.resume_words.clone()));
        }
        self.listener.hear(&Event::Tested(totals.score()));
        Ok(stream)
    }
}

fn facts(plan: &Plan, end: &TrainEnd) -> Facts {
    let parts = &plan.data.parts;
    Facts {
        name: plan.name.clone(),
        seed: plan.seed,
        classes: plan.data.source.classes().to_vec(),
        parameters: end.network.parameter_count() as u64,
        samples: [parts.train.len() as u64, parts.validation.len() as u64, parts.test.len() as u64],
        filtered: plan.data.filtered(),
        memory_bound: Some(memory_bound(plan).total()),
        census: Some(plan.census()),
        data_blake3: Some(plan.data.blake3()),
    }
}
