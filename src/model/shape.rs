//! Sizes of activations, and where parameters lie. Knows numbers and names only.

use std::fmt;
use std::ops::Range;

/// Size of one sample's activations: `[channels, height, width]`; a vector has height and width 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Planes, or elements of a vector.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
}

impl Shape {
    /// `[channels, height, width]`.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// `length` numbers.
    pub const fn vector(length: usize) -> Self {
        Self::new(length, 1, 1)
    }

    /// How many numbers.
    pub const fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether height and width are 1.
    pub const fn is_vector(self) -> bool {
        self.height == 1 && self.width == 1
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_vector() {
            write!(f, "{}", self.channels)
        } else {
            write!(f, "{}×{}×{}", self.channels, self.height, self.width)
        }
    }
}

/// One tensor of parameters: its name and its place in the arena.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Name of the layer and word, as in a PyTorch `Sequential`: `0.weight`, `0.bias`, `3.branch.0.weight`.
    pub name: String,
    /// First float in the arena.
    pub start: usize,
    /// Number of floats.
    pub len: usize,
    /// Sizes, as PyTorch has them: `[out, in]`, `[out, in, kernel height, kernel width]`, `[out]`.
    pub shape: Vec<usize>,
    /// Whether training changes it by its gradient. All that are not (running statistics, fixed kernels) lie behind all that are,
    /// and gradients end before them.
    pub trained: bool,
    /// Whether L1, L2 and weight decay apply: to weight matrices and kernels, never to biases or to what normalises.
    pub decay: bool,
    /// What every value starts as; none where the initialiser draws them.
    pub initial: Option<f32>,
    /// Inputs that each output sums over.
    pub fan_in: usize,
    /// Outputs that each input feeds.
    pub fan_out: usize,
}

impl Span {
    /// Its place in the arena.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }
}
