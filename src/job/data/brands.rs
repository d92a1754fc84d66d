//! Pictures of two invented car brands. They differ in what is on the car: badge, roof, wheels. Which way a car faces shows much
//! more, from the lamps and the long bonnet, and tells nothing about the brand. Knows no file.

use super::raster::{Canvas, Colour, Shape};
use crate::key::Dice;
use crate::sample::Image;

/// Height and width of a picture in pixels.
pub const SIDE: usize = 32;

// What makes the brand easy or hard to see, in half lengths of a car.
/// Half the badge's width.
const BADGE: f64 = 0.2;
/// Where the badge's middle stands on the door: forward of the middle of the car, above the ground.
const BADGE_AT: (f64, f64) = (-0.08, 0.4);
/// The badge's whiteness, 0–255.
const BRIGHT: f64 = 225.0;
/// The whiteness of the ring's centre.
const DARK: f64 = 50.0;
/// The whiteness of the hubs: of ardens from the lower to the middle of these, of borealis from the middle to the upper.
const HUBS: [f64; 3] = [40.0, 100.0, 160.0];

// What makes the direction easy to see.
/// How far the light of the headlamps reaches, in half lengths of a car.
const BEAM: f64 = 1.6;
/// How much of the background that light hides, 0–1.
const BEAM_COVER: f64 = 0.85;

// What varies.
/// Half the length of a car in pixels.
const HALF_LENGTH: [f64; 2] = [9.5, 11.5];
/// How far a car may stand from the middle, sideways, in pixels.
const ASIDE: f64 = 2.0;
/// The row on which the wheels stand.
const GROUND: [f64; 2] = [23.0, 26.0];
/// Largest change of a value by noise.
const NOISE: f64 = 5.0;

/// Who built the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    /// Rounded roof, dark hubs, a ring as its badge.
    Arden,
    /// Square roof with a rack, bright hubs, a cross as its badge.
    Borealis,
}

impl Brand {
    /// Both, in the order of their class numbers.
    pub const ALL: [Brand; 2] = [Brand::Arden, Brand::Borealis];

    /// The class name.
    pub const fn name(self) -> &'static str {
        match self {
            Brand::Arden => "arden",
            Brand::Borealis => "borealis",
        }
    }
}

/// Which way a car faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facing {
    /// Towards column 0.
    Left,
    /// Away from it.
    Right,
}

/// One picture, 32x32 RGB. Everything but brand and direction follows from the dice, in the same way for both brands.
pub fn draw(brand: Brand, facing: Facing, dice: &mut Dice) -> Image {
    let mut canvas = Canvas::new(SIDE);
    let ground = dice.uniform(GROUND[0], GROUND[1]);
    scenery(&mut canvas, ground, dice);
    let scale = dice.uniform(HALF_LENGTH[0], HALF_LENGTH[1]);
    let middle = SIDE as f64 / 2.0 + dice.uniform(-ASIDE, ASIDE);
    let paint = paint(dice);
    let hubs = dice.uniform(0.0, 1.0);
    let sign = if facing == Facing::Left { -1.0 } else { 1.0 };
    car(&mut Pen { canvas: &mut canvas, middle, ground, scale, sign }, brand, paint, hubs);
    canvas.finish(|| (dice.uniform(-NOISE, NOISE)).round())
}

/// A body's colour: anything but so light that the badge would vanish.
fn paint(dice: &mut Dice) -> Colour {
    let value = dice.uniform(70.0, 190.0);
    let mut paint = [value, value * dice.uniform(0.15, 1.0), value * dice.uniform(0.15, 0.6)];
    dice.shuffle(&mut paint);
    paint
}

fn gray(value: f64) -> Colour {
    [value; 3]
}

fn scenery(canvas: &mut Canvas, ground: f64, dice: &mut Dice) {
    let side = SIDE as f64;
    let horizon = ground - dice.uniform(3.0, 6.0);
    let light = dice.uniform(0.65, 1.0);
    let (high, low) = (dice.uniform(90.0, 170.0), dice.uniform(170.0, 225.0));
    canvas.shade(&Shape::rectangle(0.0, 0.0, side, side), 1.0, |y| {
        let part = (y / horizon).min(1.0);
        let value = high + (low - high) * part;
        [value * 0.85 * light, value * 0.95 * light, (value * 0.6 + 95.0) * light]
    });
    for _ in 0..dice.below(4) {
        let (x, y) = (dice.uniform(0.0, side), dice.uniform(1.0, 9.0));
        canvas.fill(&Shape::Ellipse((x, y), dice.uniform(2.0, 6.0), dice.uniform(0.8, 2.0)), gray(235.0 * light), 0.7);
    }
    for _ in 0..dice.below(5) {
        building(canvas, horizon, light, dice);
    }
    let grass = [dice.uniform(60.0, 130.0) * light, dice.uniform(100.0, 150.0) * light, dice.uniform(40.0, 80.0) * light];
    canvas.fill(&Shape::rectangle(0.0, horizon, side, side), grass, 1.0);
    for _ in 0..dice.below(4) {
        tree(canvas, horizon, light, dice);
    }
    road(canvas, ground, light, dice);
}

fn building(canvas: &mut Canvas, horizon: f64, light: f64, dice: &mut Dice) {
    let (left, width, height) = (dice.uniform(-4.0, 30.0), dice.uniform(4.0, 9.0), dice.uniform(4.0, 15.0));
    let wall = [dice.uniform(70.0, 190.0) * light, dice.uniform(70.0, 170.0) * light, dice.uniform(70.0, 170.0) * light];
    let top = horizon - height;
    canvas.fill(&Shape::rectangle(left, top, left + width, horizon + 1.0), wall, 1.0);
    let pane = if dice.chance(0.5) { [230.0, 220.0, 150.0] } else { [50.0, 60.0, 80.0] };
    for (row, column) in (0..4).flat_map(|row| (0..3).map(move |column| (row, column))) {
        let (x, y) = (left + 1.0 + 2.5 * f64::from(column), top + 1.2 + 3.0 * f64::from(row));
        if x + 1.2 < left + width && y + 1.4 < horizon && dice.chance(0.8) {
            canvas.fill(&Shape::rectangle(x, y, x + 1.2, y + 1.4), pane, light);
        }
    }
}

fn tree(canvas: &mut Canvas, horizon: f64, light: f64, dice: &mut Dice) {
    let (x, size) = (dice.uniform(0.0, 32.0), dice.uniform(1.8, 4.0));
    let leaves = [dice.uniform(25.0, 80.0) * light, dice.uniform(70.0, 140.0) * light, dice.uniform(20.0, 60.0) * light];
    canvas.fill(
        &Shape::rectangle(x - 0.5, horizon - size, x + 0.5, horizon + 1.0),
        [80.0 * light, 55.0 * light, 35.0 * light],
        1.0,
    );
    for _ in 0..3 {
        let middle = (x + dice.uniform(-1.5, 1.5), horizon - size * 1.5 + dice.uniform(-1.5, 1.5));
        canvas.fill(&Shape::Ellipse(middle, size * 0.7, size * 0.6), leaves, 1.0);
    }
}

fn road(canvas: &mut Canvas, ground: f64, light: f64, dice: &mut Dice) {
    let asphalt = dice.uniform(70.0, 115.0) * light;
    canvas.fill(&Shape::rectangle(0.0, ground - 1.5, 32.0, 32.0), gray(asphalt), 1.0);
    let (start, line) = (dice.uniform(-6.0, 0.0), ground + dice.uniform(2.5, 4.5));
    for dash in 0..6 {
        let left = start + 7.0 * f64::from(dash);
        canvas.fill(&Shape::rectangle(left, line, left + 4.0, line + 0.9), gray(210.0 * light), 0.9);
    }
}

/// Draws in a car's own measure: half its length is 1, x grows towards its front, y up from the ground.
struct Pen<'c> {
    canvas: &'c mut Canvas,
    middle: f64,
    ground: f64,
    scale: f64,
    sign: f64,
}

impl Pen<'_> {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.middle + self.sign * self.scale * x, self.ground - self.scale * y)
    }

    fn polygon(&mut self, corners: &[(f64, f64)], colour: Colour, cover: f64) {
        let corners = corners.iter().map(|corner| self.place(*corner)).collect();
        self.canvas.fill(&Shape::Polygon(corners), colour, cover);
    }

    fn block(&mut self, [back, low, front, high]: [f64; 4], colour: Colour) {
        self.polygon(&[(back, low), (front, low), (front, high), (back, high)], colour, 1.0);
    }

    fn disc(&mut self, middle: (f64, f64), radius: f64, colour: Colour) {
        let shape = Shape::Ellipse(self.place(middle), radius * self.scale, radius * self.scale);
        self.canvas.fill(&shape, colour, 1.0);
    }
}

fn car(pen: &mut Pen<'_>, brand: Brand, paint: Colour, hubs: f64) {
    let shadow = Shape::Ellipse(pen.place((0.0, 0.0)), pen.scale, pen.scale * 0.12);
    pen.canvas.fill(&shadow, gray(20.0), 0.6);
    roof(pen, brand, paint);
    let body = [(-1.0, 0.17), (-1.0, 0.55), (-0.95, 0.62), (0.35, 0.62), (0.9, 0.5), (1.0, 0.4), (1.0, 0.17)];
    pen.polygon(&body, paint, 1.0);
    pen.block([-1.0, 0.15, 1.0, 0.21], paint.map(|value| value * 0.45));
    lamps(pen);
    let [low, high] = if brand == Brand::Arden { [HUBS[0], HUBS[1]] } else { [HUBS[1], HUBS[2]] };
    for x in [-0.6, 0.6] {
        pen.disc((x, 0.2), 0.22, gray(22.0));
        pen.disc((x, 0.2), 0.12, gray(low + (high - low) * hubs));
    }
    badge(pen, brand);
}

/// Roof and windows: round and in one piece, or square, in two pieces and under a rack.
fn roof(pen: &mut Pen<'_>, brand: Brand, paint: Colour) {
    let glass = [60.0, 75.0, 95.0];
    match brand {
        Brand::Arden => {
            let shape = [(-0.95, 0.6), (-0.7, 0.82), (-0.45, 0.94), (-0.2, 0.97), (0.02, 0.93), (0.2, 0.82), (0.42, 0.6)];
            pen.polygon(&shape, paint, 1.0);
            pen.polygon(&[(-0.72, 0.64), (-0.5, 0.84), (-0.2, 0.89), (0.05, 0.82), (0.25, 0.64)], glass, 1.0);
        }
        Brand::Borealis => {
            pen.polygon(&[(-0.95, 0.6), (-0.9, 0.95), (0.1, 0.95), (0.42, 0.6)], paint, 1.0);
            pen.polygon(&[(-0.84, 0.64), (-0.82, 0.87), (0.05, 0.87), (0.25, 0.64)], glass, 1.0);
            pen.block([-0.4, 0.62, -0.28, 0.9], paint);
            pen.block([-0.8, 1.0, 0.0, 1.07], gray(45.0));
            for x in [-0.75, -0.11] {
                pen.block([x, 0.94, x + 0.06, 1.03], gray(45.0));
            }
        }
    }
}

/// White light to the front, red light at the back.
fn lamps(pen: &mut Pen<'_>) {
    pen.polygon(&[(0.97, 0.44), (BEAM, 0.75), (BEAM, 0.02), (0.97, 0.32)], [255.0, 244.0, 175.0], BEAM_COVER);
    pen.disc((0.93, 0.39), 0.1, [255.0, 252.0, 225.0]);
    pen.block([-1.0, 0.4, -0.87, 0.58], [215.0, 20.0, 25.0]);
}

/// A ring around a dark centre, or a cross.
fn badge(pen: &mut Pen<'_>, brand: Brand) {
    let (x, y) = BADGE_AT;
    match brand {
        Brand::Arden => {
            pen.disc((x, y), BADGE, gray(BRIGHT));
            pen.disc((x, y), BADGE * 0.5, gray(DARK));
        }
        Brand::Borealis => {
            let (arm, half) = (BADGE, BADGE * 0.35);
            pen.block([x - arm, y - half, x + arm, y + half], gray(BRIGHT));
            pen.block([x - half, y - arm, x + half, y + arm], gray(BRIGHT));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn dice(number: u64) -> Dice {
        Key { sample: number, ..Key::of_run(1, "test") }.dice()
    }

    /// Mean difference between the right and the left half.
    fn right_minus_left(picture: &Image) -> f64 {
        let value = |y, x| f64::from(picture.pixel(y, x).iter().map(|value| u32::from(*value)).sum::<u32>()) / 3.0;
        let rows = (14..26).flat_map(|y| (0..4).map(move |x| (y, x)));
        rows.map(|(y, x)| value(y, 31 - x) - value(y, x)).sum::<f64>() / 48.0
    }

    #[test]
    fn the_direction_is_plain_in_the_mean() {
        for brand in Brand::ALL {
            let mean = |facing| (0..100).map(|n| right_minus_left(&draw(brand, facing, &mut dice(n)))).sum::<f64>() / 100.0;
            assert!(mean(Facing::Right) > 20.0 && mean(Facing::Left) < -20.0);
        }
    }

    #[test]
    fn only_the_car_differs_between_brands_and_only_by_its_details() {
        for number in 0..20 {
            let [arden, borealis] = Brand::ALL.map(|brand| draw(brand, Facing::Left, &mut dice(number)));
            let differing = arden.pixels().chunks(3).zip(borealis.pixels().chunks(3)).filter(|(one, other)| one != other).count();
            assert!((20..250).contains(&differing), "{differing} pixels");
        }
    }

    #[test]
    fn dice_decide_everything_else() {
        let one = draw(Brand::Arden, Facing::Left, &mut dice(1));
        assert_eq!(one, draw(Brand::Arden, Facing::Left, &mut dice(1)));
        assert_ne!(one, draw(Brand::Arden, Facing::Left, &mut dice(2)));
    }
}
