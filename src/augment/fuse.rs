//! Consecutive moves of a picture, held back until they can be made in one resampling. Knows no operation by name.

use super::{Chain, Drawn, Step, StepTrace};
use crate::key::{Dice, Key};
use crate::pixels::fused::{Motion, fused};
use crate::sample::{Image, Size};
use serde_json::Value;

/// Operations that were drawn and not yet applied: each is no more than a motion.
#[derive(Default)]
pub(super) struct Held<'o> {
    drawn: Vec<Box<dyn Drawn + 'o>>,
    motions: Vec<Motion>,
}

impl<'o> Held<'o> {
    /// The size that `image` has once everything held is applied.
    pub fn size(&self, image: &Image) -> Size {
        self.motions.last().map_or(image.size(), |motion| motion.size)
    }

    /// Takes the next operation: holds it if it is a motion, or else applies what is held and then it.
    pub fn add(&mut self, drawn: Box<dyn Drawn + 'o>, image: &mut Image) {
        match drawn.motion(self.size(image)) {
            Some(motion) => {
                self.drawn.push(drawn);
                self.motions.push(motion);
            }
            None => {
                self.apply(image);
                drawn.apply(image);
            }
        }
    }

    /// Applies everything that is held. Where fewer than two motions interpolate, each is made by itself: pixels are then interpolated
    /// once, as it is.
    pub fn apply(&mut self, image: &mut Image) {
        let interpolating = self.motions.iter().filter(|motion| motion.sampling.is_some()).count();
        if interpolating < 2 {
            self.drawn.iter().for_each(|drawn| drawn.apply(image));
        } else {
            *image = fused(image, &self.motions);
        }
        self.drawn.clear();
        self.motions.clear();
    }
}

impl Chain {
    /// [`Chain::apply`] with motions held back, and [`Chain::apply_traced`] where `traces` are wanted.
    pub(super) fn apply_fused(&self, place: Key, image: &mut Image, mut traces: Option<&mut Vec<StepTrace>>) -> Result<(), String> {
        let mut held = Held::default();
        for step in &self.steps {
            let (mut dice, applied) = step.coin(place);
            let mut draw = Value::Null;
            if applied {
                draw = step.hold(&mut dice, &mut held, image, traces.is_some()).map_err(|why| step.blamed(why))?;
            }
            if let Some(traces) = &mut traces {
                traces.push(StepTrace { name: step.name().to_owned(), applied, draw });
            }
        }
        held.apply(image);
        Ok(())
    }

    /// [`Chain::replay`] with motions held back.
    pub(super) fn replay_fused(&self, traces: &[StepTrace], image: &mut Image) -> Result<(), String> {
        let mut held = Held::default();
        for (step, trace) in self.steps.iter().zip(traces).filter(|(_, trace)| trace.applied) {
            match step.op().redrawn(&trace.draw, held.size(image)).map_err(|why| step.blamed(why))? {
                Some(drawn) => held.add(drawn, image),
                None => {
                    held.apply(image);
                    step.replay(trace, image)?;
                }
            }
        }
        held.apply(image);
        Ok(())
    }
}

impl Step {
    /// Draws, and holds what was drawn or applies it; what was drawn, where that is wanted.
    fn hold<'s>(&'s self, dice: &mut Dice, held: &mut Held<'s>, image: &mut Image, traced: bool) -> Result<Value, String> {
        let Some(drawn) = self.op().drawn(dice, held.size(image), image.channels())? else {
            held.apply(image);
            return if traced { self.op().run_traced(dice, image) } else { self.op().run(dice, image).map(|()| Value::Null) };
        };
        let draw = if traced { drawn.value()? } else { Value::Null };
        held.add(drawn, image);
        Ok(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chain, OPS, StepTrace};
    use crate::config::{Document, Fields, Problems};
    use crate::key::Key;
    use crate::sample::{Image, Size};
    use proptest::prelude::*;

    fn chain(steps: &[&str]) -> Chain {
        let text = format!("augment = [{}]", steps.join(", "));
        let problems = Problems::default();
        let document = Document::parse("test.toml", &text).expect("TOML");
        let chain = Chain::build(&Fields::new(&document, &problems).tables("augment", "op", ""));
        assert_eq!(problems.take(), [], "{text}");
        chain
    }

    fn place(sample: u64) -> Key {
        Key { run: 3, epoch: 1, sample, op: 0 }
    }

    fn smooth(size: Size, channels: usize) -> Image {
        let wave = |at: u32, length: f64| (f64::from(at) / length).sin();
        let value = |y: u32, x: u32, c: usize| (128.0 + 60.0 * wave(y + 9 * c as u32, 17.0) + 60.0 * wave(x, 23.0)) as u8;
        let pixels = (0..size.height).flat_map(|y| (0..size.width).flat_map(move |x| (0..channels).map(move |c| value(y, x, c))));
        Image::new(size, channels, pixels.collect())
    }

    /// The chain's result one operation after the other, and fused, with what either drew.
    fn both(steps: &[&str], sample: u64, image: &Image) -> [(Image, Vec<StepTrace>); 2] {
        [chain(steps), chain(steps).fused(true)].map(|chain| {
            let mut image = image.clone();
            let traces = chain.apply_traced(place(sample), &mut image).expect("applies");
            (image, traces)
        })
    }

    const MOVES: [&str; 7] = [
        "{ op = 'horizontal_flip', p = 0.5, name = 'NAME' }",
        "{ op = 'vertical_flip', p = 0.5, name = 'NAME' }",
        "{ op = 'rotate90', name = 'NAME' }",
        "{ op = 'crop', size = [7, 5], padding = [1, 2, 3, 4], fill = [1, 2, 3], name = 'NAME' }",
        "{ op = 'center_crop', size = [9, 12], fill = 7, name = 'NAME' }",
        "{ op = 'pad', padding = [2, 5], fill = [9, 8, 7], name = 'NAME' }",
        "{ op = 'translate', translate = [0.3, 0.3], fill = 77, name = 'NAME' }",
    ];

    const WARPS: [&str; 8] = [
        "{ op = 'rotate', degrees = 20, interpolation = 'bilinear', edge = 'exact', name = 'NAME' }",
        "{ op = 'rotate', degrees = [30, 30], expand = true, interpolation = 'bilinear', name = 'NAME' }",
        "{ op = 'scale', scale = [0.8, 1.3], interpolation = 'bicubic', name = 'NAME' }",
        "{ op = 'shear', x = 10, y = 5, interpolation = 'bilinear', name = 'NAME' }",
        "{ op = 'affine', degrees = 10, translate = [0.1, 0.1], interpolation = 'bilinear', name = 'NAME' }",
        "{ op = 'perspective', distortion_scale = 0.3, p = 1, name = 'NAME' }",
        "{ op = 'resize', size = [70, 90], name = 'NAME' }",
        "{ op = 'resized_crop', size = [60, 60], scale = [0.5, 1.0], name = 'NAME' }",
    ];

    fn named<'a>(choices: &'a [&'a str], picked: &'a [usize]) -> Vec<String> {
        picked.iter().enumerate().map(|(index, &pick)| choices[pick].replace("NAME", &format!("step {index}"))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn moves_of_whole_pixels_are_the_same_bytes_as_one_after_the_other(
            picked in prop::collection::vec(0usize..7, 1..6), height in 7u32..40, width in 7u32..40,
            channels in prop::sample::select(vec![1usize, 3]), sample in 0u64..99,
        ) {
            let steps = named(&MOVES, &picked);
            let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
            let image = Image::new(Size::new(height, width), channels, (0..height * width * channels as u32).map(|i| (i * 7) as u8).collect());
            // Cutting more than is left sets the sample aside, in either mode.
            let results = [chain(&steps), chain(&steps).fused(true)].map(|chain| {
                let mut image = image.clone();
                chain.apply(place(sample), &mut image).map(|()| image)
            });
            prop_assert_eq!(&results[0], &results[1], "{:?}", steps);
        }

        #[test]
        fn sizes_and_draws_do_not_depend_on_fusing_and_a_trace_replays(
            picked in prop::collection::vec(0usize..8, 2..6), sample in 0u64..99, channels in prop::sample::select(vec![1usize, 3]),
        ) {
            let steps = named(&WARPS, &picked);
            let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
            let image = smooth(Size::new(61, 83), channels);
            let [(one_by_one, traces), (fused, fused_traces)] = both(&steps, sample, &image);
            prop_assert_eq!(&traces, &fused_traces);
            prop_assert_eq!(one_by_one.size(), fused.size());
            let mut replayed = image.clone();
            let text = serde_json::to_string(&traces).expect("JSON");
            let traces: Vec<StepTrace> = serde_json::from_str(&text).expect("traces");
            chain(&steps).fused(true).replay(&traces, &mut replayed).expect("replays");
            prop_assert_eq!(&replayed, &fused);
            let mut again = image.clone();
            chain(&steps).fused(true).apply(place(sample), &mut again).expect("applies");
            prop_assert_eq!(&again, &fused);
        }
    }

    /// Largest and mean difference where both came from well inside of the image.
    fn difference(steps: &[&str], sample: u64) -> (u8, f64) {
        let size = Size::new(120, 160);
        let [(a, _), (b, _)] = both(steps, sample, &smooth(size, 3));
        // A white image shows what comes from inside: everything around is black, and so are the seams.
        let [(white, _), (fused_white, _)] = both(steps, sample, &Image::filled(size, 3, 255));
        let (mut largest, mut sum, mut count) = (0, 0u64, 0u64);
        for index in 0..a.pixels().len() {
            if white.pixels()[index] == 255 && fused_white.pixels()[index] == 255 {
                let difference = a.pixels()[index].abs_diff(b.pixels()[index]);
                (largest, sum, count) = (largest.max(difference), sum + u64::from(difference), count + 1);
            }
        }
        assert!(count * 3 > a.pixels().len() as u64, "{steps:?}: only {count} values were compared");
        (largest, sum as f64 / count as f64)
    }

    #[test]
    fn fused_warps_are_near_those_made_one_after_the_other_on_smooth_images() {
        let rotate = "{ op = 'rotate', degrees = 20, interpolation = 'bilinear' }";
        let scale = "{ op = 'scale', scale = [0.8, 1.3], interpolation = 'bilinear' }";
        let shear = "{ op = 'shear', x = 10, interpolation = 'bilinear' }";
        let perspective = "{ op = 'perspective', distortion_scale = 0.2, p = 1 }";
        let chains: [&[&str]; 6] = [
            &["'horizontal_flip'", rotate, scale],
            &[rotate, "{ op = 'rotate90', turns = 1 }", shear],
            &[scale, perspective, "{ op = 'translate', translate = [0.1, 0.1] }"],
            &[rotate, "{ op = 'resized_crop', size = [64, 64], scale = [0.5, 0.9] }", "'vertical_flip'"],
            &["{ op = 'crop', size = [100, 140] }", rotate, "{ op = 'resize', size = [50, 70] }"],
            &["{ op = 'resize', size = [200, 240] }", shear, perspective, rotate],
        ];
        for steps in chains {
            for sample in 0..6 {
                let (largest, mean) = difference(steps, sample);
                assert!(largest <= 6 && mean <= 0.8, "{steps:?}, sample {sample}: {largest} and {mean}");
            }
        }
    }

    #[test]
    fn one_warp_in_a_run_is_made_as_without_fusing() {
        let steps =
            ["'horizontal_flip'", "{ op = 'rotate', degrees = 20 }", "{ op = 'crop', size = 9 }", "{ op = 'hue', shift = 0.1 }"];
        for sample in 0..8 {
            let [one_by_one, fused] = both(&steps, sample, &smooth(Size::new(30, 40), 3));
            assert_eq!(one_by_one, fused);
        }
    }

    #[test]
    fn a_turn_there_and_back_is_sharper_fused() {
        let steps = [
            "{ op = 'rotate', degrees = [33, 33], interpolation = 'bilinear' }",
            "{ op = 'rotate', degrees = [-33, -33], interpolation = 'bilinear' }",
        ];
        let size = Size::new(64, 64);
        let image = Image::new(size, 1, (0..64 * 64).map(|i| if (i % 64 / 2 + i / 128) % 2 == 0 { 20 } else { 230 }).collect());
        let [(one_by_one, _), (fused, _)] = both(&steps, 0, &image);
        let inner = |other: &Image| {
            let middle = (20..44).flat_map(|y| (20..44).map(move |x| (y, x)));
            middle.map(|(y, x)| u64::from(other.pixel(y, x)[0].abs_diff(image.pixel(y, x)[0]))).sum::<u64>() / (24 * 24)
        };
        assert!(inner(&fused) <= 1 && inner(&one_by_one) > 20, "{} and {}", inner(&fused), inner(&one_by_one));
    }

    /// What [`crate::augment::Op::motion`] promises, for every operation that has one: the map leads where applying leads.
    #[test]
    fn motions_agree_with_what_is_applied() {
        let mut seen = 0;
        let examples = OPS.iter().map(|entry| {
            let lines = entry.example.lines().filter(|line| !line.starts_with("p ="));
            format!("{{ {}, p = 1 }}", lines.collect::<Vec<_>>().join(", "))
        });
        let more = MOVES.iter().chain(&WARPS).map(|step| step.replace("p = 0.5", "p = 1"));
        for step in examples.chain(more) {
            let chain = chain(&[&step]);
            for sample in 0..6 {
                let image = smooth(Size::new(101, 87), 3);
                let op = chain.steps()[0].op();
                let Some(drawn) = op.drawn(&mut place(sample).dice(), image.size(), 3).expect("draws") else { continue };
                let Some(motion) = drawn.motion(image.size()) else { continue };
                seen += 1;
                let mut applied = image.clone();
                drawn.apply(&mut applied);
                assert_eq!(applied.size(), motion.size, "{step}");
                let moved = crate::pixels::fused::fused(&image, &[motion]);
                let inner = |y: usize, x: usize| {
                    let (x, y, _) = motion.map.at(x as f64 + 0.5, y as f64 + 0.5);
                    (3.0..84.0).contains(&x) && (3.0..98.0).contains(&y)
                };
                let places = (0..moved.height()).flat_map(|y| (0..moved.width()).map(move |x| (y, x)));
                for (y, x) in places.filter(|&(y, x)| inner(y, x)) {
                    let most = if motion.sampling.is_some() { 5 } else { 0 };
                    let near = applied.pixel(y, x).iter().zip(moved.pixel(y, x)).all(|(a, b)| a.abs_diff(*b) <= most);
                    assert!(near, "{step} at {y}, {x}: {:?} and {:?}", applied.pixel(y, x), moved.pixel(y, x));
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
