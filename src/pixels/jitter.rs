//! Several changes of colour in as few passes over the pixels as their result allows. Knows no chance.
//!
//! Brightness and contrast are tables, and tables that follow each other are one. Only contrast, which needs the mean of all
//! pixels before it, ends a pass.

use super::bytes::look_up;
use super::colour::{brightness, brightness_table, contrast, contrast_table, mean_grey, parts, saturation};
use super::hue::{Colours, hue, within_half};
use super::planes::{MANY, Planes};
use crate::sample::Image;

/// One change of colour, with the number that the function of its name takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// [`brightness`].
    Brightness(f64),
    /// [`contrast`].
    Contrast(f64),
    /// [`saturation`].
    Saturation(f64),
    /// [`hue`].
    Hue(f32),
}

/// Applies `changes` one after the other: the bytes are those of the functions that they are named by.
pub fn change_colours(image: &mut Image, changes: &[Change]) {
    if image.channels() != 3 || changes.len() < 2 {
        return changes.iter().for_each(|&change| alone(image, change));
    }
    let mut steps = Vec::with_capacity(changes.len());
    for &change in changes {
        match change {
            Change::Brightness(factor) => push_table(&mut steps, brightness_table(factor)),
            Change::Contrast(factor) => {
                let mean = mean_after(image, &mut steps);
                push_table(&mut steps, contrast_table(factor, mean));
            }
            Change::Saturation(factor) => steps.push(Step::Saturation(parts(factor))),
            Change::Hue(turns) => steps.push(Step::Hue(within_half(turns))),
        }
    }
    match steps.as_slice() {
        [] => {}
        [Step::Table(table)] => look_up(image.pixels_mut(), table),
        steps => pass::<0>(image.pixels_mut(), steps, &mut 0),
    }
}

fn alone(image: &mut Image, change: Change) {
    match change {
        Change::Brightness(factor) => brightness(image, factor),
        Change::Contrast(factor) => contrast(image, factor),
        Change::Saturation(factor) => saturation(image, factor),
        Change::Hue(turns) => hue(image, turns),
    }
}

/// What is done to each pixel by itself.
enum Step {
    Table(Box<[u8; 256]>),
    Saturation((f32, f32)),
    Hue(f32),
}

fn push_table(steps: &mut Vec<Step>, table: [u8; 256]) {
    if let Some(Step::Table(before)) = steps.last_mut() {
        **before = before.map(|value| table[usize::from(value)]);
    } else {
        steps.push(Step::Table(Box::new(table)));
    }
}

/// The mean grey after `steps`, which are done and taken away; but a single table is only looked through.
fn mean_after(image: &mut Image, steps: &mut Vec<Step>) -> f32 {
    let (area, mut sum) = (image.size().area(), 0);
    match steps.as_slice() {
        [] => return mean_grey(image),
        [Step::Table(table)] => sum_through(image.pixels(), table, &mut sum),
        _ => pass::<1>(image.pixels_mut(), &std::mem::take(steps), &mut sum),
    }
    (sum as f64 / area as f64) as f32
}

wide! {
    /// Does `steps` to every pixel and, where `SUM` is 1, adds up the greys of the results.
    fn pass / pass_plain<const SUM: usize>(pixels: &mut [u8], steps: &[Step], sum: &mut u64) {
        let (mut planes, mut colours) = (Planes::<MANY>::default(), Colours::default());
        for block in pixels.as_chunks_mut::<3>().0.chunks_mut(MANY) {
            planes.take(block);
            for step in steps {
                match step {
                    Step::Table(table) => look_up(planes.bytes_mut(), table),
                    Step::Saturation((factor, rest)) => planes.saturate(*factor, *rest),
                    Step::Hue(turns) => colours.turn(&mut planes, *turns),
                }
            }
            planes.join(block);
            if SUM == 1 {
                *sum += planes.sum_grey(block.len());
            }
        }
    }
}

wide! {
    /// Adds up the greys of what `table` makes of the pixels.
    fn sum_through / sum_through_plain(pixels: &[u8], table: &[u8; 256], sum: &mut u64) {
        let mut planes = Planes::<MANY>::default();
        for block in pixels.as_chunks::<3>().0.chunks(MANY) {
            planes.take(block);
            look_up(planes.bytes_mut(), table);
            *sum += planes.sum_grey(block.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};
    use crate::sample::Size;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        let factor = || prop_oneof![Just(0.0), Just(1.0), 0.0..3.0f64];
        prop_oneof![
            factor().prop_map(Change::Brightness),
            factor().prop_map(Change::Contrast),
            factor().prop_map(Change::Saturation),
            (-0.5..0.5f32).prop_map(Change::Hue),
        ]
    }

    proptest! {
        #[test]
        fn changes_together_give_the_bytes_of_changes_one_by_one(
            changes in prop::collection::vec(change(), 0..6), channels in prop::sample::select(vec![1usize, 3]),
            height in 1u32..30, width in 1u32..30, seed in any::<u32>(),
        ) {
            let count = height * width * channels as u32;
            let pixels = (0..count).map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let image = Image::new(Size::new(height, width), channels, pixels);
            let mut expected = image.clone();
            changes.iter().for_each(|&change| alone(&mut expected, change));
            for isa in Isa::available() {
                let mut changed = image.clone();
                only(isa, || change_colours(&mut changed, &changes));
                prop_assert_eq!(&changed, &expected, "{:?}", isa);
            }
        }
    }
}
