//! A network with everything that learning it takes. Knows no file.

use super::config::TrainConfig;
use super::early_stopping::EarlyStopping;
use super::progress::Progress;
use super::weights::weights_blake3;
use crate::error::{Error, Result};
use crate::model::{Network, Survey, Workspace};
use crate::optim::schedule::LearningRate;
use crate::optim::{Descent, State};
use std::sync::Arc;

/// What a trainer needs to know beside the model and the table `[train]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The run's seed: initial weights and dropout follow from it.
    pub seed: u64,
    /// Samples in a full batch; none is larger.
    pub batch_size: usize,
    /// Steps in an epoch without bad samples, at least 1: what schedules count in.
    pub steps_per_epoch: u64,
    /// Threads that the work is spread over. Results do not depend on it.
    pub threads: usize,
}

/// A network being trained.
pub struct Trainer {
    pub(super) network: Arc<Network>,
    pub(super) workspace: Workspace,
    pub(super) pool: rayon::ThreadPool,
    pub(super) descent: Descent,
    pub(super) optimizer: &'static str,
    pub(super) learning_rate: LearningRate,
    pub(super) early_stopping: Option<EarlyStopping>,
    pub(super) epochs: u32,
    pub(super) setup: Setup,
    pub(super) params: Vec<f32>,
    pub(super) grads: Vec<f32>,
    pub(super) state: State,
    pub(super) best: Option<Vec<f32>>,
    pub(super) progress: Progress,
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
        let builder = rayon::ThreadPoolBuilder::new().num_threads(setup.threads.max(1));
        let pool = builder.thread_name(|number| format!("train-{number}")).build().map_err(|error| {
            let help = "lower `train` in [workers], or raise the limit on processes (ulimit -u)";
            Error::refused(format!("cannot start {} training threads: {error}", setup.threads), help)
        })?;
        let decay = network.spans().iter().filter(|span| span.decay).map(|span| span.start..span.start + span.len);
        let descent = Descent {
            optimizer: config.optimizer.clone(),
            penalties: config.penalties,
            clip_norm: config.clip_norm,
            batch_size: setup.batch_size,
            decay: decay.collect(),
        };
        let params = network.initialise(setup.seed);
        Ok(Self {
            workspace: network.workspace(setup.batch_size),
            grads: vec![0.0; network.parameter_count()],
            state: descent.fresh(network.parameter_count()),
            optimizer: config.optimizer_name,
            learning_rate: config.learning_rate.clone(),
            early_stopping: config.early_stopping,
            epochs: config.epochs,
            best: None,
            progress: Progress::default(),
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

    /// All parameters and the network's state, in the order of its spans.
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
        }
        Ok(())
    }

    /// BLAKE3 of all parameters.
    pub fn weights_blake3(&self) -> [u8; 32] {
        weights_blake3(&self.params, self.network.spans())
    }

    /// How far training has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What the penalties add to the loss of a batch, with the weights as they are.
    pub fn penalty(&self) -> f64 {
        let trained = &self.params[..self.network.parameter_count()];
        self.descent.penalties.value(self.setup.batch_size, trained, &self.descent.decay)
    }
}
