//! What is compared: a run's report and settings, what differs among them, and groups of runs that differ in their seed alone.

use super::student::{Interval, interval};
use crate::event::{Score, Stopped};
use crate::report::{Document, EpochRecord};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Compared {
    /// What it is called: its folder.
    pub name: String,
    /// Its report.
    #[serde(skip)]
    pub document: Document,
    /// Its settings, `key = value`, that decide the result.
    #[serde(skip)]
    pub settings: BTreeMap<String, String>,
    /// Where its data lies, classes and numbers of samples: what tells data apart where a report holds no digest of it.
    #[serde(skip)]
    pub data: String,
}

/// A folder that is no run, or a damaged one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broken {
    /// The folder.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// By what runs are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// As they were given.
    Given,
    /// Accuracy on the test part, best first.
    TestAccuracy,
    /// Loss on the test part, least first.
    TestLoss,
    /// Accuracy on the validation part, best first.
    ValidationAccuracy,
    /// Loss on the validation part, least first.
    ValidationLoss,
    /// Time, shortest first.
    Time,
    /// Processor time, least first.
    CoreSeconds,
}

/// Runs of equal settings, seeds apart.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Their names.
    pub runs: Vec<String>,
    /// Their settings that not all groups share.
    pub differs: BTreeMap<String, String>,
    /// Of their test parts.
    pub test_accuracy: Option<Interval>,
    /// Of their test parts.
    pub test_loss: Option<Interval>,
    /// Of their chosen epochs.
    pub validation_accuracy: Option<Interval>,
    /// Of their chosen epochs.
    pub validation_loss: Option<Interval>,
}

/// Runs side by side.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// In the order in which they are shown.
    pub runs: Vec<Compared>,
    /// Folders that could not be read.
    pub broken: Vec<Broken>,
}

impl Compared {
    /// The epoch whose weights count: the best, or the last.
    pub fn chosen(&self) -> Option<&EpochRecord> {
        let outcome = &self.document.outcome;
        let best = outcome.best_epoch.and_then(|best| outcome.epochs.iter().find(|record| record.epoch == best));
        best.or(outcome.epochs.last())
    }

    /// Its score on the validation part.
    pub fn validation(&self) -> Option<Score> {
        self.chosen().and_then(|record| record.validation)
    }

    /// Training samples a second of its epochs.
    pub fn rate(&self) -> Option<f64> {
        let timing = &self.document.timing;
        let seconds: f64 = timing.epoch_seconds.iter().sum();
        let samples = self.document.outcome.samples.train as f64 * timing.epoch_seconds.len() as f64;
        (seconds > 0.0).then(|| samples / seconds)
    }

    /// Why it ended.
    pub fn stopped(&self) -> String {
        match (&self.document.failure, self.document.outcome.stopped) {
            (Some(words), _) => format!("failed: {}", words.split(';').next().unwrap_or_default()),
            (None, Some(Stopped::Epochs)) => "all epochs".to_owned(),
            (None, Some(Stopped::EarlyStopping)) => "early stopping".to_owned(),
            (None, Some(Stopped::Interrupted)) => "interrupted".to_owned(),
            (None, Some(Stopped::Failed)) => "failed".to_owned(),
            (None, None) => "not finished".to_owned(),
        }
    }

    /// Whether it has learned from the same data as `other`: by the digests of both, wherever the data lay.
    fn same_data(&self, other: &Self) -> bool {
        match (&self.document.data_blake3, &other.document.data_blake3) {
            (Some(mine), Some(other)) => mine == other,
            _ => self.data == other.data,
        }
    }

    /// Whether nothing but the seed tells it from `other`.
    fn is_like(&self, other: &Self) -> bool {
        let settings = |run: &Self| -> Vec<(String, String)> {
            let all = run.settings.iter().filter(|(key, _)| *key != "seed" && *key != "name");
            all.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        self.same_data(other) && settings(self) == settings(other)
    }
}

impl Comparison {
    /// Keys whose values are not the same in all runs.
    pub fn differing(&self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.runs.iter().flat_map(|run| run.settings.keys()).collect();
        let differs = |key: &&String| self.runs.windows(2).any(|pair| pair[0].settings.get(*key) != pair[1].settings.get(*key));
        keys.into_iter().filter(differs).cloned().collect()
    }

    /// Names of runs by their data, where not all have the same; the data of most comes first.
    pub fn other_data(&self) -> Vec<Vec<String>> {
        let mut sets: Vec<Vec<&Compared>> = Vec::new();
        for run in &self.runs {
            match sets.iter_mut().find(|set| set[0].same_data(run)) {
                Some(set) => set.push(run),
                None => sets.push(vec![run]),
            }
        }
        sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
        let names = |set: Vec<&Compared>| set.iter().map(|run| run.name.clone()).collect();
        if sets.len() > 1 { sets.into_iter().map(names).collect() } else { Vec::new() }
    }

    /// Puts the runs in order; what is not known comes last.
    pub fn sort(&mut self, key: SortKey) {
        let value = |run: &Compared| {
            let (test, validation) = (run.document.outcome.test, run.validation());
            match key {
                SortKey::Given => None,
                SortKey::TestAccuracy => test.map(|score| -score.accuracy),
                SortKey::TestLoss => test.map(|score| score.loss),
                SortKey::ValidationAccuracy => validation.map(|score| -score.accuracy),
                SortKey::ValidationLoss => validation.map(|score| score.loss),
                SortKey::Time => Some(run.document.timing.wall_seconds),
                SortKey::CoreSeconds => run.document.timing.core_seconds,
            }
        };
        self.runs.sort_by(|a, b| value(a).unwrap_or(f64::INFINITY).total_cmp(&value(b).unwrap_or(f64::INFINITY)));
    }

    /// Groups of two runs and more that differ in their seed alone.
    pub fn groups(&self) -> Vec<Group> {
        let differing: Vec<String> = self.differing().into_iter().filter(|key| key != "seed" && key != "name").collect();
        let mut groups: Vec<Vec<&Compared>> = Vec::new();
        for run in self.runs.iter().filter(|run| run.document.outcome.stopped.is_some() && run.document.failure.is_none()) {
            match groups.iter_mut().find(|group| group[0].is_like(run)) {
                // The same seed twice is the same run twice, and says nothing of chance.
                Some(group) if group.iter().any(|other| other.document.outcome.seed == run.document.outcome.seed) => {}
                Some(group) => group.push(run),
                None => groups.push(vec![run]),
            }
        }
        groups.into_iter().filter(|group| group.len() > 1).map(|group| Self::group(&group, &differing)).collect()
    }

    fn group(group: &[&Compared], differing: &[String]) -> Group {
        let of = |value: &dyn Fn(&Compared) -> Option<f64>| {
            let values: Option<Vec<f64>> = group.iter().map(|run| value(run)).collect();
            values.and_then(|values| interval(&values))
        };
        let setting = |key: &String| Some((key.clone(), group[0].settings.get(key)?.clone()));
        Group {
            runs: group.iter().map(|run| run.name.clone()).collect(),
            differs: differing.iter().filter_map(setting).collect(),
            test_accuracy: of(&|run| run.document.outcome.test.map(|score| score.accuracy)),
            test_loss: of(&|run| run.document.outcome.test.map(|score| score.loss)),
            validation_accuracy: of(&|run| run.validation().map(|score| score.accuracy)),
            validation_loss: of(&|run| run.validation().map(|score| score.loss)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::Report;
    use crate::report::fold::tests::whole_run;

    pub(in super::super) fn run(name: &str, seed: u64, rate: &str, accuracy: f64) -> Compared {
        let mut document = Report::fold(&whole_run()).document().clone();
        document.outcome.seed = seed;
        document.outcome.test = Some(Score { loss: 1.0 - accuracy, accuracy, samples: 400 });
        let settings = [("seed", seed.to_string()), ("train.rate", rate.to_owned())].map(|(key, value)| (key.to_owned(), value));
        Compared { name: name.into(), document, settings: settings.into(), data: "d".into() }
    }

    #[test]
    fn only_what_differs_is_named_and_seeds_alone_make_groups() {
        let runs = vec![run("a", 1, "0.1", 0.5), run("b", 2, "0.1", 0.7), run("c", 1, "0.2", 0.9), run("d", 1, "0.1", 0.5)];
        let mut comparison = Comparison { runs, broken: Vec::new() };
        assert_eq!(comparison.differing(), ["seed", "train.rate"]);
        let groups = comparison.groups();
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].runs, ["a", "b"], "the same seed twice counts once");
        let found = groups[0].test_accuracy.unwrap();
        assert!((found.mean - 0.6).abs() < 1e-12 && (found.half_width.unwrap() - 1.2706).abs() < 1e-4);
        comparison.sort(SortKey::TestAccuracy);
        assert_eq!(comparison.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["c", "b", "a", "d"]);
        assert!(comparison.other_data().is_empty());
        comparison.runs[0].data = "elsewhere".into();
        assert!(comparison.other_data().is_empty(), "the digest says that it is the same data");
        comparison.runs[0].document.data_blake3 = None;
        assert_eq!(comparison.other_data()[1], ["c"], "of an old run, the place decides");
        comparison.runs[3].document.data_blake3 = Some("e".into());
        assert_eq!(comparison.other_data().last().unwrap(), &["d"], "a digest of its own is other data, in whatever place");
    }
}
