//! Compiles one plain loop twice, once for the baseline and once for wide registers, and picks at run time. Knows no loop.
//!
//! Both are the same Rust text, and Rust neither reorders nor contracts floating-point operations, so both give the same bytes.

/// `twice! { fn fast / plain(args) { body } }` makes `plain`, the loop as written, and `fast`, which runs it compiled for AVX2
/// and FMA where the processor has them. Bodies are loops over slices and arrays; closures and adaptors that are compiled apart
/// from them would stay narrow.
macro_rules! twice {
    ($(#[$about:meta])* fn $fast:ident / $plain:ident $(<$(const $n:ident: usize),+>)? ($($arg:ident: $kind:ty),* $(,)?) $body:block) => {
        #[inline(always)]
        fn $plain $(<$(const $n: usize),+>)? ($($arg: $kind),*) $body

        $(#[$about])*
        fn $fast $(<$(const $n: usize),+>)? ($($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn compiled_wide $(<$(const $n: usize),+>)? ($($arg: $kind),*) {
                    $plain $(::<$($n),+>)? ($($arg),*);
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: both features that `compiled_wide` is compiled for have just been found on this processor.
                    return unsafe { compiled_wide $(::<$($n),+>)? ($($arg),*) };
                }
            }
            $plain $(::<$($n),+>)? ($($arg),*);
        }
    };
}
