//! From a policy to a smaller one of the same meaning.
//!
//! # The contract of a pass
//!
//! Let `before` and `after` be the policies around a pass. For every question within its precondition:
//!
//! 1. [`eval`](sluice_ir::policy::eval::eval) gives the same verdict, reason and authentication.
//! 2. For a redirect, the reported rules name the same set of layer 7 rules.
//! 3. The origins of the rules that `after` reports are among those that `before` reports, and there is
//!    one if there was one. So a rule that another covers may go, and none is blamed for what it does not do.
//!
//! The one precondition is that of [`localise`]: questions are about the given subjects. The others hold for
//! every identity that there can be. A pass ends in canonical form, doing it twice is doing it once, and
//! no pass makes a policy larger. What each gains is in `docs/optimise.md`; one without a gain is not here.
//!
//! # The pipeline
//!
//! | pass | what |
//! |---|---|
//! | [`localise`] | only rules that select one of the node's endpoints |
//! | [`selectors`] | each selector in its shortest form, so that equal ones are shared |
//! | [`ports`] | ranges of a rule merged |
//! | [`peers`] | peers of a rule that others cover left out, prefixes in their shortest form |
//! | [`subsumed`] | rules that another rule of the same object covers left out |
//!
//! None of them looks at two objects at once. So what becomes of an object does not depend on the others, and
//! [`session`](crate::session) can do it for one object.
//!
//! Each is a plain function; [`optimise`] runs them in this order and verifies what each gives.

mod addresses;
mod cover;
pub mod localise;
pub mod peers;
pub mod ports;
mod prefixes;
pub mod selectors;
pub mod subsumed;

use sluice_ir::policy::verify::{Verified, VerifyError, verify};
use sluice_ir::policy::{Identity, Peer, Peers, Policy, Ports};

/// A smaller policy, and how it became so.
#[derive(Clone, Debug)]
pub struct Optimised {
    /// The policy.
    pub policy: Verified<Policy>,
    /// What each pass did, in order.
    pub passes: Vec<PassSizes>,
}

/// What one pass did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassSizes {
    /// The pass's name.
    pub pass: &'static str,
    /// The sizes that it found.
    pub before: Sizes,
    /// The sizes that it left.
    pub after: Sizes,
}

/// How large a policy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Rules.
    pub rules: usize,
    /// Distinct selectors.
    pub selectors: usize,
    /// Peers of all rules, with their exceptions. Every identity counts as one peer.
    pub peers: usize,
    /// Port ranges and named ports of all rules. Every protocol counts as one range.
    pub port_ranges: usize,
}

impl Sizes {
    /// The sizes of a policy.
    pub fn of(policy: &Policy) -> Sizes {
        let peer = |peer: &Peer| match peer {
            Peer::Labels { except, .. } | Peer::Cidr { except, .. } => 1 + except.len(),
            Peer::Name { .. } => 1,
        };
        let mut sizes =
            Sizes { rules: policy.rules.len(), selectors: policy.selectors.len(), ..Sizes::default() };
        for rule in &policy.rules {
            sizes.peers += match &rule.peers {
                Peers::Any => 1,
                Peers::Of(peers) => peers.iter().map(peer).sum(),
            };
            sizes.port_ranges += match &rule.ports {
                Ports::Any => 1,
                Ports::Of(ports) => ports.len(),
            };
        }
        sizes
    }
}

/// Runs every pass. With `subjects`, only questions about these may be asked of the result; without, every
/// question may.
///
/// # Errors
///
/// A broken invariant behind a pass, which is a mistake in that pass and not in the input.
pub fn optimise(policy: &Verified<Policy>, subjects: Option<&[&Identity]>) -> Result<Optimised, VerifyError> {
    let mut passes = Vec::new();
    let mut policy = match subjects {
        Some(subjects) => step("localise", policy, localise::localise(policy, subjects), &mut passes)?,
        None => policy.clone(),
    };
    policy = step("selectors", &policy, selectors::selectors(&policy), &mut passes)?;
    policy = step("ports", &policy, ports::ports(&policy), &mut passes)?;
    policy = step("peers", &policy, peers::peers(&policy), &mut passes)?;
    policy = step("subsumed", &policy, subsumed::subsumed(&policy), &mut passes)?;
    Ok(Optimised { policy, passes })
}

/// Runs every pass that looks at one object alone.
///
/// # Errors
///
/// A broken invariant, as in [`optimise`].
pub fn optimise_object(object: Policy) -> Result<Verified<Policy>, VerifyError> {
    Ok(optimise(&verify(object)?, None)?.policy)
}

/// Verifies what a pass gave and notes the sizes.
fn step(
    pass: &'static str,
    before: &Policy,
    after: Policy,
    passes: &mut Vec<PassSizes>,
) -> Result<Verified<Policy>, VerifyError> {
    let after = verify(after)?;
    passes.push(PassSizes { pass, before: Sizes::of(before), after: Sizes::of(&after) });
    Ok(after)
}
