//! Pictures that are there twice: harmless copies, and the same picture under two labels.

use super::Data;
use crate::source;

/// Data sets up to this size are looked through for equal files at every start; `pipeline check` does it for all.
const LOOKED_THROUGH: usize = 5_000;

impl Data {
    /// Names the pictures that are there twice: a note for equal labels, a warning for different ones. Reads files; large data
    /// sets are passed over unless `thorough`.
    pub fn duplicate_warnings(&self, thorough: bool) -> Vec<String> {
        if !thorough && self.source.len() > LOOKED_THROUGH {
            return Vec::new();
        }
        let groups = source::duplicates(&*self.source);
        let (wrong, harmless): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.contradict);
        let name = |&index: &usize| {
            let class = self.source.classes()[self.source.label(index) as usize].escape_debug().to_string();
            format!("{} ({class})", self.source.identity(index))
        };
        let contradiction = |group: &source::Duplicates| {
            format!("the same picture under different labels: {}", listed(&group.samples.iter().map(name).collect::<Vec<_>>()))
        };
        let copies: usize = harmless.iter().map(|group| group.samples.len() - 1).sum();
        let note = harmless.first().map(|first| {
            let names = listed(&first.samples.iter().map(name).collect::<Vec<_>>());
            let are = if copies == 1 { "picture is a copy of another" } else { "pictures are copies of others" };
            format!("{copies} {are}: {names}")
        });
        wrong.iter().map(contradiction).chain(note).collect()
    }
}

/// Names, a few of them.
pub(super) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + &rest
}
