//! Decodes any supported JPEG by the book: all coefficients first, then planes, then colours. Strict: every block must be there.

use super::super::Refusal;
use super::bits::Bits;
use super::blocks::{Blocks, take_block};
use super::color::Color;
use super::huffman::Tables;
use super::planes::Plane;
use super::progressive::{Carried, Progress, ac_first, ac_refine, dc_first, dc_refine};
use super::structure::{Component, Piece, Scan, Structure};

/// One component on its way from coefficients to samples.
struct Track {
    blocks: Blocks,
    progress: Progress,
    /// Quantisation steps, as they were when its first scan began.
    steps: Option<[u16; 64]>,
}

/// The pixels of the file `bytes`, interleaved, and whether bytes were left over in a scan.
pub(super) fn decode(bytes: &[u8], structure: &Structure, color: Color) -> Result<(Vec<u8>, bool), Refusal> {
    let (tracks, surplus) = coefficients(bytes, structure)?;
    let mut planes = Vec::new();
    for (track, component) in tracks.into_iter().zip(&structure.components) {
        let steps = track.steps.ok_or_else(|| Refusal::damaged("a component has no image data"))?;
        if structure.progressive && !track.progress.is_complete() {
            return Err(Refusal::damaged("progressive scans are missing"));
        }
        planes.push(Plane::new(&track.blocks, &steps, structure.samples(component)));
    }
    Ok((paint(structure, color, &planes), surplus))
}

/// The same for a file whose end is missing: what was not reached stays gray, and bits of refinement that did not come are 0.
pub(super) fn decode_cut(bytes: &[u8], structure: &Structure, color: Color) -> Result<Vec<u8>, Refusal> {
    let mut tables = Tables::default();
    let mut tracks = tracks(structure);
    let taken = take_pieces(bytes, structure, &mut tables, &mut tracks);
    let reached = tracks.iter().any(|track| !track.blocks.are_empty());
    if !reached {
        return Err(taken.err().unwrap_or_else(|| Refusal::damaged("no image data")));
    }
    let plane = |(track, component): (Track, &Component)| {
        let steps = track.steps.unwrap_or([1; 64]);
        Plane::new(&track.blocks, &steps, structure.samples(component))
    };
    let planes: Vec<Plane> = tracks.into_iter().zip(&structure.components).map(plane).collect();
    Ok(paint(structure, color, &planes))
}

/// All scans, one after the other.
fn coefficients(bytes: &[u8], structure: &Structure) -> Result<(Vec<Track>, bool), Refusal> {
    let mut tracks = tracks(structure);
    let surplus = take_pieces(bytes, structure, &mut Tables::default(), &mut tracks)?;
    Ok((tracks, surplus))
}

fn take_pieces(bytes: &[u8], structure: &Structure, tables: &mut Tables, tracks: &mut [Track]) -> Result<bool, Refusal> {
    let mut surplus = false;
    for piece in &structure.pieces {
        match piece {
            Piece::Huffman(range) => tables.load_huffman(&bytes[range.clone()])?,
            Piece::Quantization(range) => tables.load_quantization(&bytes[range.clone()])?,
            Piece::Scan(scan) => {
                begin(structure, scan, tables, tracks)?;
                let mut bits = Bits::new(&bytes[scan.data.clone()]);
                take_scan(&mut bits, structure, scan, tables, tracks)?;
                surplus |= bits.surplus;
            }
        }
    }
    Ok(surplus)
}

fn tracks(structure: &Structure) -> Vec<Track> {
    let (across, down) = structure.units();
    let track = |across, down| Track { blocks: Blocks::new(across, down), progress: Progress::new(), steps: None };
    structure.components.iter().map(|c| track(across * c.across, down * c.down)).collect()
}

/// Checks that `scan` may come now.
fn begin(structure: &Structure, scan: &Scan, tables: &Tables, tracks: &mut [Track]) -> Result<(), Refusal> {
    for &(place, _, _) in &scan.components {
        let track = &mut tracks[place];
        if structure.progressive {
            track.progress.advance(scan)?;
        } else if track.steps.is_some() || scan.band != (0, 63) || (scan.high, scan.low) != (0, 0) {
            return Err(Refusal::damaged("sequential scans in an impossible order"));
        }
        if track.steps.is_none() {
            track.steps = Some(*tables.quantization(structure.components[place].table)?);
        }
    }
    Ok(())
}

fn take_scan(bits: &mut Bits, structure: &Structure, scan: &Scan, tables: &Tables, tracks: &mut [Track]) -> Result<(), Refusal> {
    let grid = match scan.components[..] {
        [(place, _, _)] => structure.blocks(&structure.components[place]),
        _ => structure.units(),
    };
    let mut carried: Vec<Carried> = scan.components.iter().map(|_| Carried::default()).collect();
    for unit in 0..grid.0 * grid.1 {
        if scan.restart > 0 && unit > 0 && unit % scan.restart == 0 {
            bits.restart(unit / scan.restart - 1)?;
            carried.iter_mut().for_each(|carried| *carried = Carried::default());
        }
        let (row, column) = (unit / grid.0, unit % grid.0);
        for (&(place, dc, ac), carried) in scan.components.iter().zip(&mut carried) {
            // A component alone in its scan is coded block by block, not unit by unit.
            let component = structure.components[place];
            let (wide, high) = if scan.components.len() == 1 { (1, 1) } else { (component.across, component.down) };
            for block in 0..wide * high {
                let block = tracks[place].blocks.block_mut(row * high + block / wide, column * wide + block % wide);
                match (structure.progressive, scan.band.0, scan.high) {
                    (false, ..) => take_block(bits, tables.dc(dc)?, tables.ac(ac)?, &mut carried.prediction, block)?,
                    (true, 0, 0) => dc_first(bits, tables.dc(dc)?, scan, carried, block)?,
                    (true, 0, _) => dc_refine(bits, scan, block),
                    (true, _, 0) => ac_first(bits, tables.ac(ac)?, scan, carried, block)?,
                    (true, ..) => ac_refine(bits, tables.ac(ac)?, scan, carried, block)?,
                }
                if bits.is_exhausted() {
                    if !structure.progressive {
                        block.fill(0);
                    }
                    return bits.finish();
                }
            }
        }
    }
    if carried.iter().any(|carried| carried.empty > 0) {
        return Err(Refusal::damaged("a run of empty blocks beyond the picture"));
    }
    bits.finish()
}

/// Enlarges the planes to the picture's size, row by row, and converts the colours.
fn paint(structure: &Structure, color: Color, planes: &[Plane]) -> Vec<u8> {
    let (width, height) = (structure.size.width as usize, structure.size.height as usize);
    let (most_across, most_down) = structure.sampling();
    let mut rows = vec![vec![0; width]; planes.len()];
    let mut sums = Vec::new();
    let mut pixels = vec![0; width * height * color.channels()];
    for (y, out) in pixels.chunks_exact_mut(width * color.channels()).enumerate() {
        for ((plane, component), row) in planes.iter().zip(&structure.components).zip(&mut rows) {
            plane.row(y, (component.across, most_across), (component.down, most_down), &mut sums, row);
        }
        color.convert(&rows, out);
    }
    pixels
}
