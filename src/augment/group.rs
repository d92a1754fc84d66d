//! Operations that hold others: a chain inside, and a rule that says which of its steps have their turn. Knows no rule.

use super::chain::{Chain, Step, StepTrace};
use super::erased::DynOp;
use crate::key::{Dice, Key};
use crate::sample::{Image, Size};
use serde::Deserialize;
use serde_json::Value;

/// Which of `count` steps have their turn, and in which order.
pub(super) trait Turns: Send + Sync {
    /// [`super::Op::DEFAULT_P`].
    const DEFAULT_P: f64 = 1.0;

    /// The steps, numbered from 0, in the order of their turns.
    fn deal(&self, count: usize, dice: &mut Dice) -> Vec<usize>;

    /// Fewest and most turns that are dealt.
    fn bounds(&self, count: usize) -> (usize, usize);

    /// [`DynOp::chance_inside`].
    fn chance(&self, step: usize, count: usize, p: f64) -> f64;

    /// Whether every step always has one turn, in the chain's order.
    fn is_whole(&self, count: usize) -> bool;

    /// Whether `step` may have the first turn.
    fn may_begin(&self, step: usize, count: usize) -> bool {
        self.chance(step, count, 1.0) > 0.0
    }
}

/// A chain whose steps have their turn by a rule.
///
/// Inside, dice follow the step's name at a place that the group's own dice draw: what one step draws moves no other.
pub(super) struct Group<T> {
    pub(super) chain: Chain,
    pub(super) turns: T,
}

impl<T: Turns> Group<T> {
    fn count(&self) -> usize {
        self.chain.steps().len()
    }

    /// The steps that have their turn, each with the place of its dice: another one at each turn of the same step.
    fn dealt(&self, dice: &mut Dice) -> impl Iterator<Item = (&Step, Key)> {
        let place = dice.place();
        let turns = self.turns.deal(self.count(), dice);
        (0..turns.len()).map(move |turn| {
            let before = turns[..turn].iter().filter(|&&step| step == turns[turn]).count() as u64;
            (&self.chain.steps()[turns[turn]], Key { sample: place.sample.wrapping_add(before), ..place })
        })
    }

    /// The steps that may have their turn.
    fn possible(&self) -> impl Iterator<Item = &Step> {
        let chosen = |(index, _): &(usize, &Step)| self.turns.chance(*index, self.count(), 1.0) > 0.0;
        self.chain.steps().iter().enumerate().filter(chosen).map(|(_, step)| step)
    }

    /// Whether no step changes the size of an image of `size`.
    fn keeps(&self, size: Size) -> bool {
        self.possible().all(|step| step.out_size(Some(size)) == Some(size))
    }

    /// The size after the first turn, whoever has it.
    fn first_size(&self, size: Option<Size>) -> Option<Size> {
        let mut sizes = self.possible().map(|step| step.out_size(size));
        let first = sizes.next()?;
        sizes.all(|other| other == first).then_some(first)?
    }

    /// The size that some step which always has its turn gives to every image.
    fn certain_size(&self) -> Option<Size> {
        let steps = self.chain.steps().iter().enumerate();
        let mut certain = steps.filter(|(index, _)| self.turns.chance(*index, self.count(), 1.0) >= 1.0);
        certain.find_map(|(_, step)| step.out_size(None))
    }
}

impl<T: Turns> DynOp for Group<T> {
    fn default_p(&self) -> f64 {
        T::DEFAULT_P
    }

    fn run(&self, dice: &mut Dice, image: &mut Image) -> Result<(), String> {
        self.dealt(dice).try_for_each(|(step, place)| step.apply(place, image))
    }

    fn run_traced(&self, dice: &mut Dice, image: &mut Image) -> Result<Value, String> {
        let traces: Result<Vec<StepTrace>, String> =
            self.dealt(dice).map(|(step, place)| step.apply_traced(place, image)).collect();
        serde_json::to_value(traces?).map_err(|error| error.to_string())
    }

    fn replay(&self, draw: &Value, image: &mut Image) -> Result<(), String> {
        let traces = Vec::<StepTrace>::deserialize(draw).map_err(|error| format!("no draw of this operation: {error}"))?;
        if traces.len() > self.turns.bounds(self.count()).1 {
            return Err(format!("no draw of this operation: {} turns", traces.len()));
        }
        traces.iter().try_for_each(|trace| {
            let step = self.chain.steps().iter().find(|step| step.name() == trace.name);
            step.ok_or_else(|| format!("the trace is of another chain: `{}`", trace.name))?.replay(trace, image)
        })
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        if self.turns.is_whole(self.count()) {
            return self.chain.out_size(size);
        }
        if size.is_some_and(|size| self.keeps(size)) {
            return size;
        }
        let (fewest, most) = self.turns.bounds(self.count());
        let first = self.first_size(size).filter(|&size| fewest > 0 && (most == 1 || self.keeps(size)));
        first.or_else(|| self.certain_size().filter(|&size| self.keeps(size)))
    }

    fn refuses(&self, size: Size) -> Option<String> {
        if self.turns.is_whole(self.count()) {
            return self.chain.refuses(size);
        }
        let mut first = self.chain.steps().iter().enumerate().filter(|(index, _)| self.turns.may_begin(*index, self.count()));
        first.find_map(|(_, step)| step.refuses(size))
    }

    fn is_fixed(&self) -> bool {
        self.turns.is_whole(self.count()) && self.chain.steps().iter().all(Step::is_fixed)
    }

    fn scratch(&self) -> u64 {
        self.chain.scratch()
    }

    fn steps(&self) -> &[Step] {
        self.chain.steps()
    }

    fn chance_inside(&self, step: usize, p: f64) -> f64 {
        self.turns.chance(step, self.count(), p)
    }

    fn size_inside(&self, step: usize, size: Option<Size>) -> Option<Size> {
        if self.turns.is_whole(self.count()) {
            return self.chain.steps()[..step].iter().fold(size, |size, step| step.out_size(size));
        }
        let alone = self.turns.bounds(self.count()).1 == 1;
        size.filter(|&size| alone || self.keeps(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Document, Fields, Problems};
    use crate::error::Problem;

    const PLACE: Key = Key { run: 7, epoch: 3, sample: 99, op: 0 };

    fn build(text: &str) -> (Chain, Vec<Problem>) {
        let problems = Problems::default();
        let document = Document::parse("test.toml", text).expect("TOML");
        let chain = Chain::build(&Fields::new(&document, &problems).tables("augment", "op", ""));
        (chain, problems.take())
    }

    fn chain(text: &str) -> Chain {
        let (chain, problems) = build(text);
        assert_eq!(problems, []);
        chain
    }

    fn traced(chain: &Chain, sample: u64, size: Size) -> (Vec<StepTrace>, Image) {
        let mut image = Image::new(size, 3, (0..size.area() as u32 * 3).map(|i| (i * i % 251) as u8).collect());
        let traces = chain.apply_traced(Key { sample, ..PLACE }, &mut image).expect("applies");
        (traces, image)
    }

    /// What the step called `name` drew, wherever it stands.
    fn draws_of(name: &str, trace: &Value, found: &mut Vec<Value>) {
        if trace["name"] == name {
            found.push(trace["draw"].clone());
        }
        trace["draw"].as_array().into_iter().flatten().for_each(|inner| draws_of(name, inner, found));
    }

    #[test]
    fn a_draw_more_in_one_step_moves_nothing_in_its_siblings() {
        let with = |sibling: &str| {
            let noise = "{ op = 'gaussian_noise', sigma = [0.1, 0.9] }";
            chain(&format!("augment = [{{ op = 'random_order', ops = [{sibling}, {noise}] }}]"))
        };
        let (one, four) =
            (with("{ op = 'brightness', factor = 0.3, name = 'x' }"), with("{ op = 'color_jitter', hue = 0.1, name = 'x' }"));
        for sample in 0..10 {
            let noise = |chain: &Chain| {
                let (traces, _) = traced(chain, sample, Size::new(4, 4));
                let mut found = Vec::new();
                draws_of("gaussian_noise", &serde_json::to_value(&traces[0]).expect("JSON"), &mut found);
                found
            };
            assert_eq!(noise(&one), noise(&four));
            assert_eq!(noise(&one).len(), 1);
        }
    }

    #[test]
    fn a_step_that_is_picked_twice_draws_anew() {
        let chain = chain("augment = [{ op = 'some_of', count = 2, replace = true, ops = [{ op = 'rotate', degrees = 90 }] }]");
        let (traces, _) = traced(&chain, 0, Size::new(4, 4));
        assert_ne!(traces[0].draw[0], traces[0].draw[1]);
    }

    #[test]
    fn later_steps_draw_for_the_size_that_earlier_ones_leave() {
        let text = "augment = [{ op = 'random_order', ops = [{ op = 'resized_crop', size = 40 }, { op = 'crop', size = 5 }] }]";
        let chain = chain(text);
        let corners: Vec<u64> = (0..40)
            .map(|sample| {
                let (traces, image) = traced(&chain, sample, Size::new(6, 6));
                assert!([Size::new(5, 5), Size::new(40, 40)].contains(&image.size()));
                let mut found = Vec::new();
                draws_of("crop", &serde_json::to_value(&traces[0]).expect("JSON"), &mut found);
                found[0]["top"].as_u64().expect("top")
            })
            .collect();
        assert!(corners.iter().any(|&top| top > 1), "a crop of a larger picture: {corners:?}");
        assert_eq!(chain.out_size(Size::new(6, 6)), None);
    }

    #[test]
    fn problems_point_into_the_nested_table_and_name_the_way_there() {
        let text = "[[augment]]\nop = 'one_of'\nops = ['horizontal_flip', { op = 'sometimes', ops = [\n  { op = 'rotate', degrees = 10, p = 3 },\n  'hues',\n] }]";
        let (_, problems) = build(text);
        let shown: Vec<(String, &str)> = problems
            .iter()
            .map(|problem| (problem.message.clone(), &text[problem.place.as_ref().expect("a place").1.clone()]))
            .collect();
        let expected = [
            ("`p` in augment 0 (one_of) ops 1 (sometimes) ops 0 (rotate) cannot be 3", "3"),
            ("`op` in augment 0 (one_of) ops 1 (sometimes) ops 1 cannot be \"hues\"", "'hues'"),
        ];
        assert_eq!(shown.len(), expected.len(), "{shown:#?}");
        for ((message, place), (expected, at)) in shown.iter().zip(expected) {
            assert!(message == expected && *place == at, "{message} at {place}");
        }
    }

    #[test]
    fn what_is_missing_wrong_or_too_deep_is_a_problem() {
        let of = |inner: &str| {
            build(&format!("augment = [{{ {inner} }}]")).1.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
        };
        assert_eq!(of("op = 'one_of'"), ["augment 0 (one_of) has no `ops`"]);
        assert_eq!(of("op = 'sometimes', ops = []"), ["augment 0 (sometimes) has nothing in `ops`"]);
        assert_eq!(of("op = 'sometimes', ops = 3"), ["`ops` must be a list of tables, not an integer"]);
        let two = "ops = ['horizontal_flip', 'vertical_flip']";
        assert_eq!(of(&format!("op = 'one_of', weights = [1], {two}")), ["1 weights for 2 operations"]);
        assert_eq!(of(&format!("op = 'one_of', weights = [0, 0], {two}")), ["all weights are 0"]);
        assert_eq!(of(&format!("op = 'some_of', count = [1, 3], {two}")), ["3 of 2 operations cannot be picked"]);
        assert_eq!(of(&format!("op = 'some_of', count = [2, 1], {two}")).len(), 1);
        assert_eq!(of("op = 'sometimes', ops = ['hue', { op = 'hue', shift = 0.1 }]").len(), 1, "only the missing shift");
        let nested = |levels: usize| {
            (0..levels).fold("'rotate90'".to_owned(), |inner, _| format!("{{ op = 'sometimes', ops = [{inner}] }}"))
        };
        assert_eq!(build(&format!("augment = [{}]", nested(8))).1, []);
        let problems = build(&format!("augment = [{}]", nested(9))).1;
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].message.ends_with("lies in 8 others"), "{problems:?}");
    }

    #[test]
    fn what_cannot_be_taken_is_known_where_it_is_sure_to_come() {
        let refused = |text: &str| chain(&format!("augment = [{text}]")).refuses(Size::new(10, 10));
        let crop = "{ op = 'crop', size = 32 }";
        let expected = "crop: image 10x10 is smaller than the crop 32x32";
        assert_eq!(refused(&format!("{{ op = 'sometimes', ops = [{crop}] }}")), Some(format!("sometimes: {expected}")));
        assert_eq!(refused(&format!("{{ op = 'sometimes', ops = [{{ op = 'resize', size = 40 }}, {crop}] }}")), None);
        assert_eq!(refused(&format!("{{ op = 'one_of', weights = [1, 0], ops = ['rotate90', {crop}] }}")), None);
        assert_eq!(
            refused(&format!("{{ op = 'random_order', ops = ['rotate90', {crop}] }}")),
            Some(format!("random_order: {expected}"))
        );
        let mut small = Image::filled(Size::new(10, 10), 3, 0);
        let chain = chain(&format!("augment = [{{ op = 'one_of', ops = [{crop}] }}]"));
        assert_eq!(chain.apply(PLACE, &mut small).unwrap_err(), format!("one_of: {expected}"));
    }

    #[test]
    fn no_stored_trace_makes_more_turns_than_the_rule_does() {
        let chain = chain("augment = [{ op = 'one_of', ops = ['horizontal_flip'] }]");
        let step = serde_json::json!({ "name": "horizontal_flip", "applied": true, "draw": null });
        let trace = |steps: Vec<Value>| [StepTrace { name: "one_of".to_owned(), applied: true, draw: steps.into() }];
        let mut image = Image::filled(Size::new(2, 2), 1, 0);
        assert!(chain.replay(&trace(vec![step.clone()]), &mut image).is_ok());
        assert!(chain.replay(&trace(vec![step; 2]), &mut image).is_err());
        let other = serde_json::json!({ "name": "hue", "applied": false, "draw": null });
        assert!(chain.replay(&trace(vec![other]), &mut image).is_err());
    }
}
