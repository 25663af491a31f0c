//! From rules to a table that is proved.

use std::sync::Arc;

use sluice_ir::policy::Identity;
use sluice_ir::policy::verify::VerifyError;

use crate::Compiled;
use crate::classify::{Classified, ClassifyError, Judged, Limits, Population, classify, judged};
use crate::diagnostic::{Code, Diagnostic};
use crate::optimise::{PassSizes, optimise};
use crate::validate::{InForce, Proof, Refuted, validate};

/// What a policy says about some endpoints, as a table that is proved.
#[derive(Debug)]
pub struct Decided {
    /// The table.
    pub classified: Classified,
    /// Everybody who can be at the other side.
    pub population: Population,
    /// The endpoints that it is about.
    pub judged: Vec<Judged>,
    /// What the passes did.
    pub passes: Vec<PassSizes>,
    /// What was proved.
    pub proof: Proof,
}

/// A stage that has ended, told to whoever measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The passes, and beside them who is there, and who is at which address.
    Prepare,
    /// The table.
    Classify,
    /// The proof.
    Validate,
}

impl Stage {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Prepare => "optimise, find peers",
            Stage::Classify => "classify",
            Stage::Validate => "validate",
        }
    }
}

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// A pass broke an invariant: a mistake in Sluice.
    #[error("after a pass: {0}")]
    Pass(#[from] VerifyError),
    /// The table would be too large, or it breaks an invariant.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// The table does not say what the rules say: a mistake in Sluice.
    #[error("the table contradicts the rules: {0}")]
    Refuted(#[from] Refuted),
}

impl DecideError {
    /// What to tell the user; none for a mistake in Sluice.
    pub fn diagnostic(&self, compiled: &Compiled) -> Option<Diagnostic> {
        let DecideError::Classify(ClassifyError::TooLarge(large)) = self else { return None };
        let worst = large.blame.first().map(|(origin, _)| origin);
        let written = compiled.policy.rules().zip(&compiled.written);
        let place =
            written.filter(|((id, _), _)| Some(compiled.policy.origin(*id)) == worst).map(|(_, w)| w).next();
        let found =
            Diagnostic::new(Code::TableTooLarge, place.map(|written| written.span), large.to_string());
        Some(found.help(large.help()).document(place.map(|written| Arc::clone(&written.document))))
    }
}

/// Puts what a policy says about a node's endpoints into a table, and proves it. Without a node it is about
/// the endpoints of the whole cluster.
///
/// # Errors
///
/// A table that would be too large; any other error is a mistake in Sluice.
pub fn decide(
    compiled: &Compiled,
    node: Option<&str>,
    limits: &Limits,
    ended: &mut dyn FnMut(Stage),
) -> Result<Decided, DecideError> {
    let Compiled { inventory, policy, .. } = compiled;
    let judged = judged(inventory, policy, node);
    let subjects: Vec<&Identity> = judged.iter().map(|judged| &*judged.identity).collect();
    // Peers are found by the rules as they were lowered, so that no pass can hide an edge from the proof.
    let find_peers = || {
        let in_force = InForce::new(policy, &judged);
        let population = Population::new(inventory, policy, in_force.rules(), node);
        (in_force, population)
    };
    let (optimised, (in_force, population)) = rayon::join(|| optimise(policy, Some(&subjects)), find_peers);
    let optimised = optimised?;
    ended(Stage::Prepare);
    let classified = classify(&optimised.policy, &population, &judged, limits)?;
    ended(Stage::Classify);
    let proof = validate(policy, &population, &judged, &in_force, &classified)?;
    ended(Stage::Validate);
    Ok(Decided { classified, population, judged, passes: optimised.passes, proof })
}
