//! Floats seen as a matrix, and copies of its parts as products want them. Knows no product.

use super::ahead::Ahead;
use super::bf16::{pair_neighbours, pair_rows, pair_with_zero};
use super::scratch;
use super::sparse::WIDEST;
use super::tile::PANEL;
use super::transpose::transpose;

/// A view of floats as a matrix.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    stride: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// `rows` × `columns`, row after row at a distance of `stride` floats.
    ///
    /// # Panics
    /// Where `data` is too short or `stride` less than `columns`.
    pub fn new(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(
            stride >= columns && (rows == 0 || data.len() >= (rows - 1) * stride + columns),
            "matrix {rows}×{columns}/{stride}"
        );
        Self { data, rows, columns, stride, transposed: false }
    }

    /// The same floats with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// Some of its rows.
    pub(super) fn some_rows(self, first: usize, rows: usize) -> Self {
        let offset = first * if self.transposed { 1 } else { self.stride };
        Self { data: &self.data[offset..], rows, ..self }
    }

    #[cfg(test)]
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.data[if self.transposed { column * self.stride + row } else { row * self.stride + column }]
    }

    /// The `rows` × `columns` that begin at (row, column), as they lie in memory: what a later [`Matrix::copy`] of them reads.
    pub(super) fn ahead(&self, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> Ahead<'a> {
        let (first, runs, len) =
            if self.transposed { (column * self.stride + row, columns, rows) } else { (row * self.stride + column, rows, columns) };
        Ahead::new(self.data.get(first..).unwrap_or_default(), runs, len, self.stride)
    }

    /// Copies the `rows` × `columns` that begin at (row, column) to `to`, whose rows are `to_stride` apart.
    pub(super) fn copy(&self, (row, rows): (usize, usize), (column, columns): (usize, usize), to: &mut [f32], to_stride: usize) {
        if rows == 0 || columns == 0 {
            return;
        }
        if self.transposed {
            return transpose(&self.data[column * self.stride + row..], self.stride, columns, rows, to, to_stride);
        }
        let from = self.data[row * self.stride + column..].chunks(self.stride).take(rows);
        let places = from.zip(to.chunks_mut(to_stride));
        match columns {
            PANEL => places.for_each(|(from, to)| copy_of::<PANEL>(from, to)),
            WIDEST => places.for_each(|(from, to)| copy_of::<WIDEST>(from, to)),
            _ => places.for_each(|(from, to)| to[..columns].copy_from_slice(&from[..columns])),
        }
    }
}

/// A copy of a fixed length, so that the compiler moves registers instead of calling a function a row.
fn copy_of<const LEN: usize>(from: &[f32], to: &mut [f32]) {
    to[..LEN].copy_from_slice(&from[..LEN]);
}

impl Matrix<'_> {
    /// Row `k` of the floats as they lie, from `first` on.
    fn line(&self, k: usize, first: usize, len: usize) -> &[f32] {
        &self.data[k * self.stride + first..][..len]
    }

    /// [`Matrix::copy`] of the transpose in pairs: row r of `to` holds the pairs of column `column + r`, along rows. They come of
    /// columns that lie beside each other, or of rows.
    pub(super) fn copy_pairs(
        &self,
        (row, rows): (usize, usize),
        (column, columns): (usize, usize),
        to: &mut [f32],
        to_stride: usize,
    ) {
        let pairs = rows.div_ceil(2);
        if pairs == 0 || columns == 0 {
            return;
        }
        if self.transposed {
            for (number, to) in to.chunks_mut(to_stride).take(columns).enumerate() {
                pair_neighbours(self.line(column + number, row, rows), &mut to[..pairs]);
            }
            return;
        }
        scratch::with(pairs * columns, |beside| {
            self.copy_pairs_beside((row, rows), (column, columns), beside, columns);
            transpose(beside, columns, pairs, columns, to, to_stride);
        });
    }

    /// [`Matrix::copy`] in pairs of rows: row k of `to` holds the pairs of rows 2k and 2k + 1.
    pub(super) fn copy_pairs_beside(
        &self,
        (row, rows): (usize, usize),
        (column, columns): (usize, usize),
        to: &mut [f32],
        to_stride: usize,
    ) {
        let pairs = rows.div_ceil(2);
        if pairs == 0 || columns == 0 {
            return;
        }
        if self.transposed {
            return scratch::with(pairs * columns, |apart| {
                self.copy_pairs((row, rows), (column, columns), apart, pairs);
                transpose(apart, pairs, columns, pairs, to, to_stride);
            });
        }
        for (number, to) in to.chunks_mut(to_stride).take(pairs).enumerate() {
            let (even, to) = (row + 2 * number, &mut to[..columns]);
            if 2 * number + 1 < rows {
                pair_rows(self.line(even, column, columns), self.line(even + 1, column, columns), to);
            } else {
                pair_with_zero(self.line(even, column, columns), to);
            }
        }
    }
}
