//! What must hold of every text; for tests and fuzzing.

use super::parse;
use crate::decision::verify::verify;

/// Reads any text. If it is a decision, its canonical form is itself, and printing and reading it again
/// change nothing, if the verifier finds it sound. The verifier must cope with it.
///
/// # Errors
/// What does not hold.
pub fn check(text: &str) -> Result<Outcome, String> {
    let Ok(decision) = parse(text) else { return Ok(Outcome::Refused) };
    let printed = decision.to_string();
    if decision.clone().canonical() != decision {
        return Err(format!("is not in canonical form:\n{printed}"));
    }
    let Ok(decision) = verify(decision) else { return Ok(Outcome::Unsound) };
    let again = parse(&printed).map_err(|error| format!("cannot be read again: {error}\n{printed}"))?;
    if again != *decision {
        return Err(format!("reads as another decision when printed:\n{printed}"));
    }
    if again.to_string() != printed {
        return Err(format!("prints in two ways:\n{printed}\nand\n{again}"));
    }
    Ok(Outcome::Sound)
}

/// What a text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No decision.
    Refused,
    /// A decision that the verifier refuses.
    Unsound,
    /// A decision.
    Sound,
}
