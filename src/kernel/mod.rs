//! Arithmetic on slices of f32: matrix products, convolution, pooling, activations, normalisation, softmax cross-entropy, dropout,
//! sums.
//! Knows no layer, no image type and no file.
//!
//! **One law**: every element of every result is a fixed chain of IEEE operations (fused multiply-adds where it is a sum of
//! products), in an order that depends on shapes alone. AVX-512, AVX2 and plain code, and any number of threads, therefore
//! agree *bit for bit*. No mathematical function of the platform's libm is called: see [`crate::math`].

pub mod activation;
mod ahead;
pub mod bf16;
pub mod blend;
pub mod conv;
mod conv_products;
pub mod conv_sparse;
pub mod depthwise;
pub mod descent;
pub mod dropout;
pub mod gemm;
mod lanes;
pub mod matrix;
pub mod normalise;
pub mod peak;
mod per_isa;
mod planes;
pub mod pool;
pub mod reduce;
pub mod rows;
pub mod scratch;
pub mod softmax;
mod sparse;
mod sweep;
pub mod team;
mod tile;
pub mod transpose;
pub mod whitening;
pub mod winograd;
