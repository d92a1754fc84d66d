//! The learning rate as a pipeline file gives it: a number, or a peak with a schedule and a warm-up.

use super::{Memory, Place, SCHEDULES, Schedule, constant};
use crate::config::{Fields, Limits, Value};
use std::sync::Arc;

/// How long the rate rises in a straight line to what the schedule says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warmup {
    /// So many steps.
    Steps(u64),
    /// So many epochs; a part of one too.
    Epochs(f64),
}

/// The rate of every step.
#[derive(Clone, Debug)]
pub struct LearningRate {
    /// The largest rate.
    pub peak: f64,
    /// Name of the schedule.
    pub name: &'static str,
    /// What share of the peak holds when.
    pub schedule: Arc<dyn Schedule>,
    /// The start.
    pub warmup: Warmup,
}

const ABOUT: &str = "size α of a step: one number, or a table of its peak, a schedule with its keys, and a warm-up";
const KIND: &str = "number, more than 0, or table";

impl LearningRate {
    /// The same rate from the first step to the last.
    pub fn constant(peak: f64) -> Self {
        Self { peak, name: constant::ENTRY.name, schedule: Arc::new(constant::Constant), warmup: Warmup::Steps(0) }
    }

    /// Reads the key `learning_rate` of `[train]`.
    pub fn read(train: &Fields) -> Self {
        let given = train.key("learning_rate", ABOUT).read(KIND.to_owned(), None, |node| match node.value {
            Value::Integer(value) if value > 0 => Some(Some(value as f64)),
            Value::Float(value) if value > 0.0 && value.is_finite() => Some(Some(value)),
            Value::Table(_) => Some(None),
            _ => None,
        });
        match (given.required(), train.node("learning_rate").map(|node| &node.value)) {
            (None, Some(Value::Table(_))) => {
                train.table("learning_rate", ABOUT).map_or(Self::constant(1.0), |table| Self::of(&table))
            }
            (number, _) => Self::constant(number.unwrap_or(1.0)),
        }
    }

    /// Reads the table `{ peak = 0.1, schedule = "cosine", warmup_epochs = 1, … }`; unknown keys are problems.
    pub fn of(table: &Fields) -> Self {
        let names: Vec<_> = SCHEDULES.iter().map(|entry| entry.name).collect();
        let peak = table.key("peak", "the largest rate").number(Limits::POSITIVE).required();
        let given = table.node("schedule").map(|node| node.value.inline());
        let name = table.key("schedule", "how the rate changes over the run").word(&names).or("constant");
        let entry = SCHEDULES.iter().find(|entry| entry.name == name).unwrap_or(&SCHEDULES[0]);
        let warmup = read_warmup(table);
        let schedule = Arc::from((entry.build)(table));
        // The keys of a schedule that could not be found cannot be judged.
        if given.is_none_or(|given| given == format!("\"{name}\"")) {
            table.finish();
        }
        Self { peak, name, schedule, warmup }
    }

    /// The rate at `at`: peak · the schedule's factor · (step + 1) / warm-up steps, while the last is below 1.
    pub fn at(&self, at: Place, memory: &Memory) -> f64 {
        let warm = match self.warmup {
            Warmup::Steps(steps) => steps as f64,
            Warmup::Epochs(epochs) => epochs * at.steps_per_epoch as f64,
        };
        let risen = (at.step + 1) as f64;
        let share = if risen < warm { risen / warm } else { 1.0 };
        self.peak * share * self.schedule.factor(at, memory)
    }
}

fn read_warmup(table: &Fields) -> Warmup {
    let about = "epochs, parts of one too, in which the rate rises from almost 0";
    let epochs = table.key("warmup_epochs", about).number(Limits::NOT_NEGATIVE).or(0.0);
    let steps = table.key("warmup_steps", "steps in which the rate rises from almost 0").integer(0, i64::MAX).or(0);
    if epochs > 0.0 && steps > 0 {
        let help = "a warm-up is given in epochs or in steps: leave one of them out";
        table.complain("warmup_steps", "`warmup_steps` contradicts `warmup_epochs`", help);
    }
    if steps > 0 { Warmup::Steps(steps as u64) } else { Warmup::Epochs(epochs) }
}
