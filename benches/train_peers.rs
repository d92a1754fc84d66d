//! Our side of `benches/peers/train.py`, which times this program and PyTorch in turns.
//!
//! `train_peers`: every line of standard input asks for steps of one network:
//! `{"model": "TOML of [model]", "input": [channels, height, width], "threads": T, "batch": B, "steps": N}`. The answer is a line
//! `{"ns": [N numbers]}`, the time of each step after three that are not counted, or `{"error": "why"}`. A step is all of
//! it: forward, backward, weight decay of 5e-4 and momentum of 0.9, as the other side's.

use augpipe::config::{Fields, Problems};
use augpipe::model::{Network, Shape};
use augpipe::train::{Setup, TrainConfig, Trainer};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Instant;

const CLASSES: usize = 10;
const TRAIN: &str = "epochs = 1000\noptimizer = { name = \"sgd\", momentum = 0.9 }\nlearning_rate = 0.001\nweight_decay = 5e-4";
/// Steps before the clock runs.
const WARM: usize = 3;

fn main() {
    for line in std::io::stdin().lines() {
        let asked: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        println!("{}", times(&asked).map_or_else(|why| json!({ "error": why }), |ns| json!({ "ns": ns })));
        std::io::stdout().flush().expect("a reader");
    }
}

/// A number of the question.
fn number(asked: &Value, key: &str) -> usize {
    asked[key].as_u64().unwrap_or_default() as usize
}

fn trainer(asked: &Value) -> Result<Trainer, String> {
    let problems = Problems::default();
    let fields = |text: &str| Fields::parse(text, &problems).map_err(|found| found[0].message.clone());
    let model = augpipe::model::read(&fields(asked["model"].as_str().unwrap_or_default())?);
    let config = TrainConfig::read(&fields(TRAIN)?);
    if let Some(problem) = problems.take().into_iter().next() {
        return Err(problem.message);
    }
    let size = |axis: usize| asked["input"][axis].as_u64().unwrap_or_default() as usize;
    let network = Network::new(model.layers, Shape::new(size(0), size(1), size(2)), CLASSES);
    let network = network.map_err(|problems| problems[0].message.clone())?.with_initialiser(model.initialiser);
    let setup = Setup { seed: 1, batch_size: number(asked, "batch"), steps_per_epoch: 1000, threads: number(asked, "threads") };
    Trainer::new(network, &config, setup).map_err(|error| error.to_string())
}

fn times(asked: &Value) -> Result<Vec<u64>, String> {
    let (batch, steps) = (number(asked, "batch"), number(asked, "steps"));
    let mut trainer = trainer(asked)?;
    let value = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5;
    let images: Vec<f32> = (0..batch * trainer.network().input().len()).map(value).collect();
    let labels: Vec<u32> = (0..batch as u32).map(|i| i % CLASSES as u32).collect();
    let mut step = || {
        let start = Instant::now();
        trainer.step(&images, &labels[..]).map_err(|error| error.to_string())?;
        Ok(start.elapsed().as_nanos() as u64)
    };
    (0..WARM + steps).map(|_| step()).skip(WARM).collect()
}
