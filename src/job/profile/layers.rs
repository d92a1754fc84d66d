//! What a training step of the pipeline's network is made of, on the trainer's threads. Reads no data: images are noise.

use crate::error::{Error, Result};
use crate::isa::Isa;
use crate::kernel::{peak, team::Team};
use crate::model::{LayerTime, LayerTimes};
use crate::plan::{End, Plan};
use crate::report::profile::{LayerProfile, LayerRow};
use crate::train::Trainer;
use std::time::{Duration, Instant};

/// How long the peak is looked for.
const PEAK: Duration = Duration::from_millis(100);
/// Steps that are not counted: the first ones meet cold memory.
const WARM: usize = 2;
/// Steps that are measured at least, however long they take.
const FEWEST: usize = 3;

/// Measures steps for about `time`, every other one without a look at layers.
///
/// # Errors
/// [`Error::Refused`] where the pipeline does not train; numbers that stop being finite.
pub fn layers(plan: &Plan, time: Duration) -> Result<LayerProfile> {
    let End::Train(end) = &plan.end else {
        return Err(Error::refused(format!("{} does not train", plan.name), "only a pipeline with [train] has layers"));
    };
    let refuse = |error| Error::refused(format!("cannot start threads: {error}"), "lower `train` in [workers]");
    let team = Team::new(plan.workers.train, "peak").map_err(refuse)?;
    let peak = team.install(|| peak::flops_per_second(PEAK));
    drop(team);
    let mut trainer = Trainer::new(end.network.clone(), &end.config, plan.setup())?;
    let (images, labels) = noise(&trainer, plan.batch_size);
    trainer.survey(|survey| {
        while survey.look(&images) {}
        Ok(())
    })?;
    (0..WARM).try_for_each(|_| trainer.step(&images, &labels[..]).map(drop))?;
    let [mut plain, metered] = steps(&mut trainer, (&images, &labels), time)?;
    let times = trainer.layer_times().ok_or_else(|| Error::refused("nothing was measured", "please report this"))?;
    plain.sort_unstable();
    let step = LayerProfile {
        name: plan.name.clone(),
        batch_size: plan.batch_size,
        threads: times.threads,
        isa: format!("{:?}", Isa::current()).to_lowercase(),
        peak_gflops: peak / 1e9,
        steps: times.calls,
        step_ms: 1e3 * plain[plain.len() / 2].as_secs_f64(),
        metered_step_ms: 1e3 * metered.iter().sum::<Duration>().as_secs_f64() / metered.len() as f64,
        ..LayerProfile::default()
    };
    Ok(with_rows(step, &times, metered.iter().sum()))
}

/// As many images as a batch holds, of values spread as normalised ones are, and labels.
fn noise(trainer: &Trainer, batch_size: usize) -> (Vec<f32>, Vec<u32>) {
    let value = |i: usize| 3.4 * ((i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5);
    let network = trainer.network();
    let labels = (0..batch_size).map(|i| (i % network.classes()) as u32).collect();
    ((0..batch_size * network.input().len()).map(value).collect(), labels)
}

/// The times of steps without and with a look at layers, in turns, for about `time`.
fn steps(trainer: &mut Trainer, (images, labels): (&[f32], &[u32]), time: Duration) -> Result<[Vec<Duration>; 2]> {
    let (began, mut times) = (Instant::now(), [Vec::new(), Vec::new()]);
    while times[1].len() < FEWEST || began.elapsed() < time {
        for (on, times) in [false, true].into_iter().zip(&mut times) {
            trainer.watch_layers(on);
            let start = Instant::now();
            trainer.step(images, labels)?;
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

/// Layers, loss, the update, and the rest of `whole`, the time of all measured steps.
fn with_rows(step: LayerProfile, times: &LayerTimes, whole: Duration) -> LayerProfile {
    let (calls, threads) = (times.calls.max(1) as u32, times.threads as u32);
    let flops = |layer: &LayerTime| layer.flops.iter().sum::<u64>() * step.batch_size as u64;
    let row = |layer: &LayerTime| LayerRow {
        about: layer.about.clone(),
        out_shape: layer.out_shape.to_string(),
        ..LayerRow::new(format!("{} {}", layer.name, layer.kind), layer.work.map(|work| work / calls), flops(layer), &step)
    };
    let other = |name: &str, time: Duration| LayerRow::new(name.to_owned(), [Duration::ZERO, time * threads / calls], 0, &step);
    let work: Duration = times.layers.iter().flat_map(|layer| layer.work).sum();
    let waiting = times.whole.saturating_sub(times.loss).saturating_sub(work / threads);
    let others = [("loss", times.loss), ("update of the weights", whole.saturating_sub(times.whole)), ("waiting", waiting)];
    let rows = times.layers.iter().map(row).chain(others.map(|(name, time)| other(name, time))).collect();
    let gflops = times.layers.iter().map(flops).sum::<u64>() as f64 / step.step_ms / 1e6;
    LayerProfile { rows, gflops, ..step }
}
