//! What was measured of a pipeline's stages, and what can be computed from it: rates with other numbers of workers. No clock.

use serde::Serialize;

/// A stage by itself, its inputs waiting in memory, with so many workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Alone {
    /// Workers, or threads of the trainer.
    pub workers: usize,
    /// Samples a second of all of them.
    pub rate: f64,
    /// Milliseconds of processor time a sample.
    pub cpu_ms: f64,
    /// Milliseconds that a worker takes for a sample: mean, median, and what 99 of 100 stay below. Of batches, divided by their size.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// What 99 of 100 stay below.
    pub p99_ms: f64,
}

/// A stage among the others, as the pipeline is configured. Shares are of its workers' time, 0–1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Together {
    /// At work.
    pub busy: f64,
    /// Waiting for input.
    pub starved: f64,
    /// Waiting for room.
    pub blocked: f64,
    /// On a processor; none where the system does not tell. What is busy and on none waits: for a disk, a lock, or its turn.
    pub cpu: Option<f64>,
    /// Mean number of chunks that wait in front of it.
    pub queue: f64,
    /// Room for chunks there.
    pub capacity: usize,
}

/// What one part of a stage costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartCost {
    /// Operation or class.
    pub name: String,
    /// Milliseconds a sample of all samples, also of those that it leaves alone.
    pub ms: f64,
    /// Its share of all parts, 0–1.
    pub share: f64,
    /// Share of the samples, 0–1.
    pub samples: f64,
}

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StageProfile {
    /// Its name.
    pub stage: String,
    /// Workers as configured.
    pub workers: usize,
    /// Whether it may have more.
    pub parallel: bool,
    /// Whether its workers share every item and wait for each other, as the trainer's threads do.
    pub team: bool,
    /// By itself, with 1 worker and more.
    pub alone: Vec<Alone>,
    /// Among the others.
    pub together: Option<Together>,
    /// What its operations cost, one by one.
    pub operations: Vec<PartCost>,
    /// What the samples of each class cost.
    pub classes: Vec<PartCost>,
}

impl StageProfile {
    /// Samples a second with so many workers: as measured, between two measured numbers in proportion, beyond the last as that one.
    pub fn rate(&self, workers: usize) -> f64 {
        let above = self.alone.iter().position(|alone| alone.workers >= workers);
        match (above, self.alone.last()) {
            (_, None) => f64::INFINITY,
            (None, Some(last)) => last.rate,
            (Some(0), _) => self.alone[0].rate * workers as f64 / self.alone[0].workers.max(1) as f64,
            (Some(place), _) => {
                let (low, high) = (&self.alone[place - 1], &self.alone[place]);
                let way = (workers - low.workers) as f64 / (high.workers - low.workers).max(1) as f64;
                low.rate + way * (high.rate - low.rate)
            }
        }
    }

    /// Milliseconds of processor time a sample with so many workers.
    pub fn cpu_ms(&self, workers: usize) -> f64 {
        let known = self.alone.iter().rfind(|alone| alone.workers <= workers).or(self.alone.first());
        known.map_or(0.0, |alone| alone.cpu_ms)
    }

    /// What it takes most time for, if that is most of the time; of a stage that is everything in one, whatever comes first.
    pub fn main_operation(&self) -> Option<&PartCost> {
        let least = if self.stage == "write" { 0.0 } else { 0.5 };
        self.operations
            .iter()
            .max_by(|a, b| a.share.total_cmp(&b.share))
            .filter(|part| part.share > least && self.operations.len() > 1)
    }

    /// What its parts are called.
    pub fn part_word(&self) -> &'static str {
        if self.stage == "write" { "part" } else { "operation" }
    }

    /// The class that takes far more of its time than its samples' share.
    pub fn main_class(&self) -> Option<&PartCost> {
        let heavy = self.classes.iter().filter(|class| class.share > 0.3 && class.share > 2.0 * class.samples);
        heavy.max_by(|a, b| a.share.total_cmp(&b.share))
    }
}

/// A whole pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Threads that can run at once.
    pub cores: usize,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Pictures that are stored of each sample, where a set is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renditions: Option<usize>,
    /// Samples a second of all stages together; none where that was not measured.
    pub rate: Option<f64>,
    /// Seconds for which that was measured.
    pub seconds: f64,
    /// Share of the cores that the process used meanwhile, 0–1; none where the system does not tell.
    pub cores_busy: Option<f64>,
    /// From source to end.
    pub stages: Vec<StageProfile>,
}

/// What sets the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A stage, by its place.
    Stage(usize),
    /// The processor: all stages share its cores.
    Cores,
    /// Too little room between this stage and the next.
    Room(usize),
}

impl Profile {
    /// How samples leave it, in words.
    pub fn packed(&self) -> String {
        match self.renditions {
            Some(renditions) => format!("{renditions} pictures stored of each image"),
            None => format!("batches of {}", self.batch_size),
        }
    }

    /// Workers of every stage as configured.
    pub fn workers(&self) -> Vec<usize> {
        self.stages.iter().map(|stage| stage.workers).collect()
    }

    /// How fast the whole would be with so many workers a stage, and what would set the pace: the slowest stage, or the cores when
    /// they are shared by all. Stages that wait for something else than the processor are taken as they were among the others.
    pub fn predict(&self, workers: &[usize]) -> (f64, Limit) {
        let rates = self.stages.iter().zip(workers).map(|(stage, &workers)| match self.waits(stage) {
            Some(each) => each * workers as f64,
            None => stage.rate(workers),
        });
        let slowest =
            rates.enumerate().fold((f64::INFINITY, 0), |least, (place, rate)| if rate < least.0 { (rate, place) } else { least });
        let work: f64 = self.stages.iter().zip(workers).map(|(stage, &workers)| stage.cpu_ms(workers)).sum();
        let shared = if work > 0.0 { 1e3 * self.cores as f64 / work } else { f64::INFINITY };
        let shared = shared.min(self.beside_others(workers));
        if shared < slowest.0 { (shared, Limit::Cores) } else { (slowest.0, Limit::Stage(slowest.1)) }
    }

    /// Samples a second of a team that has to share its cores: threads that share every item wait for each other, so time that
    /// another stage takes from one of them is lost to all.
    fn beside_others(&self, workers: &[usize]) -> f64 {
        let cost = |place: usize| self.stages[place].cpu_ms(workers[place]);
        let teams = (0..self.stages.len().min(workers.len())).filter(|&place| self.stages[place].team && workers[place] > 1);
        let rate = |team: usize| {
            let time = 1e3 / self.stages[team].rate(workers[team]);
            let others: f64 = (0..workers.len()).filter(|&place| place != team).map(cost).sum();
            let free = self.cores.saturating_sub(workers[team]) as f64;
            // An image takes the team's time and what of the others' work finds no free core meanwhile.
            1e3 / time.max((time + others) / (1.0 + free))
        };
        teams.map(rate).fold(f64::INFINITY, f64::min)
    }

    /// Samples a second of one worker of a stage that is at work, but mostly on no processor while there are free ones: it waits for
    /// a disk, a network or a lock, which it does not when it is measured by itself.
    pub fn waits(&self, stage: &StageProfile) -> Option<f64> {
        let (together, rate) = (stage.together.as_ref()?, self.rate?);
        let idle = self.cores_busy? < 0.9 && stage.parallel && together.cpu? < 0.5 * together.busy && together.busy > 0.3;
        let each = rate / (stage.workers.max(1) as f64 * together.busy);
        (idle && each < 0.7 * stage.rate(stage.workers) / stage.workers.max(1) as f64).then_some(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_between_and_beyond_what_was_measured() {
        let alone = |workers, rate| Alone { workers, rate, cpu_ms: workers as f64, ..Alone::default() };
        let stage = StageProfile { alone: vec![alone(1, 100.0), alone(2, 180.0), alone(4, 240.0)], ..StageProfile::default() };
        assert_eq!([1, 2, 3, 4, 9].map(|workers| stage.rate(workers)), [100.0, 180.0, 210.0, 240.0, 240.0]);
        assert_eq!([1, 2, 3, 9].map(|workers| stage.cpu_ms(workers)), [1.0, 2.0, 2.0, 4.0]);
        assert_eq!(StageProfile::default().rate(3), f64::INFINITY);
    }

    /// Measured on two cores: photographs for a small network. The trainer by itself gave 271 images a second with two threads.
    #[test]
    fn a_team_of_threads_loses_together_what_others_take_from_one() {
        let alone = |workers, rate, cpu_ms| Alone { workers, rate, cpu_ms, ..Alone::default() };
        let stage = |stage: &str, team, alone: Vec<Alone>| StageProfile {
            stage: stage.into(),
            parallel: true,
            team,
            alone,
            ..StageProfile::default()
        };
        let load = stage("load", false, vec![alone(1, 356.0, 2.74), alone(2, 716.0, 2.74)]);
        let augment = stage("augment", false, vec![alone(1, 11_920.0, 0.08)]);
        let train = stage("train", true, vec![alone(1, 143.0, 6.96), alone(2, 271.0, 7.14)]);
        let profile = Profile { cores: 2, stages: vec![load, augment, train], ..Profile::default() };
        let (one, limit) = profile.predict(&[1, 1, 1]);
        assert_eq!((one, limit), (143.0, Limit::Stage(2)));
        let (two, limit) = profile.predict(&[1, 1, 2]);
        assert!((two / 154.0 - 1.0).abs() < 0.05 && limit == Limit::Cores, "154 were measured: {two}");
        let roomy = Profile { cores: 4, ..profile };
        assert_eq!(roomy.predict(&[1, 1, 2]), (271.0, Limit::Stage(2)), "on free cores nothing is taken");
    }
}
