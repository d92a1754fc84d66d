//! After training: what the chosen weights make of validation samples, test samples and a choice of training samples becomes a
//! diagnosis, a table and pictures. Walks the data; what the numbers mean stands in `report`.

use super::artifacts::show;
use super::hardest;
use super::moments::Moments;
use super::signals::Signals;
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::event::diagnosis::Diagnosis;
use crate::event::{Event, Listener};
use crate::job::claim::ClaimedFolder;
use crate::key::Key;
use crate::plan::{Plan, TrainEnd};
use crate::report::diagnosis::{
    Circumstances, Examined, Examiner, Parts, Prediction, confusion_picture, diagnose, reliability_picture,
};
use crate::report::{GrowingFile, count};
use crate::stage::deal;
use crate::train::{Totals, Trainer};
use std::ops::ControlFlow;

/// Of training samples, as many are looked at as are validated (or tested, where none are), within these.
const TRAINING: (usize, usize) = (200, 10_000);

/// The examination of a run's weights.
pub struct Clinic<'a> {
    plan: &'a Plan,
    claimed: &'a ClaimedFolder,
    /// Training, validation and test part.
    examiners: [Examiner; 3],
    table: GrowingFile,
}

/// What a walk over samples needs beside them.
pub struct Walk<'a> {
    /// What values are normalised with.
    pub moments: &'a Moments,
    /// Who hears of progress.
    pub listener: &'a dyn Listener,
    /// Who may interrupt it.
    pub signals: &'a Signals,
    /// How to go on then.
    pub resume_words: &'a str,
}

impl<'a> Clinic<'a> {
    /// An examination of which nothing is known yet; begins the table of predictions.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(plan: &'a Plan, claimed: &'a ClaimedFolder) -> Result<Self> {
        let classes = plan.data.source.classes().len();
        let mut table = GrowingFile::create(claimed.file("predictions.csv"))?;
        table.add(b"part,path,label,predicted,confidence,loss\n")?;
        Ok(Self { plan, claimed, examiners: [(); 3].map(|()| Examiner::new(classes)), table })
    }

    /// Has `trainer` predict a batch of samples that are those of `part`; answers what they come to, to the bit as evaluating does.
    ///
    /// # Errors
    /// [`Error::Io`] where the table cannot be written.
    pub fn look(&mut self, trainer: &mut Trainer, part: Part, batch: &Batch) -> Result<Totals> {
        let found = trainer.examine(&batch.images, &batch.labels, batch.views);
        for (row, (identity, &label)) in batch.identities.iter().zip(&batch.labels).enumerate() {
            let (probabilities, loss) = (found.row(row), found.losses[row]);
            let prediction = Prediction { path: &identity.0, label, predicted: found.predicted[row], probabilities, loss };
            self.examiners[part as usize].take(&prediction);
            if part != Part::Train {
                self.table.add(&self.table_row(part, &prediction)?)?;
            }
        }
        let mut totals = Totals::default();
        totals.add(&found.tally(&batch.labels));
        Ok(totals)
    }

    fn table_row(&self, part: Part, prediction: &Prediction<'_>) -> Result<Vec<u8>> {
        let name = |class: u32| self.plan.data.source.classes()[class as usize].as_str();
        let (confidence, loss) = (prediction.confidence() as f32, prediction.loss as f32);
        let (label, predicted) = (name(prediction.label), name(prediction.predicted));
        let (confidence, loss) = (confidence.to_string(), loss.to_string());
        let fields = [part.name(), prediction.path, label, predicted, &confidence, &loss];
        let failed = |error: std::io::Error| Error::io("cannot write", "predictions.csv")(error);
        let mut row = csv::Writer::from_writer(Vec::new());
        row.write_record(fields).map_err(|error| failed(std::io::Error::other(error)))?;
        row.into_inner().map_err(|error| failed(std::io::Error::other(error.to_string())))
    }

    /// Walks over validation samples and a choice of training samples, as they are prepared for evaluation.
    ///
    /// # Errors
    /// An interruption; whatever keeps samples from being read.
    pub fn examine(&mut self, trainer: &mut Trainer, walk: &Walk<'_>) -> Result<()> {
        let validation = self.plan.data.parts.validation.clone();
        self.walk(trainer, Part::Validation, validation, walk)?;
        self.walk(trainer, Part::Train, training_choice(self.plan), walk)
    }

    fn walk(&mut self, trainer: &mut Trainer, part: Part, entries: Vec<u32>, walk: &Walk<'_>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (plan, total) = (self.plan, entries.len() as u64);
        let parts = deal::Parts { validation: entries, ..deal::Parts::default() };
        let tickets = deal::pass(&parts, plan.seed, Pass { part: Part::Validation, epoch: 0 }, 0);
        let augment = plan.augment_stage();
        let load = plan.load_stage(&augment);
        let (mut totals, epoch) = (Totals::default(), trainer.progress().epoch.saturating_sub(1));
        // Samples that cannot be read were set aside, and told, while they were trained with.
        let mut take = |_, batch: Batch| {
            totals.join(&self.look(trainer, part, &batch)?);
            let loss = totals.score().loss;
            walk.listener.hear(&Event::Progress { part, epoch, done: batch.consumed, total, loss });
            Ok::<_, Error>(ControlFlow::Continue(()))
        };
        let flow = plan.batches(&load, tickets, walk.signals.stop(), walk.moments.normalize(), 0);
        let outcome = flow.sink("diagnose", Plan::batch_room(), &mut take).run()?;
        match outcome.stopped_early() {
            true => Err(walk.signals.interrupted(walk.resume_words.to_owned())),
            false => Ok(()),
        }
    }

    /// Writes `predictions.csv`, `confusion.png`, `reliability.png` and `top_losses.png`; answers the diagnosis.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn conclude(self, end: &TrainEnd, trainer: &Trainer, listener: &dyn Listener) -> Result<Diagnosis> {
        let Self { plan, claimed, examiners, table } = self;
        table.finish()?;
        let classes = plan.data.source.classes();
        let [train, validation, test] = examiners.map(|part| (!part.is_empty()).then(|| part.finish(classes)));
        let parts = [(Part::Test, &test), (Part::Validation, &validation), (Part::Train, &train)];
        let known = || parts.iter().filter_map(|(part, examined)| examined.as_ref().map(|examined| (*part, examined)));
        if let Some((part, examined)) = known().next() {
            pictures(plan, claimed, part, examined, listener)?;
        }
        let hardest: Vec<_> = known().map(|(part, examined)| (part, examined.hardest.as_slice())).collect();
        show("top_losses", hardest::picture(plan, &hardest), claimed, listener)?;
        let [train, validation, test] = [train, validation, test].map(|part| part.map(|examined| examined.diagnosis));
        Ok(diagnose(Parts { train, validation, test }, &circumstances(plan, end, trainer)))
    }
}

/// The pictures of the part by which the run is judged.
fn pictures(plan: &Plan, claimed: &ClaimedFolder, part: Part, examined: &Examined, listener: &dyn Listener) -> Result<()> {
    let found = &examined.diagnosis;
    let [correct, samples] = [found.correct, found.samples].map(count);
    let title = format!("{}, {}: {correct} of {samples} right", plan.name, part.name());
    if let Some(picture) = confusion_picture(&examined.confusion, plan.data.source.classes(), &title) {
        show("confusion", picture, claimed, listener)?;
    }
    show("reliability", reliability_picture(&found.calibration, &title), claimed, listener)
}

/// Samples that are predicted beside those of the test.
pub fn samples(plan: &Plan) -> usize {
    plan.data.parts.validation.len() + chosen(plan)
}

/// How many training samples are looked at.
fn chosen(plan: &Plan) -> usize {
    let parts = &plan.data.parts;
    let held_out = if parts.validation.is_empty() { parts.test.len() } else { parts.validation.len() };
    held_out.clamp(TRAINING.0, TRAINING.1).min(parts.train.len())
}

/// A keyed choice of training samples, in the order of the source.
fn training_choice(plan: &Plan) -> Vec<u32> {
    let mut entries = plan.data.parts.train.clone();
    Key::of_run(plan.seed, "diagnosis").dice().shuffle(&mut entries);
    entries.truncate(chosen(plan));
    entries.sort_unstable();
    entries
}

/// What remedies depend on.
fn circumstances(plan: &Plan, end: &TrainEnd, trainer: &Trainer) -> Circumstances {
    let (config, history) = (&end.config, &trainer.progress().history);
    let drops = end.network.summary().iter().any(|layer| layer.kind == "dropout");
    let methods = [
        ("l1", config.penalties.l1 > 0.0),
        ("l2", config.penalties.l2 > 0.0 || config.weight_decay > 0.0),
        ("max_norm", config.max_norm.is_some()),
        ("dropout", drops),
        ("early_stopping", config.early_stopping.is_some_and(|rule| rule.patience.is_some())),
        ("label_smoothing", config.label_smoothing > 0.0),
    ];
    // What the tutorial of regularisation names; the rest counts where it is in use.
    let usual = |name: &str| name != "label_smoothing";
    let steps = plan.augment.steps().iter().filter(|step| !step.is_fixed()).map(|step| step.name().to_owned());
    let prepared = (plan.data.source.variants() > 1).then(|| "what the prepared set holds".to_owned());
    let mixers = plan.mix.shares().iter().map(|share| share.name().to_owned());
    Circumstances {
        reference_error: plan.reference_error,
        parameters: end.network.parameter_count() as u64,
        train_samples: plan.data.parts.train.len() as u64,
        epochs: trainer.progress().epoch,
        still_improving: history.last().is_some_and(|record| record.best),
        test_apart: plan.data.test.is_some(),
        augmentation: prepared.into_iter().chain(steps).chain(mixers).collect(),
        regularised_by: methods.iter().filter(|(_, used)| *used).map(|(name, _)| *name).collect(),
        not_regularised_by: methods.iter().filter(|(name, used)| !*used && usual(name)).map(|(name, _)| *name).collect(),
    }
}
