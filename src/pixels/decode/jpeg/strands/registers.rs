//! Strands in the lanes of AVX-512's registers: all take a step together, which is one look-up each. Knows no picture.

use super::super::super::super::jpeg::transform::LANES;
use super::super::sequence::ALL;
use super::super::stream::Bits;
use super::entries::{BEFORE, BEGINS, ENDS, FIRST, GOES, LAST, OTHERS, REST, SECOND, Target, VALUE};
use super::state::{Each, SIDE_BY_SIDE, Strands, Work};
use std::arch::x86_64::*;

/// [`Strands`] in registers.
struct Registers {
    byte: __m512i,
    buffer: __m512i,
    count: __m512i,
    current: __m512i,
    next: __m512i,
    block: __m512i,
    dest: __m512i,
    at: __m512i,
    base: __m512i,
    first: __mmask8,
}

/// Places and values of two coefficients of each strand: a place in the lower half of a number, a value in the upper one.
#[repr(align(64))]
struct Puts([Each; 2]);

/// Steps until some strands have come to what is rare: a coefficient for which there is no entry, or their end. Says which.
#[target_feature(enable = "bmi1,bmi2,avx512f,avx512vl,avx512bw,avx512dq")]
pub(super) fn steps(strands: &mut Strands, work: &Work, numbers: &mut [i16]) -> u8 {
    assert!(work.differences + work.targets.len() <= numbers.len());
    let mut registers = Registers::load(strands);
    let mut puts = Puts([[0; SIDE_BY_SIDE]; 2]);
    let rare = 'all: loop {
        // A fill is enough for three steps, and of two steps one at most ends a block.
        for step in 0..6 {
            if step % 3 == 0 {
                registers.fill(&work.source.bits);
            }
            if step % 2 == 0 {
                registers.look_ahead(work.targets);
            }
            let rare = registers.step(work, &mut puts, numbers);
            if rare != 0 {
                break 'all rare;
            }
        }
    };
    registers.store(strands);
    rare
}

impl Registers {
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn load(from: &Strands) -> Self {
        // SAFETY: as many numbers are read as there are.
        let load = |numbers: &Each| unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        Self {
            byte: load(&from.byte),
            buffer: load(&from.buffer),
            count: load(&from.count),
            current: load(&from.current),
            next: load(&from.next),
            block: load(&from.block),
            dest: load(&from.dest),
            at: load(&from.at),
            base: load(&from.base),
            first: from.first,
        }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn store(&self, to: &mut Strands) {
        // SAFETY: as many numbers are written as there are.
        let store = |numbers: &mut Each, from| unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), from) };
        store(&mut to.byte, self.byte);
        store(&mut to.buffer, self.buffer);
        store(&mut to.count, self.count);
        store(&mut to.current, self.current);
        store(&mut to.next, self.next);
        store(&mut to.block, self.block);
        store(&mut to.dest, self.dest);
        store(&mut to.at, self.at);
        store(&mut to.base, self.base);
        to.first = self.first;
    }

    /// [`Bits::fill`].
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn fill(&mut self, bits: &Bits) {
        let inside = _mm512_cmplt_epu64_mask(self.byte, number(bits.end() as u64));
        let bytes = bits.padded();
        // SAFETY: eight bytes are read from places before the end, behind which as many follow.
        let words = unsafe { _mm512_mask_i64gather_epi64::<1>(number(0), inside, self.byte, bytes.as_ptr().cast()) };
        let swapped = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
        let words = _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(swapped));
        self.buffer = _mm512_or_si512(self.buffer, _mm512_srlv_epi64(words, self.count));
        let taken = _mm512_srli_epi64::<3>(_mm512_sub_epi64(number(63), self.count));
        self.byte = _mm512_add_epi64(self.byte, taken);
        self.count = _mm512_or_si512(self.count, number(56));
    }

    /// Reads the targets behind those that strands are at.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn look_ahead(&mut self, targets: &[Target]) {
        // SAFETY: a strand stops at the target behind its last block at the latest, and one more follows there.
        self.next = unsafe { _mm512_i64gather_epi64::<8>(self.block, targets.as_ptr().add(1).cast()) };
    }

    /// Every strand takes what an entry says; or none does, if there are rare ones, whose lanes are marked.
    #[target_feature(enable = "avx512f,avx512dq")]
    #[inline]
    fn step(&mut self, work: &Work, puts: &mut Puts, numbers: &mut [i16]) -> u8 {
        let index = _mm512_add_epi64(self.base, _mm512_srli_epi64::<54>(self.buffer));
        // SAFETY: a base is where a table begins, within which any 10 bits are; or it is 0, and so are the bits.
        let entry = unsafe { _mm512_i64gather_epi64::<8>(index, work.entries.all.as_ptr().cast()) };
        let after = _mm512_add_epi64(self.at, part::<GOES>(entry, 0x3ff));
        let rare = _mm512_cmpgt_epu64_mask(after, number(ALL as u64));
        if rare != 0 {
            return rare;
        }
        self.put(entry, puts, numbers);
        let taken = part::<0>(entry, 0xff);
        self.buffer = _mm512_sllv_epi64(self.buffer, taken);
        self.count = _mm512_sub_epi64(self.count, taken);
        // Where it was a first coefficient, others follow.
        self.dest = _mm512_mask_and_epi64(self.dest, self.first, self.current, number(LAST));
        self.base = _mm512_mask_mov_epi64(self.base, self.first, part::<OTHERS>(self.current, 0xffff));
        // Where a block has ended, the next one begins.
        self.first = _mm512_test_epi64_mask(entry, number(ENDS)) | _mm512_cmpeq_epi64_mask(after, number(ALL as u64));
        self.at = _mm512_mask_mov_epi64(after, self.first, number(LANES as u64));
        self.block = _mm512_mask_add_epi64(self.block, self.first, self.block, number(1));
        self.current = _mm512_mask_mov_epi64(self.current, self.first, self.next);
        let differences = number((work.differences - LANES) as u64);
        self.dest = _mm512_mask_add_epi64(self.dest, self.first, self.block, differences);
        self.base = _mm512_mask_mov_epi64(self.base, self.first, _mm512_srli_epi64::<BEGINS>(self.next));
        0
    }

    /// Puts the coefficients of `entry` where they belong.
    #[target_feature(enable = "avx512f,avx512dq")]
    #[inline]
    fn put(&self, entry: __m512i, puts: &mut Puts, numbers: &mut [i16]) {
        let at = _mm512_add_epi64(self.dest, self.at);
        let first = _mm512_add_epi64(at, part::<FIRST>(entry, 0x1ff));
        let second = _mm512_add_epi64(at, part::<SECOND>(entry, 0x3ff));
        let ahead = _mm512_sllv_epi64(self.buffer, part::<BEFORE>(entry, 0xff));
        let rest = part::<REST>(entry, 0xff);
        let value = _mm512_srlv_epi64(ahead, rest);
        // A leading 0 says that a number of ones is to be taken off.
        let below = _mm512_cmpge_epi64_mask(ahead, number(0));
        let value = _mm512_mask_sub_epi64(value, below, value, _mm512_srlv_epi64(number(u64::MAX), rest));
        let both = [
            _mm512_or_si512(first, _mm512_slli_epi64::<32>(_mm512_srai_epi64::<VALUE>(entry))),
            _mm512_or_si512(second, _mm512_slli_epi64::<32>(value)),
        ];
        for (puts, both) in puts.0.iter_mut().zip(both) {
            // SAFETY: as many numbers are written as there are.
            unsafe { _mm512_store_si512(puts.as_mut_ptr().cast(), both) };
        }
        // Through memory: lane by lane out of registers takes several times as long.
        for &put in std::hint::black_box(&mut *puts).0.as_flattened() {
            let (place, value) = (put as u32 as usize, (put >> 32) as i16);
            debug_assert!(place < numbers.len());
            // SAFETY: an entry goes at least as far as its places, and within the block; blocks begin at the places of targets, the spare
            // one or one of as many differences as there are targets, all in `numbers`.
            unsafe { *numbers.get_unchecked_mut(place) = value };
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn number(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

/// The part of `entries` that begins at bit `FROM`.
#[target_feature(enable = "avx512f")]
#[inline]
fn part<const FROM: u32>(entries: __m512i, most: u64) -> __m512i {
    _mm512_and_si512(_mm512_srli_epi64::<FROM>(entries), number(most))
}
