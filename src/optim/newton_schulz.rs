//! Makes a matrix nearly orthogonal from products and sums alone. Knows no gradient.

use crate::kernel::bf16::Precision;
use crate::kernel::gemm::{Start, gemm};
use crate::kernel::matrix::Matrix;
use crate::kernel::reduce::sum_of_squares;

/// Coefficients of the quintic, chosen for its slope at 0 (Jordan et al. 2024): singular values end between about 0.7 and 1.2.
const QUINTIC: [f32; 3] = [3.4445, -4.7750, 2.0315];

/// Floats of scratch for a matrix of `rows` × `columns`.
pub(super) fn scratch(rows: usize, columns: usize) -> usize {
    let side = rows.min(columns);
    rows * columns + 2 * side * side
}

/// Replaces X by U·Vᵀ of its singular value decomposition, roughly: X ← X / (‖X‖ + 10⁻⁷), then `steps` times
/// X ← aX + (bA + cA²)X with A = XXᵀ (or, where it has more rows than columns, the same from the right with A = XᵀX). `work` holds
/// at least [`scratch`] floats. Runs on the current rayon pool; its products are the same on any number of threads.
pub(super) fn orthogonalise(matrix: &mut [f32], rows: usize, columns: usize, steps: u64, work: &mut [f32]) {
    let side = rows.min(columns);
    let (other, work) = work.split_at_mut(rows * columns);
    let (gram, work) = work.split_at_mut(side * side);
    let squared = &mut work[..side * side];
    let scale = (1.0 / (sum_of_squares(matrix).sqrt() + 1e-7)) as f32;
    matrix.iter_mut().for_each(|x| *x *= scale);
    let [a, b, c] = QUINTIC;
    let (mut from, mut to) = (&mut *matrix, other);
    for _ in 0..steps {
        let x = Matrix::new(from, rows, columns, columns);
        let (left, right) = if rows <= columns { (x, x.transposed()) } else { (x.transposed(), x) };
        gemm(Precision::F32, left, right, Start::Zero, gram, side);
        let of_gram = Matrix::new(gram, side, side, side);
        gemm(Precision::F32, of_gram, of_gram, Start::Zero, squared, side);
        gram.iter_mut().zip(&*squared).for_each(|(first, second)| *first = b * *first + c * second);
        to.iter_mut().zip(&*from).for_each(|(to, from)| *to = a * from);
        let (of_gram, x) = (Matrix::new(gram, side, side, side), Matrix::new(from, rows, columns, columns));
        let (left, right) = if rows <= columns { (of_gram, x) } else { (x, of_gram) };
        gemm(Precision::F32, left, right, Start::Existing, to, columns);
        std::mem::swap(&mut from, &mut to);
    }
    if steps % 2 == 1 {
        // The result lies in the scratch: `to` is the matrix.
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};
    use crate::key::Key;

    fn noise(count: usize) -> Vec<f32> {
        let mut dice = Key::of_run(3, "matrix").dice();
        (0..count).map(|_| dice.uniform(-1.0, 1.0) as f32).collect()
    }

    fn made(rows: usize, columns: usize, steps: u64) -> Vec<f32> {
        let (mut matrix, mut work) = (noise(rows * columns), vec![f32::NAN; scratch(rows, columns)]);
        orthogonalise(&mut matrix, rows, columns, steps, &mut work);
        matrix
    }

    /// XXᵀ or XᵀX, whichever is smaller, in f64.
    fn gram(matrix: &[f32], rows: usize, columns: usize) -> Vec<f64> {
        let side = rows.min(columns);
        let at = |unit: usize, k: usize| {
            f64::from(if rows <= columns { matrix[unit * columns + k] } else { matrix[k * columns + unit] })
        };
        let dot = |i, j| (0..rows.max(columns)).map(|k| at(i, k) * at(j, k)).sum();
        (0..side * side).map(|place| dot(place / side, place % side)).collect()
    }

    #[test]
    fn rows_become_nearly_orthogonal_and_of_length_one() {
        for (rows, columns) in [(1, 1), (1, 9), (9, 1), (7, 20), (20, 7), (16, 40), (33, 17)] {
            for steps in [5, 6, 10] {
                let gram = gram(&made(rows, columns, steps), rows, columns);
                let side = rows.min(columns);
                for (place, value) in gram.iter().enumerate() {
                    let diagonal = place / side == place % side;
                    let fits = if diagonal { (0.4..1.6).contains(value) } else { value.abs() < 0.5 };
                    assert!(fits, "{rows}x{columns}, {steps} steps: {value} at {place}");
                }
            }
        }
    }

    #[test]
    fn one_step_is_the_formula() {
        let (rows, columns) = (3, 5);
        let start = noise(rows * columns);
        let norm = start.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let x: Vec<f64> = start.iter().map(|&x| f64::from(x) / norm).collect();
        let found = made(rows, columns, 1);
        let product = |a: &[f64], b: &[f64], inner: usize, width: usize| -> Vec<f64> {
            let rows = a.len() / inner;
            (0..rows * width).map(|p| (0..inner).map(|k| a[p / width * inner + k] * b[k * width + p % width]).sum()).collect()
        };
        let transposed: Vec<f64> = (0..15).map(|place| x[place % 3 * 5 + place / 3]).collect();
        let a = product(&x, &transposed, columns, rows);
        let a2 = product(&a, &a, rows, rows);
        let polynomial: Vec<f64> = a.iter().zip(&a2).map(|(a, a2)| -4.775 * a + 2.0315 * a2).collect();
        let moved = product(&polynomial, &x, rows, columns);
        for ((found, x), moved) in found.iter().zip(&x).zip(&moved) {
            assert!((f64::from(*found) - (3.4445 * x + moved)).abs() < 1e-5);
        }
    }

    #[test]
    fn nothing_comes_of_nothing_and_the_bits_do_not_depend_on_threads_or_instructions() {
        let mut zeros = vec![0.0; 12];
        orthogonalise(&mut zeros, 3, 4, 5, &mut vec![0.0; scratch(3, 4)]);
        assert_eq!(zeros, [0.0; 12]);
        let bits = |threads, isa| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            only(isa, || pool.install(|| [made(70, 130, 5), made(130, 70, 5)])).map(|m| m.into_iter().map(f32::to_bits).collect())
        };
        let one: [Vec<u32>; 2] = bits(1, Isa::Avx2);
        assert!([2, 3, 8].into_iter().all(|threads| bits(threads, Isa::Avx512) == one) && bits(2, Isa::Plain) == one);
    }
}
