//! Padded copies of an image's planes in which windows that step over them read neighbouring floats. Knows sizes and places only.
//!
//! Rows are split into phases by column modulo the stride, so that what neighbouring windows read at one place of theirs always
//! lies side by side.

use std::ops::Range;

/// The layout of padded planes.
#[derive(Clone, Debug)]
pub(super) struct Planes {
    /// Channels, height, width of what is copied in.
    source: [usize; 3],
    rows: usize,
    columns: usize,
    phases: usize,
    /// Where source row and column 0 lie among the rows and columns.
    origin: [isize; 2],
}

impl Planes {
    /// Room for `output` windows of size `kernel`, `stride` apart, of which the first begins `origin` rows and columns before the
    /// source.
    pub fn new(source: [usize; 3], output: [usize; 2], kernel: [usize; 2], stride: [usize; 2], origin: [isize; 2]) -> Self {
        let rows = (output[0] - 1) * stride[0] + kernel[0];
        let columns = ((output[1] - 1) * stride[1] + kernel[1]).div_ceil(stride[1]);
        Self { source, rows, columns, phases: stride[1], origin }
    }

    /// Floats of one plane.
    pub fn plane(&self) -> usize {
        self.rows * self.line()
    }

    /// Floats of all planes.
    pub fn len(&self) -> usize {
        self.source[0] * self.plane()
    }

    /// Floats of the source.
    pub fn source_len(&self) -> usize {
        self.source.iter().product()
    }

    /// Where source row and column 0 lie among the rows and columns.
    pub fn origin(&self) -> [isize; 2] {
        self.origin
    }

    /// Floats from one row to the next.
    pub fn line(&self) -> usize {
        self.phases * self.columns
    }

    /// What the first window has at (channel, row, column).
    pub fn tap(&self, channel: usize, row: usize, column: usize) -> usize {
        channel * self.plane() + row * self.line() + column % self.phases * self.columns + column / self.phases
    }

    /// Copies an image in, and `around` everywhere else. Fewer planes than there are take as many channels of the image.
    pub fn fill(&self, image: &[f32], planes: &mut [f32], around: f32) {
        let [_, height, width] = self.source;
        for (index, line) in planes.chunks_exact_mut(self.line()).enumerate() {
            let (channel, row) = (index / self.rows, (index % self.rows) as isize - self.origin[0]);
            if row < 0 || row as usize >= height {
                line.fill(around);
            } else {
                self.fill_line(&image[(channel * height + row as usize) * width..][..width], line, around);
            }
        }
    }

    /// The source columns that there is room for.
    fn inside(&self) -> Range<usize> {
        let start = (-self.origin[1]).max(0) as usize;
        let end = (self.line() as isize - self.origin[1]).max(0) as usize;
        start.min(self.source[2])..end.min(self.source[2]).max(start.min(self.source[2]))
    }

    fn fill_line(&self, from: &[f32], to: &mut [f32], around: f32) {
        let inside = self.inside();
        let column = |x: usize| (x as isize + self.origin[1]) as usize;
        if self.phases == 1 {
            let start = if inside.is_empty() { to.len() } else { column(inside.start) };
            to[..start].fill(around);
            to[start..start + inside.len()].copy_from_slice(&from[inside.clone()]);
            to[start + inside.len()..].fill(around);
            return;
        }
        to.fill(around);
        for x in inside {
            to[column(x) % self.phases * self.columns + column(x) / self.phases] = from[x];
        }
    }

    /// Copies the image out again; 0 where no window reaches.
    pub fn take(&self, planes: &[f32], image: &mut [f32]) {
        let [_, height, width] = self.source;
        for (index, to) in image.chunks_exact_mut(width).enumerate() {
            let (channel, row) = (index / height, (index % height) as isize + self.origin[0]);
            if row < 0 || row as usize >= self.rows {
                to.fill(0.0);
                continue;
            }
            let line = &planes[(channel * self.rows + row as usize) * self.line()..][..self.line()];
            let inside = self.inside();
            to[..inside.start].fill(0.0);
            to[inside.end..].fill(0.0);
            let column = |x: usize| (x as isize + self.origin[1]) as usize;
            if self.phases == 1 && !inside.is_empty() {
                to[inside.clone()].copy_from_slice(&line[column(inside.start)..][..inside.len()]);
            } else {
                inside.for_each(|x| to[x] = line[column(x) % self.phases * self.columns + column(x) / self.phases]);
            }
        }
    }
}

/// All windows over one plane, seen from one place in them: runs of floats. Windows of stride 1 make one run of all rows, with gaps
/// of a few floats between the rows that belong to no window.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    /// Where each place in the window begins in a plane.
    pub taps: Vec<usize>,
    /// Runs, floats of each, and floats from one to the next in the plane.
    pub runs: usize,
    pub run: usize,
    pub step: usize,
    /// Rows and columns of the output, and floats from one row to the next in a row of all runs.
    output: [usize; 2],
    pitch: usize,
}

impl Windows {
    pub fn new(planes: &Planes, output: [usize; 2], kernel: [usize; 2], stride: [usize; 2]) -> Self {
        let taps = (0..kernel[0] * kernel[1]).map(|tap| planes.tap(0, tap / kernel[1], tap % kernel[1])).collect();
        if stride[0] == 1 && planes.phases == 1 {
            let line = planes.line();
            return Self { taps, runs: 1, run: (output[0] - 1) * line + output[1], step: 0, output, pitch: line };
        }
        Self { taps, runs: output[0], run: output[1], step: stride[0] * planes.line(), output, pitch: output[1] }
    }

    /// Floats of all runs, one after the other.
    pub fn len(&self) -> usize {
        self.runs * self.run
    }

    /// Copies an output plane to the runs, and 0 to the gaps.
    pub fn spread(&self, plane: &[f32], runs: &mut [f32]) {
        if self.pitch == self.output[1] {
            return runs.copy_from_slice(plane);
        }
        for (from, to) in plane.chunks_exact(self.output[1]).zip(runs.chunks_mut(self.pitch)) {
            let (row, gap) = to.split_at_mut(self.output[1]);
            row.copy_from_slice(from);
            gap.fill(0.0);
        }
    }

    /// Copies the runs to an output plane.
    pub fn gather(&self, runs: &[f32], plane: &mut [f32]) {
        if self.pitch == self.output[1] {
            return plane.copy_from_slice(runs);
        }
        for (to, from) in plane.chunks_exact_mut(self.output[1]).zip(runs.chunks(self.pitch)) {
            to.copy_from_slice(&from[..self.output[1]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_copied_in_comes_out_and_windows_find_it(
            (channels, height, width) in (1usize..3, 1usize..7, 1usize..9),
            kernel in [1usize..5, 1usize..5], stride in [1usize..4, 1usize..4], padding in [0usize..4, 0usize..4],
        ) {
            let room = |axis: usize, size: usize| (size + 2 * padding[axis]).saturating_sub(kernel[axis]) / stride[axis] + 1;
            let output = [room(0, height), room(1, width)];
            let planes = Planes::new([channels, height, width], output, kernel, stride, padding.map(|p| p as isize));
            let windows = Windows::new(&planes, output, kernel, stride);
            let image: Vec<f32> = (1..=channels * height * width).map(|i| i as f32).collect();
            let mut padded = vec![9e9; planes.len()];
            planes.fill(&image, &mut padded, -1.0);
            let source = |channel: usize, row: usize, column: usize| -> Option<usize> {
                let (y, x) = (row.checked_sub(padding[0])?, column.checked_sub(padding[1])?);
                (y < height && x < width).then_some((channel * height + y) * width + x)
            };
            let (mut reached, mut runs) = (vec![0.0; image.len()], vec![0.0; windows.len()]);
            let mut plane = vec![0.0; output[0] * output[1]];
            for channel in 0..channels {
                for tap in 0..kernel[0] * kernel[1] {
                    for run in 0..windows.runs {
                        let from = channel * planes.plane() + windows.taps[tap] + run * windows.step;
                        runs[run * windows.run..][..windows.run].copy_from_slice(&padded[from..][..windows.run]);
                    }
                    windows.gather(&runs, &mut plane);
                    for (place, &found) in plane.iter().enumerate() {
                        let row = place / output[1] * stride[0] + tap / kernel[1];
                        let at = source(channel, row, place % output[1] * stride[1] + tap % kernel[1]);
                        prop_assert_eq!(found, at.map_or(-1.0, |at| image[at]));
                        at.into_iter().for_each(|at| reached[at] = image[at]);
                    }
                    let mut again = plane.clone();
                    windows.spread(&plane, &mut runs);
                    windows.gather(&runs, &mut again);
                    prop_assert_eq!(&again, &plane);
                }
            }
            let mut back = vec![9e9; image.len()];
            planes.take(&padded, &mut back);
            prop_assert!(back.iter().zip(&reached).zip(&image).all(|((&b, &r), &i)| b == i || (b == 0.0 && r == 0.0)));
        }
    }
}
