//! What an operation is. Knows none of them.

use super::Step;
use crate::key::Dice;
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

    /// The steps inside, where it holds others.
    fn steps(&self) -> &[Step] {
        &[]
    }

    /// Chance that something is done at all which `steps()[step]` does with chance `p` whenever it has its turn.
    fn chance_inside(&self, step: usize, p: f64) -> f64 {
        let _ = step;
        p
    }

    /// The size with which an image of `size` comes to `steps()[step]`; none where that varies.
    fn size_inside(&self, step: usize, size: Option<Size>) -> Option<Size> {
        let _ = step;
        size
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

    fn replay(&self, draw: &Value, image: &mut Image) -> Result<(), String> {
        Op::refuses(self, image.size()).map_or(Ok(()), Err)?;
        let draw = T::Draw::deserialize(draw).map_err(|error| format!("no draw of this operation: {error}"))?;
        self.apply(&draw, image);
        Ok(())
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
