//! Turning rows into columns, in blocks that stay in registers. Moves floats and computes nothing.

use crate::isa::Isa;

/// `to[column · to_stride + row] = from[row · from_stride + column]` for every row and column.
///
/// # Panics
/// Where a slice is too short for its shape.
pub fn transpose(from: &[f32], from_stride: usize, rows: usize, columns: usize, to: &mut [f32], to_stride: usize) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(from.len() >= (rows - 1) * from_stride + columns && columns <= from_stride.max(columns));
    assert!(to.len() >= (columns - 1) * to_stride + rows);
    #[cfg(target_arch = "x86_64")]
    if Isa::current() == Isa::Avx512 {
        // SAFETY: the assertions above; the processor has AVX-512.
        return unsafe { lines((from.as_ptr(), from_stride), (rows, columns), (to.as_mut_ptr(), to_stride)) };
    }
    #[cfg(target_arch = "x86_64")]
    if Isa::current() == Isa::Avx2 {
        // SAFETY: the assertions above; the processor has AVX2.
        unsafe { blocks(from.as_ptr(), from_stride, (rows / 8, columns / 8), to.as_mut_ptr(), to_stride) };
        let (whole_rows, whole_columns) = (rows / 8 * 8, columns / 8 * 8);
        plain(from, from_stride, (whole_rows..rows, 0..columns), to, to_stride);
        plain(from, from_stride, (0..whole_rows, whole_columns..columns), to, to_stride);
        return;
    }
    plain(from, from_stride, (0..rows, 0..columns), to, to_stride);
}

/// All of it in blocks of 16 × 16 floats, those at the ends partly empty: whole cache lines are read and written, so that rows that
/// lie a multiple of a page apart do not take each other's places in the cache.
///
/// # Safety
/// That many rows and columns can be read and written at the given strides; the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn lines((from, from_stride): (*const f32, usize), (rows, columns): (usize, usize), (to, to_stride): (*mut f32, usize)) {
    for row in (0..rows).step_by(16) {
        for column in (0..columns).step_by(16) {
            let size = ((rows - row).min(16), (columns - column).min(16));
            // SAFETY: the caller's promise.
            unsafe {
                let way =
                    ((from.add(row * from_stride + column), from_stride), size, (to.add(column * to_stride + row), to_stride));
                match size {
                    (16, 16) => square::<true, true>(way),
                    (16, _) => square::<true, false>(way),
                    (_, 16) => square::<false, true>(way),
                    _ => square::<false, false>(way),
                }
            }
        }
    }
}

/// From where, with floats from row to row; rows and columns; and to where.
#[cfg(target_arch = "x86_64")]
type Way = ((*const f32, usize), (usize, usize), (*mut f32, usize));

/// Up to 16 × 16 floats: all `ROWS`, all `COLUMNS`, or fewer. What is whole goes without masks: a masked load waits until what was
/// stored there before has left for the cache.
///
/// # Safety
/// That many rows and columns can be read and written at the given strides.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn square<const ROWS: bool, const COLUMNS: bool>(((from, from_stride), (rows, columns), (to, to_stride)): Way) {
    use std::arch::x86_64::*;
    let [written, read] = [rows, columns].map(|count| ((1u32 << count) - 1) as __mmask16);
    // SAFETY: the caller's promise; masks leave out what lies beyond.
    unsafe {
        let row: [__m512; 16] = std::array::from_fn(|i| match (ROWS || i < rows, COLUMNS) {
            (true, true) => _mm512_loadu_ps(from.add(i * from_stride)),
            (true, false) => _mm512_maskz_loadu_ps(read, from.add(i * from_stride)),
            (false, _) => _mm512_setzero_ps(),
        });
        let pair: [__m512; 16] = std::array::from_fn(|i| match i % 2 {
            0 => _mm512_unpacklo_ps(row[i], row[i + 1]),
            _ => _mm512_unpackhi_ps(row[i - 1], row[i]),
        });
        // quad[4q + c] holds columns c, c + 4, c + 8 and c + 12 of rows 4q to 4q + 3.
        let quad: [__m512; 16] = std::array::from_fn(|i| {
            let (low, high) = (pair[i / 4 * 4 + i % 4 / 2], pair[i / 4 * 4 + 2 + i % 4 / 2]);
            match i % 2 {
                0 => _mm512_shuffle_ps::<0x44>(low, high),
                _ => _mm512_shuffle_ps::<0xEE>(low, high),
            }
        });
        for c in 0..4 {
            // Of rows 0 to 7 and 8 to 15: columns c and c + 8, and columns c + 4 and c + 12.
            let even = [0, 8].map(|half| _mm512_shuffle_f32x4::<0x88>(quad[half + c], quad[half + 4 + c]));
            let odd = [0, 8].map(|half| _mm512_shuffle_f32x4::<0xDD>(quad[half + c], quad[half + 4 + c]));
            let made = [
                (c, _mm512_shuffle_f32x4::<0x88>(even[0], even[1])),
                (c + 4, _mm512_shuffle_f32x4::<0x88>(odd[0], odd[1])),
                (c + 8, _mm512_shuffle_f32x4::<0xDD>(even[0], even[1])),
                (c + 12, _mm512_shuffle_f32x4::<0xDD>(odd[0], odd[1])),
            ];
            for (column, values) in made {
                match (ROWS, COLUMNS || column < columns) {
                    (true, true) => _mm512_storeu_ps(to.add(column * to_stride), values),
                    (false, true) => _mm512_mask_storeu_ps(to.add(column * to_stride), written, values),
                    (_, false) => {}
                }
            }
        }
    }
}

/// `rows` × `columns` blocks of 8 × 8 floats, two blocks of rows side by side where there are two, so that whole cache lines
/// are written.
///
/// # Safety
/// That many floats can be read and written at the given strides; the processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn blocks(from: *const f32, from_stride: usize, (rows, columns): (usize, usize), to: *mut f32, to_stride: usize) {
    for row in (0..rows).step_by(2) {
        for column in 0..columns {
            for row in row..rows.min(row + 2) {
                // SAFETY: the caller's promise.
                unsafe {
                    let (from, to) = (from.add(8 * (row * from_stride + column)), to.add(8 * (column * to_stride + row)));
                    block(from, from_stride, to, to_stride);
                }
            }
        }
    }
}

type Rectangle = (std::ops::Range<usize>, std::ops::Range<usize>);

fn plain(from: &[f32], from_stride: usize, (rows, columns): Rectangle, to: &mut [f32], to_stride: usize) {
    for column in columns {
        for row in rows.clone() {
            to[column * to_stride + row] = from[row * from_stride + column];
        }
    }
}

/// 8 × 8 floats.
///
/// # Safety
/// Eight rows of eight floats at the given strides can be read from `from` and written to `to`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn block(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let row: [__m256; 8] = std::array::from_fn(|i| _mm256_loadu_ps(from.add(i * from_stride)));
        let pair: [__m256; 8] = std::array::from_fn(|i| match i % 2 {
            0 => _mm256_unpacklo_ps(row[i], row[i + 1]),
            _ => _mm256_unpackhi_ps(row[i - 1], row[i]),
        });
        // pair[2q + h] holds columns 2h, 2h+1 (and 4 more in the upper half) of rows 2q and 2q+1, interleaved.
        let quad: [__m256; 8] = std::array::from_fn(|i| {
            let (rows, column) = (i / 4 * 4, i % 4);
            let (low, high) = (pair[rows + column / 2], pair[rows + 2 + column / 2]);
            match column % 2 {
                0 => _mm256_shuffle_ps::<0x44>(low, high),
                _ => _mm256_shuffle_ps::<0xEE>(low, high),
            }
        });
        for column in 0..4 {
            let (upper, lower) = (quad[column], quad[4 + column]);
            _mm256_storeu_ps(to.add(column * to_stride), _mm256_permute2f128_ps::<0x20>(upper, lower));
            _mm256_storeu_ps(to.add((column + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(upper, lower));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;

    #[test]
    fn every_element_arrives_for_any_shape() {
        let shapes = [(1, 1), (3, 5), (8, 8), (9, 16), (16, 7), (17, 23), (40, 33)];
        for (isa, (rows, columns)) in Isa::available().into_iter().flat_map(|isa| shapes.map(|shape| (isa, shape))) {
            let (from_stride, to_stride) = (columns + 3, rows + 1);
            let from: Vec<f32> = (0..rows * from_stride).map(|i| i as f32).collect();
            let mut to = vec![-1.0; columns * to_stride];
            only(isa, || transpose(&from, from_stride, rows, columns, &mut to, to_stride));
            for row in 0..rows {
                for column in 0..columns {
                    assert_eq!(to[column * to_stride + row], from[row * from_stride + column]);
                }
            }
            assert!((0..columns).all(|column| to[column * to_stride + rows] == -1.0));
        }
    }
}
