//! A scan's bytes without their stuffing, interval by interval, and the bits in them. Knows no code and no block.

use super::super::Refusal;
use super::room::Room;

/// Zeros behind each interval: as many bytes as are read at once.
const PAD: usize = 8;

/// Place of the first 0xff in `bytes`.
pub(super) fn first_ff(bytes: &[u8]) -> Option<usize> {
    const STEP: usize = 64;
    let (blocks, _) = bytes.as_chunks::<STEP>();
    let clear = blocks.iter().take_while(|block| !block.iter().fold(false, |found, &byte| found | (byte == 0xff))).count();
    let rest = &bytes[clear * STEP..];
    rest.iter().position(|&byte| byte == 0xff).map(|at| clear * STEP + at)
}

/// The bytes of a scan without stuffing, cut at its restart markers.
pub(super) struct Intervals {
    bytes: Room<u8>,
    /// End of each interval, and the number of the marker behind it.
    ends: Vec<(usize, Option<u8>)>,
    /// Places of bytes behind which a stuffed one was left out.
    pub stuffed: Room<u32>,
}

impl Intervals {
    /// Takes apart `data`, which reaches up to the first marker that is no restart.
    pub fn new(mut data: &[u8]) -> Self {
        let (mut bytes, mut stuffed, mut ends) = (Room::empty(), Room::empty(), Vec::new());
        bytes.reserve(data.len() + PAD);
        while let Some(at) = first_ff(data) {
            let fill = data[at..].iter().position(|&byte| byte != 0xff);
            let Some(next) = fill.map(|fill| at + fill) else {
                data = &data[..at];
                break;
            };
            bytes.extend_from_slice(&data[..at]);
            match data[next] {
                0 if next == at + 1 => {
                    stuffed.push(bytes.len() as u32);
                    bytes.push(0xff);
                }
                // What is neither stuffing nor a restart ends an interval that nothing may follow.
                marker => {
                    ends.push((bytes.len(), marker.checked_sub(0xd0)));
                    bytes.extend([0; PAD]);
                }
            }
            data = &data[next + 1..];
        }
        bytes.extend_from_slice(data);
        ends.push((bytes.len(), None));
        bytes.extend([0; PAD]);
        Self { bytes, ends, stuffed }
    }

    /// The bits, from the first on.
    pub fn bits(&self) -> Bits<'_> {
        Bits { bytes: &self.bytes, ends: &self.ends, interval: 0, at: 0, end: self.ends[0].0, buffer: 0, count: 0, surplus: false }
    }
}

/// The value that the topmost 63 − `rest` bits, 0 to 15 of them, of `bits` stand for (T.81, F.2.2.1). The lowest 6 bits of `rest` count.
#[inline(always)]
pub(super) fn signed(bits: u64, rest: u32) -> i32 {
    // Two shifts, because one by 64 is none.
    let value = (bits >> 1).wrapping_shr(rest) as i32;
    // A leading 0 says that a number of ones is to be taken off.
    let ones = (u64::MAX >> 1).wrapping_shr(rest) as i32;
    value - (!(bits as i64 >> 63) as i32 & ones)
}

/// Where bits are read.
#[derive(Clone, Copy)]
pub(super) struct Position {
    /// The next byte, beyond the end one that was made up.
    pub byte: usize,
    /// The next bits, from the top; those after the first `count` are 0 or what will come.
    pub buffer: u64,
    pub count: u32,
}

/// Bits, most significant first. Behind an interval's end they are zeros, and counted.
#[derive(Clone)]
pub(super) struct Bits<'d> {
    bytes: &'d [u8],
    ends: &'d [(usize, Option<u8>)],
    interval: usize,
    /// The next byte, beyond `end` one that was made up.
    at: usize,
    end: usize,
    /// The next bits, from the top; those after the first `count` are 0 or what will come.
    buffer: u64,
    count: u32,
    /// Whether whole bytes were left over in some interval.
    pub surplus: bool,
}

impl<'d> Bits<'d> {
    /// Sees to it that 32 bits can be taken: a longest code and a longest value.
    #[inline(always)]
    pub fn need(&mut self) {
        if self.count < 32 {
            self.refill();
        }
    }

    /// Sees to it that 56 bits can be taken.
    #[inline(always)]
    pub fn fill(&mut self) {
        self.refill();
    }

    #[inline(always)]
    fn refill(&mut self) {
        if self.at < self.end
            && let Some(word) = self.bytes.get(self.at..).and_then(|bytes| bytes.first_chunk())
        {
            self.buffer |= u64::from_be_bytes(*word) >> self.count;
        }
        let bytes = (63 - self.count) / 8;
        self.at += bytes as usize;
        self.count += 8 * bytes;
    }

    /// The next `count` bits, 1–32, which stay.
    #[inline(always)]
    pub fn peek(&self, count: u32) -> usize {
        (self.buffer >> (64 - count)) as usize
    }

    #[inline(always)]
    pub fn consume(&mut self, count: u32) {
        self.buffer <<= count;
        self.count -= count;
    }

    /// Takes a value of `size` bits, 0–15, in JPEG's signed form (T.81, F.2.2.1).
    #[inline(always)]
    pub fn take_signed(&mut self, size: u32) -> i32 {
        let value = signed(self.buffer, 63 - size);
        self.consume(size);
        value
    }

    /// The value of 63 − `rest` bits, 0 to 15 of them, that begin `after` bits from here; all stay. The lowest 6 bits of both numbers count.
    #[inline(always)]
    pub fn signed_after(&self, after: u32, rest: u32) -> i32 {
        signed(self.buffer.wrapping_shl(after), rest)
    }

    /// Where the interval ends.
    pub fn end(&self) -> usize {
        self.end
    }

    /// All bytes; behind each interval come as many as are read at once.
    pub fn padded(&self) -> &[u8] {
        self.bytes
    }

    pub fn position(&self) -> Position {
        Position { byte: self.at, buffer: self.buffer, count: self.count }
    }

    /// The same bits at another place of the interval.
    pub fn placed(&self, Position { byte, buffer, count }: Position) -> Self {
        Self { at: byte, buffer, count, ..self.clone() }
    }

    /// Goes on at another place of the interval.
    pub fn seek(&mut self, byte: usize, bit: u32) {
        (self.at, self.buffer, self.count) = (byte, 0, 0);
        self.need();
        self.consume(bit);
    }

    /// How many bits have been taken of the first interval.
    pub fn taken(&self) -> u64 {
        8 * self.at as u64 - u64::from(self.count)
    }

    /// Whether bits that were never there have been taken.
    pub fn is_exhausted(&self) -> bool {
        8 * self.at > 8 * self.end + self.count as usize
    }

    /// Ends an interval: refuses it if bits were made up.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        if self.is_exhausted() {
            return Err(Refusal { cut: true, ..Refusal::damaged("image data ends early") });
        }
        self.surplus |= 8 * self.end + self.count as usize >= 8 * self.at + 8;
        Ok(())
    }

    /// Ends an interval and goes on behind the restart marker that must follow, number `turn` modulo 8.
    pub fn restart(&mut self, turn: usize) -> Result<(), Refusal> {
        self.finish()?;
        let (end, marker) = self.ends[self.interval];
        let next = self.ends.get(self.interval + 1).filter(|_| marker == Some((turn % 8) as u8));
        let &(next, _) = next.ok_or_else(|| Refusal::damaged("a restart marker is missing"))?;
        self.interval += 1;
        (self.at, self.end) = (end + PAD, next);
        (self.buffer, self.count) = (0, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(bits: &mut Bits, count: u32) -> usize {
        bits.need();
        let value = bits.peek(count);
        bits.consume(count);
        value
    }

    #[test]
    fn the_first_ff_is_found_wherever_it_stands() {
        for length in 0..200 {
            assert_eq!(first_ff(&vec![0xfe; length]), None);
            for at in 0..length {
                let mut bytes = vec![7; length];
                (bytes[at], bytes[length - 1]) = (0xff, 0xff);
                assert_eq!(first_ff(&bytes), Some(at));
            }
        }
    }

    #[test]
    fn made_up_bits_are_found_and_padding_is_not_surplus() {
        let intervals = Intervals::new(&[0xff, 0x00, 0x7f]);
        let mut bits = intervals.bits();
        assert_eq!((take(&mut bits, 9), bits.finish().is_ok(), bits.surplus), (0x1fe, true, false));
        take(&mut bits, 8);
        assert!(bits.finish().is_err());
        let intervals = Intervals::new(&[1, 2, 3]);
        let mut bits = intervals.bits();
        take(&mut bits, 7);
        assert!(bits.finish().is_ok() && bits.surplus);
    }

    #[test]
    fn bits_come_in_order_however_they_are_taken_and_zeros_follow() {
        let data: Vec<u8> = (0..100u32).map(|i| (i * i % 251) as u8).collect();
        let intervals = Intervals::new(&data);
        for step in 1..=32 {
            let mut bits = intervals.bits();
            for first in (0..1000).step_by(step) {
                let bit = |at: usize| data.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
                let expected = (first..first + step).fold(0, |value, at| value << 1 | usize::from(bit(at)));
                assert_eq!(take(&mut bits, step as u32), expected, "{step} bits from {first}");
                assert_eq!(bits.is_exhausted(), first + step > 800);
            }
        }
    }

    #[test]
    fn restarts_must_come_in_order() {
        let intervals = Intervals::new(&[0x12, 0xff, 0xd0, 0x34, 0xff, 0xff, 0xd1, 0x56]);
        let mut bits = intervals.bits();
        take(&mut bits, 8);
        bits.restart(0).unwrap();
        assert_eq!(take(&mut bits, 8), 0x34);
        assert!(bits.restart(2).is_err());
        assert!(bits.restart(1).is_ok());
        assert_eq!(take(&mut bits, 8), 0x56);
        assert!(bits.restart(2).is_err());
    }

    #[test]
    fn signed_values_follow_the_standard() {
        let intervals = Intervals::new(&[0b0100_1110, 0b1000_0000]);
        let mut bits = intervals.bits();
        bits.need();
        assert_eq!([1, 1, 2, 2, 3, 0].map(|size| bits.take_signed(size)), [-1, 1, -3, 3, 5, 0]);
    }
}
