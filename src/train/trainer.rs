//! A network with everything that learning it takes. Knows no file.

use super::config::TrainConfig;
use super::early_stopping::EarlyStopping;
use super::gather::Gathered;
use super::groups::parts;
use super::length::Length;
use super::progress::Progress;
use super::weights::weights_blake3;
use crate::error::{Error, Result};
use crate::event::histogram::Histogram;
use crate::kernel::team::Team;
use crate::model::{Network, Survey, Workspace};
use crate::optim::schedule::LearningRate;
use crate::optim::{Averaging, Descent, State};
use std::sync::Arc;

/// What a trainer needs to know beside the model and the table `[train]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The run's seed: initial weights and dropout follow from it.
    pub seed: u64,
    /// Samples in a full batch; none is larger.
    pub batch_size: usize,
    /// Batches in an epoch without bad samples, at least 1. Schedules count in steps, each of one batch or of as many as are
    /// accumulated.
    pub steps_per_epoch: u64,
    /// Threads that the work is spread over. Results do not depend on it.
    pub threads: usize,
}

/// A network being trained.
pub struct Trainer {
    pub(super) network: Arc<Network>,
    pub(super) workspace: Workspace,
    pub(super) pool: Team,
    pub(super) descent: Descent,
    pub(super) optimizer: &'static str,
    pub(super) learning_rate: LearningRate,
    pub(super) early_stopping: Option<EarlyStopping>,
    pub(super) averaging: Option<Averaging>,
    pub(super) accumulate: u64,
    pub(super) length: Length,
    pub(super) setup: Setup,
    pub(super) params: Vec<f32>,
    pub(super) grads: Vec<f32>,
    pub(super) state: State,
    pub(super) gathered: Option<Gathered>,
    pub(super) average: Option<Vec<f32>>,
    pub(super) best: Option<Vec<f32>>,
    pub(super) progress: Progress,
    /// Whether every thread has the buffers that a step takes.
    pub(super) prepared: bool,
}

impl Trainer {
    /// A trainer before its first step, with weights drawn from the seed. Label smoothing is the network's own:
    /// [`Network::with_label_smoothing`].
    ///
    /// # Errors
    /// [`Error::Refused`] where the system does not give so many threads.
    pub fn new(network: impl Into<Arc<Network>>, config: &TrainConfig, setup: Setup) -> Result<Self> {
        let network = network.into();
        let setup = Setup { batch_size: setup.batch_size.max(1), steps_per_epoch: setup.steps_per_epoch.max(1), ..setup };
        let pool = Team::new(setup.threads, "train").map_err(|error| {
            let help = "lower `train` in [workers], or raise the limit on processes (ulimit -u)";
            Error::refused(format!("cannot start {} training threads: {error}", setup.threads), help)
        })?;
        let length = Length::new(config.epochs, setup.steps_per_epoch);
        let descent = descent_of(&network, config, &setup);
        let params = network.initialise(setup.seed);
        Ok(Self {
            workspace: network.workspace(setup.batch_size),
            grads: vec![0.0; network.parameter_count()],
            state: descent.fresh(network.parameter_count()),
            optimizer: config.optimizer_name,
            learning_rate: config.learning_rate.clone(),
            early_stopping: config.early_stopping,
            averaging: config.averaging,
            accumulate: config.accumulate.max(1),
            gathered: (config.accumulate > 1).then(|| Gathered::new(network.parameter_count())),
            average: config.averaging.map(|_| params.clone()),
            length,
            best: None,
            progress: Progress::default(),
            prepared: false,
            network,
            pool,
            descent,
            setup,
            params,
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// All parameters and the network's state, in the order of its spans, as training goes on from them.
    pub fn params(&self) -> &[f32] {
        &self.params
    }

    /// Before the first step: shows training images to the network's [`Survey`], if it has one. `show` hands it batch after batch.
    ///
    /// # Errors
    /// Those of `show`; the network is then as it was.
    pub fn survey(&mut self, show: impl FnOnce(&mut Survey) -> Result<()>) -> Result<()> {
        if let Some(mut survey) = self.network.survey() {
            show(&mut survey)?;
            survey.conclude(&mut self.params);
            if let Some(average) = &mut self.average {
                average.clone_from(&self.params);
            }
        }
        Ok(())
    }

    /// The parameters that are scored, chosen and stored: their average over the steps where one is kept.
    pub fn weights(&self) -> &[f32] {
        self.average.as_ref().unwrap_or(&self.params)
    }

    /// How the values of every tensor of [`Trainer::weights`] that is learned are spread.
    pub fn histograms(&self) -> Vec<Histogram> {
        let weights = self.weights();
        let trained = self.network.spans().iter().filter(|span| span.trained);
        trained.map(|span| Histogram::of(&span.name, &weights[span.start..span.start + span.len])).collect()
    }

    /// BLAKE3 of [`Trainer::weights`].
    pub fn weights_blake3(&self) -> [u8; 32] {
        weights_blake3(self.weights(), self.network.spans())
    }

    /// How long training is, if nothing ends it before.
    pub fn length(&self) -> Length {
        self.length
    }

    /// How far training has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What the penalties add to the loss of a batch, with the weights as they are.
    pub fn penalty(&self) -> f64 {
        let trained = &self.params[..self.network.parameter_count()];
        self.descent.penalties.value(self.descent.batch_size, trained, &self.descent.parts)
    }
}

/// How `config` moves the parameters of `network`.
fn descent_of(network: &Network, config: &TrainConfig, setup: &Setup) -> Descent {
    let accumulate = config.accumulate.max(1);
    Descent {
        optimizer: config.optimizer.clone(),
        penalties: config.penalties,
        clip: config.clip,
        batch_size: setup.batch_size.saturating_mul(accumulate as usize),
        parts: parts(network, config, setup.steps_per_epoch.div_ceil(accumulate)),
    }
}

impl TrainConfig {
    /// Floats that training `network` keeps beside its workspace, and how many of them go into a checkpoint.
    pub fn floats(&self, network: &Network) -> (u64, u64) {
        let [arena, trained] = [network.arena_len(), network.parameter_count()].map(|floats| floats as u64);
        let gradients = self.optimizer.slots().len() as u64 + u64::from(self.accumulate > 1);
        // Parameters and best go into a checkpoint with all that is kept for them; gradients do not.
        let stored = (2 + u64::from(self.averaging.is_some())) * arena + gradients * trained;
        let scratch = descent_of(network, self, &Setup { seed: 0, batch_size: 1, steps_per_epoch: 1, threads: 1 }).scratch() as u64;
        (stored + trained + scratch, stored)
    }
}
