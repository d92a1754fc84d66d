//! How the trainer's throughput depends on the size of a batch, and on a loader that works beside it.
//!
//! `cargo bench --bench throughput -- batch [NETWORK…] [SIZE…]`: images a second of whole steps for batches of 64 to 1,024.
//! `cargo bench --bench throughput -- loader [NETWORK…]`: the same with nobody beside the trainer and with one thread that decodes a
//! JPEG file flat out, at the priority of a loader, in turns, and what share of the cores that thread had. `AUGPIPE_THREADS` sets
//! the trainer's threads (2), `AUGPIPE_SECONDS` for how long each setting is measured (2).

use augpipe::config::{Fields, Problems};
use augpipe::flow::give_way;
use augpipe::model::preset::{Airbench, Lenet, Mlp, Resnet9, VggSmall};
use augpipe::model::{LayerSpec, Network, Shape};
use augpipe::pixels::decode::{DecodeOptions, decode};
use augpipe::train::{Setup, TrainConfig, Trainer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NETWORKS: [&str; 5] = ["mlp", "lenet", "vgg_small", "resnet9", "airbench"];
const SIZES: [usize; 5] = [64, 128, 256, 512, 1024];
const TRAIN: &str = "epochs = 1000\noptimizer = { name = \"sgd\", momentum = 0.9 }\nlearning_rate = 0.001\nweight_decay = 5e-4";
/// Windows with and without a loader.
const TURNS: usize = 4;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let named = |word: &String| NETWORKS.into_iter().find(|name| name == word);
    let networks: Vec<&str> = words.iter().filter_map(named).collect();
    let networks = if networks.is_empty() { NETWORKS.to_vec() } else { networks };
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { SIZES.to_vec() } else { sizes };
    match words.first().map(String::as_str) {
        Some("batch") => networks.iter().for_each(|network| by_batch(network, &sizes)),
        Some("loader") => networks.iter().for_each(|network| beside_a_loader(network)),
        _ => println!("say `batch` or `loader`"),
    }
}

fn setting(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn network(name: &str) -> Network {
    let (gray, colour) = (Shape::new(1, 28, 28), Shape::new(3, 32, 32));
    let (layers, input): (Vec<Box<dyn LayerSpec>>, Shape) = match name {
        "mlp" => (Mlp { hidden: vec![1024; 3], keep_input: 0.8, keep_hidden: 0.5 }.layers(), gray),
        "lenet" => (Lenet::default().layers(), gray),
        "vgg_small" => (VggSmall::default().layers(), colour),
        "resnet9" => (Resnet9::default().layers(), colour),
        _ => (Airbench::default().layers(), colour),
    };
    Network::new(layers, input, 10).expect("layers that fit")
}

/// A trainer and a batch.
struct Training {
    trainer: Trainer,
    images: Vec<f32>,
    labels: Vec<u32>,
}

impl Training {
    fn new(name: &str, batch_size: usize) -> Self {
        let config = TrainConfig::read(&Fields::parse(TRAIN, &Problems::default()).expect("TOML"));
        let threads = setting("AUGPIPE_THREADS", 2.0) as usize;
        let setup = Setup { seed: 1, batch_size, steps_per_epoch: 1000, threads };
        let trainer = Trainer::new(network(name), &config, setup).expect("threads");
        let value = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5;
        let images = (0..batch_size * trainer.network().input().len()).map(value).collect();
        let mut it = Self { trainer, images, labels: (0..batch_size as u32).map(|i| i % 10).collect() };
        it.step();
        it
    }

    fn step(&mut self) {
        self.trainer.step(&self.images, &self.labels[..]).expect("finite numbers");
    }

    /// Images a second in a window of about `time`.
    fn rate(&mut self, time: Duration) -> f64 {
        let (began, mut steps) = (Instant::now(), 0);
        while steps == 0 || began.elapsed() < time {
            self.step();
            steps += 1;
        }
        (steps * self.labels.len()) as f64 / began.elapsed().as_secs_f64()
    }
}

fn by_batch(name: &str, sizes: &[usize]) {
    let time = Duration::from_secs_f64(setting("AUGPIPE_SECONDS", 2.0) / 4.0);
    for &size in sizes {
        let mut training = Training::new(name, size);
        let mut rates: Vec<f64> = (0..4).map(|_| training.rate(time)).collect();
        rates.sort_by(f64::total_cmp);
        println!("{name:<10} batch {size:>5}: {:>8.0} images/s (best window {:.0})", (rates[1] + rates[2]) / 2.0, rates[3]);
    }
}

/// A JPEG file of 500x375, as photographs are: smooth with some grain.
fn photograph() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(500, 375, |x, y| {
        let grain = ((x * 31 + y * 17).wrapping_mul(2_654_435_761) >> 27) as u8;
        image::Rgb([(x / 2) as u8 / 2 + grain, (y / 2) as u8 + grain, ((x + y) / 5) as u8 + grain])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).expect("a JPEG file");
    bytes.into_inner()
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).map_or(Duration::ZERO, Duration::from_nanos)
}

fn beside_a_loader(name: &str) {
    let cores = std::thread::available_parallelism().map_or(1.0, |count| usize::from(count) as f64);
    let time = Duration::from_secs_f64(setting("AUGPIPE_SECONDS", 2.0) / TURNS as f64);
    let (mut training, file) = (Training::new(name, 128), photograph());
    let (mut quiet, mut busy, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        quiet.push(training.rate(time));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let loader = scope.spawn(|| {
                give_way();
                let began = Instant::now();
                let mut pictures = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    std::hint::black_box(decode(&file, &DecodeOptions::default()).is_ok());
                    pictures += 1;
                }
                (processor_time().as_secs_f64() / began.elapsed().as_secs_f64() / cores, pictures)
            });
            busy.push(training.rate(time));
            stop.store(true, Ordering::Relaxed);
            shares.push(loader.join().expect("a loader").0);
        });
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (quiet, busy, share) = (mean(&quiet), mean(&busy), mean(&shares));
    println!(
        "{name:<10} alone {quiet:>7.0} images/s, beside a loader {busy:>7.0}: {:.1} % less; the loader had {:.1} % of the cores",
        100.0 * (1.0 - busy / quiet),
        100.0 * share
    );
}
