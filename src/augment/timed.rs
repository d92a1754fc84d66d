//! What each step of a chain takes, one after the other. Knows no operation by name.

use super::Chain;
use crate::key::Key;
use crate::sample::{Image, View};
use std::time::{Duration, Instant};

impl Chain {
    /// Does what [`Chain::views`] does, every step by itself, and adds the time that each takes to `times`, which has a place for
    /// every step. Geometric operations are not made in one resampling then: each shows its own cost.
    ///
    /// # Errors
    /// As [`Chain::views`].
    pub fn add_times(&self, place: Key, image: Image, times: &mut [Duration]) -> Result<Vec<View>, String> {
        let mut views = vec![View::Bytes(image)];
        for (step, time) in self.steps.iter().zip(times) {
            let start = Instant::now();
            views = match views.as_mut_slice() {
                [View::Bytes(image)] if step.output() == super::Output::PICTURE => {
                    step.apply(place, image)?;
                    views
                }
                _ if !step.coin(place).1 => views,
                _ => step.each(views, |image| {
                    let (mut dice, _) = step.coin(place);
                    step.op.views_traced(&mut dice, image).map(|(views, _)| views)
                })?,
            };
            *time += start.elapsed();
        }
        Ok(views)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fields, Problems};
    use crate::sample::Size;

    #[test]
    fn step_by_step_is_what_all_at_once_is() {
        for text in ["['horizontal_flip', { op = 'rotate', degrees = 20 }]", "[{ op = 'ten_crop', size = 8 }, 'invert']"] {
            let fields = Fields::parse(&format!("augment = {text}"), &Problems::default()).unwrap();
            let chain = Chain::build(&fields.tables("augment", "op", ""));
            for sample in 0..8 {
                let place = Key { run: 1, epoch: 0, sample, op: 0 };
                let image = Image::new(Size::new(12, 11), 3, (0..396).map(|i| (i * 7 % 256) as u8).collect());
                let mut times = [Duration::ZERO; 2];
                assert_eq!(chain.add_times(place, image.clone(), &mut times), chain.views(place, image));
                assert!(times.iter().all(|time| *time > Duration::ZERO));
            }
        }
    }
}
