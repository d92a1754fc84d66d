//! Blocks of a sequential scan (T.81, F.2.2): taken into lanes for the transform, or passed over. Knows no picture.

use super::super::super::jpeg::transform::LANES;
use super::super::Refusal;
use super::huffman::{LOOK, NATURAL, Table};
use super::stream::Bits;

/// Coefficients of [`LANES`] blocks side by side, in rows of 8 places.
pub(super) type Lanes = [[i16; LANES]; 64];

/// What is wrong with a block; without words, because blocks are many.
#[derive(Clone, Copy, Debug)]
pub(super) enum Broken {
    NoCode,
    NoSymbol,
    Coefficient,
    TooLong,
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        Refusal::damaged(match broken {
            Broken::NoCode => "a code that is in no Huffman table",
            Broken::NoSymbol => "a code without a symbol",
            Broken::Coefficient => "an impossible coefficient",
            Broken::TooLong => "a block of more than 64 coefficients",
        })
    }
}

/// Zigzag place → row of [`Lanes`]; a run can lead 15 places beyond the last.
const PLACES: [u8; 80] = {
    let mut places = [63; 80];
    let mut at = 0;
    while at < 64 {
        places[at] = NATURAL[at];
        at += 1;
    }
    places
};

/// How coefficients but the first are coded.
pub(super) struct Codes<'t> {
    table: &'t Table,
    /// By the next [`LOOK`] bits: their first coefficient where they hold it whole, its symbol, and how many bits that takes; the
    /// symbol and the bits of its code where they do not; 0 where they hold not even that.
    whole: Box<[u32; 1 << LOOK]>,
    /// By the next [`WINDOW`] bits, where many blocks are passed over.
    strides: Option<Vec<u16>>,
}

impl<'t> Codes<'t> {
    /// Ready to take blocks, and with `strides` to pass over many.
    pub fn new(table: &'t Table, strides: bool) -> Self {
        let mut whole = Box::new([0; 1 << LOOK]);
        for (bits, entry) in whole.iter_mut().enumerate() {
            let Some((symbol, length)) = table.within(bits as u32, LOOK) else { continue };
            let size = u32::from(symbol & 15);
            *entry = u32::from(symbol) << 8 | length;
            if size > 0 && length + size <= LOOK {
                let value = (bits as i32 >> (LOOK - length - size)) & ((1 << size) - 1);
                let value = if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value };
                *entry = (value as u32) << 16 | u32::from(symbol) << 8 | (length + size);
            }
        }
        let strides = strides.then(|| (0..1 << WINDOW).map(|window| stride(table, window)).collect());
        Self { table, whole, strides }
    }
}

/// Takes the next symbol of `table`.
#[inline(always)]
fn take_symbol(bits: &mut Bits, table: &Table) -> Result<u8, Broken> {
    match table.look(bits.peek(LOOK)) {
        Some((symbol, length)) => {
            bits.consume(length);
            Ok(symbol)
        }
        None => take_long(bits, table),
    }
}

#[cold]
#[inline(never)]
fn take_long(bits: &mut Bits, table: &Table) -> Result<u8, Broken> {
    let (length, symbol) = table.long(bits.peek(16) as u32).ok_or(Broken::NoCode)?;
    bits.consume(length);
    symbol.ok_or(Broken::NoSymbol)
}

/// Takes a difference of first coefficients.
#[inline(always)]
pub(super) fn take_difference(bits: &mut Bits, table: &Table) -> Result<i32, Broken> {
    bits.need();
    let size = take_symbol(bits, table)?;
    if size > 15 { Err(Broken::Coefficient) } else { Ok(bits.take_signed(u32::from(size))) }
}

/// Takes all coefficients but the first of one block into `lane`, which is 0 everywhere.
#[inline(always)]
pub(super) fn take_rest(bits: &mut Bits, codes: &Codes, lanes: &mut Lanes, lane: usize) -> Result<(), Broken> {
    let mut place = 1;
    while place < 64 {
        bits.need();
        let entry = codes.whole[bits.peek(LOOK)];
        let value = (entry as i32 >> 16) as i16;
        if value != 0 {
            bits.consume(entry & 0xff);
            place += (entry >> 12 & 15) as usize;
            lanes[usize::from(PLACES[place]) % 64][lane % LANES] = value;
            place += 1;
            continue;
        }
        let symbol = match entry {
            0 => take_long(bits, codes.table)?,
            _ => {
                bits.consume(entry & 0xff);
                (entry >> 8) as u8
            }
        };
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(());
        }
        place += run;
        if size > 0 {
            lanes[usize::from(PLACES[place]) % 64][lane % LANES] = bits.take_signed(size) as i16;
        }
        place += 1;
    }
    if place > 64 { Err(Broken::TooLong) } else { Ok(()) }
}

/// Passes over all coefficients but the first of one block.
#[inline(always)]
pub(super) fn pass_rest(bits: &mut Bits, codes: &Codes) -> Result<(), Broken> {
    let mut place = 1;
    while place < 64 {
        bits.need();
        if let Some(strides) = &codes.strides {
            let stride = strides[bits.peek(WINDOW)];
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
        let symbol = take_symbol(bits, codes.table)?;
        let (run, size) = (symbol >> 4, u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(());
        }
        place += usize::from(run) + 1;
        bits.consume(size);
    }
    if place > 64 { Err(Broken::TooLong) } else { Ok(()) }
}

/// Bits that are looked at at once when blocks are passed over.
const WINDOW: u32 = 11;
/// Marks a stride that ends the block.
const END: u16 = 1 << 15;

/// How far all whole coefficients in the bits `window` go: bits in the low byte, places in a block above it, and whether the block
/// ends there. 0 where not even one is whole.
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
