//! The part of a picture that a chain needs, known before the picture is decoded, and the chain's way from there. Knows no operation by
//! name.

use super::op::Output;
use super::{Chain, Step};
use crate::key::{Dice, Key};
use crate::pixels::decode::Choice;
use crate::sample::{Image, Size, View};

impl Chain {
    /// The part of an image of `size` with `channels` values a pixel that is all that plays a part in what [`Chain::views`] makes of it
    /// at `place`; none where that is the whole image, or not known without it.
    ///
    /// That is what the first step asks for which is applied at all. Where motions are made in one resampling, pixels outside of one
    /// step's part may play one for the next, so it is none.
    pub fn part(&self, place: Key, size: Size, channels: usize) -> Option<Choice> {
        let (_, step, mut dice) = self.first(place)?;
        let drawn = step.op.drawn(&mut dice, size, channels).ok()??;
        drawn.part(size).map(|(region, _)| Choice { region, enough: self.enough(step) })
    }

    /// The chain to which a smaller rendition of a part is as good, if `scale`, where that is larger than needed; draws stay the same.
    pub fn scaled(mut self, scale: bool) -> Self {
        self.scale = scale;
        self
    }

    /// Whether smaller renditions of parts are as good.
    pub fn scales(&self) -> bool {
        self.scale
    }

    /// Whether there is a step that could do with a smaller rendition of its part, and none before it that is always applied.
    pub fn can_scale(&self) -> bool {
        let may_begin = 1 + self.steps.iter().take_while(|step| step.p < 1.0).count();
        let mut first = self.steps.iter().take(may_begin).filter(|step| step.p > 0.0);
        !self.fuse && first.any(|step| step.op.enough().is_some())
    }

    fn enough(&self, step: &Step) -> Option<Size> {
        step.op.enough().filter(|_| self.scale)
    }

    /// [`Chain::views`] of an image of `size` of which only `part` is at hand, which is what [`Chain::part`] said, as large as that or
    /// as it is [decoded](Choice::decoded).
    ///
    /// # Errors
    /// As [`Chain::views`], or that `part` is another one.
    pub fn views_of_part(&self, place: Key, size: Size, part: Image) -> Result<Vec<View>, String> {
        let another = || "this is not the part of the picture that the chain needs".to_owned();
        let (index, step, mut dice) = self.first(place).ok_or_else(another)?;
        let drawn = step.op.drawn(&mut dice, size, part.channels()).map_err(|why| step.blamed(why))?.ok_or_else(another)?;
        let (region, on_part) = drawn.part(size).ok_or_else(another)?;
        let smaller = Choice { region, enough: self.enough(step) }.decoded(size);
        if ![region.size(), smaller.size()].contains(&part.size()) {
            return Err(another());
        }
        if self.output() != Output::PICTURE {
            return self.views_after(index + 1, place, on_part.views(part)).map(|(views, _)| views);
        }
        let mut image = part;
        on_part.apply(&mut image);
        self.steps[index + 1..].iter().try_for_each(|step| step.apply(place, &mut image))?;
        Ok(vec![View::Bytes(image)])
    }

    /// The first step that is applied at `place`, and its dice.
    fn first(&self, place: Key) -> Option<(usize, &Step, Dice)> {
        let coins = || self.steps.iter().enumerate().map(|(index, step)| (index, step, step.coin(place)));
        let mut applied = coins().filter(|(_, _, (_, applied))| *applied);
        applied.next().filter(|_| !self.fuse).map(|(index, step, (dice, _))| (index, step, dice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::OPS;
    use crate::config::{Document, Fields, Problems};
    use crate::pixels::crop::crop;

    fn chain(text: &str) -> Chain {
        let problems = Problems::default();
        let document = Document::parse("test.toml", text).expect("TOML");
        let chain = Chain::build(&Fields::new(&document, &problems).tables("augment", "op", ""));
        assert_eq!(problems.take(), [], "{text}");
        chain
    }

    fn picture(height: u32, width: u32, channels: usize) -> Image {
        let count = height * width * channels as u32;
        Image::new(Size::new(height, width), channels, (0..count).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect())
    }

    /// How often `chain` asks for a part, out of 40 samples of each size; what it makes of that is what it makes of the whole.
    fn parts(chain: &Chain) -> usize {
        let mut found = 0;
        for (height, width, channels) in [(37, 50, 3), (50, 37, 1), (5, 61, 3), (1, 1, 1), (33, 32, 3)] {
            let image = picture(height, width, channels);
            for sample in 0..40 {
                let place = Key { run: u64::from(width), epoch: sample % 3, sample, op: 0 };
                if let Some(Choice { region, .. }) = chain.part(place, image.size(), channels) {
                    let part = crop(&image, region);
                    assert_eq!(part.size(), region.size(), "{region:?} lies inside");
                    let made = chain.views_of_part(place, image.size(), part).expect("applies");
                    assert!(
                        made == chain.views(place, image.clone()).expect("applies"),
                        "{chain:?} {region:?} of {:?}",
                        image.size()
                    );
                    found += 1;
                }
            }
        }
        found
    }

    #[test]
    fn what_an_operation_makes_of_its_part_is_what_it_makes_of_the_whole() {
        for entry in OPS {
            let found = parts(&chain(&format!("[[augment]]\n{}", entry.example)));
            let cuts = ["resized_crop", "center_crop", "inception_train"].contains(&entry.name);
            assert_eq!(found > 0, cuts, "{}: {found}", entry.name);
        }
    }

    #[test]
    fn the_first_step_that_is_applied_says_which_part_and_the_others_follow() {
        let rest = "'horizontal_flip', { op = 'color_jitter', brightness = 0.4, hue = 0.1 }, { op = 'rotate', degrees = 9 }";
        for (first, expected) in [
            ("{ op = 'resized_crop', size = 12, interpolation = 'bicubic' }", 200..=200),
            ("{ op = 'resized_crop', size = [9, 40], antialias = false }", 200..=200),
            ("{ op = 'resized_crop', size = 16, interpolation = 'nearest', p = 0.5 }", 1..=199),
            ("{ op = 'resized_crop', size = 16, p = 0.5, alternate = true }", 1..=199),
            ("{ op = 'invert', p = 0.25 }, { op = 'crop', size = 3, small = 'pad' }", 1..=159),
            ("{ op = 'invert', p = 1 }, { op = 'crop', size = 3, small = 'pad' }", 0..=0),
            ("{ op = 'crop', size = [5, 30] }", 160..=160),
            ("{ op = 'crop', size = 5, padding = 2 }", 0..=0),
            ("{ op = 'sometimes', ops = [{ op = 'resized_crop', size = 3 }] }", 0..=0),
            ("{ op = 'inception_train', size = 9, mode = 'full' }", 200..=200),
        ] {
            let rest = if first.contains("inception") { "" } else { rest };
            let found = parts(&chain(&format!("augment = [{first}, {rest}]")));
            assert!(expected.contains(&found), "{first}: {found}");
        }
        assert_eq!(parts(&chain("augment = [{ op = 'resized_crop', size = 12 }, { op = 'rotate', degrees = 9 }]").fused(true)), 0);
        assert_eq!(parts(&chain("augment = [{ op = 'resized_crop', size = 12 }, { op = 'ten_crop', size = 5 }]")), 200);
    }

    #[test]
    fn a_smaller_rendition_is_taken_where_the_chain_scales_and_the_draw_is_the_same() {
        let text = "augment = [{ op = 'resized_crop', size = 8, scale = [0.5, 1] }, 'horizontal_flip']";
        let (exact, scaling) = (chain(text), chain(text).scaled(true));
        let size = Size::new(90, 120);
        for sample in 0..20 {
            let place = Key { run: 3, epoch: 1, sample, op: 0 };
            let (one, other) = (exact.part(place, size, 3).unwrap(), scaling.part(place, size, 3).unwrap());
            assert_eq!((one.region, one.enough, other.enough), (other.region, None, Some(Size::new(8, 8))));
            let small = other.decoded(size);
            assert!(small.width < other.region.width && small.height >= 8);
            let part = Image::filled(small.size(), 3, 77);
            assert_eq!(
                scaling.views_of_part(place, size, part.clone()),
                Ok(vec![View::Bytes(Image::filled(Size::new(8, 8), 3, 77))])
            );
            assert!(exact.views_of_part(place, size, part).is_err());
        }
    }

    #[test]
    fn only_a_crop_that_averages_and_comes_first_can_scale() {
        for (ops, expected) in [
            ("{ op = 'resized_crop', size = 8 }", true),
            ("{ op = 'resized_crop', size = 8, antialias = false }", false),
            ("{ op = 'resized_crop', size = 8, interpolation = 'nearest' }", false),
            ("{ op = 'invert', p = 0.5 }, { op = 'resized_crop', size = 8, interpolation = 'bicubic' }", true),
            ("{ op = 'invert', p = 1 }, { op = 'resized_crop', size = 8 }", false),
            ("{ op = 'resized_crop', size = 8, p = 0 }", false),
            ("{ op = 'crop', size = 8 }", false),
        ] {
            assert_eq!(chain(&format!("augment = [{ops}]")).can_scale(), expected, "{ops}");
        }
        assert!(!chain("augment = [{ op = 'resized_crop', size = 8 }]").fused(true).can_scale());
    }

    #[test]
    fn another_part_is_refused() {
        let chain = chain("augment = [{ op = 'crop', size = 5 }]");
        let place = Key { run: 5, epoch: 0, sample: 1, op: 0 };
        assert!(chain.views_of_part(place, Size::new(9, 9), picture(4, 5, 3)).is_err());
        assert!(chain.views_of_part(place, Size::new(4, 4), picture(4, 4, 3)).is_err());
        assert!(Chain::default().views_of_part(place, Size::new(9, 9), picture(9, 9, 3)).is_err());
    }
}
