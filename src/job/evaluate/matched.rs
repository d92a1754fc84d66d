//! Classes of a source and classes of a model, brought together by their names. Knows no picture.

use crate::error::{Error, Problem, Result, nearest};
use crate::source::Source;

/// What belongs together, and what does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// The entries whose class the model knows, in their order.
    pub entries: Vec<u32>,
    /// The model's number of each of the source's classes.
    numbers: Vec<Option<u32>>,
    /// Classes that the model does not know, with their samples, which are left out.
    pub unknown: Vec<(String, u64)>,
    /// Classes of the model of which there is no sample.
    pub missing: Vec<String>,
}

impl Matched {
    /// Matches the classes of `entries` with `known`, those of the model.
    ///
    /// # Errors
    /// [`Error::Refused`] with every class that the model does not know, unless `skip_unknown`; then only if it knows none.
    pub fn new(source: &dyn Source, entries: &[u32], known: &[String], skip_unknown: bool) -> Result<Self> {
        let numbers: Vec<Option<u32>> =
            source.classes().iter().map(|name| known.iter().position(|known| known == name).map(|number| number as u32)).collect();
        let mut samples = vec![0u64; numbers.len()];
        entries.iter().for_each(|&entry| samples[source.label(entry as usize) as usize] += 1);
        let there = |number: usize| {
            let classes = numbers.iter().zip(&samples);
            classes.into_iter().any(|(own, &samples)| *own == Some(number as u32) && samples > 0)
        };
        let missing: Vec<String> =
            known.iter().enumerate().filter(|(number, _)| !there(*number)).map(|(_, name)| name.clone()).collect();
        let classes = source.classes().iter().zip(&numbers).zip(&samples);
        let strange = classes.filter(|((_, number), samples)| number.is_none() && **samples > 0);
        let unknown: Vec<(String, u64)> = strange.map(|((name, _), &samples)| (name.clone(), samples)).collect();
        let kept: Vec<u32> =
            entries.iter().copied().filter(|&entry| numbers[source.label(entry as usize) as usize].is_some()).collect();
        let matched = Self { entries: kept, numbers, unknown, missing };
        match (matched.unknown.is_empty(), skip_unknown && !matched.entries.is_empty()) {
            (false, false) => Err(Error::Refused(matched.problems(known))),
            _ => Ok(matched),
        }
    }

    /// The model's number of the source's class `label`, which it knows.
    pub fn class(&self, label: u32) -> u32 {
        self.numbers.get(label as usize).copied().flatten().unwrap_or(0)
    }

    /// What the user should know.
    pub fn warnings(&self) -> Vec<String> {
        let unknown = self.unknown.iter().map(|(name, samples)| {
            format!("{samples} samples of class \"{}\" are left out: the model does not know it", name.escape_debug())
        });
        let missing = (!self.missing.is_empty()).then(|| format!("there is no sample of {}", named(&self.missing)));
        unknown.chain(missing).collect()
    }

    fn problems(&self, known: &[String]) -> Vec<Problem> {
        let unknown = self.unknown.iter().map(|(name, samples)| {
            let near = nearest(name, known.iter().map(String::as_str));
            let help = near.map_or_else(
                || format!("the model knows {}; --skip-unknown leaves the others out", named(known)),
                |near| format!("did you mean \"{}\"? --skip-unknown leaves it out", near.escape_debug()),
            );
            Problem::new(format!("the model does not know class \"{}\" ({samples} samples)", name.escape_debug()), help)
        });
        let missing = (!self.missing.is_empty())
            .then(|| Problem::new(format!("there is no sample of {}, which the model knows", named(&self.missing)), ""));
        unknown.chain(missing).collect()
    }
}

/// Names of classes, a few of them.
fn named(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("\"{}\"", name.escape_debug())).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}
