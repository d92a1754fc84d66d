//! The end that measures mean and standard deviation of the channels. Sums are whole numbers, so no order of adding matters.

use crate::sample::{Image, View};

/// Sums over pixels, channel by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    sums: Vec<u64>,
    squares: Vec<u64>,
    pixels: u64,
}

impl Moments {
    /// The sums over one image.
    pub fn of(image: &Image) -> Self {
        let channels = image.channels();
        let mut moments = Self { sums: vec![0; channels], squares: vec![0; channels], pixels: image.size().area() };
        for pixel in image.pixels().chunks_exact(channels) {
            for (channel, &value) in pixel.iter().enumerate() {
                moments.sums[channel] += u64::from(value);
                moments.squares[channel] += u64::from(value) * u64::from(value);
            }
        }
        moments
    }

    /// The sums over all views of a sample; numbers, which are normalised already, play no part.
    pub fn of_views(views: &[View]) -> Self {
        let mut moments = Self::default();
        for view in views {
            if let View::Bytes(image) = view {
                moments.add(&Self::of(image));
            }
        }
        moments
    }

    /// Adds what another has summed.
    pub fn add(&mut self, other: &Moments) {
        self.sums.resize(other.sums.len(), 0);
        self.squares.resize(other.squares.len(), 0);
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
        self.squares.iter_mut().zip(&other.squares).for_each(|(sum, more)| *sum += more);
        self.pixels += other.pixels;
    }

    /// Mean of every channel on the scale 0–1.
    pub fn mean(&self) -> Vec<f64> {
        self.sums.iter().map(|&sum| sum as f64 / self.pixels as f64 / 255.0).collect()
    }

    /// Standard deviation (over the population) of every channel on the scale 0–1.
    pub fn std(&self) -> Vec<f64> {
        let variance = |(&sum, &square): (&u64, &u64)| {
            let mean = sum as f64 / self.pixels as f64;
            (square as f64 / self.pixels as f64 - mean * mean).max(0.0)
        };
        self.sums.iter().zip(&self.squares).map(|sums| variance(sums).sqrt() / 255.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn two_halves_measure_as_the_whole() {
        let whole = Image::new(Size::new(2, 2), 1, vec![0, 255, 255, 0]);
        let mut halves = Moments::of(&Image::new(Size::new(1, 2), 1, vec![0, 255]));
        halves.add(&Moments::of(&Image::new(Size::new(1, 2), 1, vec![255, 0])));
        assert_eq!(halves, Moments::of(&whole));
        assert_eq!((halves.mean(), halves.std()), (vec![0.5], vec![0.5]));
    }
}
