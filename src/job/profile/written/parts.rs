//! What the parts of writing a sample take, one by one: reading, every operation, encoding, records or files.

use super::Written;
use crate::augment::Chain;
use crate::batch::{Part, Pass};
use crate::error::Result;
use crate::job::profile::stages::{TIMED, part};
use crate::key::Key;
use crate::plan::Plan;
use crate::report::profile::PartCost;
use crate::report::write_atomic;
use crate::sample::Sample;
use crate::source::Read;
use crate::source::set::{Description, Layout, Meta};
use crate::stage::Ticket;
use std::path::Path;
use std::time::{Duration, Instant};

impl Written {
    /// What the parts of writing take, one by one, on one thread.
    pub(super) fn parts(&self, plan: &Plan, time: Duration) -> Result<Vec<PartCost>> {
        let folder = self.scratch.folder("parts")?;
        let (augment, began) = (plan.augment_stage(), Instant::now());
        let load = plan.load_stage(&augment);
        let mut costs = Costs::new(plan);
        for ticket in self.tickets().into_iter().take(TIMED) {
            let clock = Instant::now();
            let Ok(Read { sample, .. }) = load.read(ticket)? else { continue };
            costs.read += clock.elapsed();
            costs.count += usize::from(self.look(plan, ticket, &sample, &folder, &mut costs)?);
            if began.elapsed() > 4 * time {
                break;
            }
        }
        self.scratch.clear("parts")?;
        Ok(costs.parts(plan, &self.set))
    }

    /// Adds what all renditions of one sample take; false where it is set aside.
    fn look(&self, plan: &Plan, ticket: Ticket, sample: &Sample, folder: &Path, costs: &mut Costs) -> Result<bool> {
        for rendition in 0..self.renditions() {
            let variant = rendition < self.set.variants as usize;
            let (chain, times) = if variant { (&plan.augment, &mut costs.train) } else { (&plan.evaluate, &mut costs.evaluate) };
            let epoch = if variant { rendition as u64 } else { 0 };
            let place = Key { run: plan.seed, epoch, sample: sample.identity.number(), op: 0 };
            if chain.add_times(place, sample.image.clone(), times).is_err() {
                return Ok(false);
            }
            let pass = Pass { part: if variant { Part::Train } else { Part::Validation }, epoch: epoch as u32 };
            let Ok((made, draws)) = plan.augment_stage().apply_traced(sample.clone(), pass) else { return Ok(false) };
            let clock = Instant::now();
            let Ok(picture) = self.set.encoding.encode(&made.image) else { return Ok(false) };
            costs.encode += clock.elapsed();
            let clock = Instant::now();
            match self.set.layout {
                Layout::ImageFolder => write_atomic(folder.join("picture"), &picture)?,
                Layout::Shards => {
                    let (source, draws) = (sample.identity.to_string(), serde_json::from_str(&draws).unwrap_or_default());
                    let (label, class, variant) = (sample.label, String::new(), rendition.to_string());
                    let record = self.set.record(
                        rendition,
                        u64::from(ticket.entry),
                        &Meta { source, label, class, variant, draws },
                        &picture,
                    );
                    std::hint::black_box(blake3::hash(&record));
                }
            }
            costs.stored += clock.elapsed();
        }
        Ok(true)
    }
}

/// Time that went into each part.
struct Costs {
    count: usize,
    read: Duration,
    train: Vec<Duration>,
    evaluate: Vec<Duration>,
    encode: Duration,
    stored: Duration,
}

impl Costs {
    fn new(plan: &Plan) -> Self {
        let of = |chain: &Chain| vec![Duration::ZERO; chain.steps().len()];
        let [read, encode, stored] = [Duration::ZERO; 3];
        Self { count: 0, read, train: of(&plan.augment), evaluate: of(&plan.evaluate), encode, stored }
    }

    fn parts(&self, plan: &Plan, set: &Description) -> Vec<PartCost> {
        let steps = |chain: &Chain, times: &[Duration], before: &str| -> Vec<(String, Duration)> {
            chain.steps().iter().zip(times).map(|(step, &time)| (format!("{before}{}", step.name()), time)).collect()
        };
        let stored = if set.layout == Layout::ImageFolder { "files to the disk" } else { "records and checksums" };
        let named = |name: &str, time: Duration| vec![(name.to_owned(), time)];
        let all = [
            named("read and decode", self.read),
            steps(&plan.augment, &self.train, ""),
            steps(&plan.evaluate, &self.evaluate, "evaluate: "),
            named(&format!("encode {}", set.encoding.extension()), self.encode),
            named(stored, self.stored),
        ]
        .concat();
        let whole = all.iter().map(|(_, time)| *time).sum();
        all.iter().map(|(name, time)| part(name, *time, whole, (self.count, self.count))).collect()
    }
}
