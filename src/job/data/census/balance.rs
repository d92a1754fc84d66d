//! How many pictures each class has, and which have too few. Knows no picture.

use serde::Serialize;

/// A class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its samples.
    pub samples: u64,
    /// Those that can be used.
    pub usable: u64,
    /// Its share of all samples that can be used, 0 to 1.
    pub share: f64,
    /// Its samples in each part, in the order of the parts.
    pub parts: Vec<u64>,
}

/// All classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// Samples of the largest class that can be used, divided by those of the smallest that has any; none without classes.
    pub imbalance: Option<f64>,
    /// Classes without a sample that can be used.
    pub empty: Vec<String>,
    /// Classes of fewer than [`FEW`] usable samples, or of fewer than a tenth of the middle class, but not empty.
    pub near_empty: Vec<String>,
    /// The classes in their order.
    pub classes: Vec<Class>,
}

/// Fewer usable samples are too few.
pub const FEW: u64 = 5;

impl Balance {
    /// `counts` gives for each of the classes `names` the samples of every part, and how many can be used.
    pub fn of(names: &[String], counts: Vec<(Vec<u64>, u64)>) -> Self {
        let all: u64 = counts.iter().map(|(_, usable)| usable).sum();
        let class = |(name, (parts, usable)): (&String, (Vec<u64>, u64))| {
            let share = usable as f64 / all.max(1) as f64;
            Class { name: name.clone(), samples: parts.iter().sum(), usable, share, parts }
        };
        let classes: Vec<Class> = names.iter().zip(counts).map(class).collect();
        let mut sizes: Vec<u64> = classes.iter().map(|class| class.usable).filter(|&usable| usable > 0).collect();
        sizes.sort_unstable();
        let middle = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
        let listed = |is: &dyn Fn(u64) -> bool| {
            classes.iter().filter(|class| is(class.usable)).map(|class| class.name.clone()).collect::<Vec<String>>()
        };
        let (empty, near_empty) =
            (listed(&|usable| usable == 0), listed(&|usable| usable > 0 && (usable < FEW || usable * 10 < middle)));
        let imbalance = sizes.first().zip(sizes.last()).map(|(&least, &most)| most as f64 / least as f64);
        Self { imbalance, empty, near_empty, classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_classes_are_named_and_empty_ones_do_not_count_in_the_ratio() {
        let names = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let counts = [100, 0, 9, 4, 200].map(|usable| (vec![usable, 1], usable));
        let balance = Balance::of(&names, counts.to_vec());
        assert_eq!(balance.imbalance, Some(50.0));
        assert_eq!((balance.empty, balance.near_empty), (vec!["b".to_owned()], vec!["c".to_owned(), "d".to_owned()]));
        assert_eq!((balance.classes[4].samples, balance.classes[4].share), (201, 200.0 / 313.0));
        assert_eq!(Balance::of(&[], Vec::new()).imbalance, None);
    }
}
