//! Asks for memory before it is wanted. Knows no image.

/// Asks for what stands `by` bytes after the beginning of `bytes`, to be near when it is wanted. Nothing may stand there.
#[inline(always)]
pub(super) fn ask(bytes: &[u8], by: isize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: asking for any place, be it nowhere, reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_offset(by).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, by);
}
