//! Four steps of every update rule, with penalties, label smoothing and clipping, against float64 values computed elsewhere.
//!
//! The cases lie in `tests/golden/training`, or in `training` of the folder that `PIPELINE_GOLDEN` names.

use augpipe::config::{Fields, Problems};
use augpipe::model::{Network, Shape};
use augpipe::train::{Caller, Setup, TrainConfig, Trainer};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    let given = std::env::var_os("PIPELINE_GOLDEN").map(PathBuf::from);
    given.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).join("training")
}

struct Case {
    id: String,
    about: Value,
    bytes: Vec<u8>,
}

impl Case {
    fn number(&self, key: &str) -> f64 {
        self.about[key].as_f64().unwrap_or_else(|| panic!("{}: {key}", self.id))
    }

    fn values(&self, name: &str) -> Vec<f64> {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|error| panic!("{}: {name}: {error}", self.id));
        let eight = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).unwrap();
        let values = tensor.data().chunks_exact(8);
        match tensor.dtype() {
            Dtype::F64 => values.map(|bytes| f64::from_le_bytes(eight(bytes))).collect(),
            Dtype::I64 => values.map(|bytes| i64::from_le_bytes(eight(bytes)) as f64).collect(),
            other => panic!("{}: {name} is {other:?}", self.id),
        }
    }

    /// The layers as a pipeline file has them; none where this program has no such layer, or where a mask is given.
    fn layers(&self) -> Option<String> {
        let text = self.about["architecture"].as_str().unwrap().split('[').next().unwrap().replace(", ", ",").replace(",pad ", ",");
        let text = ["no ", "stride ", "groups ", "eps ", "momentum "]
            .iter()
            .fold(text, |text, word| text.replace(word, &word.replace(' ', "_")));
        let layers: Option<Vec<String>> = text.split_whitespace().map(layer).collect();
        Some(format!("layers = [{}]", layers?.join(", ")))
    }

    fn network(&self) -> Option<Network> {
        let problems = Problems::default();
        let model = augpipe::model::read(&Fields::parse(&self.layers()?, &problems).unwrap());
        let shape: Vec<usize> =
            self.about["input_shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let shape = match shape[..] {
            [length] => Shape::vector(length),
            [channels, height, width] => Shape::new(channels, height, width),
            _ => panic!("{}: {shape:?}", self.id),
        };
        assert!(problems.take().is_empty(), "{}", self.id);
        Some(Network::new(model.layers, shape, self.number("classes") as usize).unwrap_or_else(|e| panic!("{}: {e:?}", self.id)))
    }

    fn config(&self) -> TrainConfig {
        let setting = |key: &str| self.about["settings"][key].as_f64();
        let optimizer = match self.about["optimiser"].as_str().unwrap() {
            "sgd" => "name = 'sgd'".to_owned(),
            "momentum" => format!("name = 'sgd', momentum = {}", setting("momentum").unwrap()),
            "nesterov" => format!("name = 'sgd', momentum = {}, nesterov = true", setting("momentum").unwrap()),
            "rmsprop" => format!("name = 'rmsprop', alpha = {}, eps = {}", setting("decay").unwrap(), setting("eps").unwrap()),
            adam => {
                let betas = [setting("beta1").unwrap(), setting("beta2").unwrap()];
                format!("name = '{adam}', betas = {betas:?}, eps = {}", setting("eps").unwrap())
            }
        };
        let mut text = format!("epochs = 1\noptimizer = {{ {optimizer} }}\nlearning_rate = {}\n", setting("lr").unwrap());
        // Computed with an optimiser that was given all parameters, biases too.
        text += &format!("weight_decay = {}\nweight_decay_on = \"all\"\n", setting("weight_decay").unwrap_or(0.0));
        for key in ["l1", "l2", "label_smoothing"] {
            text += &format!("{key} = {}\n", self.number(key));
        }
        if self.number("clip_norm") > 0.0 {
            text += &format!("clip_norm = {}\n", self.number("clip_norm"));
        }
        let problems = Problems::default();
        let config = TrainConfig::read(&Fields::parse(&text, &problems).unwrap());
        let problems = problems.take();
        assert!(problems.is_empty(), "{}: {problems:?}", self.id);
        config
    }
}

/// One layer, from its description in a case to a line of a pipeline file.
fn layer(word: &str) -> Option<String> {
    let (name, numbers) = word.trim_end_matches(')').split_once('(').unwrap_or((word, ""));
    let numbers: Vec<&str> = numbers.split(',').collect();
    Some(match (name, &numbers[..]) {
        ("relu" | "tanh" | "sigmoid" | "flatten", _) => format!("'{name}'"),
        ("linear", [_, out]) => format!("{{ layer = 'linear', out = {out} }}"),
        ("conv5x5" | "conv3x3", [_, out, padding]) if padding.parse::<u32>().is_ok() => {
            format!("{{ layer = 'conv', out = {out}, kernel = {}, padding = {padding} }}", &name[4..5])
        }
        ("conv3x3", [_, out, padding, "no_bias"]) => {
            format!("{{ layer = 'conv', out = {out}, kernel = 3, padding = {padding}, bias = false }}")
        }
        ("conv3x3", [_, out, "stride_2", padding]) => {
            format!("{{ layer = 'conv', out = {out}, kernel = 3, stride = 2, padding = {padding} }}")
        }
        ("conv1x1", [_, out]) => format!("{{ layer = 'conv', out = {out}, kernel = 1 }}"),
        ("depthwise_conv3x3", [out, groups, padding]) => {
            let groups = groups.strip_prefix("groups_")?;
            format!("{{ layer = 'conv', out = {out}, kernel = 3, groups = {groups}, padding = {padding} }}")
        }
        ("batchnorm", _) => "'batch_norm'".to_owned(),
        // Two layers there: what is pooled is flattened.
        ("global_avgpool", _) => "'global_avg_pool', 'flatten'".to_owned(),
        ("maxpool2", _) => "{ layer = 'max_pool', kernel = 2 }".to_owned(),
        _ => return None,
    })
}

fn cases() -> Vec<Case> {
    let folder = folder();
    let list: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let case = |about: Value| {
        let id = about["id"].as_str().unwrap().to_owned();
        Case { bytes: fs::read(folder.join(format!("{id}.safetensors"))).unwrap(), about, id }
    };
    list.into_iter().map(case).collect()
}

/// The largest difference between two rows, as a share of the largest value.
fn distance(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-3f64, |most, value| most.max(value.abs()));
    found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn golden_four_steps_of_every_update_rule() {
    let mut tried = Vec::new();
    for case in cases() {
        let Some(network) = case.network() else { continue };
        let batch_size = case.number("batch") as usize;
        let setup = Setup { seed: 0, batch_size, steps_per_epoch: 4, threads: 2 };
        let config = case.config();
        let mut trainer = Trainer::new(network.with_label_smoothing(config.label_smoothing), &config, setup).unwrap();
        let spans = trainer.network().spans().to_vec();
        let mut start = trainer.checkpoint(Caller::default());
        for span in &spans {
            let values = case.values(&format!("init.{}", span.name));
            start.params[span.range()].iter_mut().zip(values).for_each(|(place, value)| *place = value as f32);
        }
        trainer.resume(start);
        let images: Vec<f32> = case.values("input").into_iter().map(|value| value as f32).collect();
        let labels: Vec<u32> = case.values("labels").into_iter().map(|value| value as u32).collect();
        for step in 0..case.number("steps") as u32 {
            let penalty = trainer.penalty();
            let outcome = trainer.step(&images, &labels).unwrap();
            if step == 0 {
                let data_loss = outcome.tally.loss_sum / batch_size as f64;
                assert!((data_loss - case.values("data_loss")[0]).abs() < 1e-5, "{}: data loss {data_loss}", case.id);
                assert!((data_loss + penalty - case.values("loss")[0]).abs() < 1e-5, "{}: penalty {penalty}", case.id);
            }
        }
        for span in &spans {
            let expected = case.values(&format!("after4.{}", span.name));
            let distance = distance(&trainer.params()[span.range()], &expected);
            assert!(distance < 1e-5, "{}: {} is off by {distance:e}", case.id, span.name);
        }
        tried.push(case.id);
    }
    let least = if std::env::var_os("PIPELINE_GOLDEN").is_some() { 1 } else { 28 };
    assert!(tried.len() >= least, "{tried:?}");
    println!("{} cases: {}", tried.len(), tried.join(", "));
}
