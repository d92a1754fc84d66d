//! The table `[train]` of a pipeline file: how a model is learned. Knows no plan and no file.

use super::early_stopping::EarlyStopping;
use super::groups::Group;
use crate::config::{Fields, Limits, Value};
use crate::optim::schedule::LearningRate;
use crate::optim::{Averaging, Clip, OPTIMIZERS, Optimizer, Penalties, build_optimizer};
use std::sync::Arc;
use std::time::Duration;

/// How a model is learned.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    /// Walks over the training samples, at most; the last may be a part of one.
    pub epochs: f64,
    /// The update rule's name.
    pub optimizer_name: &'static str,
    /// The update rule.
    pub optimizer: Arc<dyn Optimizer>,
    /// The rate of every step.
    pub learning_rate: LearningRate,
    /// L1 and L2.
    pub penalties: Penalties,
    /// PyTorch's convention, without the batch size: adds weight_decay·W to the gradient, or, where the update rule decouples
    /// it, multiplies W by 1 − α·weight_decay before the step.
    pub weight_decay: f64,
    /// Whether weight decay concerns every parameter, as an optimiser of PyTorch does that is given all of them.
    pub weight_decay_on_all: bool,
    /// The largest norm that the weights of one unit or filter may have.
    pub max_norm: Option<f64>,
    /// How large a gradient may be.
    pub clip: Clip,
    /// Batches whose gradients make one step.
    pub accumulate: u64,
    /// Parameters that learn otherwise.
    pub groups: Vec<Group>,
    /// The average of the weights that is scored and stored in their place.
    pub averaging: Option<Averaging>,
    /// Share of every target that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// When to stop early; none: never, and the last weights are the result.
    pub early_stopping: Option<EarlyStopping>,
    /// Steps from one checkpoint to the next within an epoch; none: only at its end.
    pub checkpoint_steps: Option<u64>,
    /// The time that a run may take; epochs are then as many as fit, and no more than `epochs`.
    pub budget: Option<Duration>,
}

impl TrainConfig {
    /// Reads the table; every problem in it, unknown keys too, is noted.
    pub fn read(fields: &Fields) -> Self {
        let about = "walks over the training samples, at most; with a fraction, the last one and the schedule end early";
        let epochs = fields.key("epochs", about).number(Limits::above(0.0, 1e6)).required();
        let given = fields.tagged("optimizer", "name", "the update rule and its keys; plain sgd if not given");
        let (optimizer_name, optimizer) = given.map_or_else(
            || (OPTIMIZERS[0].name, (OPTIMIZERS[0].build)(&Fields::empty("`optimizer`", fields.problems()))),
            |table| build_optimizer(&table),
        );
        let learning_rate = LearningRate::read(fields);
        let penalties = read_penalties(fields);
        let (weight_decay, weight_decay_on_all) = read_weight_decay(fields, optimizer.default_weight_decay());
        let about =
            "largest Euclidean norm of the weights into one unit or of one filter; longer ones are shortened after each step";
        let max_norm = fields.key("max_norm", about).number(Limits::POSITIVE).optional();
        let clip = Clip::read(fields);
        let about = "batches whose gradients are averaged into one step, as if they were one batch; dropout and batch statistics stay \
                     those of each batch";
        let accumulate = fields.key("accumulate", about).integer(1, 1 << 20).or(1) as u64;
        let groups = Group::read_all(fields);
        let about = "an average of the weights over the steps, which is scored, chosen and stored in their place";
        let averaging = fields.table("ema", about).map(|table| Averaging::read(&table));
        let about = "share of every target that is spread evenly over all classes";
        let label_smoothing = fields.key("label_smoothing", about).number(Limits::below(0.0, 1.0)).or(0.0);
        let about = "when to stop before the last epoch, and whether the best weights are put back";
        let early_stopping = fields.table("early_stopping", about).map(|table| EarlyStopping::read(&table));
        let about = "steps from one checkpoint to the next within an epoch; at its end there is one always";
        let checkpoint_steps = fields.key("checkpoint_steps", about).integer(1, i64::MAX).optional().map(|steps| steps as u64);
        let budget = read_budget(fields);
        fields.finish();
        Self {
            epochs,
            optimizer_name,
            optimizer: optimizer.into(),
            learning_rate,
            penalties,
            weight_decay,
            weight_decay_on_all,
            max_norm,
            clip,
            accumulate,
            groups,
            averaging,
            label_smoothing,
            early_stopping,
            checkpoint_steps,
            budget,
        }
    }

    /// The key that works only where there are validation samples, if one is in use.
    pub fn needs_validation(&self) -> Option<&'static str> {
        let stopping = self.early_stopping.is_some_and(|rule| rule.monitor.needs_validation());
        let schedule = self.learning_rate.schedule.needs_validation();
        stopping.then_some("early_stopping").or(schedule.then_some("learning_rate"))
    }
}

fn read_penalties(fields: &Fields) -> Penalties {
    let about = "λ of λ/m·Σ|W|, m = samples a step, over weight matrices and kernels";
    let l1 = fields.key("l1", about).number(Limits::NOT_NEGATIVE).or(0.0);
    let about = "λ of λ/(2m)·ΣW², m = samples a step, over weight matrices and kernels";
    let l2 = fields.key("l2", about).number(Limits::NOT_NEGATIVE).or(0.0);
    Penalties { l1, l2 }
}

fn read_weight_decay(fields: &Fields, usual: f64) -> (f64, bool) {
    let about = "adds this times W to the gradient; with adamw and muon, shrinks W by the rate times this instead. Not divided by the \
                 batch size";
    let weight_decay = fields.key("weight_decay", about).number(Limits::NOT_NEGATIVE).or_shown(usual, "0, for adamw 0.01");
    let about = "what weight_decay concerns: weight matrices and kernels, or biases too, as in PyTorch by default";
    let on_all = fields.key("weight_decay_on", about).choice(&[("weights", false), ("all", true)]).or_shown(false, "weights");
    (weight_decay, on_all)
}

/// Reads the key `budget`: seconds, or hours, minutes and seconds as in `1h30m`.
fn read_budget(fields: &Fields) -> Option<Duration> {
    let about = "time for the whole run: a measurement before the first step lowers `epochs` to what fits, so that the schedule is \
                 finished on time; the epochs chosen are written into the run's pipeline.toml";
    let kind = "time such as \"10m\", \"1h30m\", \"90s\", or seconds".to_owned();
    let budget = fields.key("budget", about).read(kind, Duration::ZERO, |node| match &node.value {
        Value::Integer(seconds @ 1..=31_536_000) => Some(Duration::from_secs(*seconds as u64)),
        Value::Text(text) => duration(text),
        _ => None,
    });
    budget.optional()
}

/// The time that `text` names; none where it names none, or none at all.
fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds, mut units) = (text, 0u64, ['h', 'm', 's'].into_iter());
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = (rest[..end].parse::<u32>().ok()?, rest[end..].chars().next()?);
        let unit = units.find(|&known| known == unit)?;
        seconds += u64::from(number)
            * if unit == 'h' {
                3600
            } else if unit == 'm' {
                60
            } else {
                1
            };
        rest = &rest[end + 1..];
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
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
        assert_eq!((config.epochs, config.optimizer_name, config.learning_rate.name), (20.0, "sgd", "one_cycle"));
        assert_eq!(config.penalties, Penalties { l1: 0.5, l2: 1e-3 });
        assert_eq!((config.clip, config.label_smoothing), (Clip { norm: Some(1.0), value: None }, 0.1));
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
        assert_eq!((config.weight_decay, config.accumulate), (0.01, 1));
        let (config, _) = read("epochs = 1\nlearning_rate = { peak = 1, schedule = \"plateau\" }");
        assert_eq!(config.needs_validation(), Some("learning_rate"));
    }

    #[test]
    fn everything_that_can_be_added_is_read() {
        let (config, problems) = read(
            "epochs = 9\nlearning_rate = 1\nmax_norm = 2\nclip_value = 0.1\naccumulate = 4\ncheckpoint_steps = 50\nbudget = \"1h30m\"\n\
             ema = { decay = 0.99, every = 5, copy_back = true }\ngroups = [\"bias\", { layer = \"conv\", rate = 0.5 }]",
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((config.max_norm, config.clip.value, config.accumulate), (Some(2.0), Some(0.1), 4));
        assert_eq!((config.checkpoint_steps, config.budget), (Some(50), Some(Duration::from_secs(5400))));
        let averaging = Averaging { decay: 0.99, every: 5, warmup: true, ramp: 0, copy_back: true, after_epochs: 0.0 };
        assert_eq!((config.averaging, config.groups.len()), (Some(averaging), 2));
        for bad in ["max_norm = 0", "clip_value = -1", "accumulate = 0", "checkpoint_steps = 0", "ema = { decay = 1 }", "ema = 0.9"]
        {
            assert_eq!(read(&format!("epochs = 9\nlearning_rate = 1\n{bad}")).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn budgets_are_times() {
        let seconds = |text| duration(text).map(|time| time.as_secs());
        assert_eq!(["10m", "90s", "2h", "1h30m", "1h5s"].map(seconds), [Some(600), Some(90), Some(7200), Some(5400), Some(3605)]);
        for bad in ["", "10", "m", "10 m", "1m2h", "1m1m", "0s", "1.5h", "99999999999s", "5ü"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        let read_it = |text: &str| read(&format!("epochs = 9\nlearning_rate = 1\nbudget = {text}")).0.budget;
        assert_eq!((read_it("600"), read_it("0")), (Some(Duration::from_secs(600)), None));
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
