//! What a warp finds beyond the borders of an image. Knows no map.

/// What lies outside an image. Colours have a value for each channel; a gray image takes the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// A colour, by torchvision's rule: outside pixels count as 0, and the sum is then blended with the colour by how much of the
    /// weight lies inside. So interpolated pixels fade twice at the border, which shows as a dark seam.
    Fill([u8; 3]),
    /// A colour, which outside pixels have: the blend is exact. With black it is what torchvision does where no fill is given.
    Exact([u8; 3]),
    /// The nearest pixel of the image.
    Edge,
    /// The image, mirrored at its border pixels, which are not repeated.
    Reflect,
}

impl Outside {
    /// The colour of what lies wholly outside, where that is one.
    pub(super) fn colour(self) -> Option<[u8; 3]> {
        match self {
            Self::Fill(colour) | Self::Exact(colour) => Some(colour),
            Self::Edge | Self::Reflect => None,
        }
    }

    /// The place along an axis of `length` pixels that the place `at` shows; none where a colour is.
    pub(super) fn place(self, at: i64, length: usize) -> Option<usize> {
        let last = length as i64 - 1;
        let inside = |at: i64| (0..=last).contains(&at).then_some(at as usize);
        match self {
            Self::Fill(_) | Self::Exact(_) => inside(at),
            Self::Edge => inside(at.clamp(0, last)),
            Self::Reflect => {
                let at = at.rem_euclid((2 * last).max(1));
                inside(at.min(2 * last - at).max(0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_are_those_of_a_padded_image() {
        let shown = |rule: Outside, length| (-4..7).map(|at| rule.place(at, length).map_or(-1, |at| at as i32)).collect::<Vec<_>>();
        assert_eq!(shown(Outside::Fill([0; 3]), 3), [-1, -1, -1, -1, 0, 1, 2, -1, -1, -1, -1]);
        assert_eq!(shown(Outside::Edge, 3), [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]);
        assert_eq!(shown(Outside::Reflect, 3), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
        assert_eq!(shown(Outside::Reflect, 1), [0; 11]);
    }
}
