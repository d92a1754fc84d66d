//! Operations one after the other, each with its own chance and its own dice. Knows no operation by name.

use super::{DynOp, OPS};
use crate::config::{Fields, Limits, Value as Given};
use crate::key::{Dice, Key, hash_name};
use crate::registry::find;
use crate::sample::{Image, Size};
use serde_json::Value;

/// Operations that hold others may lie in so many of their kind.
const DEEPEST: usize = 8;

/// What is done to every picture, in this order.
#[derive(Debug, Default)]
pub struct Chain {
    pub(super) steps: Vec<Step>,
    pub(super) fuse: bool,
    pub(super) scale: bool,
}

/// One operation of a chain.
pub struct Step {
    pub(super) name: String,
    op_name: &'static str,
    pub(super) hash: u64,
    pub(super) p: f64,
    alternate: bool,
    pub(super) op: Box<dyn DynOp>,
}

/// What one step did to one picture.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StepTrace {
    /// The step's name in the chain.
    pub name: String,
    /// Whether its coin let it be applied.
    pub applied: bool,
    /// What it drew; null where it was not applied.
    pub draw: Value,
}

impl Chain {
    /// The chain that a list of tables describes, each with the key `op`, the keys of that operation, and `p` and `name`.
    ///
    /// Everything wrong is added to the tables' [`Problems`](crate::config::Problems), unknown keys too; the chain is then of no
    /// use. A step is named by its operation, the second of a kind `op#2`, unless it has a `name` of its own.
    pub fn build(tables: &[Fields]) -> Self {
        let mut chain = Self::default();
        for fields in tables {
            chain.steps.extend(chain.read_step(fields));
        }
        chain
    }

    /// The chain at the key `ops` of an operation that holds others, and how many the file gives, good or bad.
    pub(super) fn inside(fields: &Fields) -> (Self, usize) {
        let tables = fields.inside("ops", "op", "operations inside: tables like those of [[augment]], or just names");
        if fields.depth() >= DEEPEST {
            let message = format!("{} lies in {DEEPEST} others", fields.name());
            fields.complain("ops", message, "nest less deeply");
            return Default::default();
        }
        (Self::build(&tables), tables.len())
    }

    /// The chain with consecutive geometric operations made in one resampling, if `fuse`: draws, names and sizes stay the same.
    pub fn fused(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        self
    }

    /// Whether consecutive geometric operations are made in one resampling.
    pub fn fuses(&self) -> bool {
        self.fuse
    }

    fn read_step(&self, fields: &Fields) -> Option<Step> {
        let names: Vec<&'static str> = OPS.iter().map(|entry| entry.name).collect();
        let given = match fields.node("op").map(|node| &node.value) {
            Some(Given::Text(text)) => text.as_str(),
            _ => "",
        };
        fields.key("op", "which operation").word(&names).required();
        let entry = find(OPS, given).ok()?;
        let op = (entry.build)(fields);
        let about = "chance that the step is applied to a sample; inside another operation, whenever it has its turn there";
        let p = fields.key("p", about).number(Limits::UNIT).or(op.default_p());
        let about = "tosses the coin once a sample instead of once an epoch: what it says holds in every other epoch, the opposite in \
                     those between";
        let alternate = fields.key("alternate", about).flag().or(false);
        if alternate && (fields.depth() > 0 || p <= 0.0 || p >= 1.0) {
            let help = "give it to a step of the chain itself, with p = 0.5";
            fields.complain("alternate", "`alternate` needs epochs to count, and a chance between 0 and 1", help);
        }
        let about = "name of the step, from which its random numbers follow; by default its operation, the second of a kind op#2";
        let explicit = fields.key("name", about).text().optional();
        fields.finish();
        let name = explicit.unwrap_or_else(|| self.free_name(entry.name));
        if self.steps.iter().any(|step| step.name == name) {
            fields.complain("name", format!("two steps are called `{name}`"), "their random numbers would be the same");
        }
        Some(Step { hash: hash_name(&name), name, op_name: entry.name, p, alternate, op })
    }

    fn free_name(&self, op_name: &str) -> String {
        match self.steps.iter().filter(|step| step.op_name == op_name).count() {
            0 => op_name.to_owned(),
            before => format!("{op_name}#{}", before + 1),
        }
    }

    /// Does everything to `image` that the dice at `place` say; [`Key::op`] plays no part, because each step has its own.
    ///
    /// # Errors
    /// Why the image cannot be taken, and by which step; it is then half done and must not be used.
    pub fn apply(&self, place: Key, image: &mut Image) -> Result<(), String> {
        if self.fuse {
            return self.apply_fused(place, image, None);
        }
        self.steps.iter().try_for_each(|step| step.apply(place, image))
    }

    /// The picture that [`Chain::apply`] makes of a copy of `image`, which stays. The first step reads the one and writes the other
    /// where it can, which is faster than changing a copy.
    ///
    /// # Errors
    /// As [`Chain::apply`].
    pub fn applied(&self, place: Key, image: &Image) -> Result<Image, String> {
        if self.fuse {
            let mut copy = image.clone();
            return self.apply_fused(place, &mut copy, None).map(|()| copy);
        }
        let mut made = None;
        for step in &self.steps {
            match &mut made {
                Some(made) => step.apply(place, made)?,
                None => made = step.applied(place, image)?,
            }
        }
        Ok(made.unwrap_or_else(|| image.clone()))
    }

    /// [`Chain::apply`], and tells what every step did.
    ///
    /// # Errors
    /// As [`Chain::apply`].
    pub fn apply_traced(&self, place: Key, image: &mut Image) -> Result<Vec<StepTrace>, String> {
        if self.fuse {
            let mut traces = Vec::with_capacity(self.steps.len());
            return self.apply_fused(place, image, Some(&mut traces)).map(|()| traces);
        }
        self.steps.iter().map(|step| step.apply_traced(place, image)).collect()
    }

    /// Does again what `traces`, of this chain, say was done.
    ///
    /// # Errors
    /// Traces of another chain, or why the image cannot be taken.
    pub fn replay(&self, traces: &[StepTrace], image: &mut Image) -> Result<(), String> {
        let ours = self.steps.iter().map(|step| step.name.as_str());
        if !ours.eq(traces.iter().map(|trace| trace.name.as_str())) {
            return Err("the trace is of another chain".to_owned());
        }
        if self.fuse {
            return self.replay_fused(traces, image);
        }
        self.steps.iter().zip(traces).try_for_each(|(step, trace)| step.replay(trace, image))
    }

    /// The size that an image of `size` has at the end, or any image where `size` is none; none where that varies.
    pub fn out_size(&self, size: impl Into<Option<Size>>) -> Option<Size> {
        self.steps.iter().fold(size.into(), |size, step| step.out_size(size))
    }

    /// Why an image of `size` would be set aside, as far as sizes along the chain are known.
    pub fn refuses(&self, size: Size) -> Option<String> {
        let mut size = Some(size);
        for step in &self.steps {
            if let Some(why) = size.and_then(|size| step.refuses(size)) {
                return Some(why);
            }
            size = step.out_size(size);
        }
        None
    }

    /// Bytes for each pixel that some step holds at most beside the picture and two others of its size.
    pub fn scratch(&self) -> u64 {
        self.steps.iter().filter(|step| step.p > 0.0).map(|step| step.op.scratch()).max().unwrap_or(0)
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("name", &self.name).field("op_name", &self.op_name).field("p", &self.p).finish_non_exhaustive()
    }
}

impl Step {
    /// Its name in the chain.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The word of its operation.
    pub fn op_name(&self) -> &'static str {
        self.op_name
    }

    /// Chance that it is applied to a sample.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// Whether what its coin says is turned round from epoch to epoch.
    pub fn alternates(&self) -> bool {
        self.alternate
    }

    /// The size after it of an image of `size`, or of any image; none where that varies, be it by its chance.
    pub fn out_size(&self, size: Option<Size>) -> Option<Size> {
        let applied = if self.p > 0.0 { self.op.out_size(size) } else { size };
        if self.p >= 1.0 { applied } else { applied.filter(|&applied| Some(applied) == size) }
    }

    /// Why an image of `size` would be set aside by it, if so.
    pub fn refuses(&self, size: Size) -> Option<String> {
        self.op.refuses(size).filter(|_| self.p > 0.0).map(|why| self.blamed(why))
    }

    /// Whether it does the same to every image of a size, whatever the dice: what evaluation asks for.
    pub fn is_fixed(&self) -> bool {
        self.p <= 0.0 || (self.p >= 1.0 && self.op.is_fixed())
    }

    /// The steps inside it, where its operation holds others.
    pub fn steps(&self) -> &[Step] {
        self.op.steps()
    }

    pub(super) fn op(&self) -> &dyn DynOp {
        &*self.op
    }

    /// Its dice, and whether it is applied.
    pub(super) fn coin(&self, place: Key) -> (Dice, bool) {
        let mut dice = Key { op: self.hash, ..place }.dice();
        let tossed = self.p >= 1.0 || dice.chance(self.p);
        if !self.alternate {
            return (dice, tossed);
        }
        // One coin for all epochs, the one of the first.
        let mut first = Key { op: self.hash, epoch: 0, ..place }.dice();
        let applied = first.chance(self.p) == place.epoch.is_multiple_of(2);
        (dice, applied)
    }

    /// [`Chain::apply`] of this step alone.
    ///
    /// # Errors
    /// As [`Chain::apply`].
    pub fn apply(&self, place: Key, image: &mut Image) -> Result<(), String> {
        let (mut dice, applied) = self.coin(place);
        if applied { self.op.run(&mut dice, image).map_err(|why| self.blamed(why)) } else { Ok(()) }
    }

    /// [`Chain::applied`] of this step alone; none where it is not applied.
    fn applied(&self, place: Key, image: &Image) -> Result<Option<Image>, String> {
        let (mut dice, applied) = self.coin(place);
        applied.then(|| self.op.run_on(&mut dice, image).map_err(|why| self.blamed(why))).transpose()
    }

    /// [`Chain::apply_traced`] of this step alone.
    pub(super) fn apply_traced(&self, place: Key, image: &mut Image) -> Result<StepTrace, String> {
        let (mut dice, applied) = self.coin(place);
        let draw = match applied {
            true => self.op.run_traced(&mut dice, image).map_err(|why| self.blamed(why))?,
            false => Value::Null,
        };
        Ok(StepTrace { name: self.name.clone(), applied, draw })
    }

    /// [`Chain::replay`] of this step alone.
    pub(super) fn replay(&self, trace: &StepTrace, image: &mut Image) -> Result<(), String> {
        if trace.applied { self.op.replay(&trace.draw, image).map_err(|why| self.blamed(why)) } else { Ok(()) }
    }

    pub(super) fn blamed(&self, why: String) -> String {
        format!("{}: {why}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Document, Problems};

    const PLACE: Key = Key { run: 7, epoch: 3, sample: 99, op: 0 };

    fn build(text: &str) -> (Chain, Vec<String>) {
        let problems = Problems::default();
        let document = Document::parse("test.toml", text).expect("TOML");
        let chain = Chain::build(&Fields::new(&document, &problems).tables("augment", "op", ""));
        let found = problems.take();
        (chain, found.into_iter().map(|problem| format!("{} | {}", problem.message, problem.help.unwrap_or_default())).collect())
    }

    fn chain(text: &str) -> Chain {
        let (chain, problems) = build(text);
        assert_eq!(problems, Vec::<String>::new());
        chain
    }

    fn picture() -> Image {
        Image::new(Size::new(20, 30), 3, (0..1800u32).map(|i| (i * i % 251) as u8).collect())
    }

    fn after(chain: &Chain, place: Key) -> Image {
        let mut image = picture();
        chain.apply(place, &mut image).expect("applies");
        image
    }

    #[test]
    fn steps_are_named_by_operation_number_or_their_own_name() {
        let text = "augment = [{ op = 'rotate', degrees = 9 }, 'horizontal_flip', { op = 'rotate', degrees = 8 }, { op = 'rotate', degrees = 7, name = 'last' }]";
        let names: Vec<String> = chain(text).steps().iter().map(|step| step.name().to_owned()).collect();
        assert_eq!(names, ["rotate", "horizontal_flip", "rotate#2", "last"]);
    }

    #[test]
    fn every_problem_of_every_step_is_reported() {
        let (_, problems) = build(
            "[[augment]]\nop = 'rotat'\nx = 1\n[[augment]]\nop = 'hue'\nshift = 0.9\nq = 1\n[[augment]]\np = 2\n[[augment]]\nop = 'crop'\nsize = 8\np = 7\n",
        );
        let expected = [
            "cannot be \"rotat\" | did you mean \"rotate\"?",
            "`shift` in augment 1 (hue) cannot be 0.9",
            "unknown key `q` in augment 1 (hue)",
            "augment 2 needs the key `op`",
            "`p` in augment 3 (crop) cannot be 7",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{part:?} in {problem:?}");
        }
    }

    #[test]
    fn equal_names_are_refused_because_their_dice_would_be_equal() {
        let (_, problems) = build("augment = [{ op = 'hue', shift = 0.1, name = 'rotate' }, { op = 'rotate', degrees = 3 }]");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("two steps are called `rotate`"), "{problems:?}");
    }

    #[test]
    fn dice_follow_the_name_and_not_the_place_in_the_chain() {
        let text = "{ op = 'gaussian_noise', sigma = 0.2, name = 'grain' }";
        let alone = after(&chain(&format!("augment = [{text}]")), PLACE);
        let later = after(&chain(&format!("augment = [{{ op = 'horizontal_flip', p = 0 }}, {text}]")), PLACE);
        assert_eq!(alone, later);
        let renamed = after(&chain(&format!("augment = [{}]", text.replace("grain", "dust"))), PLACE);
        assert_ne!(alone, renamed);
    }

    #[test]
    fn another_epoch_sample_or_run_gives_another_picture() {
        let chain = chain("augment = [{ op = 'gaussian_noise' }]");
        let base = after(&chain, PLACE);
        for place in [Key { epoch: 4, ..PLACE }, Key { sample: 98, ..PLACE }, Key { run: 8, ..PLACE }] {
            assert_ne!(after(&chain, place), base);
        }
        assert_eq!(after(&chain, Key { op: 5, ..PLACE }), base);
    }

    #[test]
    fn an_alternating_step_does_the_opposite_in_the_next_epoch_and_half_of_all_samples_begin_with_it() {
        let chain = chain("augment = [{ op = 'horizontal_flip', alternate = true }]");
        let applied = |sample, epoch| {
            let (place, mut image) = (Key { sample, epoch, ..PLACE }, picture());
            let traces = chain.apply_traced(place, &mut image).expect("applies");
            assert_eq!(traces[0].applied, image != picture(), "what was done is recorded");
            let mut replayed = picture();
            chain.replay(&traces, &mut replayed).expect("replays");
            assert!(replayed == image && chain.views(place, picture()).expect("views") == [crate::sample::View::Bytes(image)]);
            traces[0].applied
        };
        let mut begin = 0;
        for sample in 0..400 {
            let first = applied(sample, 0);
            begin += i32::from(first);
            assert!((1..7).all(|epoch| applied(sample, epoch) == (first == (epoch % 2 == 0))), "{sample}");
        }
        assert!((160..240).contains(&begin), "{begin} of 400 are flipped in the first epoch");
        let other_run = Key { run: 8, ..PLACE };
        let differs = |sample| chain.steps[0].coin(Key { sample, ..other_run }).1 != applied(sample, PLACE.epoch);
        assert!((0..40).any(differs), "another seed tosses other coins");
    }

    #[test]
    fn alternation_needs_epochs_and_a_chance() {
        assert_eq!(
            build("augment = [{ op = 'vertical_flip', alternate = true }, { op = 'invert', p = 0.3, alternate = true }]").1.len(),
            0
        );
        for text in [
            "{ op = 'horizontal_flip', p = 1, alternate = true }",
            "{ op = 'pad', padding = 1, alternate = true }",
            "{ op = 'one_of', ops = [{ op = 'horizontal_flip', alternate = true }] }",
        ] {
            let problems = build(&format!("augment = [{text}]")).1;
            assert!(problems.len() == 1 && problems[0].contains("needs epochs"), "{text}: {problems:?}");
        }
    }

    #[test]
    fn a_picture_that_stays_gives_what_its_copy_becomes_whichever_step_is_the_first() {
        let text = "augment = [{ op = 'invert' }, { op = 'rotate', degrees = 9, p = 0.5 }, 'vertical_flip', 'horizontal_flip']";
        for chain in [chain(text), chain(text).fused(true), Chain::default()] {
            let made: Vec<Image> = (0..80)
                .map(|sample| {
                    let (place, mut image) = (Key { sample, ..PLACE }, picture());
                    let made = chain.applied(place, &image).expect("applies");
                    chain.apply(place, &mut image).expect("applies");
                    assert_eq!(made, image);
                    made
                })
                .collect();
            assert!(made.contains(&picture()) && (chain.steps().is_empty() || made.iter().any(|made| *made != picture())));
        }
    }

    #[test]
    fn a_trace_replays_the_whole_chain_from_json_text() {
        let chain = chain(
            "augment = [{ op = 'affine', degrees = 30, translate = [0.2, 0.2], p = 0.5 }, { op = 'resized_crop', size = 12 }, 'horizontal_flip', { op = 'color_jitter', brightness = 0.4, hue = 0.1 }, 'gaussian_noise']",
        );
        for sample in 0..20 {
            let place = Key { sample, ..PLACE };
            let mut traced = picture();
            let traces = chain.apply_traced(place, &mut traced).expect("applies");
            let text = serde_json::to_string(&traces).expect("JSON");
            let mut replayed = picture();
            chain.replay(&serde_json::from_str::<Vec<StepTrace>>(&text).expect("traces"), &mut replayed).expect("replays");
            assert_eq!(traced, after(&chain, place));
            assert_eq!(replayed, traced);
        }
        assert!(chain.replay(&[], &mut picture()).is_err());
    }

    #[test]
    fn sizes_are_known_where_they_do_not_vary() {
        let size = Size::new(20, 30);
        let text = "{ op = 'rotate', degrees = 20, expand = true }";
        assert_eq!(chain(&format!("augment = [{text}]")).out_size(size), None);
        assert_eq!(chain(&format!("augment = [{text}, {{ op = 'resize', size = 8 }}]")).out_size(None), Some(Size::new(8, 8)));
        assert_eq!(chain("augment = [{ op = 'resize', size = 8, p = 0.5 }]").out_size(size), None);
        assert_eq!(chain("augment = [{ op = 'resize', size = 8, p = 0 }]").out_size(size), Some(size));
        assert_eq!(chain("augment = [{ op = 'resize', size = 8, p = 0.5 }]").out_size(Size::new(8, 8)), Some(Size::new(8, 8)));
        assert_eq!(chain("augment = ['horizontal_flip']").out_size(size), Some(size));
    }

    #[test]
    fn a_chain_holds_what_its_most_demanding_step_does_however_deep_it_lies() {
        assert_eq!(chain("augment = ['invert', { op = 'affine', degrees = 9 }]").scratch(), 0);
        // A sum in `f32` for each of three channels.
        assert_eq!(chain("augment = ['invert', 'aug_mix']").scratch(), 12);
        assert_eq!(chain("augment = [{ op = 'aug_mix', p = 0 }]").scratch(), 0);
        let deep = "augment = [{ op = 'sometimes', p = 0.1, ops = [{ op = 'one_of', ops = ['invert', 'aug_mix'] }] }, 'invert']";
        assert_eq!(chain(deep).scratch(), 12);
    }

    #[test]
    fn what_a_step_cannot_take_is_an_error_that_names_it() {
        let chain = chain("augment = [{ op = 'crop', size = 32 }]");
        let error = chain.apply(PLACE, &mut picture()).unwrap_err();
        assert_eq!(error, "crop: image 20x30 is smaller than the crop 32x32");
        assert_eq!(chain.steps()[0].refuses(Size::new(20, 30)), Some(error));
        assert_eq!(chain.steps()[0].refuses(Size::new(32, 32)), None);
    }

    #[test]
    fn a_chain_knows_beforehand_what_a_later_step_cannot_take() {
        let chain = chain("augment = [{ op = 'resize', size = 30 }, { op = 'crop', size = 32 }]");
        assert_eq!(chain.refuses(Size::new(99, 99)).as_deref(), Some("crop: image 30x30 is smaller than the crop 32x32"));
        let text = "augment = [{ op = 'rotate', degrees = 9, expand = true }, { op = 'crop', size = 32 }]";
        assert_eq!(super::tests::chain(text).refuses(Size::new(9, 9)), None, "the size there varies");
    }
}
