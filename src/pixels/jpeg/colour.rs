//! RGB ↔ luma and chroma (ITU-T T.871), and chroma at half the size, in libjpeg's whole numbers. Knows no block.

use super::super::planes::{LANES, Planes};

wide! {
    /// One row of RGB pixels as luma, blue and red chroma; outputs may be longer than the row.
    pub(super) fn convert / convert_plain(pixels: &[u8], luma: &mut [u8], blues: &mut [u8], reds: &mut [u8]) {
        for (index, block) in pixels.as_chunks::<3>().0.chunks(LANES).enumerate() {
            let Planes { red, green, blue } = Planes::split(block);
            let (mut y, mut cb, mut cr) = ([0; LANES], [0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let (r, g, b) = (i32::from(red[lane]), i32::from(green[lane]), i32::from(blue[lane]));
                y[lane] = ((19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16) as u8;
                cb[lane] = ((32_768 * b - 11_059 * r - 21_709 * g + (128 << 16) + 32_767) >> 16) as u8;
                cr[lane] = ((32_768 * r - 27_439 * g - 5_329 * b + (128 << 16) + 32_767) >> 16) as u8;
            }
            let (start, count) = (index * LANES, block.len());
            luma[start..start + count].copy_from_slice(&y[..count]);
            blues[start..start + count].copy_from_slice(&cb[..count]);
            reds[start..start + count].copy_from_slice(&cr[..count]);
        }
    }
}

wide! {
    /// The mean of each 2 × 2 samples, halves rounded down and up in turns.
    pub(super) fn halve / halve_plain(upper: &[u8], lower: &[u8], out: &mut [u8]) {
        let quads = upper.as_chunks::<4>().0.iter().zip(lower.as_chunks::<4>().0);
        for (pair, (a, b)) in out.as_chunks_mut::<2>().0.iter_mut().zip(quads) {
            pair[0] = ((u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]) + 1) >> 2) as u8;
            pair[1] = ((u16::from(a[2]) + u16::from(a[3]) + u16::from(b[2]) + u16::from(b[3]) + 2) >> 2) as u8;
        }
    }
}

wide! {
    /// Three parts of the nearer row and one of the farther, with one more sum at each end like its neighbour.
    pub(in super::super) fn stack / stack_plain(near: &[u8], far: &[u8], sums: &mut [u16]) {
        let last = sums.len() - 1;
        for ((sum, &near), &far) in sums[1..last].iter_mut().zip(near).zip(far) {
            *sum = 3 * u16::from(near) + u16::from(far);
        }
        sums[0] = sums[1];
        sums[last] = sums[last - 1];
    }
}

wide! {
    /// Two samples for each sum but the outermost: three parts of it and one of the neighbour on the sample's side.
    pub(in super::super) fn enlarge / enlarge_plain(sums: &[u16], out: &mut [u8]) {
        let (left, right) = (sums, &sums[2..]);
        for (((pair, near), left), right) in out.as_chunks_mut::<2>().0.iter_mut().zip(&sums[1..]).zip(left).zip(right) {
            pair[0] = ((3 * near + left + 8) >> 4) as u8;
            pair[1] = ((3 * near + right + 7) >> 4) as u8;
        }
    }
}

/// A row of up to [`LANES`] samples: as it is, or copied to `held`, which holds zeros.
#[inline(always)]
fn lanes<'s>(samples: &'s [u8], held: &'s mut [u8; LANES]) -> &'s [u8; LANES] {
    if let Some(all) = samples.first_chunk() {
        return all;
    }
    held[..samples.len()].copy_from_slice(samples);
    held
}

wide! {
    /// Rows from `first` on of a plane at twice its size, each as [`stack`] and [`enlarge`] make it; `plane` is rows of `width` samples,
    /// without a gap. `sums` has room for two more than a row's for each: all are made first, because what has just been written
    /// cannot be read from another place at once.
    pub(in super::super) fn enlarge_rows / enlarge_rows_plain(plane: &[u8], width: usize, first: usize, sums: &mut [u16], out: &mut [u8]) {
        let last = plane.len() / width - 1;
        for (y, sums) in (first..).zip(sums.chunks_exact_mut(width + 2)) {
            let far = if y % 2 == 0 { (y / 2).saturating_sub(1) } else { (y / 2 + 1).min(last) };
            stack_plain(&plane[(y / 2).min(last) * width..][..width], &plane[far * width..][..width], sums);
        }
        for (sums, out) in sums.chunks_exact(width + 2).zip(out.chunks_exact_mut(2 * width)) {
            enlarge_plain(sums, out);
        }
    }
}

wide! {
    /// The way back from [`convert`], for as many pixels as `pixels` has.
    pub(in super::super) fn restore / restore_plain(luma: &[u8], blues: &[u8], reds: &[u8], pixels: &mut [u8]) {
        for (index, block) in pixels.as_chunks_mut::<3>().0.chunks_mut(LANES).enumerate() {
            let (start, count) = (index * LANES, block.len());
            let mut held = [[0; LANES]; 3];
            let [y, cb, cr] = &mut held;
            let y = lanes(&luma[start..start + count], y);
            let (cb, cr) = (lanes(&blues[start..start + count], cb), lanes(&reds[start..start + count], cr));
            let mut planes = Planes { red: [0; LANES], green: [0; LANES], blue: [0; LANES] };
            for lane in 0..LANES {
                let (cb, cr) = (i32::from(cb[lane]) - 128, i32::from(cr[lane]) - 128);
                let y = (i32::from(y[lane]) << 16) + 32_768;
                planes.red[lane] = ((y + 91_881 * cr) >> 16).clamp(0, 255) as u8;
                planes.green[lane] = ((y - 22_554 * cb - 46_802 * cr) >> 16).clamp(0, 255) as u8;
                planes.blue[lane] = ((y + 116_130 * cb) >> 16).clamp(0, 255) as u8;
            }
            planes.join(block);
        }
    }
}
