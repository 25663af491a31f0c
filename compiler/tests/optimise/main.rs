//! The passes keep their contract: by random policies about a tiny world, and by golden pairs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has to fail")]

mod contract;
mod crowd;
mod golden;
mod large;
mod properties;
mod selectors;

use sluice_compiler::optimise::{localise, optimise, peers, ports, selectors as shorten, subsumed};
use sluice_ir::policy::verify::verify;
use sluice_ir::policy::{Identity, Policy};

/// A pass by name. Those that look at the node get its endpoints.
type Pass = (&'static str, fn(&Policy, &[&Identity]) -> Policy);

/// Every pass, and all of them together.
const PASSES: [Pass; 6] = [
    ("localise", |policy, subjects| localise::localise(policy, subjects)),
    ("selectors", |policy, _| shorten::selectors(policy)),
    ("ports", |policy, _| ports::ports(policy)),
    ("peers", |policy, _| peers::peers(policy)),
    ("subsumed", |policy, _| subsumed::subsumed(policy)),
    ("pipeline", |policy, subjects| {
        let policy = verify(policy.clone()).unwrap();
        optimise(&policy, Some(subjects)).unwrap().policy.into_inner()
    }),
];
