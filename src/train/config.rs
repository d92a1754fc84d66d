//! The table `[train]` of a pipeline file: how a model is learned. Knows no plan and no file.

use super::early_stopping::EarlyStopping;
use crate::config::{Fields, Limits};
use crate::optim::schedule::LearningRate;
use crate::optim::{OPTIMIZERS, Optimizer, Penalties, build_optimizer};
use std::sync::Arc;

/// How a model is learned.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    /// Walks over the training samples, at most.
    pub epochs: u32,
    /// The update rule's name.
    pub optimizer_name: &'static str,
    /// The update rule.
    pub optimizer: Arc<dyn Optimizer>,
    /// The rate of every step.
    pub learning_rate: LearningRate,
    /// L1, L2, weight decay.
    pub penalties: Penalties,
    /// The largest allowed norm of the whole gradient.
    pub clip_norm: Option<f64>,
    /// Share of every target that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// When to stop early; none: never, and the last weights are the result.
    pub early_stopping: Option<EarlyStopping>,
}

impl TrainConfig {
    /// Reads the table; every problem in it, unknown keys too, is noted.
    pub fn read(fields: &Fields) -> Self {
        let epochs = fields.key("epochs", "walks over the training samples, at most").integer(1, 1_000_000).required() as u32;
        let given = fields.tagged("optimizer", "name", "the update rule and its keys; plain sgd if not given");
        let (optimizer_name, optimizer) = given.map_or_else(
            || (OPTIMIZERS[0].name, (OPTIMIZERS[0].build)(&Fields::empty("`optimizer`", fields.problems()))),
            |table| build_optimizer(&table),
        );
        let learning_rate = LearningRate::read(fields);
        let penalties = read_penalties(fields, optimizer.default_weight_decay());
        let about = "the gradient of a step is shortened to this norm where it is longer";
        let clip_norm = fields.key("clip_norm", about).number(Limits::POSITIVE).optional();
        let about = "share of every target that is spread evenly over all classes";
        let label_smoothing = fields.key("label_smoothing", about).number(Limits::below(0.0, 1.0)).or(0.0);
        let about = "when to stop before the last epoch, and whether the best weights are put back";
        let early_stopping = fields.table("early_stopping", about).map(|table| EarlyStopping::read(&table));
        fields.finish();
        let optimizer = optimizer.into();
        Self { epochs, optimizer_name, optimizer, learning_rate, penalties, clip_norm, label_smoothing, early_stopping }
    }

    /// The key that works only where there are validation samples, if one is in use.
    pub fn needs_validation(&self) -> Option<&'static str> {
        let stopping = self.early_stopping.is_some_and(|rule| rule.monitor.needs_validation());
        let schedule = self.learning_rate.schedule.needs_validation();
        stopping.then_some("early_stopping").or(schedule.then_some("learning_rate"))
    }
}

fn read_penalties(fields: &Fields, usual_decay: f64) -> Penalties {
    let about = "λ of λ/m·Σ|W|, m = batch size, over weight matrices and kernels";
    let l1 = fields.key("l1", about).number(Limits::NOT_NEGATIVE).or(0.0);
    let about = "λ of λ/(2m)·ΣW², m = batch size, over weight matrices and kernels";
    let l2 = fields.key("l2", about).number(Limits::NOT_NEGATIVE).or(0.0);
    let about =
        "adds this times W to the gradient; with adamw, shrinks W by the rate times this instead. Not divided by the batch size";
    let weight_decay = fields.key("weight_decay", about).number(Limits::NOT_NEGATIVE).or_shown(usual_decay, "0, for adamw 0.01");
    let about = "what weight_decay concerns: weight matrices and kernels, or biases too, as in PyTorch by default";
    let decay_all = fields.key("weight_decay_on", about).choice(&[("weights", false), ("all", true)]).or_shown(false, "weights");
    Penalties { l1, l2, weight_decay, decay_all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::optim::Monitor;

    fn read(text: &str) -> (TrainConfig, Vec<String>) {
        let problems = Problems::default();
        let config = TrainConfig::read(&Fields::parse(text, &problems).unwrap());
        (config, problems.take().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn a_whole_table_is_read() {
        let (config, problems) = read(
            "epochs = 20\noptimizer = { name = \"sgd\", momentum = 0.9, nesterov = true }\n\
             learning_rate = { peak = 0.1, schedule = \"one_cycle\" }\nl1 = 0.5\nl2 = 1e-3\nclip_norm = 1\nlabel_smoothing = 0.1\n\
             early_stopping = { monitor = \"validation_accuracy\", patience = 3, min_delta = 0.01, restore_best = false }",
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((config.epochs, config.optimizer_name, config.learning_rate.name), (20, "sgd", "one_cycle"));
        assert_eq!(config.penalties, Penalties { l1: 0.5, l2: 1e-3, ..Penalties::default() });
        assert_eq!((config.clip_norm, config.label_smoothing), (Some(1.0), 0.1));
        let monitor = Monitor::ValidationAccuracy;
        let rule = EarlyStopping { monitor, patience: Some(3), min_delta: 0.01, restore_best: false };
        assert_eq!((config.early_stopping, config.needs_validation()), (Some(rule), Some("early_stopping")));
    }

    #[test]
    fn little_is_needed_and_adamw_decays_of_itself() {
        let (config, problems) = read("epochs = 1\nlearning_rate = 0.1");
        assert!(problems.is_empty() && config.early_stopping.is_none() && config.needs_validation().is_none(), "{problems:?}");
        assert_eq!((config.optimizer_name, config.penalties), ("sgd", Penalties::default()));
        let (config, _) = read("epochs = 1\nlearning_rate = 0.1\noptimizer = \"adamw\"");
        assert_eq!(config.penalties.weight_decay, 0.01);
        let (config, _) = read("epochs = 1\nlearning_rate = { peak = 1, schedule = \"plateau\" }");
        assert_eq!(config.needs_validation(), Some("learning_rate"));
    }

    #[test]
    fn every_problem_is_found_at_once() {
        let (_, problems) = read(
            "epoch = 2\noptimizer = { name = \"sgd\", momentum = 1.5, betas = [0, 0] }\nlearning_rate = { peak = 0, schedul = \"x\" }\n\
             l2 = -1\nearly_stopping = { patience = 0, wait = 1 }",
        );
        for part in [
            "unknown key `epoch`",
            "needs the key `epochs`",
            "`momentum`",
            "`betas`",
            "`peak`",
            "`schedul`",
            "`l2`",
            "`patience`",
            "`wait`",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:#?}");
        }
        assert_eq!(problems.len(), 9, "{problems:#?}");
    }
}
