//! Which instructions the fast loops use, chosen once at run time. Knows nothing of what they compute.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A set of vector instructions that every fast loop has a version for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Isa {
    /// What the compiler's target has; on x86-64 without fused multiply-add, and so slow.
    Plain = 1,
    /// 8 lanes: AVX2 and FMA, and BMI, which came with them.
    Avx2 = 2,
    /// 16 lanes: AVX-512 F, VL, BW and DQ.
    Avx512 = 3,
}

static FORCED: AtomicU8 = AtomicU8::new(0);

impl Isa {
    /// Every set that this processor has, slowest first.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            let bits = is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
            let avx2 = bits && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
            if avx2 {
                found.push(Isa::Avx2);
            }
            if avx2 && avx512 && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq") {
                found.push(Isa::Avx512);
            }
        }
        found
    }

    /// The fastest set that this processor has, or the slower one that `AUGPIPE_ISA` (`plain`, `avx2`, `avx512`) asks for.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let limit = match std::env::var("AUGPIPE_ISA").as_deref() {
                Ok("plain") => Isa::Plain,
                Ok("avx2") => Isa::Avx2,
                _ => Isa::Avx512,
            };
            Isa::available().into_iter().filter(|&isa| isa <= limit).max().unwrap_or(Isa::Plain)
        })
    }

    /// The set in use now: [`Isa::best`], except within [`only`].
    pub fn current() -> Isa {
        match FORCED.load(Ordering::Relaxed) {
            1 => Isa::Plain,
            2 => Isa::Avx2,
            3 => Isa::Avx512,
            _ => Isa::best(),
        }
    }
}

/// Runs `work` with `isa`, or with the nearest slower set where this processor does not have it, on every thread.
///
/// Results do not depend on it (that is the law which this function exists to test), so what runs at the same time elsewhere
/// in the process only gets slower. Calls from several threads take turns.
pub fn only<T>(isa: Isa, work: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            FORCED.store(0, Ordering::Relaxed);
        }
    }
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _reset = Reset;
    let nearest = Isa::available().into_iter().filter(|&had| had <= isa).max().unwrap_or(Isa::Plain);
    FORCED.store(nearest as u8, Ordering::Relaxed);
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_holds_for_every_thread_and_ends() {
        let seen = only(Isa::Plain, || std::thread::spawn(Isa::current).join());
        assert_eq!(seen.ok(), Some(Isa::Plain));
        assert!(Isa::available().contains(&Isa::best()));
    }
}
