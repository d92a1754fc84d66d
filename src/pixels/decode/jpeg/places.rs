//! Places in a scan: what a walk through all of it finds out, and what lets a later one begin in its middle and leave much of it out.
//! Knows units by their numbers, bits and predictions, no block.

/// Units from one place that is kept to the next, at least: passing over so few takes little time.
const STEP: usize = 4;

/// Places in a scan without restarts that has been found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    starts: Box<[Start]>,
    /// Units from one to the next.
    step: usize,
    /// Bytes of the scan.
    len: usize,
    /// Whether bytes are left over in it.
    pub surplus: bool,
}

/// Where a unit begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Byte of the scan without stuffing, and bit in it.
    pub byte: u32,
    pub bit: u8,
    /// Stuffed bytes before.
    stuffed: u32,
    /// First coefficients of the last blocks before, as they are kept: in 16 bits.
    pub predictions: [i16; 3],
}

/// Notes places on a walk through a scan.
#[derive(Debug)]
pub struct Learning {
    step: usize,
    found: Vec<(u64, [i16; 3])>,
}

impl Learning {
    /// For a scan of so many units, of which all places shall take so many bytes at most.
    pub fn new(units: usize, most_bytes: usize) -> Self {
        let count = (most_bytes / std::mem::size_of::<Start>()).max(1);
        Self { step: units.div_ceil(count).max(STEP), found: Vec::new() }
    }

    /// Up to which unit, after `unit`, nothing is to be noted.
    pub fn next(&self, unit: usize) -> usize {
        (unit / self.step + 1) * self.step
    }

    /// The unit `unit` begins at bit `at` of the scan without stuffing.
    pub fn note(&mut self, unit: usize, at: u64, predictions: impl Iterator<Item = i32>) {
        if unit.is_multiple_of(self.step) {
            let mut kept = [0; 3];
            kept.iter_mut().zip(predictions).for_each(|(kept, prediction)| *kept = prediction as i16);
            self.found.push((at, kept));
        }
    }

    /// All places, where `stuffed` are those, in the scan of `len` bytes with its stuffing left out, of bytes that were followed by some.
    /// None for a scan that is too long.
    pub fn finish(self, stuffed: &[u32], len: usize, surplus: bool) -> Option<Places> {
        u32::try_from(len).ok()?;
        let start = |(at, predictions): (u64, [i16; 3])| {
            let byte = (at / 8) as u32;
            let stuffed = stuffed.partition_point(|&place| place < byte) as u32;
            Start { byte, bit: (at % 8) as u8, stuffed, predictions }
        };
        Some(Places { starts: self.found.into_iter().map(start).collect(), step: self.step, len, surplus })
    }
}

impl Places {
    /// Whether they may be those of a scan of so many units and bytes.
    pub fn fit(&self, units: usize, len: usize) -> bool {
        self.len == len && self.starts.len() == units.div_ceil(self.step) && !self.starts.is_empty()
    }

    /// The last place at or before `unit`, and which unit begins there.
    pub fn before(&self, unit: usize) -> (Start, usize) {
        let index = (unit / self.step).min(self.starts.len() - 1);
        (self.starts[index], index * self.step)
    }

    /// The bytes of the scan, stuffing counted, that hold the units from that of a place [before](Places::before) `first` on up to `end`.
    pub fn bytes_of(&self, first: usize, end: usize) -> std::ops::Range<usize> {
        let stored = |start: &Start| (start.byte + start.stuffed) as usize;
        // The byte in which the next place lies, and what is stuffed behind it.
        let to = self.starts.get(end.div_ceil(self.step)).map_or(self.len, |next| (stored(next) + 2).min(self.len));
        let from = stored(&self.before(first).0).min(to);
        from..to
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
    fn units_are_entered_at_or_before_the_first_with_stuffing_counted() {
        let mut learning = Learning::new(28, 10_000);
        assert_eq!((learning.next(0), learning.next(3), learning.next(4)), (4, 4, 8));
        (0..28).for_each(|unit| learning.note(unit, 50 * unit as u64 + 3, [unit as i32, 65_536 + unit as i32].into_iter()));
        let places = learning.finish(&[2, 25, 60], 200, true).unwrap();
        assert!(places.surplus && places.starts.len() == 7 && places.fit(28, 200));
        assert!(!places.fit(28, 201) && !places.fit(29, 200));
        assert_eq!(places.before(9), (Start { byte: 50, bit: 3, stuffed: 2, predictions: [8, 8, 0] }, 8));
        assert_eq!(places.bytes_of(9, 10), 52..75 + 3 + 2);
        assert_eq!(places.bytes_of(24, 28), 150 + 3..200);
        assert_eq!(places.before(1000).1, 24);
    }

    #[test]
    fn places_take_no_more_memory_than_they_may() {
        for (units, most) in [(1, 0), (100, 50), (768, 4096), (768, 800), (3, 100)] {
            let mut learning = Learning::new(units, most);
            (0..units).for_each(|unit| learning.note(unit, 0, [0; 3].into_iter()));
            let places = learning.finish(&[], 0, false).unwrap();
            assert!(places.fit(units, 0) && places.starts.len() * 16 <= most.max(16), "{units} {most}");
        }
    }
}
