//! Numbers of 16 bits with the exponent of an f32 (bfloat16) and the products of pairs of them. Knows slices.
//!
//! A *pair* is 32 bits: the number with the even place below, the one with the odd place above. Here pairs lie in slices of f32,
//! as bits that mean nothing as such. A product of pairs is `sum + odd·odd`, rounded, `+ even·even`, rounded, and numbers that are
//! too small to be normal are 0 before and after each: what `VDPBF16PS` of AVX512_BF16 does. The other instruction sets compute
//! the same bits, slowly.

use super::per_isa::per_isa;
use crate::isa::Isa;

/// How wide the factors of products are. Sums have 32 bits in either case, and so have weights and activations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits: 8 of them for the digits, so that a factor is right to 0.4 %.
    Bf16,
}

impl Precision {
    /// How many products one step of a chain takes.
    pub(super) fn together(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
        }
    }
}

/// The bits of the nearest number of 16 bits, even where two are as near; 0 where `value` is not normal.
#[inline(always)]
pub(super) fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let (sign, quiet) = (bits >> 16 & 0x8000, bits >> 16 | 0x40);
    let number = if bits & 0x7f80_0000 == 0 { sign } else { nearest };
    if bits & 0x7fff_ffff > 0x7f80_0000 { quiet } else { number }
}

/// A pair as bits.
#[inline(always)]
pub(super) fn pair(even: f32, odd: f32) -> f32 {
    f32::from_bits(rounded(even) | rounded(odd) << 16)
}

/// `value`, or a zero of its sign where it is not normal.
#[inline(always)]
fn flushed(value: f32) -> f32 {
    if value.to_bits() & 0x7f80_0000 == 0 { f32::from_bits(value.to_bits() & 0x8000_0000) } else { value }
}

/// `sum` and the products of two pairs: what all instruction sets compute.
#[inline(always)]
pub(super) fn dot_pair(a: f32, b: f32, sum: f32) -> f32 {
    let halves = |pair: f32| [f32::from_bits(pair.to_bits() & 0xffff_0000), f32::from_bits(pair.to_bits() << 16)];
    let (a, b) = (halves(a), halves(b));
    let sum = flushed(a[0].mul_add(b[0], flushed(sum)));
    flushed(a[1].mul_add(b[1], sum))
}

/// Whether products of pairs have an instruction with `isa`.
pub(super) fn has_instruction(isa: Isa) -> bool {
    #[cfg(target_arch = "x86_64")]
    return isa == Isa::Avx512 && is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

per_isa! {
    /// Neighbours of a row become pairs: `to[i]` is of `from[2i]` and `from[2i + 1]`, or 0 where the row has ended.
    pub fn pair_neighbours(from: &[f32], to: &mut [f32]) {
        let (pairs, rest) = from.as_chunks::<2>();
        for (pair_of, to) in pairs.iter().zip(to.iter_mut()) {
            *to = pair(pair_of[0], pair_of[1]);
        }
        if let (&[last], Some(to)) = (rest, to.get_mut(pairs.len())) {
            *to = pair(last, 0.0);
        }
    }
}

per_isa! {
    /// Two rows become one of pairs: `to[i]` is of `even[i]` and `odd[i]`.
    pub fn pair_rows(even: &[f32], odd: &[f32], to: &mut [f32]) {
        for ((&even, &odd), to) in even.iter().zip(odd).zip(to) {
            *to = pair(even, odd);
        }
    }
}

per_isa! {
    /// One row becomes pairs with 0 above.
    pub fn pair_with_zero(even: &[f32], to: &mut [f32]) {
        for (&even, to) in even.iter().zip(to) {
            *to = pair(even, 0.0);
        }
    }
}

per_isa! {
    /// Two rows each of `row` numbers become one of pairs; a last one without a second becomes pairs with 0 above.
    pub fn pair_planes(from: &[f32], row: usize, to: &mut [f32]) {
        for (both, to) in from.chunks(2 * row).zip(to.chunks_exact_mut(row)) {
            let (even, odd) = both.split_at(row);
            if odd.is_empty() {
                even.iter().zip(to).for_each(|(&even, to)| *to = pair(even, 0.0));
            } else {
                even.iter().zip(odd).zip(to).for_each(|((&even, &odd), to)| *to = pair(even, odd));
            }
        }
    }
}

per_isa! {
    /// Every number becomes a pair with the one behind it, the last one a pair with 0.
    pub fn pair_next(from: &[f32], to: &mut [f32]) {
        for ((&this, &next), to) in from.iter().zip(from.iter().skip(1)).zip(to.iter_mut()) {
            *to = pair(this, next);
        }
        if let (Some(&last), Some(to)) = (from.last(), to.last_mut()) {
            *to = pair(last, 0.0);
        }
    }
}

per_isa! {
    /// Two rows of pairs of neighbours, which hold 2n numbers each, become 2n pairs of numbers above each other.
    pub fn pair_across(even: &[f32], odd: &[f32], to: &mut [f32]) {
        for ((&even, &odd), to) in even.iter().zip(odd).zip(to.as_chunks_mut::<2>().0) {
            let (even, odd) = (even.to_bits(), odd.to_bits());
            to[0] = f32::from_bits(even & 0xffff | odd << 16);
            to[1] = f32::from_bits(even >> 16 | odd & 0xffff_0000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;
    use proptest::prelude::*;

    #[test]
    fn numbers_round_to_the_nearest_and_ties_to_even() {
        for (value, bits) in [
            (1.0, 0x3f80),
            (-1.0, 0xbf80),
            (1.0 + 1.0 / 256.0, 0x3f80),
            (1.0 + 3.0 / 256.0, 0x3f82),
            (1.0 + 1.1 / 256.0, 0x3f81),
            (f32::MAX, 0x7f80),
            (f32::INFINITY, 0x7f80),
            (1e-39, 0),
            (-1e-39, 0x8000),
            (0.0, 0),
        ] {
            assert_eq!(rounded(value), bits, "{value}");
        }
        assert!(
            f32::from_bits(rounded(f32::NAN) << 16).is_nan() && f32::from_bits(rounded(f32::from_bits(0x7f80_0001)) << 16).is_nan()
        );
    }

    proptest! {
        #[test]
        fn every_isa_pairs_alike(values in proptest::collection::vec(any::<u32>(), 0..70)) {
            let values: Vec<f32> = values.into_iter().map(f32::from_bits).collect();
            let bits = |made: &[f32]| made.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let (even, odd) = values.split_at(values.len() / 2);
            let all = |isa| only(isa, || {
                let lens = [values.len().div_ceil(2), even.len(), even.len(), 2 * even.len(), values.len().div_ceil(2), values.len()];
                let mut to = lens.map(|len| vec![0.0; len]);
                pair_neighbours(&values, &mut to[0]);
                pair_rows(even, odd, &mut to[1]);
                pair_with_zero(even, &mut to[2]);
                pair_across(even, odd, &mut to[3]);
                pair_planes(&values, 1, &mut to[4]);
                pair_next(&values, &mut to[5]);
                to.map(|made| bits(&made))
            });
            let plain = all(Isa::Plain);
            prop_assert!(Isa::available().into_iter().all(|isa| all(isa) == plain));
            prop_assert!(plain[4] == plain[0] && plain[0].iter().eq(plain[5].iter().step_by(2)));
            prop_assert!(plain[1].iter().zip(even).all(|(pair, even)| pair & 0xffff == rounded(*even)));
        }
    }
}
