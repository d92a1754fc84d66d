//! Common JPEGs: one walk through the scan proves that every block is there, takes the blocks that a rectangle needs and passes over
//! all others.
//!
//! The proof is of the whole scan whatever the rectangle, because a verdict on a file must not depend on a part that was drawn. Once it has been
//! made, only the rows that a rectangle needs are walked through.
//! Samples are those of libjpeg's accurate integer transform; what is outside the rectangle costs reading its bits, and no more.

use super::super::super::crop::Region;
use super::super::super::jpeg::transform::LANES;
use super::super::Refusal;
use super::color::Color;
use super::huffman::{Table, Tables};
use super::paint::{paint, span};
use super::plane::{Plane, needed};
use super::rows::{Learning, Rows};
use super::sequence::{Broken, Codes, Lanes, pass_rest, take_difference, take_rest};
use super::stream::{Bits, Intervals};
use super::structure::{Piece, Scan, Structure};
use std::ops::Range;

/// Making tables to pass over blocks takes as long as passing over so many bytes without them; those to take blocks, a quarter of
/// that.
const MANY_BYTES: usize = 16_384;

/// Whether `structure` is of the common kind: sequential, all in one scan, gray or YCbCr 4:4:4, 4:2:2, 4:2:0 or 4:4:0. All other
/// kinds that are supported at all (progressive, several scans, odd sampling, RGB, four components) are decoded
/// [by the book](super::plain).
pub(super) fn fits(structure: &Structure, color: Color) -> bool {
    let mut scans = structure.scans();
    let (Some(scan), None) = (scans.next(), scans.next()) else { return false };
    let in_order = scan.components.iter().map(|&(place, _, _)| place).eq(0..structure.components.len());
    let sampling: Vec<_> = structure.components.iter().map(|c| (c.across, c.down)).collect();
    let common = match color {
        Color::Gray => true,
        Color::YCbCr => matches!(sampling[..], [(1 | 2, 1 | 2), (1, 1), (1, 1)]),
        _ => false,
    };
    !structure.progressive && in_order && common && scan.band == (0, 63) && (scan.high, scan.low) == (0, 0)
}

/// The pixels of `region`, gray or RGB, and whether bytes are left over in the scan. `rows` are its rows as found before; where there are
/// none, those found now are put there.
///
/// # Errors
/// What is wrong with the scan, wherever in it.
pub(super) fn decode(
    bytes: &[u8],
    structure: &Structure,
    region: Region,
    rows: &mut Option<Rows>,
) -> Result<(Vec<u8>, bool), Refusal> {
    let mut tables = Tables::default();
    let mut decoded = None;
    for piece in &structure.pieces {
        match piece {
            Piece::Huffman(range) => tables.load_huffman(&bytes[range.clone()])?,
            Piece::Quantization(range) => tables.load_quantization(&bytes[range.clone()])?,
            Piece::Scan(scan) => decoded = Some(decode_scan(&bytes[scan.data.clone()], structure, (scan, &tables), region, rows)?),
        }
    }
    decoded.ok_or_else(|| Refusal::damaged("no image data"))
}

/// One component on its way through the scan.
struct Track<'t> {
    dc: &'t Table,
    /// Blocks in a unit, across and down.
    unit: (usize, usize),
    plane: Plane,
    prediction: i32,
    /// Coefficients of the needed blocks of one row of units, row after row of blocks, each in so many groups.
    lanes: Vec<Lanes>,
    groups: usize,
}

fn decode_scan(
    data: &[u8],
    structure: &Structure,
    (scan, tables): (&Scan, &Tables),
    region: Region,
    rows: &mut Option<Rows>,
) -> Result<(Vec<u8>, bool), Refusal> {
    let mut tracks = tracks(structure, scan, tables, region)?;
    let (across, down) = structure.units();
    let needed = tracks.iter().map(Track::rows).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..down);
    let is_whole = region == Region::whole(structure.size);
    let entrance = rows.as_ref().filter(|_| !is_whole).and_then(|rows| rows.entrance(needed.start, needed.end, data.len()));
    let walked = entrance.map_or(data, |entrance| &data[entrance.from..entrance.to]);
    let codes = codes(scan, tables, walked.len(), !is_whole)?;
    let intervals = Intervals::new(walked);
    let mut walk = Walk { bits: intervals.bits(), restart: scan.restart, left: scan.restart, turn: 0 };
    let mut learning = (rows.is_none() && scan.restart == 0).then(Learning::default);
    let mut on_the_way = 0..down;
    if let Some(entrance) = entrance {
        walk.bits.need();
        walk.bits.consume(entrance.bit);
        tracks.iter_mut().zip(entrance.predictions).for_each(|(track, prediction)| track.prediction = prediction.into());
        on_the_way = entrance.row..needed.end;
    }
    for row in on_the_way {
        if let Some(learning) = &mut learning {
            learning.note(row, walk.bits.taken(), tracks.iter().map(|track| track.prediction));
        }
        let needed = tracks.iter().filter_map(|track| track.units(row)).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        walk.row(row, across, needed.unwrap_or(0..0), &mut tracks, &codes)?;
        tracks.iter_mut().for_each(|track| track.transform(row));
    }
    if entrance.is_none() {
        walk.bits.finish()?;
    }
    let surplus = rows.as_ref().filter(|_| entrance.is_some()).map_or(walk.bits.surplus, |rows| rows.surplus);
    if let Some(learning) = learning {
        *rows = learning.finish(&intervals.stuffed, data.len(), surplus);
    }
    let planes: Vec<Plane> = tracks.into_iter().map(|track| track.plane).collect();
    Ok((paint(&planes, doubled(structure), region), surplus))
}

/// How the components' coefficients are coded, for a walk through so many bytes of which it `passes` over some.
fn codes<'t>(scan: &Scan, tables: &'t Tables, bytes: usize, passes: bool) -> Result<Vec<Codes<'t>>, Refusal> {
    let of = |&(_, _, ac): &(usize, usize, usize)| {
        let table = tables.ac(ac)?;
        let often = table.is_used_again();
        Ok(Codes::new(table, often || bytes > MANY_BYTES / 4, passes && (often || bytes > MANY_BYTES)))
    };
    scan.components.iter().map(of).collect()
}

/// Along which axes chroma has half the size.
fn doubled(structure: &Structure) -> (bool, bool) {
    let (across, down) = structure.sampling();
    (across == 2, down == 2)
}

fn tracks<'t>(structure: &Structure, scan: &Scan, tables: &'t Tables, region: Region) -> Result<Vec<Track<'t>>, Refusal> {
    let (across, down) = span(region);
    let (most_across, most_down) = structure.sampling();
    let track = |&(place, dc, _): &(usize, usize, usize)| {
        let component = &structure.components[place];
        let size = structure.samples(component);
        let columns = needed(&across, component.across < most_across, size.0);
        let rows = needed(&down, component.down < most_down, size.1);
        let plane = Plane::new(size, &columns, &rows, tables.quantization(component.table)?);
        let groups = plane.blocks.0.len().div_ceil(LANES);
        let lanes = vec![[[0; LANES]; 64]; groups * component.down];
        let unit = (component.across, component.down);
        Ok(Track { dc: tables.dc(dc)?, unit, plane, prediction: 0, lanes, groups })
    };
    scan.components.iter().map(track).collect()
}

impl Track<'_> {
    /// The rows of units that hold needed blocks.
    fn rows(&self) -> Range<usize> {
        let rows = &self.plane.blocks.1;
        rows.start / self.unit.1..rows.end.div_ceil(self.unit.1)
    }

    /// The units of row `row` of units that hold needed blocks, if any does.
    fn units(&self, row: usize) -> Option<Range<usize>> {
        let (columns, rows) = &self.plane.blocks;
        let meets = row * self.unit.1 < rows.end && (row + 1) * self.unit.1 > rows.start;
        meets.then(|| columns.start / self.unit.0..columns.end.div_ceil(self.unit.0))
    }

    /// Makes samples of the blocks that were taken of row `row` of units, and room for those of the next.
    fn transform(&mut self, row: usize) {
        for (line, lanes) in (row * self.unit.1..).zip(self.lanes.chunks_exact_mut(self.groups)) {
            if self.plane.blocks.1.contains(&line) {
                self.plane.transform(line, lanes);
                lanes.fill([[0; LANES]; 64]);
            }
        }
    }

    /// Takes or passes over the blocks of the unit in row `row` and column `column`.
    #[inline(always)]
    fn take_unit(&mut self, bits: &mut Bits, codes: &Codes, row: usize, column: usize) -> Result<(), Broken> {
        for down in 0..self.unit.1 {
            let in_row = self.plane.blocks.1.contains(&(row * self.unit.1 + down));
            for across in 0..self.unit.0 {
                let block = column * self.unit.0 + across;
                if !(in_row && self.plane.blocks.0.contains(&block)) {
                    self.pass(bits, codes)?;
                    continue;
                }
                let place = block - self.plane.blocks.0.start;
                self.prediction = self.prediction.wrapping_add(take_difference(bits, self.dc)?);
                let lanes = &mut self.lanes[down * self.groups + place / LANES];
                lanes[0][place % LANES] = self.prediction as i16;
                take_rest(bits, codes, lanes, place % LANES)?;
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

/// The way through a scan.
struct Walk<'d> {
    bits: Bits<'d>,
    /// Units between restarts, 0 for none, and how many are left up to the next.
    restart: usize,
    left: usize,
    /// Restarts so far.
    turn: usize,
}

impl Walk<'_> {
    /// Walks through row `row` of `across` units, of which only those in `needed` hold needed blocks.
    fn row(
        &mut self,
        row: usize,
        across: usize,
        needed: Range<usize>,
        tracks: &mut [Track],
        codes: &[Codes],
    ) -> Result<(), Refusal> {
        let mut column = 0;
        while column < across {
            // Up to the needed units, these, or those behind them; but not beyond a restart.
            let bounds = [(needed.start, false), (needed.end, true)];
            let (mut end, is_needed) = bounds.into_iter().find(|&(bound, _)| column < bound).unwrap_or((across, false));
            end = end.min(across);
            if self.restart > 0 {
                self.pass_restart(tracks)?;
                end = end.min(column + self.left);
                self.left -= end - column;
            }
            let taken = units(&mut self.bits, row, column..end, is_needed, tracks, codes);
            // Made-up bits may come to anything: that they had to be made up is what is wrong.
            taken.map_err(|broken| self.bits.finish().err().unwrap_or_else(|| broken.into()))?;
            column = end;
        }
        if self.bits.is_exhausted() { self.bits.finish() } else { Ok(()) }
    }

    /// Passes the restart marker that is due.
    fn pass_restart(&mut self, tracks: &mut [Track]) -> Result<(), Refusal> {
        if self.left == 0 {
            self.bits.restart(self.turn)?;
            self.turn += 1;
            self.left = self.restart;
            tracks.iter_mut().for_each(|track| track.prediction = 0);
        }
        Ok(())
    }
}

wide! {
    /// Takes what is needed of the units in a row and some columns, or where nothing `is_needed` passes over them.
    fn units / units_plain(
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
