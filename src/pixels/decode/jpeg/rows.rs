//! Where the rows of a scan begin: what a walk through all of it finds out, and what lets a later one begin in its middle. Knows bits
//! and predictions, no block.

/// Rows of units from one that is kept to the next.
const STEP: usize = 2;

/// Beginnings of rows in a scan without restarts that has been found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    starts: Box<[Start]>,
    /// Bytes of the scan.
    len: usize,
    /// Whether bytes are left over in it.
    pub surplus: bool,
}

/// Where a row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    /// Byte of the scan, stuffing counted, and bit in it.
    at: u32,
    bit: u8,
    /// First coefficients of the last blocks before, as they are kept: in 16 bits.
    predictions: [i16; 3],
}

/// A place in a scan to begin at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The row of units that begins there.
    pub row: usize,
    /// Bytes of the scan that are needed.
    pub from: usize,
    pub to: usize,
    /// Bits of the first byte that belong to the row before.
    pub bit: u32,
    /// First coefficients of the last blocks before.
    pub predictions: [i16; 3],
}

/// Notes where rows begin on a walk through a scan.
#[derive(Debug, Default)]
pub struct Learning(Vec<(u64, [i16; 3])>);

impl Learning {
    /// Row `row` begins at bit `at` of the scan without stuffing.
    pub fn note(&mut self, row: usize, at: u64, predictions: impl Iterator<Item = i32>) {
        if row.is_multiple_of(STEP) {
            let mut kept = [0; 3];
            kept.iter_mut().zip(predictions).for_each(|(kept, prediction)| *kept = prediction as i16);
            self.0.push((at, kept));
        }
    }

    /// All rows, where `stuffed` are the places, in the scan of `len` bytes with its stuffing left out, of bytes that were followed by some.
    /// None for a scan that is too long.
    pub fn finish(self, stuffed: &[u32], len: usize, surplus: bool) -> Option<Rows> {
        u32::try_from(len).ok()?;
        let start = |(at, predictions): (u64, [i16; 3])| {
            let byte = (at / 8) as u32;
            let before = stuffed.partition_point(|&place| place < byte) as u32;
            Start { at: byte + before, bit: (at % 8) as u8, predictions }
        };
        Some(Rows { starts: self.0.into_iter().map(start).collect(), len, surplus })
    }
}

impl Rows {
    /// Where to begin for the rows from `first` on up to before `end`, in a scan of `len` bytes; none if that is another scan.
    pub fn entrance(&self, first: usize, end: usize, len: usize) -> Option<Entrance> {
        let index = first / STEP;
        let start = self.starts.get(index).filter(|_| len == self.len)?;
        // The byte in which the next row begins, and what is stuffed behind it.
        let to = self.starts.get(end.div_ceil(STEP)).map_or(len, |next| (next.at as usize + 2).min(len));
        let Start { at, bit, predictions } = *start;
        Some(Entrance { row: index * STEP, from: at as usize, to, bit: bit.into(), predictions })
    }

    /// Bytes of memory that they take.
    pub fn bytes(&self) -> usize {
        std::mem::size_of::<Self>() + std::mem::size_of_val::<[Start]>(&self.starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_entered_at_or_before_the_first_with_stuffing_counted() {
        let mut learning = Learning::default();
        (0..7).for_each(|row| learning.note(row, 100 * row as u64 + 3, [row as i32, 65_536 + row as i32].into_iter()));
        let rows = learning.finish(&[2, 25, 60], 200, true).unwrap();
        assert!(rows.surplus && rows.starts.len() == 4);
        let expected = Entrance { row: 2, from: 25 + 1, to: 50 + 2 + 2, bit: 3, predictions: [2, 2, 0] };
        assert_eq!(rows.entrance(3, 4, 200), Some(expected));
        assert_eq!(rows.entrance(6, 7, 200).map(|entrance| (entrance.row, entrance.to)), Some((6, 200)));
        assert_eq!((rows.entrance(3, 4, 201), rows.entrance(8, 9, 200)), (None, None));
    }
}
