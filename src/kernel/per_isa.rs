//! Compiles one loop for every instruction set. Knows no loop.

/// Compiles one plain Rust body once for every [`Isa`], and calls the version for the current one.
///
/// The compiler may use wider vectors but never contracts or reorders float operations, so all versions give the same bits.
macro_rules! per_isa {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body($($arg: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,avx512f,avx512vl,avx512bw,avx512dq")]
            fn avx512($($arg: $type),*) $(-> $result)? {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
            fn avx2($($arg: $type),*) $(-> $result)? {
                body($($arg),*)
            }
            match $crate::isa::Isa::current() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a current Isa is one that the processor was found to have.
                $crate::isa::Isa::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::isa::Isa::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    };
}
pub(crate) use per_isa;
