//! What a profile says: numbers that were measured elsewhere → tables, a verdict, a page. Pure functions; nothing here has a clock.

mod layers;
mod measured;
mod page;
mod table;
mod trace;
mod verdict;

pub use layers::{LayerProfile, LayerRow};
pub use measured::{Alone, Limit, PartCost, Profile, StageProfile, Together};
pub use page::{flow, page};
pub use table::{Proof, table};
pub use trace::{Span, chrome_trace};
pub use verdict::{Advice, Verdict};
