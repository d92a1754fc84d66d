//! What a profile says: numbers that were measured elsewhere → tables, a verdict, a page. Pure functions; nothing here has a clock.

mod layers;

pub use layers::{LayerProfile, LayerRow};
