//! The trainer: one step, one evaluation, when to stop, what to keep. Knows no image, no file of a data set and no channel;
//! batches come from whoever drives it, and so does the news of what happened go out.
//!
//! Everything that a run has become lies in data: parameters, the update rule's [`crate::optim::State`], the [`Progress`]. A
//! [`Checkpoint`] is these three, and a trainer that takes one up goes on byte for byte as if it had never stopped.

mod checkpoint;
mod config;
mod container;
mod early_stopping;
mod epoch;
mod evaluation;
mod examine;
mod gather;
mod groups;
mod layer_times;
mod length;
mod metrics;
mod model_file;
mod predictor;
mod progress;
mod rate_finder;
mod resume;
pub mod self_check;
mod step;
mod trainer;
mod weights;
mod words;

pub use checkpoint::{Caller, Checkpoint, Expected};
pub use config::TrainConfig;
pub use early_stopping::{EarlyStopping, Verdict, Watch};
pub use epoch::EpochEnd;
pub use evaluation::Evaluation;
pub use groups::{Group, ParameterKind, parts, unused};
pub use length::Length;
pub use metrics::Totals;
pub use model_file::{ModelCard, ModelFile};
pub use predictor::{Predictions, Predictor};
pub use progress::Progress;
pub use rate_finder::{RateCurve, RateFinder, RatePoint, RateSweep};
pub use step::StepOutcome;
pub use trainer::{Setup, Trainer};
pub use weights::{model_fingerprint, weights_blake3};

#[cfg(test)]
mod tests;
