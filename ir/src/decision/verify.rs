//! What must hold of every decision.

use super::Decision;
pub use crate::verified::Verified;

/// A broken invariant. It always means a mistake in Sluice, never in the user's input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {}

/// Checks every invariant.
///
/// # Errors
///
/// The first invariant that does not hold.
pub fn verify(decision: Decision) -> Result<Verified<Decision>, VerifyError> {
    Ok(Verified::attest(decision))
}
