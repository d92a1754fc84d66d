//! A run as it stands, for a screen that is drawn again and again: a fold of events with the counters of the flow under way, and
//! a drawing of both. Knows no terminal and no clock: whoever draws says how late it is.

mod curves;
mod draw;
mod ink;
mod layout;
mod stages;
mod state;

pub use draw::draw;
pub use state::Live;
