//! Where a row of places that lie on a line enters an image and leaves it. Knows no pixel.

use super::Source;
use super::row::{Row, SPAN};
use std::ops::Range;

/// Beyond this places are not sought, and so all that were made, wanted or not, fit into whole numbers.
const FAR: f32 = 1e9;

/// Columns of a row, by what stands around their places.
pub(super) struct Columns {
    /// Some of the four pixels lie in the image.
    pub reached: Range<usize>,
    /// All four do, and what follows them can be read.
    pub inside: Range<usize>,
}

/// What the first `count` columns of `row` see, if they lie on a line and that is easily told.
pub(super) fn columns(source: &Source, row: &Row, count: usize) -> Option<Columns> {
    let (xs, ys) = (&row.xs[..count], &row.ys[..count]);
    let last = count.next_multiple_of(64).min(SPAN) - 1;
    let ends = [row.xs[0], row.xs[last], row.ys[0], row.ys[last]];
    if !source.straight || !ends.iter().all(|place| place.abs() < FAR) {
        return None;
    }
    let (width, height) = source.size;
    let reached = common(between(xs, -1.0, width), between(ys, -1.0, height));
    let inside = common(between(xs, 0.0, width - 1.0), between(ys, 0.0, height - 1.0));
    let inside = if inside.is_empty() { reached.end..reached.end } else { inside };
    // No place lies beyond both ends, along either axis.
    let most = |places: &[f32]| places[inside.start].max(places[inside.end - 1]) as usize;
    let readable = inside.is_empty() || (most(ys) * source.width + most(xs)) * source.channels <= source.limit.max(0) as usize;
    (readable && source.limit >= 0).then_some(Columns { reached, inside })
}

fn common(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

/// Where places, which nowhere turn back, are at least `low` and less than `high`.
fn between(places: &[f32], low: f32, high: f32) -> Range<usize> {
    let (first, last) = (places[0], places[places.len() - 1]);
    let steps = (places.len() - 1) as f32 / (last - first);
    // The number of columns before the first one for which `passed`, sought from where it should be.
    let before = |bound: f32, passed: &dyn Fn(f32) -> bool| {
        let mut at = (((bound - first) * steps) as usize).min(places.len());
        while at > 0 && passed(places[at - 1]) {
            at -= 1;
        }
        while at < places.len() && !passed(places[at]) {
            at += 1;
        }
        at
    };
    if first <= last {
        before(low, &|place| place >= low)..before(high, &|place| place >= high)
    } else {
        before(high, &|place| place < high)..before(low, &|place| place < low)
    }
}
