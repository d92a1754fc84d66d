//! Steps allocate nothing once the first has been made: counted by the allocator, on every thread of the process.

use augpipe::config::{Fields, Problems};
use augpipe::model::{Network, Shape};
use augpipe::optim::OPTIMIZERS;
use augpipe::train::{Setup, TrainConfig, Trainer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The system's allocator, counting while it is asked to.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed to the system's allocator as it came; counting touches atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Batches from one step to the next in the case with accumulated gradients.
const ACCUMULATE: usize = 3;
const COUNT: usize = 4;
/// More than the places of a block in a queue of rayon's, so that one more block would show.
const STEPS: usize = 70;

fn trainer(model: &str, train: &str, input: Shape, threads: usize) -> Trainer {
    let problems = Problems::default();
    let model = augpipe::model::read(&Fields::parse(model, &problems).unwrap());
    let config = TrainConfig::read(&Fields::parse(train, &problems).unwrap());
    assert!(problems.take().is_empty(), "{train}");
    let network = Network::new(model.layers, input, 10).unwrap().with_initialiser(model.initialiser);
    Trainer::new(network, &config, Setup { seed: 1, batch_size: COUNT, steps_per_epoch: 100, threads }).unwrap()
}

/// Calls of the allocator, and bytes asked for, while so many batches are learned from.
fn counted(trainer: &mut Trainer, images: &[f32], labels: &[u32], batches: usize) -> (usize, usize) {
    CALLS.store(0, Ordering::Relaxed);
    BYTES.store(0, Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
    for _ in 0..batches {
        trainer.step(images, labels).unwrap();
    }
    COUNTS.store(false, Ordering::Relaxed);
    (CALLS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed))
}

const CONV: &str = "layers = [{ layer = 'conv', out = 6, kernel = 3, padding = 1 }, 'relu', { layer = 'max_pool', kernel = 2 }, \
                    { layer = 'conv', out = 20, kernel = 3 }, 'tanh', { layer = 'avg_pool', kernel = 2 }, 'flatten', \
                    { layer = 'dropout', keep = 0.8 }, { layer = 'linear', out = 40 }, 'sigmoid', 'linear']";
const DENSE: &str =
    "layers = ['flatten', { layer = 'linear', out = 200 }, 'relu', { layer = 'linear', out = 70 }, 'relu', 'linear']";
const STATE: &str = "layers = ['whiten', 'gelu', { layer = 'conv', out = 6, kernel = 3, padding = 1 }, 'batch_norm', \
                     { layer = 'residual', branch = [{ layer = 'conv', out = 6, kernel = 3, padding = 1 }, 'batch_norm', 'relu', \
                     { layer = 'conv', out = 6, kernel = 3, padding = 1, groups = 6 }, 'batch_norm'], \
                     shortcut = [{ layer = 'conv', out = 6, kernel = 1 }] }, 'silu', 'global_max_pool', 'flatten', 'linear', \
                     { layer = 'scale', factor = 0.5 }]";
/// Sums of its second convolution's gradient at the points are too many for the cache.
const DEEP: &str = "layers = [{ layer = 'conv', out = 90, kernel = 3, padding = 1 }, 'relu', \
                    { layer = 'conv', out = 90, kernel = 3, padding = 1 }, 'relu', 'flatten', 'linear']";
/// Ways to compute, beside the usual one.
const WAYS: [&str; 3] = ["convolution = 'winograd'", "precision = 'bf16'", "convolution = 'winograd'\nprecision = 'bf16'"];
const OPTIONS: [&str; 3] = [
    "",
    "max_norm = 2\nclip_value = 1\nclip_norm = 1\nema = { decay = 0.9 }\nl1 = 0.01\nl2 = 0.1\nweight_decay = 0.01\n\
     groups = [{ parameter = 'bias', rate = 2 }]\nlabel_smoothing = 0.1\nearly_stopping = {}",
    "accumulate = 3",
];

/// No step after the first allocates, on any thread, for any rule and option. Buffers that a thread works in are made in the first
/// step; workers' queues and the door to them are bounded from the start.
/// What stays outside: loading, augmenting and batching, scoring several views, and the ends of epochs.
fn main() {
    let input = Shape::new(1, 8, 8);
    let images: Vec<f32> = (0..COUNT * input.len()).map(|place| (place * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
    let labels: Vec<u32> = (0..COUNT as u32).collect();
    let mut kept = Vec::new();
    for model in [CONV, DENSE, STATE] {
        for optimizer in OPTIMIZERS {
            for option in OPTIONS {
                let train = format!("epochs = 1\nlearning_rate = 0.001\n{option}\n[optimizer]\n{}", optimizer.example);
                for threads in [1, 3] {
                    let mut trainer = trainer(model, &train, input, threads);
                    let first = counted(&mut trainer, &images, &labels, if option.contains("accumulate") { ACCUMULATE } else { 1 });
                    assert!(first.0 > 0, "the allocator counts");
                    let rest = counted(&mut trainer, &images, &labels, STEPS);
                    assert_eq!(rest, (0, 0), "{} on {threads} threads with {option:?}", optimizer.name);
                    // Threads that end would be counted, too.
                    kept.push(trainer);
                }
            }
        }
    }
    for (model, way) in [CONV, DENSE, STATE, DEEP].into_iter().flat_map(|model| WAYS.map(|way| (model, way))) {
        let train = "epochs = 1\nlearning_rate = 0.001\n[optimizer]\nname = 'sgd'";
        for threads in [1, 3] {
            let mut trainer = trainer(&format!("{way}\n{model}"), train, input, threads);
            counted(&mut trainer, &images, &labels, 1);
            assert_eq!(counted(&mut trainer, &images, &labels, STEPS), (0, 0), "{way} on {threads} threads of {model}");
            kept.push(trainer);
        }
    }
    println!("no step after the first allocates: {} trainers", kept.len());
}
