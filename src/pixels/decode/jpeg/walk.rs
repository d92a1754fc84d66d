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

fn walk_scan(data: &[u8], structure: &Structure, scan: &Scan, tables: &Tables) -> Result<bool, Refusal> {
    let mut unit = Vec::new();
    for &(place, dc, ac) in &scan.components {
        let component = structure.components[place];
        tables.quantization(component.table)?;
        let tables = (tables.dc(dc)?, tables.ac(ac)?);
        unit.extend(std::iter::repeat_n(tables, component.across * component.down));
    }
    let (across, down) = structure.units();
    let mut bits = Bits::new(data);
    for number in 0..across * down {
        if scan.restart > 0 && number > 0 && number % scan.restart == 0 {
            bits.restart(number / scan.restart - 1)?;
        }
        for (dc, ac) in &unit {
            pass_block(&mut bits, dc, ac)?;
        }
    }
    bits.finish()?;
    Ok(bits.surplus)
}

#[inline(always)]
fn pass_block(bits: &mut Bits, dc: &Table, ac: &Table) -> Result<(), Refusal> {
    bits.need();
    let size = dc.take(bits)?;
    if size > 15 {
        return Err(Refusal::damaged("an impossible coefficient"));
    }
    bits.consume(u32::from(size));
    let mut place = 1;
    while place < 64 {
        bits.need();
        let symbol = ac.take(bits)?;
        let (run, size) = (symbol >> 4, u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(());
        }
        place += usize::from(run) + 1;
        bits.consume(size);
    }
    if place > 64 { Err(Refusal::damaged("a block of more than 64 coefficients")) } else { Ok(()) }
}
