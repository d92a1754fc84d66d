//! Events → files and terminal: every report is a fold of what was heard. Knows no network, no operation and no configuration;
//! the numbers that it shows were measured elsewhere.

mod atomic;
mod bad_samples;
mod contact_sheet;
mod curves;
pub mod diagnosis;
mod fold;
mod folder;
mod growing;
mod jsonl;
mod lettering;
mod machine;
mod metrics;
mod poster;
pub mod profile;
mod rate_curve;
mod record;
mod stages;
mod terminal;
mod words;

pub use atomic::{Draft, write_atomic};
pub use bad_samples::{BadRow, bad_samples_tsv, read_bad_samples};
pub use contact_sheet::{contact_sheet, fit, write_png};
pub use curves::{Line, accuracy_curves, chart, loss_curves};
pub use fold::Report;
pub use folder::RunFolder;
pub use growing::GrowingFile;
pub use jsonl::{JsonLines, json_line};
pub use machine::{Machine, peak_memory};
pub use metrics::metrics_csv;
pub use poster::{Row, Tile, poster};
pub use rate_curve::{RateLine, rate_curve};
pub use record::{Document, EpochRecord, Outcome, SampleCounts, StageRecord, Timing};
pub use stages::{limiting_stage, stage_table};
pub use terminal::Terminal;
pub use words::{count, printable, thousands};
