//! The two-dimensional transforms of Winograd's minimal filtering in six points, on vectors of channels. Knows one tile.
//!
//! Points are 0, ±√½, ±√2 and infinity (Toom and Cook's construction; Lavin and Gray 2016, arXiv:1509.09308; these points keep
//! numbers of one size). With them a kernel of 3 gives 4 outputs at a time and one of 5 gives 2: both see 6 inputs, so that the
//! input's transform is the same. Every sum is written out in one order for all instruction sets.

#![allow(clippy::needless_range_loop)] // rows and columns of small matrices, by their numbers

use crate::isa::Isa;
use crate::kernel::bf16;
use crate::kernel::lanes::Lanes;
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Inputs of a tile in one direction.
pub const SIZE: usize = 6;
/// Numbers that a tile becomes.
pub const AREA: usize = SIZE * SIZE;
/// Channels beside each other.
pub const BESIDE: usize = 16;

/// The points but for infinity.
const POINTS: [f64; 5] =
    [0.0, std::f64::consts::FRAC_1_SQRT_2, -std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::SQRT_2, -std::f64::consts::SQRT_2];

const fn power(point: usize, exponent: usize) -> f64 {
    let (mut value, mut count) = (1.0, 0);
    while count < exponent {
        value *= POINTS[point];
        count += 1;
    }
    value
}

/// The points' powers from 0 to 3.
const POWERS: [[f32; 4]; 5] = {
    let mut powers = [[0.0; 4]; 5];
    let mut at = 0;
    while at < 20 {
        powers[at / 4][at % 4] = power(at / 4, at % 4) as f32;
        at += 1;
    }
    powers
};

/// What the kernel's values at each point are divided by: the products of the point's distances to the others.
const SHARE: [f64; 5] = [1.0, -2.0 / 3.0, -2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0];

/// What a kernel's number `place` adds to point `point`.
pub const fn kernel_factor(point: usize, place: usize, kernel: usize) -> f32 {
    if point == SIZE - 1 {
        return if place + 1 == kernel { 1.0 } else { 0.0 };
    }
    (SHARE[point] * power(point, place)) as f32
}

/// Six values at the points, from six inputs.
///
/// # Safety
/// The processor has the instructions, here and below.
#[inline(always)]
unsafe fn input<V: Lanes>(d: [V; SIZE]) -> [V; SIZE] {
    // SAFETY: the caller's promise.
    unsafe {
        let (small, large) = (V::splat(FRAC_1_SQRT_2), V::splat(SQRT_2));
        let even = [V::splat(-2.0).mul_add(d[2], d[4]), V::splat(-0.5).mul_add(d[2], d[4])];
        let odd = [small.mul_add(d[3], V::splat(-SQRT_2).mul(d[1])), large.mul_add(d[3], V::splat(-FRAC_1_SQRT_2).mul(d[1]))];
        let wide = V::splat(-2.5);
        [
            wide.mul_add(d[2], d[0]).add(d[4]),
            even[0].add(odd[0]),
            even[0].sub(odd[0]),
            even[1].add(odd[1]),
            even[1].sub(odd[1]),
            wide.mul_add(d[3], d[1]).add(d[5]),
        ]
    }
}

/// `M` outputs from six sums of products at the points.
///
/// # Safety
/// See [`input`].
#[inline(always)]
unsafe fn output<V: Lanes, const M: usize>(m: [V; SIZE]) -> [V; M] {
    // SAFETY: the caller's promise.
    unsafe {
        let sums = [m[1].add(m[2]), m[3].add(m[4])];
        let differences = [m[1].sub(m[2]), m[3].sub(m[4])];
        let mut outputs = [m[0].add(sums[0]).add(sums[1]); M];
        let mut power = 1;
        while power < M {
            let of = if power % 2 == 0 { sums } else { differences };
            outputs[power] = V::splat(POWERS[3][power]).mul_add(of[1], V::splat(POWERS[1][power]).mul(of[0]));
            power += 1;
        }
        outputs[M - 1] = outputs[M - 1].add(m[5]);
        outputs
    }
}

/// One direction of a transform to the points, from `N` numbers.
trait ToPoints<const N: usize> {
    /// # Safety
    /// See [`input`].
    unsafe fn apply<V: Lanes>(from: [V; N]) -> [V; SIZE];
}

struct Input;

impl ToPoints<SIZE> for Input {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(from: [V; SIZE]) -> [V; SIZE] {
        // SAFETY: the caller's promise.
        unsafe { input(from) }
    }
}

/// The transpose of [`output`]: six values from the gradient of outputs.
struct OutputGradient;

impl ToPoints<2> for OutputGradient {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(y: [V; 2]) -> [V; SIZE] {
        // SAFETY: the caller's promise.
        unsafe {
            let odd = [V::splat(POWERS[1][1]).mul(y[1]), V::splat(POWERS[3][1]).mul(y[1])];
            [y[0], y[0].add(odd[0]), y[0].sub(odd[0]), y[0].add(odd[1]), y[0].sub(odd[1]), y[1]]
        }
    }
}

impl ToPoints<4> for OutputGradient {
    #[inline(always)]
    unsafe fn apply<V: Lanes>(y: [V; 4]) -> [V; SIZE] {
        // SAFETY: the caller's promise.
        unsafe {
            let even = [V::splat(POWERS[1][2]).mul_add(y[2], y[0]), V::splat(POWERS[3][2]).mul_add(y[2], y[0])];
            let odd = [
                V::splat(POWERS[1][3]).mul_add(y[3], V::splat(POWERS[1][1]).mul(y[1])),
                V::splat(POWERS[3][3]).mul_add(y[3], V::splat(POWERS[3][1]).mul(y[1])),
            ];
            [y[0], even[0].add(odd[0]), even[0].sub(odd[0]), even[1].add(odd[1]), even[1].sub(odd[1]), y[3]]
        }
    }
}

/// Where vectors of [`BESIDE`] channels lie: those of a picture, with floats from one row to the next, and those of the points,
/// with numbers from one to the next, which have 32 bits, or 16 where a function is told so.
#[derive(Clone, Copy)]
pub struct Way {
    pub pixels: *const f32,
    pub pitch: usize,
    pub points: *mut f32,
    pub step: usize,
}

/// Both directions of a square of `N` pixels to the points. Loops instead of closures: these would not be compiled for the
/// instruction set of the function around them.
///
/// # Safety
/// As [`read`], here and below.
#[inline(always)]
unsafe fn to_points<V: Lanes, const N: usize, const BF16: bool, T: ToPoints<N>>(way: Way) {
    // SAFETY: the caller's promise.
    unsafe {
        for lane in (0..BESIDE).step_by(V::COUNT) {
            let zero = V::splat(0.0);
            let mut columns = [[zero; SIZE]; N];
            for column in 0..N {
                let mut pixels = [zero; N];
                for row in 0..N {
                    pixels[row] = V::load(way.pixels.add(row * way.pitch + column * BESIDE + lane));
                }
                columns[column] = T::apply(pixels);
            }
            for row in 0..SIZE {
                let mut values = [zero; N];
                for column in 0..N {
                    values[column] = columns[column][row];
                }
                let values = T::apply(values);
                for column in 0..SIZE {
                    let at = (row * SIZE + column) * way.step + lane;
                    if BF16 {
                        values[column].store_bf16(way.points.cast::<u16>().add(at));
                    } else {
                        values[column].store(way.points.add(at));
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn read_tile<V: Lanes, const M: usize, const BF16: bool>(way: Way) {
    // SAFETY: the caller's promise.
    unsafe { to_points::<V, SIZE, BF16, Input>(way) }
}

#[inline(always)]
unsafe fn read_gradient<V: Lanes, const M: usize, const BF16: bool>(way: Way) {
    // SAFETY: the caller's promise.
    unsafe {
        match M {
            2 => to_points::<V, 2, BF16, OutputGradient>(way),
            _ => to_points::<V, 4, BF16, OutputGradient>(way),
        }
    }
}

#[inline(always)]
unsafe fn write_tile<V: Lanes, const M: usize, const BF16: bool>(way: Way) {
    // SAFETY: the caller's promise.
    unsafe {
        for lane in (0..BESIDE).step_by(V::COUNT) {
            let zero = V::splat(0.0);
            let mut columns = [[zero; M]; SIZE];
            for column in 0..SIZE {
                let mut points = [zero; SIZE];
                for row in 0..SIZE {
                    points[row] = V::load(way.points.add((row * SIZE + column) * way.step + lane));
                }
                columns[column] = output(points);
            }
            for row in 0..M {
                let mut values = [zero; SIZE];
                for column in 0..SIZE {
                    values[column] = columns[column][row];
                }
                let values: [V; M] = output(values);
                for column in 0..M {
                    values[column].store(way.pixels.cast_mut().add(row * way.pitch + column * BESIDE + lane));
                }
            }
        }
    }
}

/// One function of a tile, compiled for every instruction set; with 16 bits for AVX512_BF16, or a slower set where that is missing.
macro_rules! tile_function {
    ($(#[$meta:meta])* $name:ident, $body:ident) => {
        $(#[$meta])*
        pub unsafe fn $name<const M: usize, const BF16: bool>(isa: Isa, way: Way) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")]
            unsafe fn bf16<const M: usize, const BF16: bool>(way: Way) {
                // SAFETY: the caller's promise.
                unsafe { $body::<crate::kernel::lanes::Avx512, M, BF16>(way) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
            unsafe fn avx512<const M: usize, const BF16: bool>(way: Way) {
                // SAFETY: the caller's promise.
                unsafe { $body::<crate::kernel::lanes::Avx512, M, BF16>(way) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2<const M: usize, const BF16: bool>(way: Way) {
                // SAFETY: the caller's promise.
                unsafe { $body::<crate::kernel::lanes::Avx2, M, BF16>(way) }
            }
            // SAFETY: the caller's promise.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 if !BF16 => avx512::<M, BF16>(way),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 if bf16::has_instruction(isa) => bf16::<M, BF16>(way),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 | Isa::Avx2 => avx2::<M, BF16>(way),
                    _ => $body::<crate::kernel::lanes::Plain, M, BF16>(way),
                }
            }
        }
    };
}

tile_function! {
    /// Six by six vectors of inputs to the points; `M` plays no part.
    ///
    /// # Safety
    /// The vectors of the square of pixels and of all points can be read and written; `isa` is one that the processor has.
    read, read_tile
}
tile_function! {
    /// The gradient of `M` by `M` outputs, 2 or 4, to the points.
    ///
    /// # Safety
    /// As [`read`].
    read_back, read_gradient
}
tile_function! {
    /// Points to `M` by `M` outputs, 2 or 4: here points are read, of 32 bits, and pixels written.
    ///
    /// # Safety
    /// As [`read`].
    write, write_tile
}
