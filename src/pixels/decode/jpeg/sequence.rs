//! Blocks of a sequential scan (T.81, F.2.2): taken into lanes for the transform, or passed over. Knows no picture.

use super::super::super::jpeg::transform::LANES;
use super::super::Refusal;
use super::huffman::{LOOK, NATURAL, Table, WINDOW};
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
    /// By the next [`LOOK`] bits: [`pair`], where many blocks are taken.
    pairs: Option<&'t [u64; 1 << LOOK]>,
    /// By the next [`WINDOW`] bits: [`stride`], where many are passed over.
    strides: Option<&'t [u16; 1 << WINDOW]>,
}

/// No bits hold a pair.
static NO_PAIRS: [u64; 1 << LOOK] = [0; 1 << LOOK];

impl<'t> Codes<'t> {
    /// Ready to take blocks, with `pairs` to take many, and with `strides` to pass over many: making either takes its time, once for
    /// a table.
    pub fn new(table: &'t Table, pairs: bool, strides: bool) -> Self {
        let paired = || {
            let mut filled = Box::new([0; 1 << LOOK]);
            filled.iter_mut().zip(0..).for_each(|(entry, bits)| *entry = pair(table, bits));
            filled
        };
        let strided = || {
            let mut filled = Box::new([0; 1 << WINDOW]);
            filled.iter_mut().zip(0..).for_each(|(entry, bits)| *entry = stride(table, bits));
            filled
        };
        let pairs = pairs.then(|| &**table.pairs.get_or_init(paired));
        Self { table, pairs, strides: strides.then(|| &**table.strides.get_or_init(strided)) }
    }

    fn pairs(&self) -> &[u64; 1 << LOOK] {
        self.pairs.unwrap_or(&NO_PAIRS)
    }
}

/// Marks a pair that ends the block.
const LAST: u64 = 1 << 31;

/// The first one or two coefficients that the bits `window` hold whole, and the end of the block where it follows: from the lowest
/// byte on, how many bits that takes, the places of the two from where they begin, and how many places there must be; then their
/// values. One alone is both. 0 where there is neither a coefficient nor an end.
fn pair(table: &Table, window: u32) -> u64 {
    let (mut left, mut places, mut count, mut found) = (LOOK, 0u64, 0, 0u64);
    while let Some((symbol, length)) = table.within(window & ((1 << left) - 1), left) {
        let (run, size) = (u64::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return LAST | u64::from(LOOK - left + length) | (places + 1) << 24 | found;
        }
        if size == 0 || length + size > left || count == 2 {
            break;
        }
        left -= length + size;
        let value = (window >> left) as i32 & ((1 << size) - 1);
        let value = if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value };
        let (place, value) = (places + run, u64::from(value as u16));
        let second = place << 16 | value << 48;
        found = if count == 0 { place << 8 | value << 32 | second } else { found & 0xffff_0000_ff00 | second };
        count += 1;
        places += run + 1;
    }
    if count == 0 { 0 } else { u64::from(LOOK - left) | places << 24 | found }
}

/// Takes the next symbol of `table`.
#[inline(always)]
fn take_symbol(bits: &mut Bits, table: &Table) -> Result<u8, Broken> {
    match table.look(bits.peek(LOOK)) {
        Some((symbol, length)) => {
            bits.consume(length);
            Ok(symbol)
        }
        None => {
            let (symbol, length) = long(table, bits.peek(16))?;
            bits.consume(length);
            Ok(symbol)
        }
    }
}

/// The symbol of a rare, long code, and its length. It does not see the bits themselves, which stay in registers.
#[cold]
#[inline(never)]
fn long(table: &Table, next: usize) -> Result<(u8, u32), Broken> {
    let (length, symbol) = table.long(next as u32).ok_or(Broken::NoCode)?;
    Ok((symbol.ok_or(Broken::NoSymbol)?, length))
}

/// Takes a difference of first coefficients.
#[inline(always)]
pub(super) fn take_difference(bits: &mut Bits, table: &Table) -> Result<i32, Broken> {
    bits.need();
    let size = take_symbol(bits, table)?;
    if size > 15 { Err(Broken::Coefficient) } else { Ok(bits.take_signed(u32::from(size))) }
}

/// Table entries that are taken for sure after bits have been filled up.
const AT_ONCE: usize = 3;

/// Takes all coefficients but the first of one block into `lane`, which is 0 everywhere.
#[inline(always)]
pub(super) fn take_rest(bits: &mut Bits, codes: &Codes, lanes: &mut Lanes, lane: usize) -> Result<(), Broken> {
    let pairs = codes.pairs();
    let mut place = 1;
    while place < 64 {
        bits.fill();
        for _ in 0..AT_ONCE {
            let entry = pairs[bits.peek(LOOK)];
            let places = (entry >> 24 & 0x7f) as usize;
            // A pair that would end beyond the block may hold the beginning of the next one.
            if entry == 0 || place + places > 64 {
                place = match take_one(bits, codes, lanes, lane, place)? {
                    Some(next) => next,
                    None => return Ok(()),
                };
                break;
            }
            bits.consume(entry as u32 & 0xff);
            let [first, second] = [8, 16].map(|shift| usize::from(PLACES[(place + (entry >> shift & 0xff) as usize) % 64]) % 64);
            lanes[first][lane % LANES] = (entry >> 32) as i16;
            lanes[second][lane % LANES] = (entry >> 48) as i16;
            if entry & LAST != 0 {
                return Ok(());
            }
            place += places;
        }
    }
    if place > 64 { Err(Broken::TooLong) } else { Ok(()) }
}

/// Takes the coefficient at `place`, or those passed over together, and says where the next one is; none at the block's end.
#[inline(always)]
fn take_one(bits: &mut Bits, codes: &Codes, lanes: &mut Lanes, lane: usize, mut place: usize) -> Result<Option<usize>, Broken> {
    if place >= 64 {
        return Ok(Some(place));
    }
    bits.need();
    let symbol = take_symbol(bits, codes.table)?;
    let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
    if size == 0 && run < 15 {
        return Ok(None);
    }
    place += run;
    if size > 0 {
        lanes[usize::from(PLACES[place]) % 64][lane % LANES] = bits.take_signed(size) as i16;
    }
    Ok(Some(place + 1))
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
