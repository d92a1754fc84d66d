//! A chain's way into a batch: the picture itself, several views of it, or one in numbers. Knows no operation by name.

use super::op::Output;
use super::{Chain, Step, StepTrace};
use crate::key::Key;
use crate::sample::{Image, View};
use serde_json::Value;

impl Chain {
    /// What it makes of a picture: as many views as all its steps together, in numbers if one of them says so.
    pub fn output(&self) -> Output {
        let outputs = self.steps.iter().filter(|step| step.p() > 0.0).map(|step| step.op.output());
        outputs.fold(Output::PICTURE, |all, one| Output { views: all.views * one.views, floats: all.floats || one.floats })
    }

    /// Everything that the dice at `place` say, as [`Chain::apply`] does it, but with every view that it comes to. Steps after one
    /// that makes several are applied to each.
    ///
    /// # Errors
    /// Why the image cannot be taken, and by which step.
    pub fn views(&self, place: Key, mut image: Image) -> Result<Vec<View>, String> {
        if self.output() == Output::PICTURE {
            self.apply(place, &mut image)?;
            return Ok(vec![View::Bytes(image)]);
        }
        self.views_traced(place, image).map(|(views, _)| views)
    }

    /// The same, and tells what every step did: for a step that several views go through, what it drew for the first.
    ///
    /// # Errors
    /// As [`Chain::views`].
    pub fn views_traced(&self, place: Key, image: Image) -> Result<(Vec<View>, Vec<StepTrace>), String> {
        self.views_after(0, place, vec![View::Bytes(image)])
    }

    /// The same with `views` as they come to the step `from`, for it and those behind it.
    pub(super) fn views_after(&self, from: usize, place: Key, mut views: Vec<View>) -> Result<(Vec<View>, Vec<StepTrace>), String> {
        let mut traces = Vec::new();
        for step in &self.steps[from..] {
            let (_, applied) = step.coin(place);
            let mut first = None;
            if applied {
                views = step.each(views, |image| {
                    // The same dice for each view: what is done to one is done to all.
                    let (mut dice, _) = step.coin(place);
                    let (views, draw) = step.op.views_traced(&mut dice, image)?;
                    first.get_or_insert(draw);
                    Ok(views)
                })?;
            }
            traces.push(StepTrace { name: step.name.clone(), applied, draw: first.unwrap_or(Value::Null) });
        }
        Ok((views, traces))
    }

    /// The views that `traces`, of this chain, tell of.
    ///
    /// # Errors
    /// Traces of another chain, or why the image cannot be taken.
    pub fn replay_views(&self, traces: &[StepTrace], image: Image) -> Result<Vec<View>, String> {
        let ours = self.steps.iter().map(|step| step.name.as_str());
        if !ours.eq(traces.iter().map(|trace| trace.name.as_str())) {
            return Err("the trace is of another chain".to_owned());
        }
        let mut views = vec![View::Bytes(image)];
        for (step, trace) in self.steps.iter().zip(traces).filter(|(_, trace)| trace.applied) {
            views = step.each(views, |image| step.op.replay_views(&trace.draw, image))?;
        }
        Ok(views)
    }
}

impl Step {
    /// What it makes of a picture.
    pub fn output(&self) -> Output {
        self.op.output()
    }

    /// What `change` makes of every view, one after the other.
    pub(super) fn each(
        &self,
        views: Vec<View>,
        mut change: impl FnMut(Image) -> Result<Vec<View>, String>,
    ) -> Result<Vec<View>, String> {
        let mut made = Vec::with_capacity(views.len());
        for view in views {
            match view {
                View::Bytes(image) => made.extend(change(image).map_err(|why| self.blamed(why))?),
                View::Floats(_) => return Err(self.blamed("nothing can follow an operation that gives numbers".to_owned())),
            }
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::OPS;
    use crate::config::{Document, Fields, Problems};
    use crate::isa::{Isa, only};
    use crate::sample::Size;

    const PLACE: Key = Key { run: 7, epoch: 3, sample: 99, op: 0 };

    fn chain(text: &str) -> Chain {
        let problems = Problems::default();
        let document = Document::parse("test.toml", text).expect("TOML");
        let chain = Chain::build(&Fields::new(&document, &problems).tables("augment", "op", ""));
        assert_eq!(problems.take(), []);
        chain
    }

    fn picture(height: u32, width: u32, channels: usize) -> Image {
        let count = height * width * channels as u32;
        Image::new(Size::new(height, width), channels, (0..count).map(|i| (i * i % 251) as u8).collect())
    }

    /// Chains of one operation each: every example without its chance, and choices that no example shows.
    fn chains() -> impl Iterator<Item = Chain> {
        let examples = OPS.iter().map(|entry| {
            let kept: Vec<&str> = entry.example.lines().filter(|line| !line.starts_with("p =")).collect();
            format!("[[augment]]\n{}\np = 1", kept.join("\n"))
        });
        let more = [
            "augment = [{ op = 'ten_crop', size = 5, small = 'resize', vertical_flip = true }, { op = 'resize', size = 9 }]",
            "augment = [{ op = 'five_crop', size = [4, 6], small = 'pad' }, { op = 'vgg_evaluate', size = 7, resize_side = 8 }]",
            "augment = ['horizontal_flip', { op = 'inception_train', size = 9, mode = 'full' }]",
        ];
        examples.chain(more.map(str::to_owned)).map(|text| chain(&text))
    }

    fn bits(views: &[View]) -> Vec<(Size, Vec<u32>)> {
        let of = |view: &View| match view {
            View::Bytes(image) => image.pixels().iter().map(|&byte| u32::from(byte)).collect(),
            View::Floats(image) => image.values().iter().map(|value| value.to_bits()).collect(),
        };
        views.iter().map(|view| (view.size(), of(view))).collect()
    }

    #[test]
    fn every_operation_makes_the_views_that_it_declares_of_every_size() {
        for chain in chains() {
            let output = chain.output();
            for (height, width) in [(1, 1), (1, 57), (57, 1), (3, 3), (31, 33), (97, 5)] {
                for channels in [1, 3] {
                    let views = chain.views(PLACE, picture(height, width, channels)).expect("views");
                    assert_eq!(views.len(), output.views, "{chain:?}");
                    for view in &views {
                        assert_eq!(matches!(view, View::Floats(_)), output.floats, "{chain:?}");
                        assert!(chain.out_size(Size::new(height, width)).is_none_or(|size| size == view.size()), "{chain:?}");
                        if let View::Floats(image) = view {
                            assert_eq!(image.channels(), channels);
                            assert!(image.values().iter().all(|value| value.is_finite()), "{chain:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn views_are_the_same_on_every_instruction_set_and_replay_from_json_text() {
        for chain in chains() {
            let image = picture(31, 40, 3);
            let (views, traces) = chain.views_traced(PLACE, image.clone()).expect("views");
            assert!(bits(&chain.views(PLACE, image.clone()).expect("views")) == bits(&views), "{chain:?}");
            for isa in Isa::available() {
                let other = only(isa, || chain.views(PLACE, image.clone()).expect("views"));
                assert!(bits(&other) == bits(&views), "{chain:?} on {isa:?}");
            }
            let text = serde_json::to_string(&traces).expect("JSON");
            let read: Vec<StepTrace> = serde_json::from_str(&text).expect("traces");
            assert!(bits(&chain.replay_views(&read, image.clone()).expect("replays")) == bits(&views), "{chain:?}: {text}");
            assert!(chain.replay_views(&read[1..], image.clone()).is_err());
            for (height, width) in [(1, 1), (1, 57), (200, 3)] {
                chain.replay_views(&read, picture(height, width, 1)).expect("a draw fits every size");
            }
        }
    }

    #[test]
    fn a_single_picture_is_what_apply_makes_of_it() {
        let chain = chain("augment = ['horizontal_flip', { op = 'resize', size = 8 }, { op = 'gaussian_noise', p = 0.5 }]");
        for sample in 0..8 {
            let place = Key { sample, ..PLACE };
            let mut image = picture(9, 11, 3);
            let views = chain.views(place, image.clone()).expect("views");
            assert_eq!(chain.views_traced(place, image.clone()).expect("views").0, views);
            chain.apply(place, &mut image).expect("applies");
            assert_eq!(views, [View::Bytes(image)]);
        }
    }

    #[test]
    fn what_follows_several_views_is_done_to_each() {
        let both = chain("augment = [{ op = 'five_crop', size = 8 }, { op = 'horizontal_flip', p = 1 }]");
        let flip = chain("augment = [{ op = 'horizontal_flip', p = 1 }]");
        let crops = chain("augment = [{ op = 'five_crop', size = 8 }]").views(PLACE, picture(20, 30, 3)).expect("views");
        let flipped = crops.into_iter().map(|view| match view {
            View::Bytes(image) => flip.views(PLACE, image).expect("views").remove(0),
            floats => floats,
        });
        assert_eq!(both.views(PLACE, picture(20, 30, 3)).expect("views"), flipped.collect::<Vec<_>>());
        assert_eq!(both.output(), Output { views: 5, floats: false });
    }

    #[test]
    fn nothing_follows_numbers() {
        let chain =
            chain("augment = [{ op = 'vgg_evaluate', size = 8, resize_side = 9 }, 'horizontal_flip', { op = 'hue', shift = 0 }]");
        let error = chain.views(PLACE, picture(20, 30, 3)).unwrap_err();
        assert!(error.contains("nothing can follow"), "{error}");
    }
}
