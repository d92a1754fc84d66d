//! What decoding a file once found out about it, so that a part of it can be had sooner the next time. Knows no path.

use super::jpeg::Places;

/// About one file that was decoded without complaint. Good for the same bytes only: for others that pretend to be them, what comes
/// out is any picture or any refusal, the same on every instruction set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known(pub(super) Places);

impl Known {
    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}
