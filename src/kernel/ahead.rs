//! Hints to the memory system: which floats will be wanted soon, so that they are on their way by then. No result depends on them;
//! on processors other than x86-64 they say nothing.

use std::ops::Range;

/// Floats of a cache line.
const LINE: usize = 16;

/// Runs of floats, each as far from the one before: a block of a matrix as it lies in memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead<'a> {
    data: &'a [f32],
    runs: usize,
    len: usize,
    stride: usize,
}

impl<'a> Ahead<'a> {
    /// `runs` of `len` floats, `stride` apart. What `data` does not hold is not asked for.
    pub fn new(data: &'a [f32], runs: usize, len: usize, stride: usize) -> Self {
        Self { data, runs, len, stride }
    }

    /// Asks for the share of a `step` of so many `steps`: all of them together ask for every run once, none for much more than others.
    pub fn fetch(&self, step: usize, steps: usize) {
        for run in self.share(step, steps) {
            let floats = self.data.get(run * self.stride..).unwrap_or_default();
            floats[..floats.len().min(self.len)].chunks(LINE).for_each(|line| to_be_read(line.as_ptr()));
        }
    }

    fn share(&self, step: usize, steps: usize) -> Range<usize> {
        step * self.runs / steps..(step + 1) * self.runs / steps
    }
}

fn to_be_read(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint about an address; it reads nothing, whatever the address, and every processor of this kind has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Asks for the `len` floats from `at` on, which will be written to.
#[inline(always)]
pub(super) fn to_be_written(at: *mut f32, len: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..len).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: as in `to_be_read`.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(at.wrapping_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (at, len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_share_all_runs_between_them() {
        for (runs, steps) in [(0, 3), (1, 7), (64, 128), (128, 64), (129, 10), (5, 1)] {
            let ahead = Ahead::new(&[], runs, 16, 16);
            let shares: Vec<_> = (0..steps).map(|step| ahead.share(step, steps)).collect();
            let most = runs.div_ceil(steps);
            assert!(shares.iter().all(|share| share.len() <= most && share.len() + 1 >= most), "{shares:?}");
            assert!(shares.into_iter().flatten().eq(0..runs));
        }
    }

    #[test]
    fn hints_beyond_the_data_are_not_given() {
        let data = [0.0; 40];
        (0..3).for_each(|step| Ahead::new(&data, 9, 30, 16).fetch(step, 3));
        Ahead::default().fetch(0, 1);
    }
}
