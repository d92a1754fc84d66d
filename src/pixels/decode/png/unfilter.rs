//! Rows as a PNG stores them, each as differences by a filter of its own → bytes (PNG specification, third edition, §9). Knows no
//! chunk and no compression.

/// The bytes of `rows`, which are `stride` bytes each behind the number of a filter; pixels are `B` bytes. Nothing where there is no
/// such filter.
pub(super) fn unfilter<const B: usize>(rows: &[u8], stride: usize) -> Option<Vec<u8>> {
    let mut values = vec![0; rows.len() / (1 + stride) * stride];
    let first = vec![0; stride];
    let mut above = &first[..];
    for (row, out) in rows.chunks_exact(1 + stride).zip(values.chunks_exact_mut(stride)) {
        let (filter, row) = row.split_first()?;
        match filter {
            0 => out.copy_from_slice(row),
            1 => each_pixel::<B>(row, above, out, |left, _, _| left),
            2 => out.iter_mut().zip(row.iter().zip(above)).for_each(|(out, (x, up))| *out = x.wrapping_add(*up)),
            3 => each_pixel::<B>(row, above, out, |left, up, _| (left + up) >> 1),
            4 => each_pixel::<B>(row, above, out, paeth),
            _ => return None,
        }
        above = out;
    }
    Some(values)
}

/// Adds to each byte what `predict` says of the bytes at its left, above it, and above the left one, which are 0 outside.
#[inline(always)]
fn each_pixel<const B: usize>(row: &[u8], above: &[u8], out: &mut [u8], predict: impl Fn(i16, i16, i16) -> i16) {
    let (mut left, mut corner) = ([0i16; B], [0i16; B]);
    let pixels = row.as_chunks::<B>().0.iter().zip(above.as_chunks::<B>().0);
    for ((row, above), out) in pixels.zip(out.as_chunks_mut::<B>().0) {
        for at in 0..B {
            let up = i16::from(above[at]);
            let value = row[at].wrapping_add(predict(left[at], up, corner[at]) as u8);
            out[at] = value;
            (left[at], corner[at]) = (i16::from(value), up);
        }
    }
}

/// Whichever of the three is nearest to left + up − corner; of equals the first. Written without branches: that sum lies beyond the
/// greater of left and up exactly if the corner is below the lesser, and so on.
#[inline(always)]
fn paeth(left: i16, up: i16, corner: i16) -> i16 {
    let threshold = 3 * corner - (left + up);
    let (low, high) = (left.min(up), left.max(up));
    let near = if high <= threshold { low } else { corner };
    if threshold <= low { high } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the specification writes it.
    fn specified(a: i16, b: i16, c: i16) -> i16 {
        let p = a + b - c;
        let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
        if pa <= pb && pa <= pc {
            a
        } else if pb <= pc {
            b
        } else {
            c
        }
    }

    #[test]
    fn the_predictor_is_the_specified_one_for_all_bytes() {
        for a in 0..256 {
            for b in 0..256 {
                assert!((0..256).all(|c| paeth(a, b, c) == specified(a, b, c)), "{a} {b}");
            }
        }
    }

    #[test]
    fn filters_predict_from_left_above_and_corner() {
        let rows = [[1, 10, 20], [2, 1, 1], [3, 1, 1], [4, 1, 1]].concat();
        assert_eq!(unfilter::<1>(&rows, 2).unwrap(), [10, 30, 11, 31, 6, 19, 7, 20]);
        assert_eq!(unfilter::<1>(&[5, 0, 0], 2), None);
    }
}
