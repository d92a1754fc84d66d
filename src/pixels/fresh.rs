//! Buffers that are written once, without being cleared first, and copies into them. Knows no image.

use std::mem::MaybeUninit;

/// A buffer of `length` bytes, as `write` leaves them.
///
/// # Safety
/// `write` must write every byte.
pub(super) unsafe fn written(length: usize, write: impl FnOnce(&mut [MaybeUninit<u8>])) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    write(&mut bytes.spare_capacity_mut()[..length]);
    // SAFETY: there is room for them, and the caller answers for their having been written.
    unsafe { bytes.set_len(length) };
    bytes
}

/// Bytes that are copied at once, in two steps, in which compilers do not see the library's copy again.
const WIDE: usize = 128;

wide! {
    /// Copies bytes from the first to the last; both slices are of one length.
    ///
    /// The library's copy goes backwards where addresses ask for it, and memory that is read backwards comes at half the speed.
    pub(super) fn copy / copy_plain(from: &[u8], to: &mut [MaybeUninit<u8>]) {
        let (blocks, rest) = from.as_chunks::<WIDE>();
        let (to_blocks, to_rest) = to.as_chunks_mut::<WIDE>();
        for (from, to) in blocks.iter().zip(to_blocks) {
            let half = WIDE / 2;
            let (from, to) = (from.as_ptr(), to.as_mut_ptr().cast::<u8>());
            // SAFETY: twice the half of a block, which both have.
            unsafe {
                to.copy_from_nonoverlapping(from, half);
                to.add(half).copy_from_nonoverlapping(from.add(half), half);
            }
        }
        put(rest, to_rest);
    }
}

/// Copies bytes of which there are few; both slices are of one length.
#[inline(always)]
pub(super) fn put(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    assert_eq!(from.len(), to.len());
    // SAFETY: both have as many bytes, as the line above makes sure.
    unsafe { to.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(from.as_ptr(), from.len()) };
}

/// Copies bytes that are as many as a few blocks of a picture have in a row: lengths that are seen beforehand need no call.
#[inline(always)]
pub(super) fn copy_short(from: &[u8], to: &mut [u8]) {
    match from.len() {
        8 => copy_all::<8>(from, to),
        16 => copy_all::<16>(from, to),
        32 => copy_all::<32>(from, to),
        64 => copy_all::<64>(from, to),
        _ => to.copy_from_slice(from),
    }
}

#[inline(always)]
fn copy_all<const N: usize>(from: &[u8], to: &mut [u8]) {
    match (<&[u8; N]>::try_from(from), <&mut [u8; N]>::try_from(&mut *to)) {
        (Ok(from), Ok(to)) => *to = *from,
        _ => to.copy_from_slice(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    #[test]
    fn short_copies_are_whole() {
        for length in 0..70 {
            let bytes: Vec<u8> = (1..=length).collect();
            let mut copied = vec![0; bytes.len()];
            copy_short(&bytes, &mut copied);
            assert_eq!(copied, bytes);
        }
    }

    #[test]
    fn copies_of_every_length_are_whole() {
        for length in (0..300).chain([1_000, 4_096, 5_001]) {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 7 % 251) as u8).collect();
            for isa in Isa::available() {
                // SAFETY: the copy is of the whole length.
                let copied = only(isa, || unsafe { written(length, |to| copy(&bytes, to)) });
                assert_eq!(copied, bytes, "{isa:?}");
            }
        }
    }
}
