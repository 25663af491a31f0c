//! The canonical form of decisions.

use super::Decision;

impl Decision {
    /// The same decision in canonical form.
    #[must_use]
    pub fn canonical(self) -> Decision {
        self
    }
}
