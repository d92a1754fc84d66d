//! Exported networks, run by another program, give our own logits: for every layer and every preset of the registries.
//!
//! `AUGPIPE_ONNX_CASES=DIR cargo test --test onnx` keeps every network with images and logits in DIR, for `tests/peers/onnx_check.py`.

use augpipe::config::{Fields, Problems};
use augpipe::key::Key;
use augpipe::model::{self, LAYERS, Model, Network, PRESETS, Shape, onnx_graph};
use augpipe::onnx::About;
use rten::{Model as Runtime, NodeId, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

/// Choices that the examples of the registry do not show.
const VARIANTS: &[&str] = &[
    "layers = [{ layer = 'conv', out = 6, kernel = 3, stride = 2, padding = 1, groups = 3, bias = false }]",
    "layers = [{ layer = 'conv', out = 6, kernel = 5, stride = 3, padding = 2, groups = 3 }]",
    "layers = [{ layer = 'conv', out = 4, kernel = 4, padding = 'same' }]",
    "layers = [{ layer = 'conv', out = 6, kernel = 3 }, { layer = 'conv', out = 8, kernel = 3, groups = 2 }]",
    "layers = [{ layer = 'max_pool', kernel = 3, stride = 2, padding = 1 }]",
    "layers = [{ layer = 'avg_pool', kernel = 3, stride = 2, padding = 1 }]",
    "layers = [{ layer = 'gelu', approximate = 'tanh' }]",
    "layers = [{ layer = 'leaky_relu', slope = 0.3 }]",
    "layers = [{ layer = 'batch_norm', eps = 1e-12, scale = false }]",
    "layers = [{ layer = 'batch_norm', bias = false }]",
    "layers = [{ layer = 'whiten', kernel = 3, bias = false }]",
    "layers = [{ layer = 'linear', out = 9, bias = false }, 'batch_norm', 'relu']",
    // A vector is an image of one pixel, and a block may add the two.
    "layers = [{ layer = 'linear', out = 9 }, { layer = 'conv', out = 7, kernel = 1 }, { layer = 'max_pool', kernel = 1 }]",
    "layers = ['global_avg_pool', { layer = 'residual', branch = [{ layer = 'conv', out = 3, kernel = 1 }] }]",
    "layers = [{ layer = 'residual', branch = ['silu', { layer = 'residual', branch = ['tanh', { layer = 'conv', out = 3, kernel = 1 }] }] }]",
    "layers = [{ layer = 'conv', out = 5, kernel = 3, stride = 2 }, { layer = 'residual', branch = ['batch_norm'], shortcut = ['gelu'] }, 'dropout']",
];

fn read(text: &str) -> Model {
    let problems = Problems::default();
    let model = model::read(&Fields::parse(text, &problems).unwrap());
    let problems = problems.take();
    assert!(problems.is_empty(), "{text}: {problems:?}");
    model
}

/// Weights and state with nothing in them that is 0 or 1 by chance of where training begins; variances above 0.
fn arena(network: &Network) -> Vec<f32> {
    let mut arena = network.initialise(3);
    for span in network.spans() {
        let mut dice = Key::of_run(4, &span.name).dice();
        let drawn = if span.name.ends_with("running_var") { 0.5..1.5 } else { -0.5..0.5 };
        let fixed = span.initial.is_some();
        arena[span.range()].iter_mut().filter(|_| fixed).for_each(|value| *value += dice.uniform(drawn.start, drawn.end) as f32);
    }
    arena
}

fn run(bytes: Vec<u8>, images: &[f32], shape: Shape) -> Vec<f32> {
    let runtime = Runtime::load(bytes).unwrap();
    let count = images.len() / shape.len();
    let input = NdTensor::from_data([count, shape.channels, shape.height, shape.width], images.to_vec());
    let node = |name: &str| -> NodeId { runtime.node_id(name).unwrap() };
    let [output]: [Value; 1] = runtime.run_n(vec![(node("image"), input.into())], [node("logits")], None).unwrap();
    let output: NdTensor<f32, 2> = output.try_into().unwrap();
    output.to_vec()
}

/// Stores a network, images and our logits where the environment asks for it.
fn keep(text: &str, bytes: &[u8], images: &[f32], logits: &[f32], shape: [usize; 4]) {
    let Some(folder) = std::env::var_os("AUGPIPE_ONNX_CASES").map(std::path::PathBuf::from) else { return };
    let name = format!("{}-{}", blake3::hash(text.as_bytes()).to_hex().get(..12).unwrap_or_default(), shape[0]);
    let bytes_of = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (image_bytes, logit_bytes) = (bytes_of(images), bytes_of(logits));
    let tensor =
        |shape: &[usize], bytes| safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), bytes).unwrap();
    let sizes = [shape[0], logits.len() / shape[0]];
    let tensors = [("images", tensor(&shape, &image_bytes)), ("logits", tensor(&sizes, &logit_bytes))];
    let about = std::collections::HashMap::from([("model".to_owned(), text.to_owned())]);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.onnx")), bytes).unwrap();
    std::fs::write(folder.join(format!("{name}.safetensors")), safetensors::serialize(tensors, Some(about)).unwrap()).unwrap();
}

/// The greatest difference from our logits, relative to the greatest logit.
fn difference(text: &str, shape: Shape, classes: usize) -> f32 {
    let [ours, again] = [read(text), read(text)];
    let network = Network::new(ours.layers, shape, classes).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let arena = arena(&network);
    let (graph, logits) = onnx_graph(&network, &again.layers, &arena);
    let bytes = graph.finish(&logits, About::default()).unwrap();
    let mut dice = Key::of_run(5, "images").dice();
    let mut worst = 0f32;
    // The same file takes batches of any length.
    for count in [1, 3] {
        let images: Vec<f32> = (0..count * shape.len()).map(|_| dice.uniform(-2.0, 2.0) as f32).collect();
        let theirs = run(bytes.clone(), &images, shape);
        let ours = network.logits(&mut network.workspace(count), &arena, &images, count).to_vec();
        assert_eq!(ours.len(), theirs.len(), "{text}");
        keep(text, &bytes, &images, &ours, [count, shape.channels, shape.height, shape.width]);
        let greatest = ours.iter().fold(0f32, |most, logit| most.max(logit.abs()));
        assert!(greatest > 1e-3, "{text}: {ours:?}");
        worst = ours.iter().zip(&theirs).fold(worst, |worst, (a, b)| worst.max((a - b).abs() / greatest));
    }
    worst
}

fn assert_close(text: &str, shape: Shape, classes: usize) {
    let difference = difference(text, shape, classes);
    println!("{difference:.1e}  {}", text.replace('\n', " "));
    assert!(difference <= 1e-5, "{difference:e} for {text}");
}

/// The layers of a table with what makes logits of them.
fn with_head(layers: &str) -> String {
    format!("{}, 'flatten', 'linear']", layers.trim_end().trim_end_matches(']'))
}

#[test]
fn every_layer_computes_what_its_onnx_form_says() {
    for entry in LAYERS {
        let table: toml::Table = entry.example.parse().unwrap();
        let inline = toml::Value::Table(table).to_string();
        assert_close(&with_head(&format!("layers = [{inline}]")), Shape::new(3, 11, 9), 5);
    }
}

#[test]
fn every_choice_of_a_layer_does_too() {
    for text in VARIANTS {
        assert_close(&with_head(text), Shape::new(3, 11, 9), 5);
    }
}

#[test]
fn every_preset_does_too() {
    for entry in PRESETS {
        let shape = if entry.name == "lenet" { Shape::new(1, 28, 28) } else { Shape::new(3, 32, 32) };
        assert_close(entry.example, shape, 10);
    }
}
