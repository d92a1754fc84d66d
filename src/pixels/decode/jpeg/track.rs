//! One component on its way through a sequential scan: which of its blocks are taken, into which lanes, and when these become samples.
//! Knows no marker and no restart.

use super::super::super::jpeg::transform::LANES;
use super::super::Refusal;
use super::huffman::{Table, Tables};
use super::paint::span;
use super::plane::{HALF, Plane, needed};
use super::room::Room;
use super::sequence::{Broken, Codes, Lanes, pass_rest, take_difference, take_rest};
use super::sequential::Wanted;
use super::stream::Bits;
use super::structure::{Scan, Structure};
use std::ops::Range;

/// One component on its way through the scan.
pub(super) struct Track<'t> {
    pub dc: &'t Table,
    /// Blocks in a unit, across and down.
    pub unit: (usize, usize),
    pub plane: Plane,
    pub prediction: i32,
    /// Coefficients of the needed blocks of one row of units, row after row of blocks, each in so many groups; or, where so many rows
    /// of blocks are taken `together`, of all these.
    lanes: Room<Lanes>,
    groups: usize,
    together: usize,
}

/// Where the needed blocks of a row of blocks have their coefficients: from a lane of a group on, side by side.
pub(super) struct Line {
    pub group: usize,
    pub lane: usize,
    /// How many there are.
    pub count: usize,
}

/// The components of a scan, with room for what is wanted of them.
///
/// # Errors
/// A table that is missing.
pub(super) fn tracks<'t>(
    structure: &Structure,
    scan: &Scan,
    tables: &'t Tables,
    wanted: Wanted,
) -> Result<Vec<Track<'t>>, Refusal> {
    let (across, down) = span(wanted.region);
    let (most_across, most_down) = structure.sampling();
    let track = |&(place, dc, _): &(usize, usize, usize)| {
        let component = &structure.components[place];
        let (width, height) = structure.samples(component);
        let (half_across, half_down) = (component.across < most_across, component.down < most_down);
        let halvings = [half_across, half_down].map(|half| (wanted.halvings as usize).saturating_sub(usize::from(half)));
        let size = (width.div_ceil(1 << halvings[0]), height.div_ceil(1 << halvings[1]));
        let columns = needed(&across, half_across && wanted.halvings == 0, size.0);
        let rows = needed(&down, half_down && wanted.halvings == 0, size.1);
        let plane = Plane::new(size, (&columns, &rows), tables.quantization(component.table)?, halvings.into());
        let groups = plane.blocks.0.len().div_ceil(LANES);
        let together = plane.together();
        let lanes = Room::zeros(if together > 1 { 1 } else { groups * component.down });
        let unit = (component.across, component.down);
        Ok(Track { dc: tables.dc(dc)?, unit, plane, prediction: 0, lanes, groups, together })
    };
    scan.components.iter().map(track).collect()
}

/// The units of row `row` that hold needed blocks of any component.
pub(super) fn needed_units(tracks: &[Track], row: usize) -> Range<usize> {
    let each = tracks.iter().filter_map(|track| track.units(row));
    each.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}

/// Makes samples of all blocks that were taken of row `row` of units; the two of chroma share their lanes where they are few.
pub(super) fn transform(tracks: &mut [Track], row: usize) {
    if let [luma, blue, red] = tracks
        && let (Some(blues), Some(reds)) = (blue.due(row), red.due(row))
        && blue.leave_half(&blues)
        && red.leave_half(&reds)
    {
        luma.transform(row);
        let (together, ends) = ([blue.together, red.together], [blues.end, reds.end]);
        Plane::transform_both([&mut blue.plane, &mut red.plane], [blues, reds], together, [&blue.lanes[0], &red.lanes[0]]);
        blue.clear(ends[0]);
        red.clear(ends[1]);
        return;
    }
    tracks.iter_mut().for_each(|track| track.transform(row));
}

impl Track<'_> {
    /// The rows of units that hold needed blocks.
    pub fn rows(&self) -> Range<usize> {
        let rows = &self.plane.blocks.1;
        rows.start / self.unit.1..rows.end.div_ceil(self.unit.1)
    }

    /// The units of row `row` of units that hold needed blocks, if any does.
    fn units(&self, row: usize) -> Option<Range<usize>> {
        let (columns, rows) = &self.plane.blocks;
        let meets = row * self.unit.1 < rows.end && (row + 1) * self.unit.1 > rows.start;
        meets.then(|| columns.start / self.unit.0..columns.end.div_ceil(self.unit.0))
    }

    /// The rows of blocks that become samples together once row `row` of units has been taken, if they share their lanes.
    fn due(&self, row: usize) -> Option<Range<usize>> {
        let kept = &self.plane.blocks.1;
        let (begin, last) = (row * self.unit.1, ((row + 1) * self.unit.1).min(kept.end));
        let first = (begin / self.together * self.together).max(kept.start);
        let is_due = self.together > 1 && first.max(begin) < last && (last == kept.end || last.is_multiple_of(self.together));
        is_due.then_some(first..last)
    }

    /// Whether these rows of blocks fill no more than half of the lanes.
    fn leave_half(&self, rows: &Range<usize>) -> bool {
        let last = rows.clone().map(|row| row % self.together).max().unwrap_or(0);
        (last + 1) * self.plane.blocks.0.len() <= HALF
    }

    /// Makes room for the rows of blocks behind `last`.
    fn clear(&mut self, last: usize) {
        if last < self.plane.blocks.1.end {
            self.lanes.fill([[0; LANES]; 64]);
        }
    }

    /// Groups of lanes for all needed blocks of the rows `rows` of units.
    pub fn groups_of(&self, rows: &Range<usize>) -> usize {
        let lines = rows.len() * self.unit.1;
        if self.together > 1 { lines.div_ceil(self.together) } else { lines * self.groups }
    }

    /// Where among these the needed blocks of row `line` of blocks begin.
    pub fn line(&self, line: usize, rows: &Range<usize>) -> Line {
        let (kept, down) = (&self.plane.blocks, line - rows.start * self.unit.1);
        let count = if kept.1.contains(&line) { kept.0.len() } else { 0 };
        match self.together {
            1 => Line { group: down * self.groups, lane: 0, count },
            together => Line { group: down / together, lane: down % together * kept.0.len(), count },
        }
    }

    /// Makes samples of the blocks of the rows `rows` of units, which were taken into `lanes`.
    pub fn transform_rows(&mut self, rows: &Range<usize>, lanes: &[Lanes]) {
        let kept = self.plane.blocks.1.clone();
        let lines = rows.start * self.unit.1..rows.end * self.unit.1;
        if self.together > 1 {
            for (first, lanes) in lines.step_by(self.together).zip(lanes) {
                let those = first.max(kept.start)..(first + self.together).min(kept.end);
                if !those.is_empty() {
                    self.plane.transform_together(those, first, self.together, lanes);
                }
            }
            return;
        }
        for (line, lanes) in lines.zip(lanes.chunks_exact(self.groups.max(1))) {
            if kept.contains(&line) {
                self.plane.transform(line, lanes);
            }
        }
    }

    /// Makes samples of the blocks that were taken of row `row` of units, and room for those of the next.
    fn transform(&mut self, row: usize) {
        if self.together > 1 {
            return self.transform_together(row);
        }
        for (line, lanes) in (row * self.unit.1..).zip(self.lanes.chunks_exact_mut(self.groups)) {
            if self.plane.blocks.1.contains(&line) {
                self.plane.transform(line, lanes);
                lanes.fill([[0; LANES]; 64]);
            }
        }
    }

    /// The same where several rows of blocks share the lanes: once the last of them has been taken. A row of units never reaches beyond
    /// them, because both are powers of two.
    fn transform_together(&mut self, row: usize) {
        if let Some(rows) = self.due(row) {
            let last = rows.end;
            self.plane.transform_together(rows, 0, self.together, &self.lanes[0]);
            self.clear(last);
        }
    }

    /// The group and the lane in it of the kept block `place` in row `line` of blocks, which is the row `down` of its unit.
    #[inline(always)]
    fn lane(&self, line: usize, down: usize, place: usize) -> (usize, usize) {
        if self.together > 1 {
            return (0, line % self.together * self.plane.blocks.0.len() + place);
        }
        (down * self.groups + place / LANES, place % LANES)
    }

    /// Takes or passes over the blocks of the unit in row `row` and column `column`.
    #[inline(always)]
    fn take_unit(&mut self, bits: &mut Bits, codes: &Codes, row: usize, column: usize) -> Result<(), Broken> {
        for down in 0..self.unit.1 {
            let line = row * self.unit.1 + down;
            let in_row = self.plane.blocks.1.contains(&line);
            for across in 0..self.unit.0 {
                let block = column * self.unit.0 + across;
                if !(in_row && self.plane.blocks.0.contains(&block)) {
                    self.pass(bits, codes)?;
                    continue;
                }
                let place = block - self.plane.blocks.0.start;
                self.prediction = self.prediction.wrapping_add(take_difference(bits, self.dc)?);
                let (group, lane) = self.lane(line, down, place);
                let lanes = &mut self.lanes[group];
                lanes[0][lane % LANES] = self.prediction as i16;
                take_rest(bits, codes, lanes, lane % LANES)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn pass_unit(&mut self, bits: &mut Bits, codes: &Codes) -> Result<(), Broken> {
        for _ in 0..self.unit.0 * self.unit.1 {
            self.pass(bits, codes)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn pass(&mut self, bits: &mut Bits, codes: &Codes) -> Result<(), Broken> {
        self.prediction = self.prediction.wrapping_add(take_difference(bits, self.dc)?);
        pass_rest(bits, codes)
    }
}

wide! {
    /// Takes what is needed of the units in a row and some columns, or where nothing `is_needed` passes over them.
    pub(super) fn units / units_plain(
        bits: &mut Bits,
        row: usize,
        columns: Range<usize>,
        is_needed: bool,
        tracks: &mut [Track],
        codes: &[Codes],
    ) -> Result<(), Broken> {
        // A copy that nothing outside can reach stays in registers.
        let mut own = bits.clone();
        let mut taken = Ok(());
        for column in columns {
            for (track, codes) in tracks.iter_mut().zip(codes) {
                taken = if is_needed { track.take_unit(&mut own, codes, row, column) } else { track.pass_unit(&mut own, codes) };
                if taken.is_err() {
                    break;
                }
            }
            if taken.is_err() {
                break;
            }
        }
        *bits = own;
        taken
    }
}
