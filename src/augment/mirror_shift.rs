//! The picture, shifted along a diagonal either way, and the mirror images of these: six pictures whose predictions are averaged.

use super::{Build, Op, Output};
use crate::key::Dice;
use crate::pixels::crop::{Region, crop};
use crate::pixels::flip::flip_horizontal;
use crate::pixels::pad::{Frame, PadMode, pad};
use crate::registry::Entry;
use crate::sample::{Image, Size, View};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "mirror_shift",
    about: "Makes six pictures of one, itself and itself shifted up left and down right, with their mirror images, whose predictions are averaged; in [[evaluate]] only",
    example: "op = \"mirror_shift\"\nshift = 1",
    build: |fields| {
        let about = "pixels that it is shifted by; what comes in is the picture reflected at its edge";
        Box::new(MirrorShift { shift: fields.key("shift", about).count(1, 1024).or(1) as u32 })
    },
};

/// How airbench94 (Jordan 2024) looks at test images. There, logits are averaged, and the two that are not shifted count twice as
/// much as each of the four others; here, probabilities are, as for all views, and all count alike.
struct MirrorShift {
    shift: u32,
}

impl MirrorShift {
    /// Up and left, and down and right.
    fn shifted(&self, image: &Image) -> [Image; 2] {
        let by = self.shift;
        let padded = pad(image, Frame { left: by, top: by, right: by, bottom: by }, PadMode::Reflect);
        [2 * by, 0].map(|corner| crop(&padded, Region::at(corner, corner, image.size())))
    }
}

impl Op for MirrorShift {
    type Draw = ();

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    /// Leaves the picture shifted up and left.
    fn apply(&self, (): &(), image: &mut Image) {
        *image = self.shifted(image)[0].clone();
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn output(&self) -> Output {
        Output { views: 6, floats: false }
    }

    /// As it is, up and left, down and right; then their mirror images.
    fn views(&self, (): &(), image: Image) -> Vec<View> {
        let [first, last] = self.shifted(&image);
        let shown = [image, first, last];
        let mirrored = shown.clone().map(|mut view| {
            flip_horizontal(&mut view);
            view
        });
        shown.into_iter().chain(mirrored).map(View::Bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_views_of_a_small_picture() {
        let image = Image::new(Size::new(3, 3), 1, (1..=9).collect());
        let views = MirrorShift { shift: 1 }.views(&(), image);
        let bytes = |view: &View| if let View::Bytes(image) = view { image.pixels().to_vec() } else { Vec::new() };
        let expected: [[u8; 9]; 6] = [
            [1, 2, 3, 4, 5, 6, 7, 8, 9],
            [5, 6, 5, 8, 9, 8, 5, 6, 5],
            [5, 4, 5, 2, 1, 2, 5, 4, 5],
            [3, 2, 1, 6, 5, 4, 9, 8, 7],
            [5, 6, 5, 8, 9, 8, 5, 6, 5],
            [5, 4, 5, 2, 1, 2, 5, 4, 5],
        ];
        assert_eq!(views.iter().map(bytes).collect::<Vec<_>>(), expected);
    }
}
