//! Blocks of a sequential scan (T.81, F.2.2): taken into lanes for the transform, or passed over. Knows no picture.

use super::super::super::jpeg::transform::LANES;
use super::super::Refusal;
use super::huffman::{LOOK, Table, WINDOW};
use super::stream::{Bits, signed};

/// Coefficients of [`LANES`] blocks side by side, in zigzag order, which costs the transform nothing.
pub(super) type Lanes = [[i16; LANES]; 64];

/// Numbers in them.
pub(super) const ALL: usize = 64 * LANES;

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

/// How coefficients but the first are coded.
pub(super) struct Codes<'t> {
    pub table: &'t Table,
    /// By the next [`LOOK`] bits: a [`Pair`], where many blocks are taken.
    pairs: Option<&'t [u64; 1 << LOOK]>,
    /// By the next [`WINDOW`] bits: [`stride`], where many are passed over.
    strides: Option<&'t [u16; 1 << WINDOW]>,
}

/// No bits hold a pair.
static NO_PAIRS: [u64; 1 << LOOK] = [NOTHING; 1 << LOOK];

impl<'t> Codes<'t> {
    /// Ready to take blocks, with `pairs` to take many, and with `strides` to pass over many: making either takes its time, once for
    /// a table.
    pub fn new(table: &'t Table, pairs: bool, strides: bool) -> Self {
        let paired = || {
            let mut filled = Box::new([0; 1 << LOOK]);
            filled.iter_mut().zip(0..).for_each(|(entry, bits)| *entry = Pair::of(table, bits).0);
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

    pub fn pairs(&self) -> &[u64; 1 << LOOK] {
        self.pairs.unwrap_or(&NO_PAIRS)
    }
}

/// The most bits that a pair takes: so many times [`AT_ONCE`] are there once bits have been filled up.
const PAIR: u32 = 18;
/// Where a block has gone too far, in numbers of [`Lanes`], whatever the lane.
const BEYOND: usize = ALL + LANES;
/// A value of no bits, which is 0.
pub(super) const NO_VALUE: u64 = 63 << 38;
/// Goes further than any block.
pub(super) const NOWHERE: usize = 0xfff;
const NOTHING: u64 = (NOWHERE as u64) << 26;

/// The first one or two coefficients whose codes some bits hold whole, and the end of the block where it follows. From the lowest bit
/// on: how many bits that takes (8 bits), where the first (8) and the second (10) belong, in numbers of [`Lanes`] from where they
/// begin, how far all of it goes (12; at an end by [`ALL`] further), 63 less the bits of the second one's value (6), where these begin
/// (10), and the value of the first (10). Values may reach beyond the bits that were looked at; the first one's only where it is alone,
/// and then it is the second, too.
#[derive(Clone, Copy)]
pub(super) struct Pair(pub u64);

impl Pair {
    /// What the [`LOOK`] bits of `window` begin with; [`NOTHING`] where that is neither a coefficient nor an end.
    fn of(table: &Table, window: u32) -> Self {
        let (mut taken, mut places, mut count, mut found) = (0, 0, 0, NO_VALUE);
        let goes = |places: u64| (LANES as u64 * places) << 26;
        while taken < LOOK
            && let Some((symbol, length)) = table.within(window, LOOK - taken)
        {
            let (run, size) = (u64::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && run < 15 {
                return Self(u64::from(taken + length) | goes(64 + places + 1) | found);
            }
            let begin = taken + length;
            if size == 0 || begin + size > PAIR || count == 2 {
                break;
            }
            let place = LANES as u64 * (places + run);
            found = found & (0x3ff << 54 | 0xff00) | place << 16 | u64::from(63 - size) << 38 | u64::from(begin) << 44;
            taken = begin + size;
            places += run + 1;
            count += 1;
            if count == 1 {
                let value = if taken <= LOOK { signed(u64::from(window) << (64 - LOOK + begin), 63 - size) } else { 0 };
                found |= place << 8 | (value as u64) << 54;
            }
        }
        Self(if count == 0 { NOTHING } else { u64::from(taken) | goes(places) | found })
    }

    /// A difference of first coefficients, as if it were a second value that goes nowhere.
    fn of_difference(table: &Table, window: u32) -> Self {
        match table.within(window, LOOK) {
            Some((size, begin)) if size < 16 && begin + u32::from(size) <= PAIR => {
                let (begin, size) = (u64::from(begin), u64::from(size));
                Self((begin + size) | (63 - size) << 38 | begin << 44)
            }
            _ => Self(NOTHING),
        }
    }

    /// Bits that it takes.
    #[inline(always)]
    pub fn taken(self) -> u64 {
        self.0 & 0xff
    }

    /// Where the first value belongs, and the second.
    #[inline(always)]
    pub fn places(self) -> [u64; 2] {
        [self.0 >> 8 & 0xff, self.0 >> 16 & 0x3ff]
    }

    /// Bits before the second value, and 63 less its own. More bits than 6 of either mean nothing.
    #[inline(always)]
    pub fn second(self) -> [u64; 2] {
        [self.0 >> 44, self.0 >> 38]
    }

    /// The first value.
    #[inline(always)]
    pub fn first(self) -> i64 {
        self.0 as i64 >> 54
    }

    /// How far it goes.
    #[inline(always)]
    pub fn goes(self) -> usize {
        (self.0 >> 26 & 0xfff) as usize
    }

    /// Puts coefficients where they belong from `at` on.
    #[inline(always)]
    fn put(self, bits: &Bits, flat: &mut [i16; ALL], at: usize) {
        let ([first, second], [before, rest]) = (self.places(), self.second());
        flat[(at + first as usize) % ALL] = self.first() as i16;
        flat[(at + second as usize) % ALL] = bits.signed_after(before as u32, rest as u32) as i16;
    }

    #[inline(always)]
    fn consume(self, bits: &mut Bits) {
        bits.consume(self.taken() as u32);
    }
}

impl Table {
    /// By the next [`LOOK`] bits: what these hold of a difference of first coefficients, as a [`Pair`].
    pub fn differences(&self) -> &[u64; 1 << LOOK] {
        self.differences.get_or_init(|| {
            let mut filled = Box::new([0; 1 << LOOK]);
            filled.iter_mut().zip(0..).for_each(|(entry, bits)| *entry = Pair::of_difference(self, bits).0);
            filled
        })
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
    // Without asking whether they are needed: the answer could not be predicted.
    bits.fill();
    let size = take_symbol(bits, table)?;
    if size > 15 { Err(Broken::Coefficient) } else { Ok(bits.take_signed(u32::from(size))) }
}

/// Pairs that are taken for sure after bits have been filled up.
const AT_ONCE: usize = 3;

/// Takes all coefficients but the first of one block into `lane`, which is 0 everywhere.
#[inline(always)]
pub(super) fn take_rest(bits: &mut Bits, codes: &Codes, lanes: &mut Lanes, lane: usize) -> Result<(), Broken> {
    let pairs = codes.pairs();
    let flat = lanes.as_flattened_mut().first_chunk_mut().expect("as many numbers");
    let mut at = LANES + lane % LANES;
    while at < ALL {
        bits.fill();
        for _ in 0..AT_ONCE {
            let pair = Pair(pairs[bits.peek(LOOK)]);
            let after = at + pair.goes();
            if after < BEYOND {
                pair.put(bits, flat, at);
                pair.consume(bits);
                at = after;
                continue;
            }
            // An end, unless it would lie beyond the block: what goes so far may hold the beginning of the next one.
            if pair.goes() > ALL && after < ALL + BEYOND {
                pair.put(bits, flat, at);
                pair.consume(bits);
                return Ok(());
            }
            at = match take_one(bits, codes, flat, at)? {
                Some(next) => next,
                None => return Ok(()),
            };
            break;
        }
    }
    if at < BEYOND { Ok(()) } else { Err(Broken::TooLong) }
}

/// Takes the coefficient at `at`, or those passed over together, and says where the next one is; none at the block's end.
#[inline(always)]
pub(super) fn take_one(bits: &mut Bits, codes: &Codes, flat: &mut [i16; ALL], mut at: usize) -> Result<Option<usize>, Broken> {
    if at >= ALL {
        return Ok(Some(at));
    }
    bits.need();
    let symbol = take_symbol(bits, codes.table)?;
    let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
    if size == 0 && run < 15 {
        return Ok(None);
    }
    at += LANES * run;
    if size > 0 {
        // What is beyond the block is found out behind it.
        flat[at.min(ALL - 1)] = bits.take_signed(size) as i16;
    }
    Ok(Some(at + LANES))
}

/// Passes over all coefficients but the first of one block.
#[inline(always)]
pub(super) fn pass_rest(bits: &mut Bits, codes: &Codes) -> Result<(), Broken> {
    let mut place = 1;
    while place < 64 {
        bits.fill();
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

/// How far all coefficients go whose codes are whole in the bits `window`: bits, of which the last value's may lie beyond, in the low
/// byte, places in a block above it, and whether the block ends there. 0 where not even one code is whole.
fn stride(table: &Table, window: u32) -> u16 {
    let (mut taken, mut places) = (0, 0);
    while taken < WINDOW
        && let Some((symbol, length)) = table.within(window, WINDOW - taken)
    {
        let (run, size) = (u16::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return END | places << 8 | (taken + length) as u16;
        }
        if places + run >= 63 {
            break;
        }
        taken += length + size;
        places += run + 1;
    }
    places << 8 | taken as u16
}
