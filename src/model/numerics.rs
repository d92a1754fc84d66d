//! How products are computed where there is a choice: what changes the last digits and the time, and nothing else. Knows no layer.

use crate::config::Fields;
pub use crate::kernel::bf16::Precision;

/// How convolutions are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Convolution {
    /// By the definition: one chain of fused multiply-adds a number.
    #[default]
    Direct,
    /// By minimal filtering where it can be: stride 1, one group, at least [`Numerics::FEWEST`] channels in, kernels of 3 or 5.
    /// Three to four times fewer multiplications, and errors in the fifth digit instead of the seventh. As reproducible as
    /// the other.
    Winograd,
}

/// The choices of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numerics {
    /// How convolutions are computed.
    pub convolution: Convolution,
    /// How wide the factors of products are: in linear layers, and in convolutions but depthwise ones and a whitening. Gradients
    /// that [leave zeros out](crate::kernel::conv_sparse) keep all digits.
    pub precision: Precision,
}

impl Numerics {
    /// Fewest input channels for which minimal filtering pays.
    pub const FEWEST: usize = 8;

    /// Reads the keys that choose.
    pub fn read(fields: &Fields) -> Self {
        let about = "how 3x3 and 5x5 convolutions are computed: \"direct\", or \"winograd\" with fewer multiplications and larger rounding errors";
        let choices = [("direct", Convolution::Direct), ("winograd", Convolution::Winograd)];
        let convolution = fields.key("convolution", about).choice(&choices);
        let about = "factors in linear layers and convolutions: \"f32\", or \"bf16\" with 16 bits; sums and weights keep 32";
        let precision = fields.key("precision", about).choice(&[("f32", Precision::F32), ("bf16", Precision::Bf16)]);
        Self {
            convolution: convolution.or_shown(Convolution::Direct, "direct"),
            precision: precision.or_shown(Precision::F32, "f32"),
        }
    }
}
