//! Compiles one plain loop for every instruction set and picks at run time. Knows no loop.
//!
//! All versions are the same Rust text, and Rust neither reorders nor contracts floating-point operations, so all give the same
//! bytes.

/// `wide! { fn fast / plain(args) { body } }` makes `plain`, the loop as written, and `fast`, which runs it compiled for the
/// current [`Isa`](crate::isa::Isa). Bodies are loops over slices and arrays; closures and adaptors that are compiled apart from
/// them would stay narrow.
macro_rules! wide {
    ($(#[$about:meta])* $vis:vis fn $fast:ident / $plain:ident $(<$(const $n:ident: usize),+>)? ($($arg:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        #[inline(always)]
        fn $plain $(<$(const $n: usize),+>)? ($($arg: $kind),*) $(-> $result)? $body

        $(#[$about])*
        $vis fn $fast $(<$(const $n: usize),+>)? ($($arg: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,avx512f,avx512vl,avx512bw,avx512dq")]
            fn avx512 $(<$(const $n: usize),+>)? ($($arg: $kind),*) $(-> $result)? {
                $plain $(::<$($n),+>)? ($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
            fn avx2 $(<$(const $n: usize),+>)? ($($arg: $kind),*) $(-> $result)? {
                $plain $(::<$($n),+>)? ($($arg),*)
            }
            match $crate::isa::Isa::current() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a current Isa is one that the processor was found to have.
                $crate::isa::Isa::Avx512 => unsafe { avx512 $(::<$($n),+>)? ($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::isa::Isa::Avx2 => unsafe { avx2 $(::<$($n),+>)? ($($arg),*) },
                _ => $plain $(::<$($n),+>)? ($($arg),*),
            }
        }
    };
}
