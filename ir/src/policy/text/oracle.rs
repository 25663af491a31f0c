//! What must hold of every text; for tests and fuzzing.

use super::parse;
use crate::policy::verify::verify;

/// Reads any text. If it is a policy, prints it, and reads and prints that again: neither may change
/// anything. The verifier must cope with the policy, and find its tables in order.
///
/// # Errors
/// What does not hold.
pub fn check(text: &str) -> Result<Outcome, String> {
    let Ok(policy) = parse(text) else { return Ok(Outcome::Refused) };
    let printed = policy.to_string();
    let again = parse(&printed).map_err(|error| format!("cannot be read again: {error}\n{printed}"))?;
    if again != policy {
        return Err(format!("reads as another policy when printed:\n{printed}"));
    }
    if again.to_string() != printed {
        return Err(format!("prints in two ways:\n{printed}\nand\n{again}"));
    }
    if policy.clone().canonical() != policy {
        return Err(format!("is not in canonical form:\n{printed}"));
    }
    Ok(if verify(policy).is_ok() { Outcome::Sound } else { Outcome::Unsound })
}

/// What a text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No policy.
    Refused,
    /// A policy that the verifier refuses.
    Unsound,
    /// A policy.
    Sound,
}
