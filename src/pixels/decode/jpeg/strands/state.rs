//! What each strand is about to take, one by one: how it begins and ends, and what is rare on its way. Knows no picture.

use super::super::super::super::jpeg::transform::LANES;
use super::super::sequence::{ALL, take_difference, take_one};
use super::super::stream::{Bits, Position};
use super::band::{Band, Strand};
use super::entries::{BEGINS, Entries, OTHERS, Target, place, track};
use super::registers::steps;
use super::{Broken, Source};

/// Lanes of a register.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// A strand's end where there is no place.
const ANYWHERE: u64 = u64::MAX;

/// A number for each lane.
pub(super) type Each = [u64; SIDE_BY_SIDE];

/// What strands are read from, and where their blocks go.
pub(super) struct Work<'w> {
    pub source: &'w Source<'w>,
    pub entries: &'w Entries<'w>,
    pub targets: &'w [Target],
    pub spare: usize,
    pub differences: usize,
}

/// Takes the coefficients of all blocks of `band`: the first as differences.
pub(super) fn take(band: &mut Band, source: &Source, entries: &Entries) -> Result<(), Broken> {
    let Band { strands: waiting, targets, lanes, spare, differences, .. } = band;
    let numbers = lanes.as_flattened_mut().as_flattened_mut();
    let work = Work { source, entries, targets, spare: *spare, differences: *differences };
    let (mut waiting, mut strands) = (waiting.iter(), Strands::default());
    (0..SIDE_BY_SIDE).for_each(|lane| strands.begin(lane, waiting.next(), &work));
    while strands.busy != 0 {
        // SAFETY: the processor has the instructions, as `super::take` has asked.
        let rare = unsafe { steps(&mut strands, &work, numbers) };
        for lane in (0..SIDE_BY_SIDE).filter(|lane| rare >> lane & 1 == 1) {
            if strands.block[lane] == strands.last[lane] {
                strands.finish(lane, &work)?;
                strands.begin(lane, waiting.next(), &work);
            } else if strands.take(lane, &work, numbers)? {
                strands.enter(lane, strands.block[lane] as usize + 1, &work);
            }
        }
    }
    Ok(())
}

/// What each strand is about to take.
#[derive(Default)]
pub(super) struct Strands {
    /// Its [`Position`].
    pub byte: Each,
    pub buffer: Each,
    pub count: Each,
    /// Its target, the one behind it, and their number and that of its end.
    pub current: Each,
    pub next: Each,
    pub block: Each,
    pub last: Each,
    /// Bits of the source up to the place at its end, or [`ANYWHERE`].
    end: Each,
    /// Where the block's first number is, and how far on the next one belongs.
    pub dest: Each,
    pub at: Each,
    /// Where the entries begin that tell what comes.
    pub base: Each,
    /// Whether that is a block's first coefficient.
    pub first: u8,
    /// Whether it reads at all.
    pub busy: u8,
}

impl Strands {
    /// Begins with `strand`; without one, reads zeros for ever, for which an entry takes nothing.
    fn begin(&mut self, lane: usize, strand: Option<&Strand>, work: &Work) {
        let Some(strand) = strand else {
            self.keep(lane, Position { byte: work.source.bits.end(), buffer: 0, count: 0 });
            (self.block[lane], self.last[lane]) = (0, u64::MAX);
            (self.dest[lane], self.at[lane], self.base[lane]) = (work.spare as u64, LANES as u64, 0);
            self.first &= !(1 << lane);
            self.busy &= !(1 << lane);
            return;
        };
        self.keep(lane, work.source.from(&strand.start).position());
        self.last[lane] = strand.targets.end as u64;
        self.end[lane] = strand.end.map_or(ANYWHERE, |end| work.source.up_to(&end));
        self.busy |= 1 << lane;
        self.enter(lane, strand.targets.start, work);
    }

    /// Goes on with the block `block`.
    fn enter(&mut self, lane: usize, block: usize, work: &Work) {
        self.block[lane] = block as u64;
        self.current[lane] = work.targets[block];
        self.dest[lane] = (work.differences + block - LANES) as u64;
        self.at[lane] = LANES as u64;
        self.base[lane] = self.current[lane] >> BEGINS;
        self.first |= 1 << lane;
    }

    /// Refuses a strand that has not come to its end's place, or has taken bits that were never there.
    fn finish(&self, lane: usize, work: &Work) -> Result<(), Broken> {
        let bits = self.bits(lane, work);
        let is_there = [ANYWHERE, bits.taken()].contains(&self.end[lane]);
        if is_there && !bits.is_exhausted() { Ok(()) } else { Err(Broken::TooLong) }
    }

    fn keep(&mut self, lane: usize, position: Position) {
        (self.byte[lane], self.buffer[lane], self.count[lane]) = (position.byte as u64, position.buffer, position.count.into());
    }

    fn bits<'w>(&self, lane: usize, work: &'w Work) -> Bits<'w> {
        let position = Position { byte: self.byte[lane] as usize, buffer: self.buffer[lane], count: self.count[lane] as u32 };
        work.source.bits.placed(position)
    }

    /// Takes one coefficient for which there is no entry, and says whether the block ends.
    fn take(&mut self, lane: usize, work: &Work, numbers: &mut [i16]) -> Result<bool, Broken> {
        let mut bits = self.bits(lane, work);
        let (firsts, others) = work.entries.tables[track(self.current[lane])];
        let (dest, at) = (self.dest[lane] as usize, self.at[lane] as usize);
        let ended = if self.first >> lane & 1 == 1 {
            numbers[dest + at] = take_difference(&mut bits, firsts)? as i16;
            self.dest[lane] = place(self.current[lane]) as u64;
            self.base[lane] = self.current[lane] >> OTHERS & 0xffff;
            self.first &= !(1 << lane);
            false
        } else {
            let block = numbers[dest..].first_chunk_mut().ok_or(Broken::TooLong)?;
            let next = take_one(&mut bits, others, block, at)?.unwrap_or(ALL);
            if next > ALL {
                return Err(Broken::TooLong);
            }
            self.at[lane] = next as u64;
            next == ALL
        };
        bits.fill();
        if bits.is_exhausted() {
            return Err(Broken::TooLong);
        }
        self.keep(lane, bits.position());
        Ok(ended)
    }
}
