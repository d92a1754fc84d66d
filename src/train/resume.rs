//! From a trainer to a checkpoint and back.

use super::checkpoint::{Caller, Checkpoint, Expected};
use super::gather::Gathered;
use super::trainer::Trainer;
use super::weights::model_fingerprint;

impl Trainer {
    /// The run between two steps, to be stored.
    pub fn checkpoint(&self, caller: Caller) -> Checkpoint {
        let names = self.descent.optimizer.slots().iter().map(|name| name.to_string());
        Checkpoint {
            model: model_fingerprint(self.network.spans()),
            optimizer: self.optimizer.to_owned(),
            caller,
            progress: self.progress.clone(),
            params: self.params.clone(),
            slots: names.zip(self.state.slots.iter().cloned()).collect(),
            gathered: self.gathered.as_ref().and_then(Gathered::waiting).map(<[f32]>::to_vec),
            average: self.average.clone(),
            best: self.best.clone(),
        }
    }

    /// What a checkpoint must be for [`Trainer::resume`]; `config_hash` as in [`Caller`].
    pub fn expected(&self, config_hash: Option<String>) -> Expected {
        Expected {
            model: model_fingerprint(self.network.spans()),
            parameters: self.params.len(),
            trained: self.network.parameter_count(),
            optimizer: self.optimizer.to_owned(),
            slots: self.descent.optimizer.slots(),
            average: self.averaging.is_some(),
            config_hash,
        }
    }

    /// Takes up a checkpoint that was loaded as [`Trainer::expected`], and hands back what the driver had put in.
    pub fn resume(&mut self, checkpoint: Checkpoint) -> Caller {
        self.state.step = checkpoint.progress.step;
        self.state.slots = checkpoint.slots.into_iter().map(|(_, values)| values).collect();
        if let Some(gathered) = &mut self.gathered {
            gathered.clear();
            checkpoint.gathered.into_iter().for_each(|sum| gathered.take_up(sum, checkpoint.progress.gathered));
        }
        self.average = checkpoint.average;
        self.params = checkpoint.params;
        self.best = checkpoint.best;
        self.progress = checkpoint.progress;
        checkpoint.caller
    }
}
