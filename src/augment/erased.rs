//! Operations side by side in a chain, whatever they draw: [`Op`] with its kind of draw hidden. Knows none of them.

use super::Step;
use super::op::{Op, Output};
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::fused::Motion;
use crate::sample::{Image, Size, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An [`Op`] whose kind of draw is hidden: draws are JSON values.
pub trait DynOp: Send + Sync {
    /// [`Op::DEFAULT_P`].
    fn default_p(&self) -> f64;

    /// Draws for `image` and applies.
    ///
    /// # Errors
    /// Why the image cannot be taken.
    fn run(&self, dice: &mut Dice, image: &mut Image) -> Result<(), String>;

    /// The same with a copy of `image`, which stays.
    ///
    /// # Errors
    /// Why the image cannot be taken.
    fn run_on(&self, dice: &mut Dice, image: &Image) -> Result<Image, String> {
        let mut copy = image.clone();
        self.run(dice, &mut copy).map(|()| copy)
    }

    /// [`DynOp::run`], and tells what was drawn.
    ///
    /// # Errors
    /// Why the image cannot be taken.
    fn run_traced(&self, dice: &mut Dice, image: &mut Image) -> Result<Value, String>;

    /// Draws for an image of `size` with `channels` values a pixel, to be applied later; none, and nothing drawn, where it must
    /// have the image to draw.
    ///
    /// # Errors
    /// Why such an image cannot be taken.
    fn drawn(&self, dice: &mut Dice, size: Size, channels: usize) -> Result<Option<Box<dyn Drawn + '_>>, String> {
        let _ = (dice, size, channels);
        Ok(None)
    }

    /// What was drawn before, to be applied later to an image of `size`; none as with [`DynOp::drawn`].
    ///
    /// # Errors
    /// Why such an image, or the draw, cannot be taken.
    fn redrawn(&self, draw: &Value, size: Size) -> Result<Option<Box<dyn Drawn + '_>>, String> {
        let _ = (draw, size);
        Ok(None)
    }

    /// Applies what was drawn before.
    ///
    /// # Errors
    /// Why the image, or the draw, cannot be taken.
    fn replay(&self, draw: &Value, image: &mut Image) -> Result<(), String>;

    /// [`Op::out_size`].
    fn out_size(&self, size: Option<Size>) -> Option<Size>;

    /// [`Op::refuses`].
    fn refuses(&self, size: Size) -> Option<String>;

    /// [`Op::enough`].
    fn enough(&self) -> Option<Size> {
        None
    }

    /// [`Op::is_fixed`].
    fn is_fixed(&self) -> bool;

    /// [`Op::scratch`].
    fn scratch(&self) -> u64;

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

    /// [`Op::output`].
    fn output(&self) -> Output {
        Output::PICTURE
    }

    /// Draws for `image`, gives its views, and tells what was drawn.
    ///
    /// # Errors
    /// Why the image cannot be taken.
    fn views_traced(&self, dice: &mut Dice, mut image: Image) -> Result<(Vec<View>, Value), String> {
        let draw = self.run_traced(dice, &mut image)?;
        Ok((vec![View::Bytes(image)], draw))
    }

    /// The views that what was drawn before gives.
    ///
    /// # Errors
    /// Why the image, or the draw, cannot be taken.
    fn replay_views(&self, draw: &Value, mut image: Image) -> Result<Vec<View>, String> {
        self.replay(draw, &mut image)?;
        Ok(vec![View::Bytes(image)])
    }
}

/// An operation with what it drew.
pub trait Drawn {
    /// [`Op::motion`].
    fn motion(&self, size: Size) -> Option<Motion>;

    /// [`Op::apply`].
    fn apply(&self, image: &mut Image);

    /// [`Op::part`].
    fn part(&self, size: Size) -> Option<(Region, Box<dyn Drawn + '_>)>;

    /// [`Op::views`].
    fn views(&self, image: Image) -> Vec<View>;

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

    fn part(&self, size: Size) -> Option<(Region, Box<dyn Drawn + '_>)> {
        let (region, draw) = self.op.part(&self.draw, size)?;
        Some((region, Box::new(Bound { op: self.op, draw })))
    }

    fn views(&self, image: Image) -> Vec<View> {
        self.op.views(&self.draw, image)
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

    fn run_on(&self, dice: &mut Dice, image: &Image) -> Result<Image, String> {
        let draw = taken(self, dice, image)?;
        Ok(self.applied(&draw, image))
    }

    fn run_traced(&self, dice: &mut Dice, image: &mut Image) -> Result<Value, String> {
        as_json(&drawn(self, dice, image)?)
    }

    fn drawn(&self, dice: &mut Dice, size: Size, channels: usize) -> Result<Option<Box<dyn Drawn + '_>>, String> {
        Op::refuses(self, size).map_or(Ok(()), Err)?;
        Ok(Some(Box::new(Bound { op: self, draw: self.draw(size, channels, dice) })))
    }

    fn redrawn(&self, draw: &Value, size: Size) -> Result<Option<Box<dyn Drawn + '_>>, String> {
        let draw = from_json(self, draw, size)?;
        Ok(Some(Box::new(Bound { op: self, draw })))
    }

    fn replay(&self, draw: &Value, image: &mut Image) -> Result<(), String> {
        let draw = from_json(self, draw, image.size())?;
        self.apply(&draw, image);
        Ok(())
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        Op::out_size(self, size)
    }

    fn refuses(&self, size: Size) -> Option<String> {
        Op::refuses(self, size)
    }

    fn enough(&self) -> Option<Size> {
        Op::enough(self)
    }

    fn is_fixed(&self) -> bool {
        Op::is_fixed(self)
    }

    fn scratch(&self) -> u64 {
        Op::scratch(self)
    }

    fn output(&self) -> Output {
        Op::output(self)
    }

    fn views_traced(&self, dice: &mut Dice, image: Image) -> Result<(Vec<View>, Value), String> {
        Op::refuses(self, image.size()).map_or(Ok(()), Err)?;
        let draw = self.draw(image.size(), image.channels(), dice);
        let traced = as_json(&draw)?;
        Ok((self.views(&draw, image), traced))
    }

    fn replay_views(&self, draw: &Value, image: Image) -> Result<Vec<View>, String> {
        let draw = from_json(self, draw, image.size())?;
        Ok(self.views(&draw, image))
    }
}

fn as_json(draw: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(draw).map_err(|error| error.to_string())
}

/// A stored draw, for an image of `size` that `op` takes.
fn from_json<T: Op>(op: &T, draw: &Value, size: Size) -> Result<T::Draw, String> {
    Op::refuses(op, size).map_or(Ok(()), Err)?;
    T::Draw::deserialize(draw).map_err(|error| format!("no draw of this operation: {error}"))
}

/// What `op` draws for an image that it takes.
fn taken<T: Op>(op: &T, dice: &mut Dice, image: &Image) -> Result<T::Draw, String> {
    Op::refuses(op, image.size()).map_or(Ok(()), Err)?;
    Ok(op.draw(image.size(), image.channels(), dice))
}

fn drawn<T: Op>(op: &T, dice: &mut Dice, image: &mut Image) -> Result<T::Draw, String> {
    let draw = taken(op, dice, image)?;
    op.apply(&draw, image);
    Ok(draw)
}
