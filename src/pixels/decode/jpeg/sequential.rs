//! Common JPEGs: one walk through the scan proves that every block is there, takes the blocks that a rectangle needs and passes over
//! all others.
//!
//! The proof is of the whole scan whatever the rectangle, because a verdict on a file must not depend on a part that was drawn. Once it has been
//! made, most of what a rectangle does not need is left out.
//! Samples are those of libjpeg's accurate integer transform; what is outside the rectangle costs reading its bits, and no more.

use super::super::super::crop::Region;
use super::super::Refusal;
use super::super::choice::halved;
use super::color::Color;
use super::huffman::Tables;
use super::paint::paint;
use super::places::{Learning, Places};
use super::plane::Plane;
use super::sequence::Codes;
#[cfg(target_arch = "x86_64")]
use super::strands;
use super::stream::{Bits, Intervals};
use super::structure::{Piece, Scan, Structure};
use super::track::{Track, needed_units, tracks, transform, units};
use crate::sample::Size;
use std::ops::Range;

/// Making tables to pass over blocks takes as long as passing over so many bytes without them; those to take blocks, a quarter of
/// that.
const MANY_BYTES: usize = 16_384;

/// From so many units on, knowing their places helps to take all of them.
const MANY_UNITS: usize = 64;

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
                let spares = !wanted.is_whole(structure.size) || across * down >= MANY_UNITS;
                decoded = Some(match known.filter(|_| spares && scan.restart == 0) {
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
        transform(&mut tracks, row);
    }
    walk.bits.finish()?;
    let surplus = walk.bits.surplus;
    if let Some(learning) = walk.learning {
        *places = learning.finish(&intervals.stuffed, data.len(), surplus);
    }
    Ok((painted(&tracks, structure, wanted), surplus))
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
    #[cfg(target_arch = "x86_64")]
    if strands::take(&strands::Known { data, places, across }, rows.clone(), &mut tracks, &codes).is_some() {
        return Ok((painted(&tracks, structure, wanted), places.surplus));
    }
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
        transform(&mut tracks, row);
    }
    Ok((painted(&tracks, structure, wanted), places.surplus))
}

fn painted(tracks: &[Track], structure: &Structure, wanted: Wanted) -> Vec<u8> {
    let planes: Vec<&Plane> = tracks.iter().map(|track| &track.plane).collect();
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

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::super::Limits;
    use super::*;
    use crate::isa::{Isa, only};

    /// A picture of rough and smooth places.
    fn encoded(width: u32, height: u32, quality: u8) -> Vec<u8> {
        let rough = |i: u32| (i % 613) * (i % 401) % (1 + i / 97 % 90);
        let value = |i: u32| (i / 3 % width * 3 + i / 3 / width * 2 + (i % 3) * 40 + rough(i)) as u8;
        let pixels: Vec<u8> = (0..width * height * 3).map(value).collect();
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
        encoder.encode(&pixels, width, height, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    /// Whether strands took the part of a known file; its samples are then those of the plain way.
    fn strands_take(bytes: &[u8], region: Region) -> bool {
        let structure = Structure::parse(bytes, &Limits::default()).unwrap();
        let (whole, wanted) = (Region::whole(structure.size), Wanted { region, halvings: 0 });
        let (mut places, mut tables) = (None, Tables::default());
        decode(bytes, &structure, Wanted { region: whole, halvings: 0 }, (&mut places, 4096)).unwrap();
        let (scan, places) = (structure.scans().next().unwrap(), places.unwrap());
        for piece in &structure.pieces {
            match piece {
                Piece::Huffman(range) => tables.load_huffman(&bytes[range.clone()]).unwrap(),
                Piece::Quantization(range) => tables.load_quantization(&bytes[range.clone()]).unwrap(),
                Piece::Scan(_) => {}
            }
        }
        let data = &bytes[scan.data.clone()];
        let mut tracks = tracks(&structure, scan, &tables, wanted).unwrap();
        let codes = codes(scan, &tables, usize::MAX, 0).unwrap();
        let rows = tracks.iter().map(Track::rows).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap();
        let known = strands::Known { data, places: &places, across: structure.units().0 };
        let took = strands::take(&known, rows, &mut tracks, &codes).is_some();
        let plain = only(Isa::Avx2, || decode_known(data, &structure, (scan, &tables), wanted, &places).unwrap());
        assert!(!took || painted(&tracks, &structure, wanted) == plain.0, "{region:?}");
        took
    }

    #[test]
    fn strands_take_what_the_walk_takes_wherever_it_is_worth_it() {
        let (has, region) = (Isa::best() == Isa::Avx512, |top, left, height, width| Region { top, left, height, width });
        for quality in [30, 75, 96, 100] {
            let bytes = encoded(500, 371, quality);
            assert_eq!(strands_take(&bytes, region(0, 0, 371, 500)), has);
            assert_eq!(strands_take(&bytes, region(17, 33, 300, 201)), has);
            assert_eq!(strands_take(&bytes, region(200, 477, 171, 23)), has);
            assert!(!strands_take(&bytes, region(8, 8, 9, 9)));
        }
    }
}
