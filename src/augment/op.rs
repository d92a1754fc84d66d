//! What an operation is. Knows none of them.

use crate::key::Dice;
use crate::pixels::fused::Motion;
use crate::sample::{Image, Size};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

    /// What `draw` does to an image of `size`, where that is no more than a move of its pixels onto a canvas: several such moves can
    /// be made in one resampling.
    fn motion(&self, draw: &Self::Draw, size: Size) -> Option<Motion> {
        let _ = (draw, size);
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
}

/// An [`Op`] whose kind of draw is hidden: draws are JSON values.
pub trait DynOp: Send + Sync {
    /// [`Op::DEFAULT_P`].
    fn default_p(&self) -> f64;

    /// Draws for `image` and applies.
    ///
    /// # Errors
    /// Why the image cannot be taken.
    fn run(&self, dice: &mut Dice, image: &mut Image) -> Result<(), String>;

    /// The same, and tells what was drawn.
    ///
    /// # Errors
    /// Why the image cannot be taken.
    fn run_traced(&self, dice: &mut Dice, image: &mut Image) -> Result<Value, String>;

    /// Draws for an image of `size` with `channels` values a pixel, to be applied later.
    ///
    /// # Errors
    /// Why such an image cannot be taken.
    fn drawn(&self, dice: &mut Dice, size: Size, channels: usize) -> Result<Box<dyn Drawn + '_>, String>;

    /// What was drawn before, to be applied later to an image of `size`.
    ///
    /// # Errors
    /// Why such an image, or the draw, cannot be taken.
    fn redrawn(&self, draw: &Value, size: Size) -> Result<Box<dyn Drawn + '_>, String>;

    /// Applies what was drawn before.
    ///
    /// # Errors
    /// Why the image, or the draw, cannot be taken.
    fn replay(&self, draw: &Value, image: &mut Image) -> Result<(), String>;

    /// [`Op::out_size`].
    fn out_size(&self, size: Option<Size>) -> Option<Size>;

    /// [`Op::refuses`].
    fn refuses(&self, size: Size) -> Option<String>;

    /// [`Op::is_fixed`].
    fn is_fixed(&self) -> bool;
}

/// An operation with what it drew.
pub trait Drawn {
    /// [`Op::motion`].
    fn motion(&self, size: Size) -> Option<Motion>;

    /// [`Op::apply`].
    fn apply(&self, image: &mut Image);

    /// The draw.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn value(&self) -> Result<Value, String>;
}

struct Bound<'o, T: Op> {
    op: &'o T,
    draw: T::Draw,
}

impl<T: Op> Drawn for Bound<'_, T> {
    fn motion(&self, size: Size) -> Option<Motion> {
        self.op.motion(&self.draw, size)
    }

    fn apply(&self, image: &mut Image) {
        self.op.apply(&self.draw, image);
    }

    fn value(&self) -> Result<Value, String> {
        serde_json::to_value(&self.draw).map_err(|error| error.to_string())
    }
}

impl<T: Op> DynOp for T {
    fn default_p(&self) -> f64 {
        T::DEFAULT_P
    }

    fn run(&self, dice: &mut Dice, image: &mut Image) -> Result<(), String> {
        drawn(self, dice, image).map(|_| ())
    }

    fn run_traced(&self, dice: &mut Dice, image: &mut Image) -> Result<Value, String> {
        let draw = drawn(self, dice, image)?;
        serde_json::to_value(draw).map_err(|error| error.to_string())
    }

    fn drawn(&self, dice: &mut Dice, size: Size, channels: usize) -> Result<Box<dyn Drawn + '_>, String> {
        Op::refuses(self, size).map_or(Ok(()), Err)?;
        Ok(Box::new(Bound { op: self, draw: self.draw(size, channels, dice) }))
    }

    fn redrawn(&self, draw: &Value, size: Size) -> Result<Box<dyn Drawn + '_>, String> {
        Op::refuses(self, size).map_or(Ok(()), Err)?;
        let draw = T::Draw::deserialize(draw).map_err(|error| format!("no draw of this operation: {error}"))?;
        Ok(Box::new(Bound { op: self, draw }))
    }

    fn replay(&self, draw: &Value, image: &mut Image) -> Result<(), String> {
        self.redrawn(draw, image.size()).map(|drawn| drawn.apply(image))
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        Op::out_size(self, size)
    }

    fn refuses(&self, size: Size) -> Option<String> {
        Op::refuses(self, size)
    }

    fn is_fixed(&self) -> bool {
        Op::is_fixed(self)
    }
}

fn drawn<T: Op>(op: &T, dice: &mut Dice, image: &mut Image) -> Result<T::Draw, String> {
    Op::refuses(op, image.size()).map_or(Ok(()), Err)?;
    let draw = op.draw(image.size(), image.channels(), dice);
    op.apply(&draw, image);
    Ok(draw)
}
