//! Quantised coefficients of one component, and their sequential coding (T.81, F.2.2).

use super::super::Refusal;
use super::bits::Bits;
use super::huffman::{NATURAL, Table};

/// Blocks of 64 coefficients in rows of 8 each, block after block, row after row of blocks.
pub(super) struct Blocks {
    /// Blocks in a row, padding included.
    pub across: usize,
    values: Vec<i16>,
}

impl Blocks {
    pub fn new(across: usize, down: usize) -> Self {
        Self { across, values: vec![0; across * down * 64] }
    }

    /// Whether no coefficient has come.
    pub fn are_empty(&self) -> bool {
        self.values.iter().all(|&value| value == 0)
    }

    pub fn block(&self, row: usize, column: usize) -> &[i16; 64] {
        let start = 64 * (row * self.across + column);
        self.values[start..].first_chunk().expect("a block within the component's own grid")
    }

    pub fn block_mut(&mut self, row: usize, column: usize) -> &mut [i16; 64] {
        let start = 64 * (row * self.across + column);
        self.values[start..].first_chunk_mut().expect("a block within the component's own grid")
    }
}

/// Takes a DC difference and adds it to `prediction`.
pub(super) fn take_dc(bits: &mut Bits, table: &Table, prediction: &mut i32) -> Result<(), Refusal> {
    bits.need();
    let size = table.take(bits)?;
    if size > 15 {
        return Err(Refusal::damaged("an impossible coefficient"));
    }
    *prediction = prediction.wrapping_add(bits.take_signed(u32::from(size)));
    Ok(())
}

/// Takes one whole block of a sequential scan.
pub(super) fn take_block(
    bits: &mut Bits,
    dc: &Table,
    ac: &Table,
    prediction: &mut i32,
    block: &mut [i16; 64],
) -> Result<(), Refusal> {
    take_dc(bits, dc, prediction)?;
    block[0] = *prediction as i16;
    let mut place = 1;
    while place < 64 {
        bits.need();
        let symbol = ac.take(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(());
        }
        place += run;
        if place > 63 {
            return Err(Refusal::damaged("a block of more than 64 coefficients"));
        }
        block[usize::from(NATURAL[place])] = bits.take_signed(size) as i16;
        place += 1;
    }
    Ok(())
}
