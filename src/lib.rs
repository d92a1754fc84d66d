//! **augpipe** turns folders of labelled images into trained classifiers and augmented data sets on ordinary CPUs.
//!
//! This page is the map: the drawing, the layers, the laws, and what each module refuses to know.
//!
//! ```text
//! source ─▶ load ─▶ augment ─▶ batch ─▶ train ─▶ report
//!          (read,   (op chain,  (dense    (forward, backward,
//!           decode)  per sample) tensors)  optimiser; rayon)
//!                       └────▶ write (shards, folders)    └── discard (to measure)
//! ```
//!
//! # Layers
//!
//! A module imports only from lower rows, never from its own row (`tests/layers.rs` reads every `use crate::` line):
//!
//! | row | modules |
//! |---|---|
//! | 8 | `main`, `cli` |
//! | 7 | [`job`]: what a user can run |
//! | 6 | [`plan`]: configuration → checked plan → assembled flow |
//! | 5 | [`stage`]: glue, one file a stage; its train stage drives [`train`] |
//! | 4 | [`train`]: step, evaluate, early stopping, checkpoint |
//! | 3 | [`source`], [`augment`], [`mix`], [`model`], [`optim`], [`report`] |
//! | 2 | [`flow`], [`kernel`], [`pixels`], [`registry`], [`config`], [`onnx`] |
//! | 1 | [`error`], [`sample`], [`batch`], [`key`], [`event`], [`isa`], [`math`]: the nouns in flight, which may name each other, and the arithmetic under all |
//!
//! # Laws (each is a test)
//!
//! 1. **Same bytes on any machine shape.** Batches and weights are bit-identical for any number of workers and any channel
//!    capacity: work is cut into pieces by *shape*, never by thread count, and sums are added in a fixed order.
//! 2. **Offline is online, cached.** An op chain is a pure function of its [`key::Key`], so K stored variants are epochs 0..K−1.
//! 3. **Resume equals straight through**, byte for byte, on another thread count too.
//! 4. **Every sample is accounted for.** read = trained + quarantined + filtered, per epoch.
//! 5. **Every number dealt is answered.** A failing or panicking worker still answers for its chunk; the first fault *in data
//!    order* wins; nothing hangs; backpressure bounds memory.
//! 6. **Configuration cannot fail late.** Once a [`plan`] exists, shapes, names, ranges and files have been checked, and *all*
//!    problems were shown together.
//!
//! # What each module refuses to know
//!
//! `flow` knows no image and no float. `onnx` knows operators and no layer. `kernel` knows no layer, no image type, no file. `pixels` knows no randomness: numbers
//! are drawn in `augment`, from dice that only [`key`] can make. `source` does not know what happens to a picture. `model` does
//! not know how it is learned, `optim` not what is learned. Nothing below `job` prints. `unsafe` lives in `kernel` and `pixels`
//! only, each block with its reason.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod batch;
pub mod error;
pub mod event;
pub mod isa;
pub mod key;
pub mod math;
pub mod sample;

pub mod config;
pub mod flow;
#[allow(unsafe_code)]
pub mod kernel;
pub mod onnx;
#[allow(unsafe_code)]
pub mod pixels;
pub mod registry;

pub mod augment;
pub mod mix;
pub mod model;
pub mod optim;
pub mod report;
pub mod source;

pub mod stage;
pub mod train;

pub mod plan;

pub mod job;
