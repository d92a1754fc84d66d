//! One elementary operation with its magnitude, done to pixels. Knows no range and no dice.

use crate::pixels::affine::Affine;
use crate::pixels::colour::{brightness, contrast, saturation};
use crate::pixels::levels::{autocontrast, equalize};
use crate::pixels::point::{invert, posterize, solarize};
use crate::pixels::sharpness::sharpness;
use crate::pixels::warp::{Outside, Places, Sampling, resample};
use crate::sample::Image;
use serde::{Deserialize, Serialize};

/// The elementary operations of AutoAugment and its successors, by torchvision's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elementary {
    /// Nothing.
    Identity,
    /// Slants sideways: m columns a row, from the top left corner.
    ShearX,
    /// Slants upright: m rows a column, from the top left corner.
    ShearY,
    /// Moves to the right by m pixels, the fraction cut off.
    TranslateX,
    /// Moves down by m pixels, the fraction cut off.
    TranslateY,
    /// Turns counter-clockwise by m degrees.
    Rotate,
    /// Brightness times 1 + m.
    Brightness,
    /// Saturation times 1 + m.
    Color,
    /// Contrast times 1 + m.
    Contrast,
    /// Sharpness times 1 + m.
    Sharpness,
    /// Keeps the m highest bits.
    Posterize,
    /// Inverts values from 255·m on.
    Solarize,
    /// Stretches each channel to 0–255.
    AutoContrast,
    /// Spreads each channel's values evenly.
    Equalize,
    /// Inverts all values.
    Invert,
}

use Elementary::*;

impl Elementary {
    /// What `rand_augment` and `trivial_augment` choose among.
    pub const STANDARD: [Elementary; 14] = [
        Identity,
        ShearX,
        ShearY,
        TranslateX,
        TranslateY,
        Rotate,
        Brightness,
        Color,
        Contrast,
        Sharpness,
        Posterize,
        Solarize,
        AutoContrast,
        Equalize,
    ];

    /// What `aug_mix` chooses among; the last four only with `all_ops`, because the corruptions of test sets like ImageNet-C hold
    /// changes of their kind.
    pub const AUG_MIX: [Elementary; 13] = [
        ShearX,
        ShearY,
        TranslateX,
        TranslateY,
        Rotate,
        Posterize,
        Solarize,
        AutoContrast,
        Equalize,
        Brightness,
        Color,
        Contrast,
        Sharpness,
    ];

    /// Whether its magnitude is negated half the time.
    pub fn is_signed(self) -> bool {
        matches!(self, ShearX | ShearY | TranslateX | TranslateY | Rotate | Brightness | Color | Contrast | Sharpness)
    }
}

/// How pixels between pixels are made, and what is seen beyond the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// How pixels between pixels are made.
    pub sampling: Sampling,
    /// The value of what lies outside. None is black, without the second fading at the border that torchvision has with a value.
    pub fill: Option<u8>,
}

/// An elementary operation with its magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is done.
    pub op: Elementary,
    /// How much, with its sign; its unit is the operation's.
    pub magnitude: f32,
}

impl Change {
    /// Changes `image`, whose size stays.
    pub fn apply(&self, image: &mut Image, style: Style) {
        let factor = 1.0 + f64::from(self.magnitude);
        match self.op {
            Identity => {}
            ShearX | ShearY | TranslateX | TranslateY | Rotate => *image = moved(image, &self.map(image), style),
            Brightness => brightness(image, factor),
            Color => saturation(image, factor),
            Contrast => contrast(image, factor),
            Sharpness => sharpness(image, factor as f32),
            Posterize => posterize(image, self.magnitude as u8),
            Solarize => solarize(image, (255.0 * f64::from(self.magnitude)) as f32),
            AutoContrast => autocontrast(image),
            Equalize => equalize(image),
            Invert => invert(image),
        }
    }

    /// Where the pixels of a moved image come from, measured from its centre; a slant's magnitude is the tangent of its angle.
    fn map(&self, image: &Image) -> Affine {
        let (m, cut) = (f64::from(self.magnitude), f64::from(self.magnitude.trunc()));
        let (half_width, half_height) = (image.width() as f64 * 0.5, image.height() as f64 * 0.5);
        let matrix = match self.op {
            ShearX => [1.0, m, m * half_height, 0.0, 1.0, 0.0],
            ShearY => [1.0, 0.0, 0.0, m, 1.0, m * half_width],
            TranslateX => [1.0, 0.0, -cut, 0.0, 1.0, 0.0],
            TranslateY => [1.0, 0.0, 0.0, 0.0, 1.0, -cut],
            _ => return Affine::rotation(m),
        };
        Affine { matrix }
    }
}

fn moved(image: &Image, map: &Affine, style: Style) -> Image {
    let outside = style.fill.map_or(Outside::Exact([0; 3]), |fill| Outside::Fill([fill; 3]));
    resample(image, Places::Affine(map), image.size(), style.sampling, outside)
}
