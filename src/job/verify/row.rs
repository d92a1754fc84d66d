//! One row of the reference table, and what is found when it is computed. Knows no operation.

use super::formula::crc32;
use crate::sample::Image;

/// What is computed from the input picture.
pub type Make<T> = Box<dyn Fn(&Image) -> T + Send + Sync>;

/// One thing that is to hold.
pub struct Row {
    /// What it belongs to.
    pub group: &'static str,
    /// What is computed.
    pub name: String,
    /// What is to come out.
    pub check: Check,
}

/// What is to come out.
pub enum Check {
    /// The CRC-32 of a picture's bytes.
    Bytes {
        /// The reference's.
        crc32: u32,
        /// Ours.
        ours: Make<Image>,
    },
    /// A picture that differs nowhere by more than one level from the reference's, which is computed here as a yardstick.
    Level {
        /// CRC-32 of the reference's bytes, and of the yardstick's.
        crc32: u32,
        /// Ours.
        ours: Make<Image>,
        /// The yardstick.
        yardstick: Make<Image>,
    },
    /// Numbers.
    Numbers {
        /// The reference's.
        expected: Vec<f64>,
        /// How far ours may be from them: as far as they are written out.
        within: f64,
        /// Ours.
        ours: Make<Vec<f64>>,
    },
}

/// What was found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Verdict {
    /// Whether it is as it should be.
    pub holds: bool,
    /// Whether some value differs from the reference's by one level, which is allowed here.
    pub near: bool,
    /// Our checksum, or our numbers.
    pub found: String,
}

impl Verdict {
    /// For a column of a table.
    pub fn in_a_word(&self) -> String {
        match (self.holds, self.near) {
            (true, false) => "holds".to_owned(),
            (true, true) => "to a level".to_owned(),
            (false, _) => format!("FAILS: {}", self.found),
        }
    }
}

impl Row {
    /// A row about bytes.
    pub fn bytes(
        group: &'static str,
        name: impl Into<String>,
        crc32: u32,
        ours: impl Fn(&Image) -> Image + Send + Sync + 'static,
    ) -> Self {
        Self { group, name: name.into(), check: Check::Bytes { crc32, ours: Box::new(ours) } }
    }

    /// A row about bytes that `change` makes in place.
    pub fn change(
        group: &'static str,
        name: impl Into<String>,
        crc32: u32,
        change: impl Fn(&mut Image) + Send + Sync + 'static,
    ) -> Self {
        Self::bytes(group, name, crc32, move |input| {
            let mut image = input.clone();
            change(&mut image);
            image
        })
    }

    /// The reference in words.
    pub fn reference(&self) -> String {
        match &self.check {
            Check::Bytes { crc32, .. } | Check::Level { crc32, .. } => format!("{crc32:08x}"),
            Check::Numbers { expected, .. } => listed(expected),
        }
    }

    /// Computes it from `input`.
    pub fn judge(&self, input: &Image) -> Verdict {
        match &self.check {
            Check::Bytes { crc32: expected, ours } => {
                let found = crc32(ours(input).pixels());
                Verdict { holds: found == *expected, near: false, found: format!("{found:08x}") }
            }
            Check::Level { crc32: expected, ours, yardstick } => {
                let (ours, yardstick) = (ours(input), yardstick(input));
                let mut pairs = ours.pixels().iter().zip(yardstick.pixels());
                let close = ours.size() == yardstick.size() && pairs.all(|(a, b)| a.abs_diff(*b) <= 1);
                let found = crc32(ours.pixels());
                let holds = close && crc32(yardstick.pixels()) == *expected;
                Verdict { holds, near: found != *expected, found: format!("{found:08x}") }
            }
            Check::Numbers { expected, within, ours } => {
                let found = ours(input);
                let close = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= *within);
                Verdict { holds: close, near: false, found: listed(&found) }
            }
        }
    }
}

fn listed(numbers: &[f64]) -> String {
    numbers.iter().map(|number| ((number * 1e6).round() / 1e6).to_string()).collect::<Vec<_>>().join(", ")
}
