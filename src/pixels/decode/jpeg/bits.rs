//! Entropy-coded bits as they stand in a file, stuffing and all: T.81, F.2.2. For [the plain way](super::plain); the quick one
//! [takes the stuffing out first](super::stream). Knows no code and no block.

use super::super::Refusal;

/// Entropy-coded bits, most significant first. Beyond the end, zeros are made up, and counted.
pub(super) struct Bits<'d> {
    data: &'d [u8],
    at: usize,
    /// The next bits, from the top.
    buffer: u64,
    count: u32,
    made_up: u64,
    /// Whether whole bytes were left over somewhere.
    pub surplus: bool,
}

impl<'d> Bits<'d> {
    pub fn new(data: &'d [u8]) -> Self {
        Self { data, at: 0, buffer: 0, count: 0, made_up: 0, surplus: false }
    }

    /// Sees to it that 32 bits can be taken: a longest code and a longest value.
    #[inline(always)]
    pub fn need(&mut self) {
        if self.count < 32 {
            self.refill();
        }
    }

    #[inline]
    fn refill(&mut self) {
        if let Some(&[a, b, c, d]) = self.data.get(self.at..self.at + 4).and_then(|bytes| bytes.first_chunk::<4>()) {
            let word = u32::from_be_bytes([a, b, c, d]);
            // No byte of the word is 0xff.
            if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                self.buffer |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        self.refill_by_bytes();
    }

    fn refill_by_bytes(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at) {
                Some(0xff) if self.data.get(self.at + 1) == Some(&0) => {
                    self.at += 2;
                    0xff
                }
                Some(0xff) | None => {
                    self.made_up += 8;
                    0
                }
                Some(&byte) => {
                    self.at += 1;
                    byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, 1–32, which stay.
    #[inline(always)]
    pub fn peek(&self, count: u32) -> u64 {
        self.buffer >> (64 - count)
    }

    #[inline(always)]
    pub fn consume(&mut self, count: u32) {
        self.buffer <<= count;
        self.count -= count;
    }

    /// Takes `count` bits, 0–16, as a number. There must be as many.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> i32 {
        if count == 0 {
            return 0;
        }
        let value = self.peek(count) as i32;
        self.consume(count);
        value
    }

    /// Takes a value of `size` bits, 0–15, in JPEG's signed form (T.81, F.2.2.1).
    #[inline(always)]
    pub fn take_signed(&mut self, size: u32) -> i32 {
        let value = self.take(size);
        if size > 0 && value < 1 << (size - 1) { value - (1 << size) + 1 } else { value }
    }

    /// Takes one bit, wherever it comes from.
    pub fn bit(&mut self) -> bool {
        self.need();
        self.take(1) == 1
    }

    /// Whether bits that were never there have been taken.
    pub fn is_exhausted(&self) -> bool {
        self.made_up > u64::from(self.count)
    }

    /// Ends an interval: refuses it if bits were made up.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        if self.is_exhausted() {
            return Err(Refusal { cut: true, ..Refusal::damaged("image data ends early") });
        }
        let left = u64::from(self.count) - self.made_up;
        let at_marker = match self.data.get(self.at..) {
            None | Some([]) => true,
            Some([0xff, next, ..]) => *next != 0,
            Some(_) => false,
        };
        self.surplus |= left >= 8 || !at_marker;
        Ok(())
    }

    /// Ends an interval and goes on behind the restart marker that must follow, number `turn` modulo 8.
    pub fn restart(&mut self, turn: usize) -> Result<(), Refusal> {
        self.finish()?;
        let missing = || Refusal::damaged("a restart marker is missing");
        let rest = &self.data[self.at..];
        self.at += rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff)).ok_or_else(missing)?;
        if self.data[self.at + 1] != 0xd0 + (turn % 8) as u8 {
            return Err(missing());
        }
        self.at += 2;
        (self.buffer, self.count, self.made_up) = (0, 0, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_bits_are_found_and_padding_is_not_surplus() {
        let mut bits = Bits::new(&[0xff, 0x00, 0x7f]);
        bits.need();
        assert_eq!((bits.take(9), bits.finish().is_ok(), bits.surplus), (0x1fe, true, false));
        bits.consume(8);
        assert!(bits.finish().is_err());
        let mut bits = Bits::new(&[1, 2, 3]);
        bits.need();
        bits.consume(7);
        assert!(bits.finish().is_ok() && bits.surplus);
    }

    #[test]
    fn restarts_must_come_in_order() {
        let data = [0x12, 0xff, 0xd0, 0x34, 0xff, 0xff, 0xd1, 0x56];
        let mut bits = Bits::new(&data);
        bits.need();
        bits.consume(8);
        bits.restart(0).unwrap();
        bits.need();
        assert_eq!(bits.take(8), 0x34);
        assert!(bits.restart(2).is_err());
    }

    #[test]
    fn signed_values_follow_the_standard() {
        let mut bits = Bits::new(&[0b0100_1110, 0b1000_0000]);
        bits.need();
        assert_eq!([1, 1, 2, 2, 3].map(|size| bits.take_signed(size)), [-1, 1, -3, 3, 5]);
    }
}
