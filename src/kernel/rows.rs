//! A batch's images, one a row: as they lie in memory, or made when they are asked for. Knows neither what they show nor who makes them.

use rayon::prelude::*;

/// Most tasks that rows are spread over.
const TASKS: usize = 16;

/// Hands the image of this number to somebody.
pub type Make<'a> = dyn Fn(usize, &mut dyn FnMut(&[f32])) + Sync + 'a;
/// Takes up the row of the image of this number.
pub type Then<'a> = dyn Fn(usize, &mut [f32]) + Sync + 'a;

/// Images of a batch: row i begins at `i · stride`.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The first row, and on; empty where they are made.
    pub data: &'a [f32],
    /// Floats from one row to the next.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
    /// Where they come from if they lie nowhere.
    pub made: Option<&'a Make<'a>>,
}

impl<'a> Rows<'a> {
    /// Rows that lie in memory.
    pub fn kept(data: &'a [f32], stride: usize, count: usize) -> Self {
        Self { data, stride, count, made: None }
    }

    /// Rows that lie nowhere: everyone who wants one has it made.
    pub fn made(make: &'a Make<'a>, count: usize) -> Self {
        Self { data: &[], stride: 0, count, made: Some(make) }
    }

    /// Calls `work` with the image of this number, and what may lie behind it.
    pub fn with(&self, row: usize, work: &mut dyn FnMut(&[f32])) {
        match self.made {
            None => work(&self.data[row * self.stride..]),
            Some(make) => make(row, work),
        }
    }
}

/// Calls `then` with each row. Runs on the current rayon pool.
pub fn each(rows: &mut [f32], stride: usize, then: &Then<'_>) {
    let task = (rows.len() / stride).div_ceil(TASKS).max(1);
    rows.par_chunks_mut(task * stride).enumerate().for_each(|(number, rows)| {
        rows.chunks_exact_mut(stride).enumerate().for_each(|(offset, row)| then(number * task + offset, row));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_rows_are_asked_for_by_number_and_each_row_is_taken_up_once() {
        let make = |row: usize, work: &mut dyn FnMut(&[f32])| work(&[row as f32; 2]);
        let kept: Vec<f32> = (0..40).flat_map(|row| [row as f32; 2]).collect();
        for rows in [Rows::kept(&kept, 2, 40), Rows::made(&make, 40)] {
            let mut sum = 0.0;
            (0..rows.count).for_each(|row| rows.with(row, &mut |image| sum += image[1]));
            assert_eq!(sum, 780.0);
        }
        let mut counted = vec![0.0; 3 * 40];
        each(&mut counted, 3, &|number, row| row[0] += 1.0 + number as f32);
        assert!(counted.chunks(3).enumerate().all(|(number, row)| row == [1.0 + number as f32, 0.0, 0.0]));
    }
}
