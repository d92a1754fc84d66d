//! Pictures that are there more than once: harmless copies, the same picture under two labels, the same in two parts.

use super::look::Fact;
use crate::job::data::input::Input;
use serde::Serialize;

/// One of several equal pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// Its name.
    pub path: String,
    /// Its class; empty where there are none.
    pub class: String,
    /// Its part.
    pub part: String,
}

/// Pictures whose decoded pixels are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// `bytes` where their files are equal byte for byte, else `pixels`.
    pub same: &'static str,
    /// Whether they have different labels.
    pub conflict: bool,
    /// Whether they stand in different parts, so that what is learned is scored on itself.
    pub leak: bool,
    /// All of them, in order.
    pub files: Vec<Copy>,
}

/// All pictures that are there more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copies {
    /// Pictures that could be left out: all but the first of every group.
    pub copies: u64,
    /// Groups whose files are equal byte for byte.
    pub same_bytes: u64,
    /// Groups whose pixels are equal, but not their files.
    pub same_pixels: u64,
    /// Groups with different labels.
    pub conflicts: u64,
    /// Groups in different parts.
    pub leaks: u64,
    /// The groups, in the order of their first pictures.
    pub groups: Vec<Group>,
}

impl Copies {
    /// Groups the pictures of `facts` that can be used.
    pub fn of(input: &Input, facts: &[Fact]) -> Self {
        let pixels = |index: usize| facts[index].seen.as_ref().ok().map(|seen| seen.pixels);
        let mut order: Vec<usize> = (0..facts.len()).filter(|&index| pixels(index).is_some()).collect();
        order.sort_unstable_by_key(|&index| (pixels(index), index));
        let mut equal: Vec<&[usize]> = order.chunk_by(|&a, &b| pixels(a) == pixels(b)).filter(|group| group.len() > 1).collect();
        equal.sort_by_key(|group| group[0]);
        let groups: Vec<Group> = equal.into_iter().map(|group| Self::group(input, facts, group)).collect();
        let count = |is: fn(&Group) -> bool| groups.iter().filter(|group| is(group)).count() as u64;
        Self {
            copies: groups.iter().map(|group| group.files.len() as u64 - 1).sum(),
            same_bytes: count(|group| group.same == "bytes"),
            same_pixels: count(|group| group.same == "pixels"),
            conflicts: count(|group| group.conflict),
            leaks: count(|group| group.leak),
            groups,
        }
    }

    fn group(input: &Input, facts: &[Fact], members: &[usize]) -> Group {
        let first = &facts[members[0]];
        let all = |same: &dyn Fn(&Fact) -> bool| members.iter().all(|&index| same(&facts[index]));
        let class = |fact: &Fact| input.class(fact.place);
        let copy = |&index: &usize| {
            let fact = &facts[index];
            Copy {
                path: input.source(fact.place).identity(fact.place.entry as usize).to_string(),
                class: class(fact).map_or(String::new(), |class| input.classes[class].clone()),
                part: input.pieces[fact.place.piece as usize].name.clone(),
            }
        };
        Group {
            same: if first.stored.is_some() && all(&|fact| fact.stored == first.stored) { "bytes" } else { "pixels" },
            conflict: !all(&|fact| class(fact) == class(first)),
            leak: !all(&|fact| fact.place.piece == first.place.piece),
            files: members.iter().map(copy).collect(),
        }
    }
}
