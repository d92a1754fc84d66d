//! JPEG's tables and how they decode symbols: T.81 annex C. Knows no block and no picture.

use super::super::Refusal;
use super::bits::Bits;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// Bits that are looked at at once when blocks are passed over.
pub(super) const WINDOW: u32 = 11;
/// Bits that one look-up resolves; longer codes are rare.
pub(super) const LOOK: u32 = 10;

/// Zigzag place → place in a block of 8 rows of 8.
pub(super) const NATURAL: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42,
    49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// One Huffman table, ready to decode.
#[derive(Clone)]
pub(super) struct Table {
    /// By the next [`LOOK`] bits: symbol and, above it, code length; 0 for longer codes.
    short: Box<[u16; 1 << LOOK]>,
    /// By length: the first 16-bit value that is no code of that length or a shorter one.
    limit: [u32; 17],
    /// By length: what to add to a code for its place among the symbols.
    offset: [i32; 17],
    symbols: Vec<u8>,
    /// What the next bits hold of coefficients, where somebody wanted to know.
    pub pairs: OnceCell<Box<[u64; 1 << LOOK]>>,
    /// The same of first coefficients.
    pub differences: OnceCell<Box<[u64; 1 << LOOK]>>,
    pub strides: OnceCell<Box<[u16; 1 << WINDOW]>>,
    uses: Cell<u32>,
}

/// Tables that are kept at most.
const KEPT: usize = 16;

/// A table with its segment.
type Kept = (Box<[u8]>, Rc<Table>);

thread_local! {
    /// The last used first: most files share a few.
    static LAST: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// The table that `counts` and `symbols`, one behind the other in `content`, describe.
fn shared(content: &[u8]) -> Result<Rc<Table>, Refusal> {
    LAST.with_borrow_mut(|last| {
        if let Some(place) = last.iter().position(|(kept, _)| **kept == *content) {
            last[..=place].rotate_right(1);
        } else {
            let table = Rc::new(Table::new(&content[..16], &content[16..])?);
            last.truncate(KEPT - 1);
            last.insert(0, (content.into(), table));
        }
        let table = Rc::clone(&last[0].1);
        table.uses.set(table.uses.get().saturating_add(1));
        Ok(table)
    })
}

impl Table {
    /// The table of `counts[n]` codes of length n + 1 that stand for `symbols` in order.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Result<Self, Refusal> {
        let mut table = Self {
            short: Box::new([0; 1 << LOOK]),
            limit: [0; 17],
            offset: [0; 17],
            symbols: symbols.to_vec(),
            pairs: OnceCell::new(),
            strides: OnceCell::new(),
            differences: OnceCell::new(),
            uses: Cell::new(0),
        };
        let (mut code, mut place) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.offset[length as usize] = place as i32 - code as i32;
            if code + count as u32 > 1 << length {
                return Err(Refusal::damaged("an impossible Huffman table"));
            }
            if length <= LOOK {
                for &symbol in &symbols[place..place + count] {
                    let first = (code << (LOOK - length)) as usize;
                    table.short[first..first + (1 << (LOOK - length))].fill((length as u16) << 8 | u16::from(symbol));
                    code += 1;
                }
            } else {
                code += count as u32;
            }
            place += count;
            table.limit[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(table)
    }

    /// Whether another file had it, too.
    pub fn is_used_again(&self) -> bool {
        self.uses.get() > 1
    }

    /// Takes one symbol. There must be 16 bits in `bits`.
    #[inline(always)]
    pub fn take(&self, bits: &mut Bits) -> Result<u8, Refusal> {
        let entry = self.short[bits.peek(LOOK) as usize];
        if entry != 0 {
            bits.consume(u32::from(entry >> 8));
            return Ok(entry as u8);
        }
        self.take_long(bits)
    }

    /// The first symbol in the lowest `count` bits of `bits` (at most [`LOOK`] matter) and the length of its code, if these
    /// bits hold a whole code.
    pub fn within(&self, bits: u32, count: u32) -> Option<(u8, u32)> {
        let ahead = if count >= LOOK { bits >> (count - LOOK) } else { bits << (LOOK - count) };
        let entry = self.short[(ahead & ((1 << LOOK) - 1)) as usize];
        let length = u32::from(entry >> 8);
        (entry != 0 && length <= count).then_some((entry as u8, length))
    }

    /// The symbol that the next [`LOOK`] bits begin with and the length of its code, unless that is longer.
    #[inline(always)]
    pub fn look(&self, next: usize) -> Option<(u8, u32)> {
        let entry = self.short[next % (1 << LOOK)];
        (entry != 0).then_some((entry as u8, u32::from(entry >> 8)))
    }

    /// The length of the code, longer than [`LOOK`], that the next 16 bits begin with, and its symbol, if it has one.
    pub fn long(&self, next: u32) -> Option<(u32, Option<u8>)> {
        let length = (LOOK + 1..=16).find(|&length| next < self.limit[length as usize])?;
        let place = (next >> (16 - length)) as i32 + self.offset[length as usize];
        Some((length, self.symbols.get(place as usize).copied()))
    }

    #[cold]
    fn take_long(&self, bits: &mut Bits) -> Result<u8, Refusal> {
        let found = self.long(bits.peek(16) as u32);
        let (length, symbol) = found.ok_or_else(|| Refusal::damaged("a code that is in no Huffman table"))?;
        bits.consume(length);
        symbol.ok_or_else(|| Refusal::damaged("a code without a symbol"))
    }
}

/// The tables in force, by their numbers.
#[derive(Default)]
pub(super) struct Tables {
    dc: [Option<Rc<Table>>; 4],
    ac: [Option<Rc<Table>>; 4],
    quantization: [Option<[u16; 64]>; 4],
}

impl Tables {
    /// Takes in a Huffman segment.
    pub fn load_huffman(&mut self, mut content: &[u8]) -> Result<(), Refusal> {
        let malformed = || Refusal::damaged("a malformed Huffman segment");
        while let Some((&head, rest)) = content.split_first() {
            let (counts, rest) = rest.split_at_checked(16).ok_or_else(malformed)?;
            let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (_, rest) = rest.split_at_checked(total).ok_or_else(malformed)?;
            let kind = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(malformed()),
            };
            *kind.get_mut(usize::from(head & 15)).ok_or_else(malformed)? = Some(shared(&content[1..17 + total])?);
            content = rest;
        }
        Ok(())
    }

    /// Takes in a quantisation segment.
    pub fn load_quantization(&mut self, mut content: &[u8]) -> Result<(), Refusal> {
        let malformed = || Refusal::damaged("a malformed quantisation segment");
        while let Some((&head, rest)) = content.split_first() {
            let wide = match head >> 4 {
                0 => 1,
                1 => 2,
                _ => return Err(malformed()),
            };
            let (values, rest) = rest.split_at_checked(64 * wide).ok_or_else(malformed)?;
            let mut table = [0; 64];
            for (value, &place) in values.chunks_exact(wide).zip(&NATURAL) {
                table[usize::from(place)] = value.iter().fold(0, |sum, &byte| sum << 8 | u16::from(byte));
            }
            *self.quantization.get_mut(usize::from(head & 15)).ok_or_else(malformed)? = Some(table);
            content = rest;
        }
        Ok(())
    }

    pub fn dc(&self, number: usize) -> Result<&Table, Refusal> {
        self.dc[number].as_deref().ok_or_else(|| Refusal::damaged("a Huffman table is missing"))
    }

    pub fn ac(&self, number: usize) -> Result<&Table, Refusal> {
        self.ac[number].as_deref().ok_or_else(|| Refusal::damaged("a Huffman table is missing"))
    }

    /// Quantisation steps in rows of 8.
    pub fn quantization(&self, number: usize) -> Result<&[u16; 64], Refusal> {
        self.quantization[number].as_ref().ok_or_else(|| Refusal::damaged("a quantisation table is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_assigned_in_order_of_length() {
        // T.81, table K.3: luminance DC.
        let counts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        let symbols: Vec<u8> = (0..12).collect();
        let table = Table::new(&counts, &symbols).unwrap();
        let data = [0b0001_0110, 0b1110_1111, 0b1111_0000];
        let mut bits = Bits::new(&data);
        let got: Vec<u8> = (0..5).map(|_| (bits.need(), table.take(&mut bits).unwrap()).1).collect();
        assert_eq!(got, [0, 1, 5, 6, 11]);
    }

    #[test]
    fn long_codes_and_no_codes_are_told_apart() {
        let mut counts = [0; 16];
        (counts[0], counts[11]) = (1, 1);
        let table = Table::new(&counts, &[3, 9]).unwrap();
        let mut bits = Bits::new(&[0b0100_0000, 0b0000_0111]);
        bits.need();
        assert_eq!((table.take(&mut bits).unwrap(), table.take(&mut bits).unwrap()), (3, 9));
        assert!(table.take(&mut bits).is_err());
        assert!(Table::new(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 2, 3]).is_err());
    }
}
