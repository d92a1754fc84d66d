//! Heights, widths and shapes of pictures. Knows no picture.

use crate::sample::Size;
use serde::Serialize;
use std::collections::BTreeMap;

/// The smallest, the middle and the largest of some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// The smallest.
    pub min: f64,
    /// The one in the middle of all in order; of an even count the upper one.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Range {
    fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        let (min, max) = (*numbers.first()?, *numbers.last()?);
        Some(Self { min, median: numbers[numbers.len() / 2], max })
    }
}

/// A size and how many pictures have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Common {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Pictures.
    pub count: u64,
}

/// Sizes of upright pictures in pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sizes {
    /// Rows.
    pub height: Range,
    /// Columns.
    pub width: Range,
    /// Width divided by height.
    pub aspect: Range,
    /// How many are wider than high.
    pub landscape: u64,
    /// How many are higher than wide.
    pub portrait: u64,
    /// How many are neither.
    pub square: u64,
    /// How many different sizes there are.
    pub distinct: u64,
    /// The most common sizes, twenty at most.
    pub common: Vec<Common>,
}

/// Most sizes that are listed.
const LISTED: usize = 20;

impl Sizes {
    /// What there is to say of `sizes`; nothing where there are none.
    pub fn of(sizes: &[Size]) -> Option<Self> {
        let range = |of: fn(&Size) -> f64| Range::of(sizes.iter().map(of).collect());
        let count = |is: fn(&Size) -> bool| sizes.iter().filter(|size| is(size)).count() as u64;
        let mut each: BTreeMap<Size, u64> = BTreeMap::new();
        sizes.iter().for_each(|size| *each.entry(*size).or_default() += 1);
        let common = |(size, count): (Size, u64)| Common { height: size.height, width: size.width, count };
        let distinct = each.len() as u64;
        let mut all: Vec<Common> = each.into_iter().map(common).collect();
        all.sort_by_key(|common| std::cmp::Reverse(common.count));
        all.truncate(LISTED);
        Some(Self {
            height: range(|size| f64::from(size.height))?,
            width: range(|size| f64::from(size.width))?,
            aspect: range(|size| f64::from(size.width) / f64::from(size.height))?,
            landscape: count(|size| size.width > size.height),
            portrait: count(|size| size.width < size.height),
            square: count(|size| size.width == size.height),
            distinct,
            common: all,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_and_shapes_are_those_of_the_pictures() {
        assert_eq!(Sizes::of(&[]), None);
        let sizes = Sizes::of(&[(4, 8), (9, 3), (4, 8), (5, 5)].map(|(height, width)| Size::new(height, width))).unwrap();
        assert_eq!(sizes.height, Range { min: 4.0, median: 5.0, max: 9.0 });
        assert_eq!((sizes.landscape, sizes.portrait, sizes.square, sizes.distinct), (2, 1, 1, 3));
        assert_eq!(sizes.common[0], Common { height: 4, width: 8, count: 2 });
        assert_eq!(sizes.aspect.max, 2.0);
    }
}
