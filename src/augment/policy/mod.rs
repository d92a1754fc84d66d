//! What automatic policies are made of: elementary operations with one magnitude each, ranges of magnitudes, and AutoAugment's
//! pairs. Everything follows torchvision v2. Knows no dice.

mod elementary;
mod pairs;
mod ranges;

pub use elementary::{Change, Elementary, Style};
pub use pairs::{CIFAR10, IMAGENET, Pair, SVHN};
pub use ranges::{AUG_MIX, Ranges, STANDARD, Side, WIDE};
