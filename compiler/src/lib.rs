//! From Kubernetes and Cilium YAML to verified network policy.
//!
//! The way of the data is the order of the modules:
//!
//! | module | what |
//! |---|---|
//! | [`source`] | text to trees in which every key and value keeps its place |
//! | [`resource`], [`check`] | trees to typed objects, each valid by itself |
//! | [`inventory`] | what policy is resolved against: pods, nodes, namespaces, services, names |
//! | [`lower`] | objects and inventory to rules |
//! | [`optimise`] | rules to fewer and smaller rules of the same meaning, for one node |
//! | [`classify`] | rules to a finite table |
//! | [`validate`] | the table proved against the rules |
//! | [`compare`] | two policies to what they say differently, and rules that say nothing |
//! | [`reach`] | a table to who reaches whom |
//! | [`budget`] | rules to what they cost a node |
//! | [`judge`] | a table or rules, and a flow, to a verdict with its reasons |
//! | [`replay`] | recorded answers of DNS to what they open, when and for whom |
//! | [`lint`] | what is valid and probably not meant |
//!
//! Everything that is wrong on the way becomes a [`diagnostic`]; [`options`] change acceptance and
//! meaning. [`load`], [`compile`] and [`decide`] are the whole pipeline.

mod askers;
pub mod budget;
pub mod check;
pub mod classify;
pub mod compare;
mod decide;
pub mod diagnostic;
#[cfg(test)]
#[path = "../../fuzz/cases.rs"]
mod fuzz_cases;
pub mod inventory;
pub mod judge;
pub mod lint;
mod load;
pub mod lower;
pub mod optimise;
pub mod options;
pub mod reach;
pub mod replay;
pub mod resource;
pub mod session;
pub mod source;
pub mod validate;

use std::sync::Arc;

pub use decide::{DecideError, Decided, Stage, decide};
pub use load::{Loaded, is_no_manifest, load, load_each, together};

use sluice_ir::policy::Policy;
use sluice_ir::policy::verify::{Verified, VerifyError, verify};

use crate::diagnostic::Diagnostic;
use crate::inventory::Inventory;
use crate::lower::{Surroundings, Written};
use crate::options::Options;
use crate::resource::Resource;
use crate::resource::aws::AwsInventory;
use crate::resource::dns_answers::DnsAnswers;
use crate::source::Sources;

/// What is known beside manifests.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// DNS answers seen so far.
    pub answers: DnsAnswers,
    /// What AWS has.
    pub aws: AwsInventory,
    /// The node whose view is taken.
    pub view: Option<Arc<str>>,
}

/// A policy that is ready to be asked.
#[derive(Debug)]
pub struct Compiled {
    /// What it was resolved against.
    pub inventory: Inventory,
    /// What AWS has.
    pub aws: AwsInventory,
    /// The rules.
    pub policy: Verified<Policy>,
    /// Where each rule is written.
    pub written: Vec<Written>,
    /// What only shows when objects meet each other.
    pub diagnostics: Vec<Diagnostic>,
}

/// Resolves and lowers what was loaded.
///
/// # Errors
///
/// A broken invariant of the policy, which is a mistake in Sluice and not in the input.
pub fn compile(
    loaded: &[Resource],
    extras: Extras,
    sources: &Sources,
    options: &Options,
) -> Result<Compiled, VerifyError> {
    let (inventory, mut diagnostics) = Inventory::build(loaded, extras.answers, options);
    let around = Surroundings { sources, inventory: &inventory, aws: &extras.aws, options };
    let lowered = lower::lower(loaded, around);
    diagnostics.extend(lowered.diagnostics);
    diagnostics.extend(extras.view.as_deref().and_then(|view| inventory.unknown_node(view)));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    let policy = verify(lowered.policy)?;
    Ok(Compiled { inventory, aws: extras.aws, policy, written: lowered.written, diagnostics })
}
