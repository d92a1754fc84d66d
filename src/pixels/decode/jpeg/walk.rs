//! Walks through the one scan of a sequential JPEG without keeping a coefficient: proof that every block is there.

use super::super::Refusal;
use super::huffman::{Bits, Table, Tables};
use super::structure::{Piece, Scan, Structure};

/// Whether bytes are left over in the scan of `structure`, all of whose blocks are there.
pub(super) fn walk(bytes: &[u8], structure: &Structure) -> Result<bool, Refusal> {
    let mut tables = Tables::default();
    let mut surplus = false;
    for piece in &structure.pieces {
        match piece {
            Piece::Huffman(range) => tables.load_huffman(&bytes[range.clone()])?,
            Piece::Quantization(range) => tables.load_quantization(&bytes[range.clone()])?,
            Piece::Scan(scan) => surplus |= walk_scan(&bytes[scan.data.clone()], structure, scan, &tables)?,
        }
    }
    Ok(surplus)
}

/// What a minimum coded unit is made of: for each of its blocks, the tables of its component.
struct Block<'t> {
    dc: &'t Table,
    ac: &'t Table,
    strides: Option<&'t [u16]>,
}

fn walk_scan(data: &[u8], structure: &Structure, scan: &Scan, tables: &Tables) -> Result<bool, Refusal> {
    // Making strides takes as long as walking through some thousand bytes without them.
    let is_long = data.len() > 16_384;
    let mut strides: [Option<Vec<u16>>; 4] = [const { None }; 4];
    for &(_, _, ac) in scan.components.iter().filter(|_| is_long) {
        strides[ac] = Some(strides_of(tables.ac(ac)?));
    }
    let mut unit = Vec::new();
    for &(place, dc, ac) in &scan.components {
        let component = structure.components[place];
        tables.quantization(component.table)?;
        for _ in 0..component.across * component.down {
            unit.push(Block { dc: tables.dc(dc)?, ac: tables.ac(ac)?, strides: strides[ac].as_deref() });
        }
    }
    let (across, down) = structure.units();
    let mut bits = Bits::new(data);
    for number in 0..across * down {
        if scan.restart > 0 && number > 0 && number % scan.restart == 0 {
            bits.restart(number / scan.restart - 1)?;
        }
        for block in &unit {
            pass_block(&mut bits, block)?;
        }
    }
    bits.finish()?;
    Ok(bits.surplus)
}

/// Bits that are looked at at once.
const WINDOW: u32 = 11;
/// Marks a stride that ends the block.
const END: u16 = 1 << 15;

/// For every value of the next [`WINDOW`] bits, how far all whole coefficients in them go: bits in the low byte, places in a
/// block above it, and whether the block ends there. 0 where not even one is whole.
fn strides_of(table: &Table) -> Vec<u16> {
    (0..1 << WINDOW).map(|window| stride(table, window)).collect()
}

fn stride(table: &Table, window: u32) -> u16 {
    let (mut left, mut places) = (WINDOW, 0);
    while let Some((symbol, length)) = table.within(window & ((1 << left) - 1), left) {
        let (run, size) = (u16::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return END | places << 8 | (WINDOW - left + length) as u16;
        }
        if length + size > left || places + run >= 63 {
            break;
        }
        left -= length + size;
        places += run + 1;
        if left == 0 {
            break;
        }
    }
    places << 8 | (WINDOW - left) as u16
}

#[inline(always)]
fn pass_block(bits: &mut Bits, block: &Block) -> Result<(), Refusal> {
    bits.need();
    let size = block.dc.take(bits)?;
    if size > 15 {
        return Err(Refusal::damaged("an impossible coefficient"));
    }
    bits.consume(u32::from(size));
    let mut place = 1;
    while place < 64 {
        bits.need();
        if let Some(strides) = block.strides {
            let stride = strides[bits.peek(WINDOW) as usize];
            let after = place + usize::from(stride >> 8 & 0x7f);
            // A stride that would end beyond the block may hold the beginning of the next one.
            if stride != 0 && after < 64 {
                bits.consume(u32::from(stride & 0xff));
                if stride & END != 0 {
                    return Ok(());
                }
                place = after;
                continue;
            }
        }
        let symbol = block.ac.take(bits)?;
        let (run, size) = (symbol >> 4, u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(());
        }
        place += usize::from(run) + 1;
        bits.consume(size);
    }
    if place > 64 { Err(Refusal::damaged("a block of more than 64 coefficients")) } else { Ok(()) }
}
