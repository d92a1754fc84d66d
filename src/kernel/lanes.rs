//! Vectors of f32 for register tiles: load, store, copy to every lane, the arithmetic of a lane, and nothing else.

use super::bf16::{dot_pair, rounded};

/// A vector of [`Lanes::COUNT`] floats.
pub(super) trait Lanes: Copy {
    /// Number of lanes.
    const COUNT: usize;
    /// The floats at `from`.
    ///
    /// # Safety
    /// `COUNT` floats can be read there; the processor has the instructions.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the floats to `to`.
    ///
    /// # Safety
    /// `COUNT` floats can be written there; the processor has the instructions.
    unsafe fn store(self, to: *mut f32);
    /// `value` in every lane.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn splat(value: f32) -> Self;
    /// `self · factor + sum`, rounded once.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// `self + other`.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn sub(self, other: Self) -> Self;
    /// `self · other`.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn mul(self, other: Self) -> Self;
    /// `sum` and the products of pairs: see [`super::bf16`].
    ///
    /// # Safety
    /// The processor has the instructions, for 16 lanes AVX512_BF16 too.
    unsafe fn dot_pairs(self, factor: Self, sum: Self) -> Self;
    /// Writes the floats as numbers of 16 bits to `to`.
    ///
    /// # Safety
    /// `COUNT` numbers can be written there; as [`Lanes::dot_pairs`].
    unsafe fn store_bf16(self, to: *mut u16);
}

/// Lanes of plain Rust: what the other kinds mean.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 4]);

impl Lanes for Plain {
    const COUNT: usize = 4;
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array of f32 has the alignment of f32.
        Self(unsafe { from.cast::<[f32; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in load.
        unsafe { to.cast::<[f32; 4]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], sum.0[lane])))
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] - other.0[lane]))
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * other.0[lane]))
    }

    #[inline(always)]
    unsafe fn dot_pairs(self, factor: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|lane| dot_pair(self.0[lane], factor.0[lane], sum.0[lane])))
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[u16; 4]>().write_unaligned(self.0.map(|value| rounded(value) as u16)) }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Lanes, dot_pair, rounded};
    use std::arch::x86_64::*;

    /// 8 lanes.
    #[derive(Clone, Copy)]
    pub(in crate::kernel) struct Avx2(__m256);

    impl Lanes for Avx2 {
        const COUNT: usize = 8;
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise, here and below.
            Self(unsafe { _mm256_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see load.
            unsafe { _mm256_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm256_set1_ps(value) })
        }
        #[inline(always)]
        unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, sum.0) })
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm256_sub_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm256_mul_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn dot_pairs(self, factor: Self, sum: Self) -> Self {
            let lanes = |of: Self| {
                // SAFETY: 8 floats either way.
                unsafe { std::mem::transmute::<__m256, [f32; 8]>(of.0) }
            };
            let (a, b, mut sums) = (lanes(self), lanes(factor), lanes(sum));
            for lane in 0..8 {
                sums[lane] = dot_pair(a[lane], b[lane], sums[lane]);
            }
            // SAFETY: as above.
            Self(unsafe { std::mem::transmute::<[f32; 8], __m256>(sums) })
        }

        #[inline(always)]
        unsafe fn store_bf16(self, to: *mut u16) {
            // SAFETY: 8 floats either way, and the caller's promise.
            unsafe {
                let lanes = std::mem::transmute::<__m256, [f32; 8]>(self.0);
                let mut numbers = [0; 8];
                for lane in 0..8 {
                    numbers[lane] = rounded(lanes[lane]) as u16;
                }
                to.cast::<[u16; 8]>().write_unaligned(numbers);
            }
        }
    }

    /// 16 lanes.
    #[derive(Clone, Copy)]
    pub(in crate::kernel) struct Avx512(__m512);

    impl Lanes for Avx512 {
        const COUNT: usize = 16;
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise, here and below.
            Self(unsafe { _mm512_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see load.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm512_set1_ps(value) })
        }
        #[inline(always)]
        unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, sum.0) })
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm512_sub_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            // SAFETY: see load.
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn dot_pairs(self, factor: Self, sum: Self) -> Self {
            // SAFETY: see load; a vector of pairs is 512 bits.
            unsafe {
                let pairs = [self.0, factor.0].map(|pairs| std::mem::transmute::<__m512, __m512bh>(pairs));
                Self(_mm512_dpbf16_ps(sum.0, pairs[0], pairs[1]))
            }
        }

        #[inline(always)]
        unsafe fn store_bf16(self, to: *mut u16) {
            // SAFETY: see load; 16 numbers are 256 bits.
            unsafe {
                let numbers = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(self.0));
                _mm256_storeu_si256(to.cast(), numbers);
            }
        }
    }
}
