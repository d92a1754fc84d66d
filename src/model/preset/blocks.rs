//! Rows of layers that several presets are made of, and the key that gives their widths. Knows no preset.

use crate::config::{Fields, Limits};
use crate::model::layer::{BatchNorm, Conv, LayerSpec, MaxPool, Padding, Relu, Window};

pub(super) type Layers = Vec<Box<dyn LayerSpec>>;

/// Numbers of channels, as many as `usual` has.
pub(super) fn channels<const N: usize>(fields: &Fields, about: &str, usual: [usize; N]) -> [usize; N] {
    let given = fields.key("channels", about).numbers(Limits::within(1.0, 4096.0), N, N);
    let given = given.or_shown(usual.map(|count| count as f64).to_vec(), &format!("{usual:?}"));
    std::array::from_fn(|index| given.get(index).map_or(usual[index], |&count| count as usize))
}

/// 3×3 convolution without bias that keeps the size, batch normalisation, ReLU.
pub(super) fn conv_norm_relu(out: usize) -> Layers {
    vec![Box::new(Conv::plain(out, 3, 1)), Box::new(BatchNorm::default()), Box::new(Relu)]
}

/// Maximum over windows of `kernel` × `kernel` beside each other.
pub(super) fn max_pool(kernel: usize) -> Box<dyn LayerSpec> {
    Box::new(MaxPool { window: Window { kernel, stride: kernel, padding: Padding::Sides(0) } })
}
