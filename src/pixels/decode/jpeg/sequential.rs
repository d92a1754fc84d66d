//! Common JPEGs: one walk through the scan proves that every block is there, takes the blocks that a rectangle needs and passes over
//! all others.
//!
//! The proof is of the whole scan whatever the rectangle, because a verdict on a file must not depend on a part that was drawn. Once it has been
//! made, most of what a rectangle does not need is left out.
//! Samples are those of libjpeg's accurate integer transform; what is outside the rectangle costs reading its bits, and no more.

use super::super::super::crop::Region;
use super::super::super::jpeg::transform::LANES;
use super::super::Refusal;
use super::super::choice::halved;
use super::color::Color;
use super::huffman::{Table, Tables};
use super::paint::{paint, span};
use super::places::{Learning, Places};
use super::plane::{Plane, needed};
use super::sequence::{Broken, Codes, Lanes, pass_rest, take_difference, take_rest};
use super::stream::{Bits, Intervals};
use super::structure::{Piece, Scan, Structure};
use crate::sample::Size;
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

/// What is decoded: a part of the picture whose sides are halved so often, in its own pixels.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub region: Region,
    pub halvings: u32,
}

impl Wanted {
    /// Whether that is all of a picture of the full size `size`.
    fn is_whole(self, size: Size) -> bool {
        self.region == Region::whole(halved(size, self.halvings))
    }

    /// Pixels of the full size that it stands for.
    fn area(self) -> u64 {
        self.region.size().area() << (2 * self.halvings)
    }
}

/// The pixels that are `wanted`, gray or RGB, and whether bytes are left over in the scan. `places` are its places as found before; where
/// there are none, those found now are put there, in so many bytes at most.
///
/// # Errors
/// What is wrong with the scan, wherever in it.
pub(super) fn decode(
    bytes: &[u8],
    structure: &Structure,
    wanted: Wanted,
    (places, most_bytes): (&mut Option<Places>, usize),
) -> Result<(Vec<u8>, bool), Refusal> {
    let mut tables = Tables::default();
    let mut decoded = None;
    for piece in &structure.pieces {
        match piece {
            Piece::Huffman(range) => tables.load_huffman(&bytes[range.clone()])?,
            Piece::Quantization(range) => tables.load_quantization(&bytes[range.clone()])?,
            Piece::Scan(scan) => {
                let data = &bytes[scan.data.clone()];
                let (across, down) = structure.units();
                let known = places.as_ref().filter(|places| places.fit(across * down, data.len()));
                let partial = !wanted.is_whole(structure.size);
                decoded = Some(match known.filter(|_| partial && scan.restart == 0) {
                    Some(places) => decode_known(data, structure, (scan, &tables), wanted, places)?,
                    None => {
                        let learns = places.is_none() && scan.restart == 0 && most_bytes > 0;
                        let learning = learns.then(|| Learning::new(across * down, most_bytes));
                        decode_scan(data, structure, (scan, &tables), wanted, (learning, places))?
                    }
                });
            }
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
    /// Coefficients of the needed blocks of one row of units, row after row of blocks, each in so many groups; or, where so many rows
    /// of blocks are taken `together`, of all these.
    lanes: Vec<Lanes>,
    groups: usize,
    together: usize,
}

/// Walks through the whole scan.
fn decode_scan(
    data: &[u8],
    structure: &Structure,
    (scan, tables): (&Scan, &Tables),
    wanted: Wanted,
    (learning, places): (Option<Learning>, &mut Option<Places>),
) -> Result<(Vec<u8>, bool), Refusal> {
    let mut tracks = tracks(structure, scan, tables, wanted)?;
    let taken = (data.len() as u64 * wanted.area() / structure.size.area().max(1)) as usize;
    let codes = codes(scan, tables, taken, data.len() - taken.min(data.len()))?;
    let intervals = Intervals::new(data);
    let mut walk = Walk { bits: intervals.bits(), restart: scan.restart, left: scan.restart, turn: 0, learning };
    let (across, down) = structure.units();
    for row in 0..down {
        walk.row(row, across, needed_units(&tracks, row), &mut tracks, &codes)?;
        tracks.iter_mut().for_each(|track| track.transform(row));
    }
    walk.bits.finish()?;
    let surplus = walk.bits.surplus;
    if let Some(learning) = walk.learning {
        *places = learning.finish(&intervals.stuffed, data.len(), surplus);
    }
    Ok((painted(tracks, structure, wanted), surplus))
}

/// Walks only through what is needed of a scan that is known.
fn decode_known(
    data: &[u8],
    structure: &Structure,
    (scan, tables): (&Scan, &Tables),
    wanted: Wanted,
    places: &Places,
) -> Result<(Vec<u8>, bool), Refusal> {
    let mut tracks = tracks(structure, scan, tables, wanted)?;
    let (across, down) = structure.units();
    let rows = tracks.iter().map(Track::rows).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..down);
    let first = rows.start * across + needed_units(&tracks, rows.start).start;
    let bytes = places.bytes_of(first, rows.end * across);
    let codes = codes(scan, tables, bytes.len(), 0)?;
    let intervals = Intervals::new(&data[bytes]);
    let (mut bits, (origin, mut at)) = (intervals.bits(), places.before(first));
    let mut next = Some((origin, at));
    for row in rows {
        let columns = needed_units(&tracks, row);
        let first = row * across + columns.start;
        if next.is_none() {
            next = Some(places.before(first)).filter(|&(_, unit)| unit > at);
        }
        if let Some((start, unit)) = next.take() {
            bits.seek((start.byte - origin.byte) as usize, start.bit.into());
            tracks.iter_mut().zip(start.predictions).for_each(|(track, prediction)| track.prediction = prediction.into());
            at = unit;
        }
        units(&mut bits, row, 0..first.saturating_sub(at), false, &mut tracks, &codes)?;
        at = row * across + columns.end;
        units(&mut bits, row, columns, true, &mut tracks, &codes)?;
        if bits.is_exhausted() {
            bits.finish()?;
        }
        tracks.iter_mut().for_each(|track| track.transform(row));
    }
    Ok((painted(tracks, structure, wanted), places.surplus))
}

/// The units of row `row` that hold needed blocks of any component.
fn needed_units(tracks: &[Track], row: usize) -> Range<usize> {
    let each = tracks.iter().filter_map(|track| track.units(row));
    each.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}

fn painted(tracks: Vec<Track>, structure: &Structure, wanted: Wanted) -> Vec<u8> {
    let planes: Vec<Plane> = tracks.into_iter().map(|track| track.plane).collect();
    // Chroma of half the size is halved once less, and then has the size that is wanted.
    let doubled = if wanted.halvings > 0 { (false, false) } else { doubled(structure) };
    paint(&planes, doubled, wanted.region)
}

/// How the components' coefficients are coded, for a walk that takes and passes over so many bytes.
fn codes<'t>(scan: &Scan, tables: &'t Tables, taken: usize, passed: usize) -> Result<Vec<Codes<'t>>, Refusal> {
    let of = |&(_, _, ac): &(usize, usize, usize)| {
        let table = tables.ac(ac)?;
        let often = table.is_used_again();
        Ok(Codes::new(table, often || taken > MANY_BYTES / 4, passed > 0 && (often || passed > MANY_BYTES)))
    };
    scan.components.iter().map(of).collect()
}

/// Along which axes chroma has half the size.
fn doubled(structure: &Structure) -> (bool, bool) {
    let (across, down) = structure.sampling();
    (across == 2, down == 2)
}

fn tracks<'t>(structure: &Structure, scan: &Scan, tables: &'t Tables, wanted: Wanted) -> Result<Vec<Track<'t>>, Refusal> {
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
        let lanes = vec![[[0; LANES]; 64]; if together > 1 { 1 } else { groups * component.down }];
        let unit = (component.across, component.down);
        Ok(Track { dc: tables.dc(dc)?, unit, plane, prediction: 0, lanes, groups, together })
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
        let kept = &self.plane.blocks.1;
        let (begin, last) = (row * self.unit.1, ((row + 1) * self.unit.1).min(kept.end));
        let first = (begin / self.together * self.together).max(kept.start);
        if first.max(begin) < last && (last == kept.end || last.is_multiple_of(self.together)) {
            self.plane.transform_together(first..last, self.together, &self.lanes[0]);
            self.lanes.fill([[0; LANES]; 64]);
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

/// The way through a scan.
struct Walk<'d> {
    bits: Bits<'d>,
    /// Units between restarts, 0 for none, and how many are left up to the next.
    restart: usize,
    left: usize,
    /// Restarts so far.
    turn: usize,
    learning: Option<Learning>,
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
            if let Some(learning) = &mut self.learning {
                let unit = row * across + column;
                learning.note(unit, self.bits.taken(), tracks.iter().map(|track| track.prediction));
                end = end.min(column + learning.next(unit) - unit);
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
