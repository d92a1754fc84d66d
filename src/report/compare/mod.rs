//! Runs side by side: what differs, which belong together, means with intervals, tables and pages. Pure functions of reports that
//! are handed in; reads no folder.

mod ablation;
mod compared;
mod page;
mod student;
mod table;

pub use ablation::{Ablation, AblationRow, Gain, ablation_page, ablation_table};
pub use compared::{Broken, Compared, Comparison, Group, SortKey};
pub use page::page;
pub use student::{Interval, interval};
pub use table::table;
