//! What it would cost to store the pictures as they are after each step of the chain, and what it would save in every epoch: measured
//! on a few samples of this very pipeline. Stores nothing.

use crate::augment::Step;
use crate::batch::{Part, Pass};
use crate::error::Result;
use crate::key::Key;
use crate::pixels::decode::{DecodeOptions, decode};
use crate::pixels::npy::decode_npy;
use crate::plan::{Plan, WriteEnd};
use crate::report::{Costs, Prefix};
use crate::sample::{Image, Sample};
use crate::source::set::{Encoding, Layout};
use crate::stage::Ticket;
use std::time::{Duration, Instant};

/// Samples that are looked at, unless time runs out.
const LOOKS: usize = 32;
/// How long they are looked at.
const TIME: Duration = Duration::from_millis(400);

impl Prefix {
    fn saved(&self) -> f64 {
        self.online_seconds - self.stored_seconds
    }
}

/// Measures.
///
/// # Errors
/// A disk that is gone; samples that cannot be used are passed over.
pub fn costs(plan: &Plan, end: &WriteEnd) -> Result<Costs> {
    let steps = plan.augment.steps();
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let count = plan.data.source.len();
    let mut sums = vec![Sum::default(); steps.len() + 1];
    let (began, mut measured) = (Instant::now(), 0);
    for look in 0..count.min(LOOKS) {
        let entry = (look * count / count.min(LOOKS)) as u32;
        let pass = Pass { part: Part::Validation, epoch: 0 };
        let clock = Instant::now();
        let Ok(read) = load.read(Ticket { pass, position: 0, entry, last: false })? else { continue };
        let reading = clock.elapsed();
        if let Some(times) = look_at(steps, plan.seed, read.sample, reading, end) {
            sums.iter_mut().zip(times).for_each(|(sum, one)| sum.add(one));
            measured += 1;
        }
        if began.elapsed() > TIME {
            break;
        }
    }
    let each = |total: f64| total / measured.max(1) as f64 * count as f64;
    let prefix = |(at, sum): (usize, &Sum)| {
        let random = steps[..at].iter().any(|step| !step.is_fixed());
        let variants = if random { end.variants } else { 1 };
        let after = at.checked_sub(1).map(|last| steps[last].name().to_owned());
        // The rendition for evaluation is stored, too.
        let disk_bytes = (each(sum.bytes) * f64::from(variants + 1)) as u64;
        Prefix { after, variants, disk_bytes, online_seconds: each(sum.online), stored_seconds: each(sum.stored) }
    };
    let prefixes: Vec<Prefix> = sums.iter().enumerate().map(prefix).collect();
    Ok(Costs { advice: advice(&prefixes), prefixes, measured })
}

#[derive(Clone, Copy, Default)]
struct Sum {
    bytes: f64,
    online: f64,
    stored: f64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.bytes += other.bytes;
        self.online += other.online;
        self.stored += other.stored;
    }
}

/// What one sample costs after each prefix; none where it is refused on the way.
fn look_at(steps: &[Step], seed: u64, sample: Sample, reading: Duration, end: &WriteEnd) -> Option<Vec<Sum>> {
    let place = Key { run: seed, epoch: 0, sample: sample.identity.number(), op: 0 };
    let mut image = sample.image;
    let mut online = reading.as_secs_f64();
    let mut sums = vec![stored(&image, online, end)?];
    for step in steps {
        let clock = Instant::now();
        step.apply(place, &mut image).ok()?;
        online += clock.elapsed().as_secs_f64();
        sums.push(stored(&image, online, end)?);
    }
    Some(sums)
}

fn stored(image: &Image, online: f64, end: &WriteEnd) -> Option<Sum> {
    let bytes = end.encoding.encode(image).ok()?;
    let options = DecodeOptions { channels: image.channels(), ..DecodeOptions::default() };
    let clock = Instant::now();
    match end.encoding {
        Encoding::Raw => drop(decode_npy(&bytes, &options.limits).ok()?),
        _ => drop(decode(&bytes, &options).ok()?),
    }
    // Headers and what is said beside the picture; blocks of a file system.
    let disk = match end.layout {
        Layout::Shards => bytes.len().next_multiple_of(512) + 6 * 512,
        Layout::ImageFolder => bytes.len().next_multiple_of(4096),
    };
    Some(Sum { bytes: disk as f64, online, stored: clock.elapsed().as_secs_f64() })
}

/// Storing what is not random loses nothing; storing more shows the same K variants again and again.
fn advice(prefixes: &[Prefix]) -> String {
    let best = |among: &[Prefix]| among.iter().max_by(|a, b| a.saved().total_cmp(&b.saved())).cloned();
    let fixed = prefixes.iter().take_while(|prefix| prefix.variants == 1).count();
    let (Some(all), Some(plain)) = (best(prefixes), best(&prefixes[..fixed.max(1)])) else { return String::new() };
    let name = |prefix: &Prefix| prefix.after.as_ref().map_or("decoding".to_owned(), |after| format!("`{after}`"));
    let share = |prefix: &Prefix| 100.0 * prefix.saved() / prefixes.last().map_or(1.0, |last| last.online_seconds).max(1e-9);
    if all.saved() <= 0.0 {
        "storing saves nothing: reading the stored pictures takes as long as making them".to_owned()
    } else if share(&all) < 10.0 {
        format!(
            "storing saves little, {:.0} % of an epoch: online augmentation shows new variants every epoch instead",
            share(&all)
        )
    } else if plain.saved() >= 0.7 * all.saved() {
        let (after, part) = (name(&plain), share(&plain));
        format!(
            "store once what comes out of {after}: {part:.0} % of the CPU time of an epoch is saved, and nothing random is frozen"
        )
    } else {
        let (after, part, variants) = (name(&all), share(&all), all.variants);
        format!(
            "store up to {after}: {part:.0} % of the CPU time of an epoch is saved; each sample has {variants} variants from then on"
        )
    }
}

impl Costs {
    /// A table and the advice.
    pub fn text(&self) -> String {
        let mut text =
            format!("{:<28} {:>8} {:>12} {:>14} {:>14}\n", "stored after", "variants", "disk", "CPU an epoch", "from the set");
        for prefix in &self.prefixes {
            let after: String = prefix.after.as_deref().unwrap_or("(decoding)").chars().take(28).collect();
            let (disk, online, stored) = (mib(prefix.disk_bytes), prefix.online_seconds, prefix.stored_seconds);
            text += &format!("{after:<28} {:>8} {disk:>12} {online:>12.2} s {stored:>12.2} s\n", prefix.variants);
        }
        text + &format!("advice    {}\n", self.advice)
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(variants: u32, online_seconds: f64, stored_seconds: f64) -> Prefix {
        Prefix { after: Some(format!("op{variants}")), variants, disk_bytes: 1 << 20, online_seconds, stored_seconds }
    }

    #[test]
    fn advice_weighs_what_is_saved_against_what_is_frozen() {
        assert!(advice(&[prefix(1, 1.0, 2.0), prefix(4, 2.0, 2.5)]).contains("saves nothing"));
        assert!(advice(&[prefix(1, 1.0, 0.95), prefix(4, 20.0, 19.5)]).contains("little"));
        assert!(advice(&[prefix(1, 9.0, 1.0), prefix(4, 10.0, 1.0)]).contains("store once what comes out of `op1`: 80 %"));
        assert!(advice(&[prefix(1, 1.0, 0.5), prefix(4, 10.0, 1.0)]).contains("store up to `op4`: 90 %"));
    }
}
