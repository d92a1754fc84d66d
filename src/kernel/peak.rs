//! What this machine's arithmetic can do at most: chains of fused multiply-adds that never leave the registers. Knows no layer.

use super::lanes::{Lanes, Plain};
use crate::isa::Isa;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Chains that run beside each other: more than the units have stages, fewer than there are registers.
const CHAINS: usize = 12;
/// Links of each chain between two looks at the clock.
const LINKS: usize = 20_000;

/// `LINKS` multiply-adds of every chain; gives something that depends on all of them.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
unsafe fn body<L: Lanes>(value: f32) -> f32 {
    // SAFETY: the caller's promise; `out` has room for the widest vector.
    unsafe {
        let (factor, term) = (L::splat(0.999_9 * value), L::splat(0.001 * value));
        let mut sums = [L::splat(value); CHAINS];
        for _ in 0..LINKS {
            for sum in &mut sums {
                *sum = sum.mul_add(factor, term);
            }
        }
        let mut out = [0.0f32; 16];
        sums[1..].iter().fold(sums[0], |all, sum| all.add(*sum)).store(out.as_mut_ptr());
        out[0]
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(value: f32) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { body::<super::lanes::Avx2>(value) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
unsafe fn avx512(value: f32) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { body::<super::lanes::Avx512>(value) }
}

/// One round; gives the floating-point operations that it made.
fn round(isa: Isa) -> u64 {
    let value = black_box(1.0);
    let (result, lanes) = match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an Isa in use is one that the processor was found to have.
        Isa::Avx2 => (unsafe { avx2(value) }, 8),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx512 => (unsafe { avx512(value) }, 16),
        // SAFETY: plain lanes need no instructions.
        _ => (unsafe { body::<Plain>(value) }, Plain::COUNT),
    };
    black_box(result);
    (2 * lanes * CHAINS * LINKS) as u64
}

/// Floating-point operations a second of all threads of the current rayon pool together, a multiply-add counting two: every
/// thread's best round within `time`, added up. Instructions are those of [`Isa::current`].
pub fn flops_per_second(time: Duration) -> f64 {
    let isa = Isa::current();
    let best = |_: rayon::BroadcastContext<'_>| {
        let began = Instant::now();
        let mut best = 0.0f64;
        while best == 0.0 || began.elapsed() < time {
            let start = Instant::now();
            let made = round(isa);
            best = best.max(made as f64 / start.elapsed().as_secs_f64().max(1e-9));
        }
        best
    };
    rayon::broadcast(best).iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;

    #[test]
    fn every_instruction_set_has_a_peak() {
        for isa in Isa::available() {
            let peak = only(isa, || flops_per_second(Duration::from_millis(2)));
            assert!(peak.is_finite() && peak > 1e6, "{isa:?}: {peak}");
        }
    }
}
