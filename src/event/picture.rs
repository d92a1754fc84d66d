//! A picture that was made of a run, for whoever shows it.

use crate::sample::Image;

/// A picture and what it shows.
#[derive(Clone, PartialEq)]
pub struct Picture {
    /// The name of its file in the run's folder, without `.png`: `augmented`, `confusion`.
    pub name: &'static str,
    /// Gray or RGB.
    pub image: Image,
}

impl std::fmt::Debug for Picture {
    /// Without the pixels.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}, {})", self.name, self.image.size())
    }
}
