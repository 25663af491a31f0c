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
//!
//! Everything that is wrong on the way becomes a [`diagnostic`]; [`options`] change acceptance and
//! meaning. [`load`] and [`compile`] are the whole pipeline.

pub mod check;
pub mod diagnostic;
pub mod inventory;
pub mod lower;
pub mod options;
pub mod resource;
pub mod source;

use rayon::prelude::*;

use sluice_ir::policy::Policy;
use sluice_ir::policy::verify::{Verified, VerifyError, verify};

use crate::diagnostic::Diagnostic;
use crate::inventory::Inventory;
use crate::lower::Written;
use crate::options::Options;
use crate::resource::Resource;
use crate::resource::aws::AwsInventory;
use crate::resource::dns_answers::DnsAnswers;
use crate::source::{FileId, Limits, Sources};

/// What a set of files holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The objects that are valid by themselves, in the order of the files.
    pub resources: Vec<Resource>,
    /// Everything there is to say about the files, in the order of the files and of their lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads files into objects. What is wrong with one object never hides another.
pub fn load(sources: &Sources, files: &[FileId], options: &Options, limits: &Limits) -> Loaded {
    let read: Vec<Loaded> = files.par_iter().map(|file| load_file(sources, *file, options, limits)).collect();
    let mut all = Loaded::default();
    for one in read {
        all.resources.extend(one.resources);
        all.diagnostics.extend(one.diagnostics);
    }
    all
}

fn load_file(sources: &Sources, file: FileId, options: &Options, limits: &Limits) -> Loaded {
    let (documents, mut diagnostics) = source::parse(sources, file, limits);
    let read: Vec<_> = documents.par_iter().map(|document| resource::read(document, options)).collect();
    let mut resources = Vec::new();
    for (objects, findings) in read {
        resources.extend(objects);
        diagnostics.extend(findings);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    Loaded { resources, diagnostics }
}

/// What is known beside manifests.
#[derive(Debug, Default)]
pub struct Extras {
    /// DNS answers seen so far.
    pub answers: DnsAnswers,
    /// What AWS has.
    pub aws: AwsInventory,
}

/// A policy that is ready to be asked.
#[derive(Debug)]
pub struct Compiled {
    /// What it was resolved against.
    pub inventory: Inventory,
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
    let lowered = lower::lower(loaded, sources, &inventory, &extras.aws, options);
    diagnostics.extend(lowered.diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    let policy = verify(lowered.policy)?;
    Ok(Compiled { inventory, policy, written: lowered.written, diagnostics })
}
