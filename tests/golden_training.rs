//! Losses, gradients, logits and trained parameters against cases computed in float64 by PyTorch. Reads the folder `training` in
//! `$PIPELINE_GOLDEN`, or else in `tests/golden`.

use augpipe::model::layer::{
    AvgPool, BatchNorm, Conv, Dropout, Flatten, GlobalAvgPool, Linear, MaxPool, Padding, Relu, Residual, Sigmoid, Tanh, Window,
};
use augpipe::model::{LayerSpec, Network, Noise, Shape, Span};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;

/// Greatest relative difference of a tensor, in its Euclidean norm.
const TOLERANCE: f64 = 1e-5;
const NOISE: Noise = Noise { seed: 0, step: 0 };

#[derive(Deserialize)]
struct Case {
    id: String,
    architecture: String,
    batch: usize,
    input_shape: Vec<usize>,
    classes: usize,
    optimiser: String,
    settings: Settings,
    l1: f64,
    l2: f64,
    label_smoothing: f64,
    clip_norm: f64,
    steps: usize,
}

#[derive(Deserialize)]
struct Settings {
    lr: f64,
    #[serde(default)]
    momentum: f64,
}

type Tensors = HashMap<String, Vec<f64>>;

fn folder() -> PathBuf {
    let root = std::env::var_os("PIPELINE_GOLDEN").map(PathBuf::from);
    root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).join("training")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty());
    cases
}

fn tensors(case: &Case) -> Tensors {
    let bytes = std::fs::read(folder().join(format!("{}.safetensors", case.id))).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |view: &safetensors::tensor::TensorView<'_>| -> Vec<f64> {
        let words = view.data().chunks_exact(8).map(|word| <[u8; 8]>::try_from(word).unwrap());
        match view.dtype() {
            Dtype::F64 => words.map(f64::from_le_bytes).collect(),
            Dtype::I64 => words.map(|word| i64::from_le_bytes(word) as f64).collect(),
            other => panic!("{other:?} in {}", case.id),
        }
    };
    file.tensors().iter().map(|(name, view)| (name.clone(), numbers(view))).collect()
}

/// A residual block: `residual[conv3x3 bn relu conv3x3 bn + skip, relu]`. Its convolutions keep the channels of its input.
fn residual(channels: usize) -> Box<dyn LayerSpec> {
    let (conv, norm) = (|| Box::new(Conv::plain(channels, 3, 1)), || Box::new(BatchNorm::default()));
    Box::new(Residual { branch: vec![conv(), norm(), Box::new(Relu), conv(), norm()], shortcut: Vec::new() })
}

/// A word's layers here: a block's last activation is a layer of its own. In the file, global pooling has the numbers of two layers.
fn layers(word: &str, index: usize, channels: usize, tensors: &Tensors) -> Vec<Box<dyn LayerSpec>> {
    match word {
        "global_avgpool" => vec![Box::new(GlobalAvgPool), Box::new(Flatten)],
        _ if word.starts_with("residual[") => vec![residual(channels), Box::new(Relu)],
        _ => vec![layer(word, index, tensors)],
    }
}

/// `linear(12,16)`, `conv3x3(8,12,stride 2,pad 1)`, `maxpool2`, …
fn layer(word: &str, index: usize, tensors: &Tensors) -> Box<dyn LayerSpec> {
    let (name, inside) = word.split_once('(').unwrap_or((word, ""));
    let arguments: Vec<&str> = inside.trim_end_matches(')').split(',').map(str::trim).collect();
    let setting = |key: &str| {
        arguments.iter().find_map(|argument| argument.strip_prefix(key)).map(|text| text.trim().parse::<f64>().unwrap())
    };
    let bias = !arguments.contains(&"no bias");
    let out = || arguments[1].parse().unwrap();
    let pool =
        |kernel: &str| Window { kernel: kernel.parse().unwrap(), stride: kernel.parse().unwrap(), padding: Padding::Sides(0) };
    let sides = |key| Padding::Sides(setting(key).unwrap_or(0.0) as usize);
    match name {
        "linear" => Box::new(Linear::new(Some(out()), bias)),
        "relu" => Box::new(Relu),
        "tanh" => Box::new(Tanh),
        "sigmoid" => Box::new(Sigmoid),
        "flatten" => Box::new(Flatten),
        "avgpool" => Box::new(AvgPool { window: pool(arguments[0]) }),
        "dropout" => {
            let mask = tensors[&format!("init.{index}.mask")].iter().map(|&kept| kept != 0.0).collect();
            Box::new(Dropout::with_mask(setting("keep").unwrap() as f32, mask))
        }
        "batchnorm" => {
            let usual = BatchNorm::default();
            let (eps, momentum) = (setting("eps").unwrap_or(usual.eps), setting("momentum").unwrap_or(usual.momentum));
            Box::new(BatchNorm { eps, momentum, ..usual })
        }
        "depthwise_conv3x3" => {
            let channels = arguments[0].parse().unwrap();
            let window = Window { kernel: 3, stride: 1, padding: sides("pad") };
            Box::new(Conv { window, groups: setting("groups").unwrap() as usize, bias, ..Conv::plain(channels, 1, 0) })
        }
        _ if name.starts_with("maxpool") => Box::new(MaxPool { window: pool(&name["maxpool".len()..]) }),
        _ if name.starts_with("conv") => {
            let kernel = name["conv".len()..].split('x').next().unwrap().parse().unwrap();
            let stride = setting("stride").unwrap_or(1.0) as usize;
            Box::new(Conv { window: Window { kernel, stride, padding: sides("pad") }, bias, ..Conv::plain(out(), 1, 0) })
        }
        _ => panic!("no layer is known as {word}"),
    }
}

/// Cuts an architecture into words at spaces outside parentheses and brackets; remarks in brackets are left out.
fn words(architecture: &str) -> Vec<String> {
    let mut depth = 0;
    let (mut words, mut word) = (Vec::new(), String::new());
    for letter in architecture.chars().chain([' ']) {
        depth += i32::from("([".contains(letter)) - i32::from(")]".contains(letter));
        match letter {
            ' ' if depth == 0 => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    words.retain(|word| !word.is_empty() && !word.starts_with('['));
    words
}

/// What the file calls a tensor that is called `name` here, where its layer i is layer `starts[i]`.
fn name_there(name: &str, starts: &[usize]) -> String {
    let (layer, rest) = name.split_once('.').unwrap();
    let layer: usize = layer.parse().unwrap();
    let there = starts.iter().rposition(|&start| start <= layer).unwrap();
    let within = [("branch.0", "conv1"), ("branch.1", "bn1"), ("branch.3", "conv2"), ("branch.4", "bn2")];
    format!("{there}.{}", within.iter().fold(rest.to_owned(), |rest, (here, there)| rest.replace(here, there)))
}

/// The network, and the layer that each of the file's begins with.
fn network(case: &Case, tensors: &Tensors) -> (Network, Vec<usize>) {
    let input = match case.input_shape[..] {
        [length] => Shape::vector(length),
        [channels, height, width] => Shape::new(channels, height, width),
        _ => panic!("{:?}", case.input_shape),
    };
    let (mut all, mut starts, mut channels) = (Vec::new(), Vec::new(), input.channels);
    for word in &words(&case.architecture) {
        let added = layers(word, starts.len(), channels, tensors);
        starts.extend((0..if word == "global_avgpool" { 2 } else { 1 }).map(|more| all.len() + more));
        channels = added[0].build(Shape::new(channels, 64, 64), case.classes).map_or(channels, |built| built.shape.channels);
        all.extend(added);
    }
    let network = Network::new(all, input, case.classes).unwrap_or_else(|problems| panic!("{problems:?}"));
    (network.with_label_smoothing(case.label_smoothing), starts)
}

fn narrow(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|&number| number as f32).collect()
}

fn assert_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let apart = norm(&mut found.iter().zip(expected).map(|(f, e)| f - e));
    let size = norm(&mut expected.iter().copied());
    assert!(apart <= TOLERANCE * size + 1e-9, "{what}: {apart} apart, size {size}");
}

/// Adds the gradient of λ/(2m)·‖W‖² and λ/m·Σ|W| to weights and kernels, and returns those terms' values.
fn regularise(case: &Case, spans: &[Span], parameters: &[f32], gradient: &mut [f32]) -> f64 {
    let (l1, l2) = (case.l1 / case.batch as f64, case.l2 / case.batch as f64);
    let mut penalty = 0.0;
    for index in spans.iter().filter(|span| span.decay).flat_map(Span::range) {
        let weight = f64::from(parameters[index]);
        penalty += 0.5 * l2 * weight * weight + l1 * weight.abs();
        let sign = if weight == 0.0 { 0.0 } else { weight.signum() };
        gradient[index] = (f64::from(gradient[index]) + l2 * weight + l1 * sign) as f32;
    }
    penalty
}

/// Scales the gradient down to the given norm over all parameters, as PyTorch's `clip_grad_norm_`; 0 leaves it as it is.
fn clip(limit: f64, gradient: &mut [f32]) {
    let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    if limit > 0.0 && norm > limit {
        gradient.iter_mut().for_each(|g| *g = (f64::from(*g) * (limit / (norm + 1e-6))) as f32);
    }
}

struct Run {
    case: Case,
    tensors: Tensors,
    network: Network,
    /// The layer that each of the file's begins with.
    starts: Vec<usize>,
    images: Vec<f32>,
    labels: Vec<u32>,
}

impl Run {
    fn all() -> impl Iterator<Item = Run> {
        cases().into_iter().map(|case| {
            let tensors = tensors(&case);
            let (images, labels) = (narrow(&tensors["input"]), tensors["labels"].iter().map(|&label| label as u32).collect());
            let (network, starts) = network(&case, &tensors);
            Run { network, starts, case, tensors, images, labels }
        })
    }

    fn expected(&self, prefix: &str, span: &Span) -> &[f64] {
        &self.tensors[&format!("{prefix}.{}", name_there(&span.name, &self.starts))]
    }

    /// Everything, with running statistics, as the file has it.
    fn arena(&self, prefix: &str) -> Vec<f32> {
        self.network.spans().iter().flat_map(|span| narrow(self.expected(prefix, span))).collect()
    }

    /// Compares as many tensors as `found` has.
    fn assert_near(&self, found: &[f32], prefix: &str) {
        for span in self.network.spans().iter().filter(|span| span.range().end <= found.len()) {
            let wide: Vec<f64> = found[span.range()].iter().map(|&x| f64::from(x)).collect();
            assert_near(&wide, self.expected(prefix, span), &format!("{} {prefix}.{}", self.case.id, span.name));
        }
    }

    /// Gradient of the whole loss, clipped, and data loss and penalty. Running statistics move on.
    fn gradient(&self, parameters: &mut [f32]) -> (Vec<f32>, f64, f64) {
        let mut workspace = self.network.workspace(self.labels.len());
        let mut gradient = vec![f32::NAN; self.network.parameter_count()];
        let tally = self.network.loss_and_gradient(&mut workspace, parameters, &self.images, &self.labels, NOISE, &mut gradient);
        assert_eq!(tally.count as usize, self.case.batch);
        self.network.remember(&workspace, parameters);
        let penalty = regularise(&self.case, self.network.spans(), parameters, &mut gradient);
        clip(self.case.clip_norm, &mut gradient);
        (gradient, tally.loss_sum / tally.count as f64, penalty)
    }
}

#[test]
fn golden_losses_and_gradients() {
    for run in Run::all() {
        let (gradient, loss, penalty) = run.gradient(&mut run.arena("init"));
        assert_near(&[loss], &run.tensors["data_loss"], &format!("{} data loss", run.case.id));
        assert_near(&[loss + penalty], &run.tensors["loss"], &format!("{} loss", run.case.id));
        run.assert_near(&gradient, "grad");
    }
}

#[test]
fn golden_logits() {
    for run in Run::all() {
        let mut workspace = run.network.workspace(run.case.batch);
        let mut compare = |prefix: &str, name: &str| {
            let parameters = run.arena(prefix);
            let logits = run.network.logits(&mut workspace, &parameters, &run.images, run.case.batch);
            let wide: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
            assert_near(&wide, &run.tensors[name], &format!("{} {name}", run.case.id));
        };
        compare("after4", "eval_logits");
        // Training logits are those of evaluation unless units are dropped, or normalised by the batch.
        if !["dropout", "batchnorm"].iter().any(|word| run.case.architecture.contains(word)) {
            compare("init", "logits");
        }
    }
}

#[test]
fn golden_parameters_after_steps_of_sgd_and_momentum() {
    let mut compared = 0;
    for run in Run::all().filter(|run| ["sgd", "momentum"].contains(&run.case.optimiser.as_str())) {
        let mut parameters = run.arena("init");
        let mut velocity = vec![0.0f64; run.network.parameter_count()];
        for _ in 0..run.case.steps {
            let (gradient, _, _) = run.gradient(&mut parameters);
            for ((parameter, velocity), gradient) in parameters.iter_mut().zip(&mut velocity).zip(gradient) {
                *velocity = run.case.settings.momentum * *velocity + f64::from(gradient);
                *parameter = (f64::from(*parameter) - run.case.settings.lr * *velocity) as f32;
            }
        }
        run.assert_near(&parameters, "after4");
        compared += 1;
    }
    assert!(compared > 0);
    if std::env::var_os("PIPELINE_GOLDEN").is_none() {
        assert_eq!((cases().len(), compared), (32, 24));
    }
}
