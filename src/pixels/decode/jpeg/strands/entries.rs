//! What the next bits hold, as strands ask for it: the tables of all tracks behind each other, in one layout. Knows no lane.

use super::super::huffman::{LOOK, Table};
use super::super::sequence::{ALL, Codes, NO_VALUE, NOWHERE, Pair};
use super::super::track::Track;

/// An entry says, from the lowest bit on: how many bits are taken (8), how many of them come before the second value (8), 64 less that
/// value's bits (8), where it belongs (10), where the first one belongs (9), how far all of it goes (10), whether the block ends with it
/// (1), and the first value (10). Distances are in numbers of lanes.
pub(super) type Entry = u64;

/// Where the parts of an entry begin.
pub(super) const BEFORE: u32 = 8;
pub(super) const REST: u32 = 16;
pub(super) const SECOND: u32 = 24;
pub(super) const FIRST: u32 = 34;
pub(super) const GOES: u32 = 43;
pub(super) const VALUE: u32 = 54;
/// Marks the end of a block.
pub(super) const ENDS: Entry = 1 << 53;
/// Goes further than any block.
const NOTHING: Entry = 0x3ff << GOES;

/// Where a block goes: in the lowest bits (30) the number of its first coefficient in a band's lanes, then its track (2), then where in all entries
/// those for its other coefficients (16) and for its first one (16) begin.
pub(super) type Target = u64;
/// Where the parts of a target begin.
const TRACK: u32 = 30;
pub(super) const OTHERS: u32 = 32;
pub(super) const BEGINS: u32 = 48;
/// The last number that a target can name.
pub(super) const LAST: Target = (1 << TRACK) - 1;
/// Behind a strand's last block: nothing is found of its first coefficient.
pub(super) const END: Target = 1 << BEGINS;

/// The track of a target.
#[inline(always)]
pub(super) fn track(target: Target) -> usize {
    (target >> TRACK & 3) as usize
}

/// The number of its first coefficient.
#[inline(always)]
pub(super) fn place(target: Target) -> usize {
    (target & LAST) as usize
}

/// The entries of all tables.
pub(super) struct Entries<'t> {
    /// First one that takes nothing and goes nowhere; then a table in which nothing is found.
    pub all: Vec<Entry>,
    /// For each track, a target at place 0.
    pub targets: Vec<Target>,
    /// For each track, how its first and its other coefficients are coded.
    pub tables: Vec<(&'t Table, &'t Codes<'t>)>,
}

impl<'t> Entries<'t> {
    /// Those of `tracks`, whose other coefficients are coded by `codes`.
    pub fn new(tracks: &[Track<'t>], codes: &'t [Codes<'t>]) -> Self {
        let mut all = Vec::with_capacity(1 + (5 << LOOK));
        all.push(packed(NO_VALUE));
        all.resize(1 + (1 << LOOK), NOTHING);
        let mut known: Vec<(*const u64, Entry)> = Vec::new();
        let mut begins = |table: &[u64; 1 << LOOK]| {
            let found = known.iter().find(|(known, _)| *known == table.as_ptr());
            found.map(|found| found.1).unwrap_or_else(|| {
                known.push((table.as_ptr(), all.len() as Entry));
                all.extend(table.iter().map(|&pair| packed(pair)));
                (all.len() - (1 << LOOK)) as Entry
            })
        };
        let mut target = |(number, (track, codes)): (Target, (&Track<'t>, &Codes<'t>))| {
            begins(track.dc.differences()) << BEGINS | begins(codes.pairs()) << OTHERS | number << TRACK
        };
        let targets = (0..).zip(tracks.iter().zip(codes)).map(&mut target).collect();
        let tables = tracks.iter().zip(codes).map(|(track, codes)| (track.dc, codes)).collect();
        Self { all, targets, tables }
    }
}

/// A [`Pair`] in the layout of entries.
fn packed(pair: u64) -> Entry {
    let pair = Pair(pair);
    let (goes, ends) = match pair.goes() {
        NOWHERE => (NOTHING, 0),
        goes => (((goes % ALL) as Entry) << GOES, ((goes / ALL) as Entry) * ENDS),
    };
    let ([first, second], [before, rest]) = (pair.places(), pair.second());
    let bits = pair.taken() | (before % 64) << BEFORE | (rest % 64 + 1) << REST;
    bits | second << SECOND | first << FIRST | goes | ends | (pair.first() as u64) << VALUE
}
