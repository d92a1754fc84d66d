//! Brings the image to a size, or to a short side.

use super::read::{interpolation, resizing};
use super::{Build, Op};
use crate::config::Fields;
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::fused::Motion;
use crate::pixels::resize::{Interpolation, resize, short_side_size};
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "resize",
    about: "Brings the image to a size, or to a short side with its proportions kept",
    example: "op = \"resize\"\nsize = [32, 32]",
    build: |fields| {
        let target = read_target(fields);
        let (interpolation, antialias) = interpolation(fields);
        Box::new(Resize { target, interpolation, antialias })
    },
};

enum Target {
    Size(Size),
    ShortSide { side: u32, longest: Option<u32> },
}

struct Resize {
    target: Target,
    interpolation: Interpolation,
    antialias: bool,
}

fn read_target(fields: &Fields) -> Target {
    let size = fields.key("size", "[height, width] afterwards; one number makes a square");
    let side = fields.key("short_side", "length of the shorter side afterwards, in place of `size`");
    let longest = fields.key("max_size", "greatest length of the longer side, with `short_side`").count(1, 65_535).optional();
    let both = fields.has("size") && fields.has("short_side");
    if both || (longest.is_some() && !fields.has("short_side")) {
        let (key, other) = if both { ("short_side", "`size`") } else { ("max_size", "no `short_side`") };
        fields.complain(
            key,
            format!("`{key}` in {} with {other}", fields.name()),
            "give `size`, or `short_side` and perhaps `max_size`",
        );
    }
    match side.count(1, 65_535).optional() {
        Some(side) => {
            size.size().optional();
            Target::ShortSide { side: side as u32, longest: longest.map(|longest| longest as u32) }
        }
        None => Target::Size(size.size().required()),
    }
}

impl Resize {
    fn size_of(&self, size: Size) -> Size {
        match self.target {
            Target::Size(size) => size,
            Target::ShortSide { side, longest } => short_side_size(size, side, longest),
        }
    }
}

impl Op for Resize {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        *image = resize(image, self.size_of(image.size()), self.interpolation, self.antialias);
    }

    fn motion(&self, (): &(), size: Size) -> Option<Motion> {
        Some(resizing(Region::whole(size), self.size_of(size), self.interpolation))
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        match self.target {
            Target::Size(size) => Some(size),
            Target::ShortSide { .. } => size.map(|size| self.size_of(size)),
        }
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::Chain;
    use crate::config::{Fields, Problems};
    use crate::sample::Size;

    fn problems_and_size(text: &str) -> (usize, Option<Size>) {
        let problems = Problems::default();
        let fields = Fields::parse(&format!("op = 'resize'\n{text}"), &problems).expect("TOML");
        let chain = Chain::build(&[fields]);
        (problems.take().len(), chain.out_size(Size::new(48, 64)))
    }

    #[test]
    fn a_size_or_a_short_side_but_not_both() {
        assert_eq!(problems_and_size("size = [9, 8]"), (0, Some(Size::new(9, 8))));
        assert_eq!(problems_and_size("short_side = 32"), (0, Some(Size::new(32, 42))));
        assert_eq!(problems_and_size("short_side = 32\nmax_size = 40"), (0, Some(Size::new(30, 40))));
        assert_eq!(problems_and_size("short_side = 32\nsize = 8").0, 1);
        assert_eq!(problems_and_size("max_size = 32\nsize = 8").0, 1);
        assert_eq!(problems_and_size("").0, 1);
    }
}
