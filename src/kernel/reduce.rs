//! Sums in a fixed order, and the search for numbers that are not finite. Knows slices only.

use super::per_isa::per_isa;
use rayon::prelude::*;
use std::ops::Range;

/// Floats that one task adds: few enough for several runs to stay in the cache.
const RUN: usize = 1 << 10;

per_isa! {
    /// `sum[j] += rows[i·stride + j]` for every row in order: one chain of additions a column.
    pub fn add_rows(rows: &[f32], stride: usize, count: usize, sum: &mut [f32]) {
        // Columns are taken 32 at a time, so that their sums stay in registers over all rows.
        let (wide, narrow) = sum.as_chunks_mut::<32>();
        let columns = 32 * wide.len();
        for (block, to) in wide.iter_mut().enumerate() {
            let mut sums = *to;
            for row in 0..count {
                let values = &rows[row * stride + 32 * block..][..32];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value;
                }
            }
            *to = sums;
        }
        for row in 0..count {
            for (sum, value) in narrow.iter_mut().zip(&rows[row * stride + columns..]) {
                *sum += value;
            }
        }
    }
}

per_isa! {
    /// The sum of all values, in 16 sums that are added in order: a value goes to the one of its place modulo 16.
    pub fn sum(values: &[f32]) -> f32 {
        let mut sums = [0.0f32; 16];
        let (whole, rest) = values.as_chunks::<16>();
        for chunk in whole {
            for lane in 0..16 {
                sums[lane] += chunk[lane];
            }
        }
        rest.iter().enumerate().for_each(|(lane, value)| sums[lane] += value);
        sums.iter().sum()
    }
}

per_isa! {
    fn add(values: &[f32], sum: &mut [f32]) {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
    }
}

/// Adds `count` rows of `len` floats into the first, in a binary tree over their numbers: (0+1)+(2+3), and so on. Runs on the current
/// rayon pool.
///
/// # Panics
/// Where `rows` is shorter than `count · len`.
pub fn add_tree(rows: &mut [f32], len: usize, count: usize) {
    if len == 0 || count < 2 {
        return;
    }
    let (first, others) = rows[..count * len].split_at_mut(len);
    first
        .par_chunks_mut(RUN)
        .enumerate()
        .for_each(|(run, sum)| branch(sum, others, (len, run * RUN), 0..count.next_power_of_two()));
}

/// Adds the rows of numbers `among`, a power of two of them of which the last may not be there, to `sum`, which holds the first of
/// them: of each the run at `start`. Rows from the second on lie in `others`.
fn branch(sum: &mut [f32], others: &[f32], (len, start): (usize, usize), among: Range<usize>) {
    let half = among.len() / 2;
    let middle = among.start + half;
    if half == 0 {
        return;
    }
    branch(sum, others, (len, start), among.start..middle);
    if let Some(row) = others.get((middle - 1) * len + start..).filter(|row| !row.is_empty()) {
        let mut upper = [0.0; RUN];
        let upper = &mut upper[..sum.len()];
        upper.copy_from_slice(&row[..sum.len()]);
        branch(upper, others, (len, start), middle..among.end);
        add(upper, sum);
    }
}

per_isa! {
    /// The greatest absolute value, 0 where there is none: infinite or NaN where a value is.
    pub fn greatest_size(values: &[f32]) -> f32 {
        let mut greatest = 0u32;
        for value in values {
            greatest = greatest.max(value.to_bits() & 0x7FFF_FFFF);
        }
        f32::from_bits(greatest)
    }
}

/// Whether every value is finite.
pub fn all_finite(values: &[f32]) -> bool {
    greatest_size(values).is_finite()
}

per_isa! {
    /// Σ value² in f64, in 32 running sums, enough for additions to follow each other without waiting, joined at the end.
    pub fn sum_of_squares(values: &[f32]) -> f64 {
        let mut sums = [0.0f64; 32];
        let (whole, rest) = values.as_chunks::<32>();
        for chunk in whole {
            for lane in 0..32 {
                sums[lane] += f64::from(chunk[lane]) * f64::from(chunk[lane]);
            }
        }
        rest.iter().enumerate().for_each(|(lane, &value)| sums[lane] += f64::from(value) * f64::from(value));
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_adds_every_row_once_for_any_count() {
        for count in 1..20 {
            let len = 5;
            let mut rows: Vec<f32> =
                (0..count * len).map(|i| (i / len + 1) as f32 * if i % len == 2 { 2.0 } else { 1.0 }).collect();
            add_tree(&mut rows, len, count);
            let sum = (count * (count + 1) / 2) as f32;
            assert_eq!(rows[..len], [sum, sum, 2.0 * sum, sum, sum]);
        }
    }

    #[test]
    fn one_bad_number_anywhere_is_found() {
        let good = vec![f32::MAX; 1003];
        assert!(all_finite(&good) && all_finite(&[]));
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 500, 1002] {
                let mut values = good.clone();
                values[place] = bad;
                assert!(!all_finite(&values));
            }
        }
    }

    #[test]
    fn rows_are_added_by_column() {
        for columns in [1, 31, 32, 33, 70] {
            let rows: Vec<f32> = (0..3 * (columns + 2)).map(|i| i as f32).collect();
            let mut sum = vec![0.5; columns];
            add_rows(&rows, columns + 2, 3, &mut sum);
            assert!(sum.iter().enumerate().all(|(j, &sum)| sum == (3 * j + 3 * (columns + 2)) as f32 + 0.5));
        }
    }
}
