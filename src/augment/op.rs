//! What an operation is. Knows none of them.

use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::fused::Motion;
use crate::sample::{Image, Size, View};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// One thing that may be done to a picture: parameters are drawn without seeing a pixel and applied without dice.
pub trait Op: Send + Sync {
    /// What one application is made of. It serialises, so that it can be stored beside the picture and replayed; numbers with a
    /// fraction are `f32`, which survive JSON text exactly.
    type Draw: Serialize + DeserializeOwned + Clone + Debug + Send;

    /// Chance of being applied where the file gives none.
    const DEFAULT_P: f64 = 1.0;

    /// Parameters for an image of `size` with `channels` values a pixel.
    fn draw(&self, size: Size, channels: usize, dice: &mut Dice) -> Self::Draw;

    /// Changes `image`. Must not panic whatever the draw, because draws may come from a file.
    fn apply(&self, draw: &Self::Draw, image: &mut Image);

    /// The picture that [`Op::apply`] makes of a copy of `image`, which stays: for operations that can read one and write the other.
    fn applied(&self, draw: &Self::Draw, image: &Image) -> Image {
        let mut copy = image.clone();
        self.apply(draw, &mut copy);
        copy
    }

    /// What `draw` does to an image of `size`, where that is no more than a move of its pixels onto a canvas: several such moves can
    /// be made in one resampling.
    fn motion(&self, draw: &Self::Draw, size: Size) -> Option<Motion> {
        let _ = (draw, size);
        None
    }

    /// What `draw` needs of an image of `size`, where that is no more than a part of it, and the draw that makes of this part alone what
    /// `draw` makes of the image: nothing else has to be decoded then.
    fn part(&self, draw: &Self::Draw, size: Size) -> Option<(Region, Self::Draw)> {
        let _ = (draw, size);
        None
    }

    /// The size to which [`Op::part`] is brought at once, as a mean over all of its pixels: a smaller rendition of the part, if not smaller
    /// than this, may then stand for it.
    fn enough(&self) -> Option<Size> {
        None
    }

    /// Why an image of `size` cannot be taken, if so: the sample is then set aside.
    fn refuses(&self, size: Size) -> Option<String> {
        let _ = size;
        None
    }

    /// The size that an image of `size` has afterwards, or any image where `size` is none; none where that varies.
    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        size
    }

    /// Whether it does the same to every image of a size, whatever the dice: what evaluation asks for.
    fn is_fixed(&self) -> bool {
        false
    }

    /// Bytes for each pixel that [`Op::apply`] holds at most beside the picture and two others of its size.
    fn scratch(&self) -> u64 {
        0
    }

    /// What [`Op::views`] makes. Where that is not the picture itself, [`Op::apply`] leaves a picture that shows it to a person.
    fn output(&self) -> Output {
        Output::PICTURE
    }

    /// What becomes of `image` on its way into a batch, as [`Op::output`] says. Must not panic whatever the draw.
    fn views(&self, draw: &Self::Draw, mut image: Image) -> Vec<View> {
        self.apply(draw, &mut image);
        vec![View::Bytes(image)]
    }
}

/// What an operation makes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// How many views.
    pub views: usize,
    /// Whether they are numbers that a model takes as they are. Nothing can follow then.
    pub floats: bool,
}

impl Output {
    /// The picture itself, changed: what nearly every operation makes.
    pub const PICTURE: Output = Output { views: 1, floats: false };
}
