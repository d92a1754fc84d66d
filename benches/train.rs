//! Training steps of the networks that `benches/peers/train.py` runs in PyTorch, and the matrix products behind them.
//!
//! `cargo bench --bench train`; `AUGPIPE_THREADS` sets the number of threads (2 where it is not set).

use augpipe::kernel::gemm::{Start, gemm};
use augpipe::kernel::matrix::Matrix;
use augpipe::model::preset::{Airbench, Lenet, Mlp, Resnet9, Resnet20, VggSmall};
use augpipe::model::{Convolution, Network, Noise, Numerics, Precision, Shape, Workspace};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const BATCH: usize = 128;

fn main() {
    let threads = std::env::var("AUGPIPE_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
    pool.install(divan::main);
}

/// A network in training, with plain SGD.
struct Training {
    network: Network,
    workspace: Workspace,
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    images: Vec<f32>,
    labels: Vec<u32>,
    step: u64,
}

impl Training {
    fn new(layers: Vec<Box<dyn augpipe::model::LayerSpec>>) -> Self {
        Self::on(Shape::new(1, 28, 28), layers)
    }

    fn on(input: Shape, mut layers: Vec<Box<dyn augpipe::model::LayerSpec>>) -> Self {
        let filtering = std::env::var("AUGPIPE_CONVOLUTION").is_ok_and(|name| name == "winograd");
        let convolution = if filtering { Convolution::Winograd } else { Convolution::Direct };
        let narrow = std::env::var("AUGPIPE_PRECISION").is_ok_and(|name| name == "bf16");
        let precision = if narrow { Precision::Bf16 } else { Precision::F32 };
        layers.iter_mut().for_each(|layer| layer.compute_by(Numerics { convolution, precision }));
        let network = Network::new(layers, input, 10).expect("layers that fit");
        let number = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5;
        Self {
            workspace: network.workspace(BATCH),
            parameters: network.initialise(1),
            gradient: vec![0.0; network.parameter_count()],
            images: (0..BATCH * network.input().len()).map(number).collect(),
            labels: (0..BATCH as u32).map(|i| i % 10).collect(),
            network,
            step: 0,
        }
    }

    fn step(&mut self) {
        self.step += 1;
        let noise = Noise { seed: 1, step: self.step };
        let tally = self.network.loss_and_gradient(
            &mut self.workspace,
            &self.parameters,
            &self.images,
            &self.labels,
            noise,
            &mut self.gradient,
        );
        black_box(tally);
        self.network.remember(&self.workspace, &mut self.parameters);
        let pieces = self.parameters.chunks_mut(1 << 14).zip(self.gradient.chunks(1 << 14));
        rayon::scope(|scope| {
            for (parameters, gradient) in pieces {
                scope.spawn(move |_| parameters.iter_mut().zip(gradient).for_each(|(p, g)| *p -= 0.01 * g));
            }
        });
    }

    fn bench(mut self, bencher: Bencher<'_, '_>) {
        (0..3).for_each(|_| self.step());
        bencher.counter(ItemsCount::new(BATCH)).bench_local(|| self.step());
    }
}

/// Items are images.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn lenet(bencher: Bencher<'_, '_>) {
    Training::new(Lenet::default().layers()).bench(bencher);
}

/// 784-1024-1024-1024-10, keep 0.8 and 0.5; items are images.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn mlp(bencher: Bencher<'_, '_>) {
    let preset = Mlp { hidden: vec![1024; 3], keep_input: 0.8, keep_hidden: 0.5 };
    Training::new(preset.layers()).bench(bencher);
}

const COLOUR: Shape = Shape::new(3, 32, 32);

/// 32×32 colour images from here on.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn vgg_small(bencher: Bencher<'_, '_>) {
    Training::on(COLOUR, VggSmall::default().layers()).bench(bencher);
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn resnet9(bencher: Bencher<'_, '_>) {
    Training::on(COLOUR, Resnet9::default().layers()).bench(bencher);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn resnet20(bencher: Bencher<'_, '_>) {
    Training::on(COLOUR, Resnet20::default().layers()).bench(bencher);
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn airbench(bencher: Bencher<'_, '_>) {
    Training::on(COLOUR, Airbench::default().layers()).bench(bencher);
}

/// Evaluation of `lenet`; items are images.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn lenet_logits(bencher: Bencher<'_, '_>) {
    let mut it = Training::new(Lenet::default().layers());
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        black_box(it.network.logits(&mut it.workspace, &it.parameters, &it.images, BATCH)[0]);
    });
}

/// `c = a·b` in the three forms of a linear layer; items are floating-point operations.
#[divan::bench(args = ["forward", "weights", "inputs", "1024"], sample_count = 50, sample_size = 1)]
fn product(bencher: Bencher<'_, '_>, form: &str) {
    let wide = vec![0.5f32; 1024 * 1024];
    let batch = Matrix::new(&wide, BATCH, 1024, 1024);
    let square = Matrix::new(&wide, 1024, 1024, 1024);
    let (a, b, rows) = match form {
        "forward" => (batch, square.transposed(), BATCH),
        "inputs" => (batch, square, BATCH),
        "weights" => (batch.transposed(), batch, 1024),
        _ => (square, square, 1024),
    };
    let inner = if form == "weights" { BATCH } else { 1024 };
    let narrow = std::env::var("AUGPIPE_PRECISION").is_ok_and(|name| name == "bf16");
    let precision = if narrow { Precision::Bf16 } else { Precision::F32 };
    let mut c = vec![0.0f32; 1024 * 1024];
    bencher.counter(ItemsCount::new(2 * rows * inner * 1024)).bench_local(|| {
        gemm(precision, a, b, Start::Zero, &mut c, 1024);
        black_box(c[0])
    });
}
