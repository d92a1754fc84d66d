//! Some rows of units that are read together: their strands, and where each block of these belongs. Knows no bit.

use super::super::super::super::jpeg::transform::LANES;
use super::super::places::Start;
use super::super::room::Room;
use super::super::sequence::{ALL, Lanes};
use super::super::track::{Track, needed_units};
use super::entries::{END, Entries, LAST, Target, place, track};
use super::{Broken, Known, Source, state};
use std::ops::Range;

/// A row of units from a place on, or a part of one.
pub(super) struct Strand {
    pub start: Start,
    /// Its blocks' targets; behind them lies an [`END`].
    pub targets: Range<usize>,
    /// The place at its end, if there is one. In a file that is no longer the one whose places are known, it may end elsewhere.
    pub end: Option<Start>,
}

/// Rows of units on their way.
pub(super) struct Band {
    rows: Range<usize>,
    pub strands: Vec<Strand>,
    pub targets: Room<Target>,
    /// Coefficients of each track, then a group for those of blocks that are passed over, then for each target a difference of first coefficients.
    pub lanes: Room<Lanes>,
    /// Where the last two begin.
    pub spare: usize,
    pub differences: usize,
}

impl Band {
    /// The rows `rows` of units, each cut into up to so many parts. None if there are too few places for strands to be worth it.
    pub fn new(known: &Known, rows: Range<usize>, (tracks, entries): (&[Track], &Entries), parts: usize) -> Option<Self> {
        let groups: usize = tracks.iter().map(|track| track.groups_of(&rows)).sum();
        let spare = groups * ALL;
        let mut band = Self {
            rows: rows.clone(),
            strands: Vec::new(),
            targets: Room::empty(),
            lanes: Room::empty(),
            spare,
            differences: spare + ALL,
        };
        for row in rows {
            band.row(known, row, (tracks, entries), parts);
        }
        // One more is looked at from the last.
        band.targets.extend([END; 2]);
        let lanes = (band.differences + band.targets.len()).div_ceil(ALL);
        if band.strands.len() < state::SIDE_BY_SIDE || lanes * ALL > LAST as usize {
            return None;
        }
        band.lanes = Room::zeros(lanes);
        Some(band)
    }

    /// Cuts a row at places, and finds where its blocks go. One cut is where the next row is entered, if that is in this one: so every
    /// strand begins where a walk comes by or is sent, and whatever the bits are, the two agree or a strand ends beside its place.
    fn row(&mut self, known: &Known, row: usize, (tracks, entries): (&[Track], &Entries), parts: usize) {
        let columns = needed_units(tracks, row);
        let (first, end) = (row * known.across + columns.start, row * known.across + columns.end);
        let share = columns.len().div_ceil(parts);
        let again = known.places.before((row + 1) * known.across + needed_units(tracks, row + 1).start).1;
        let mut unit = first;
        while unit < end {
            let (start, from) = known.places.before(unit);
            // The last place so far on, or the end.
            let next = known.places.before(unit + share).1;
            let next = if next <= unit || end - unit < 2 * share { end } else { next };
            let next = if next == end && unit < again && again < end { again } else { next };
            let begin = self.targets.len();
            self.pass(unit - from, (tracks, entries));
            self.blocks(row, unit - row * known.across..next - row * known.across, (tracks, entries));
            let end = Some(known.places.before(next)).filter(|&(_, at)| at == next).map(|(place, _)| place);
            self.strands.push(Strand { start, targets: begin..self.targets.len(), end });
            self.targets.push(END);
            unit = next;
        }
    }

    /// Targets of the blocks of so many units that are passed over.
    fn pass(&mut self, units: usize, (tracks, entries): (&[Track], &Entries)) {
        for _ in 0..units {
            for (track, target) in tracks.iter().zip(&entries.targets) {
                self.targets.extend(std::iter::repeat_n(target | self.spare as Target, track.unit.0 * track.unit.1));
            }
        }
    }

    /// Targets of the blocks of the units `columns` of a row.
    fn blocks(&mut self, row: usize, columns: Range<usize>, (tracks, entries): (&[Track], &Entries)) {
        let each: usize = tracks.iter().map(|track| track.unit.0 * track.unit.1).sum();
        let begin = self.targets.len();
        let (mut place, mut groups) = (begin, 0);
        self.targets.resize(begin + each * columns.len(), END);
        for (own, kind) in tracks.iter().zip(&entries.targets) {
            for (down, over) in (0..own.unit.1).flat_map(|down| (0..own.unit.0).map(move |over| (down, over))) {
                let line = own.line(row * own.unit.1 + down, &self.rows);
                for (target, column) in self.targets[place..].iter_mut().step_by(each).zip(columns.clone()) {
                    let block = (column * own.unit.0 + over).wrapping_sub(own.plane.blocks.0.start);
                    let place = || (groups + line.group + block / LANES) * ALL + (line.lane + block) % LANES;
                    *target = kind | if block < line.count { place() } else { self.spare } as Target;
                }
                place += 1;
            }
            groups += own.groups_of(&self.rows);
        }
    }

    /// Takes the coefficients of all blocks.
    pub fn take(&mut self, source: &Source, entries: &Entries) -> Result<(), Broken> {
        state::take(self, source, entries)?;
        self.add_up()
    }

    /// Makes first coefficients of their differences.
    fn add_up(&mut self) -> Result<(), Broken> {
        let numbers = self.lanes.as_flattened_mut().as_flattened_mut();
        let (coefficients, differences) = numbers.split_at_mut(self.differences);
        for strand in &self.strands {
            let mut predictions = strand.start.predictions;
            let range = strand.targets.clone();
            for (&target, &difference) in self.targets[range.clone()].iter().zip(&differences[range]) {
                let prediction = &mut predictions[track(target) % 3];
                *prediction = prediction.wrapping_add(difference);
                coefficients[place(target)] = *prediction;
            }
            if strand.end.is_some_and(|end| end.predictions != predictions) {
                return Err(Broken::TooLong);
            }
        }
        Ok(())
    }

    /// Makes samples of all blocks.
    pub fn transform(&self, tracks: &mut [Track]) {
        let mut lanes = &self.lanes[..];
        for track in tracks {
            let (own, others) = lanes.split_at(track.groups_of(&self.rows));
            track.transform_rows(&self.rows, own);
            lanes = others;
        }
    }
}
