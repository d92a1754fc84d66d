//! Tables of offsets by which the register tile convolves padded planes: the output's pixels, or the input's, and the taps of the
//! kernel that reach them. Knows sizes and places only.

use super::conv::Geometry;
use super::planes::Planes;

/// One sweep of the register tile over padded planes: which output pixels, and which taps of the kernel reach them.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    pub pixels: Vec<u32>,
    pub taps: Vec<u32>,
    /// Where the pixels lie in a plane: first row and column, and how many of each.
    pub first: [usize; 2],
    pub size: [usize; 2],
    /// Number in the kernel of each tap of one channel.
    pub places: Vec<usize>,
}

impl Sweep {
    /// All pixels and all taps.
    pub fn forward(planes: &Planes, Geometry { input, output, kernel, stride, .. }: Geometry) -> Self {
        let size = [output[1], output[2]];
        let area = kernel[0] * kernel[1];
        let tap = |i: usize| planes.tap(i / area, i / kernel[1] % kernel[0], i % kernel[1]) as u32;
        let pixel = |i: usize| (i / size[1] * stride[0] * planes.line() + i % size[1]) as u32;
        let (pixels, taps) = ((0..size[0] * size[1]).map(pixel).collect(), (0..input[0] * area).map(tap).collect());
        Self { pixels, taps, first: [0, 0], size, places: (0..area).collect() }.checked(planes)
    }

    /// Leaves of the pixels of each row only every `step`th.
    pub fn keep_every(&mut self, step: usize) {
        self.pixels = self.pixels.chunks(self.size[1]).flat_map(|row| row.iter().step_by(step)).copied().collect();
    }

    /// Holds the tables against the planes that they point into.
    fn checked(self, planes: &Planes) -> Self {
        let most = |table: &[u32]| table.iter().max().copied().unwrap_or(0) as usize;
        assert!(self.taps.is_empty() || most(&self.pixels) + most(&self.taps) < planes.len(), "{self:?} in {planes:?}");
        self
    }
}

/// What one axis of the image gradient comes to for input pixels of one remainder modulo the stride: pixel j of them sums over the
/// output pixels `shift + j − k` with the kernel's place `start + stride·k`, for k below `count`.
#[derive(Clone, Copy)]
struct Remainder {
    pixels: usize,
    start: usize,
    count: usize,
    shift: isize,
}

impl Remainder {
    fn new(first: usize, size: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        let start = (first + padding) % stride;
        let count = kernel.saturating_sub(start).div_ceil(stride);
        Self { pixels: (size - first).div_ceil(stride), start, count, shift: ((first + padding) / stride) as isize }
    }
}

/// The image gradient: padded planes of the output's gradient, and a sweep for each pair of remainders.
#[derive(Clone, Debug)]
pub(super) struct Backward {
    pub planes: Planes,
    pub sweeps: Vec<Sweep>,
}

impl Backward {
    pub fn new(Geometry { input, output, kernel, stride, padding }: Geometry) -> Self {
        let axis = |axis: usize| -> Vec<Remainder> {
            let (size, stride) = (input[axis + 1], stride[axis]);
            (0..stride.min(size)).map(|first| Remainder::new(first, size, kernel[axis], stride, padding[axis])).collect()
        };
        let axes = [axis(0), axis(1)];
        // The planes begin where the first output pixel that anyone reads does, and end behind the last.
        let read = |of: &[Remainder]| {
            let used = of.iter().filter(|remainder| remainder.count > 0);
            let first = used.clone().map(|r| r.shift + 1 - r.count as isize).min().unwrap_or(0);
            let end = used.map(|r| r.shift + r.pixels as isize).max().unwrap_or(1);
            (-first, (end - first).max(1) as usize)
        };
        let (rows, columns) = (read(&axes[0]), read(&axes[1]));
        let planes = Planes::new(output, [rows.1, columns.1], [1, 1], [1, 1], [rows.0, columns.0]);
        let mut sweeps = Vec::new();
        for (y, row) in axes[0].iter().enumerate() {
            for (x, column) in axes[1].iter().enumerate() {
                sweeps.push(Self::sweep(&planes, output[0], [y, x], [*row, *column], (kernel[1], stride)));
            }
        }
        Self { planes, sweeps }
    }

    fn sweep(
        planes: &Planes,
        channels: usize,
        first: [usize; 2],
        of: [Remainder; 2],
        (width, stride): (usize, [usize; 2]),
    ) -> Sweep {
        let size = of.map(|remainder| remainder.pixels);
        let steps = |axis: usize| (0..of[axis].count).rev();
        let both = || steps(0).flat_map(|down| steps(1).map(move |right| [down, right]));
        let place = |at: [usize; 2]| (of[0].start + stride[0] * at[0]) * width + of[1].start + stride[1] * at[1];
        let row_and_column =
            |at: [usize; 2]| [0, 1].map(|axis| (of[axis].shift - at[axis] as isize + planes.origin()[axis]) as usize);
        let tap = |channel: usize, at: [usize; 2]| planes.tap(channel, row_and_column(at)[0], row_and_column(at)[1]) as u32;
        let pixel = |i: usize| (i / size[1] * planes.line() + i % size[1]) as u32;
        Sweep {
            pixels: (0..size[0] * size[1]).map(pixel).collect(),
            taps: (0..channels).flat_map(|channel| both().map(move |at| (channel, at))).map(|(c, at)| tap(c, at)).collect(),
            first,
            size,
            places: both().map(place).collect(),
        }
        .checked(planes)
    }
}
