//! Many places of a scan read at once. A walk through a scan waits for one look-up after the other, because only a code's end says where
//! the next one begins; where [places](super::places) are known, the scan is read from several of them side by side, a strand in each lane
//! of a register.
//!
//! Coefficients are those that [`units`](super::track::units) takes, which is their meaning and goes on where strands give up: where
//! anything is wrong or a strand does not end where the next one begins, where there are few places, and where the processor has no
//! AVX-512. Knows no colour.

mod band;
mod entries;
mod registers;
mod state;

use super::places::{Places, Start};
use super::sequence::{Broken, Codes};
use super::stream::{Bits, Intervals};
use super::track::{Track, needed_units};
use crate::isa::Isa;
use band::Band;
use entries::Entries;
use std::ops::Range;

/// Units of a band at most, so that their coefficients stay near, and rows of it.
const UNITS: usize = 1024;
const ROWS: usize = 16;
/// Strands that a band shall have.
const STRANDS: usize = 48;
/// With fewer units, reading one after the other is as fast.
const WORTH: usize = 48;

/// A scan with its known places.
pub(super) struct Known<'s> {
    pub data: &'s [u8],
    pub places: &'s Places,
    /// Units in a row.
    pub across: usize,
}

/// Takes all blocks that `tracks` need of their rows of units and makes samples of them; none if that is not done here, and samples then are anything.
pub(super) fn take(known: &Known, rows: Range<usize>, tracks: &mut [Track], codes: &[Codes]) -> Option<()> {
    let columns = rows.clone().map(|row| needed_units(tracks, row).len()).max().unwrap_or(0);
    if Isa::current() < Isa::Avx512 || rows.len() * columns < WORTH {
        return None;
    }
    let first = rows.start * known.across + needed_units(tracks, rows.start).start;
    let intervals = Intervals::new(&known.data[known.places.bytes_of(first, rows.end * known.across)]);
    let source = Source { bits: intervals.bits(), origin: known.places.before(first).0 };
    let entries = Entries::new(tracks, codes);
    let bands = rows.len().div_ceil((UNITS / columns).clamp(1, ROWS));
    let together = rows.len().div_ceil(bands);
    for from in rows.clone().step_by(together) {
        let band = from..(from + together).min(rows.end);
        let mut band = Band::new(known, band, (tracks, &entries), STRANDS.div_ceil(together))?;
        band.take(&source, &entries).ok()?;
        band.transform(tracks);
    }
    Some(())
}

/// Bits that begin at a place of the scan.
struct Source<'s> {
    bits: Bits<'s>,
    origin: Start,
}

impl<'s> Source<'s> {
    /// The bits from a later place on.
    fn from(&self, start: &Start) -> Bits<'s> {
        let mut bits = self.bits.clone();
        bits.seek((start.byte - self.origin.byte) as usize, start.bit.into());
        bits
    }

    /// How many bits there are up to a later place.
    fn up_to(&self, place: &Start) -> u64 {
        8 * u64::from(place.byte - self.origin.byte) + u64::from(place.bit)
    }
}
