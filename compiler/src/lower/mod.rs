//! From policies and inventory to [`ir::Policy`](sluice_ir::policy::Policy).
//!
//! Here written form becomes meaning: namespaces and clusters are put into selectors (semantics.md
//! 3.3), empty lists become what they mean (3.4), entities, groups and services become peers, and
//! default deny is made explicit (2.1, 1.10). Each rule keeps the place it was written at.
//!
//! An object is lowered without a look at the others ([`lower_one`]), so that many are at once and one that
//! changes is alone. Only conflicts between policies need all of them.

mod cilium;
mod conflict;
pub(crate) mod network_policy;
mod peers;
pub(crate) mod scope;

use std::sync::Arc;

use rayon::prelude::*;
use sluice_ir::ids::{OriginId, RuleId};
use sluice_ir::origin::Origin;
use sluice_ir::policy::PolicyBuilder;
use sluice_ir::policy::{Policy, Rule, Settings};

use crate::diagnostic::Diagnostic;
use crate::inventory::Inventory;
use crate::options::Options;
use crate::resource::aws::AwsInventory;
use crate::resource::cilium::L7Places;
use crate::resource::{Object, Place, Resource};
use crate::source::{Sources, Span};

/// A policy and what is known about it beside.
#[derive(Debug)]
pub struct Lowered {
    /// The policy; not verified yet.
    pub policy: Policy,
    /// Where each rule is written.
    pub written: Vec<Written>,
    /// What only shows when policies meet the inventory and each other.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a rule is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The entry, or the element of its port list.
    pub span: Span,
    /// What the proxy is asked for.
    pub l7: L7Places,
    /// The value of `authentication.mode`.
    pub authentication: Option<Span>,
    /// The object.
    pub document: Arc<crate::diagnostic::DocumentRef>,
}

/// What policies are resolved against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The texts that origins point into.
    pub sources: &'a Sources,
    /// Who exists.
    pub inventory: &'a Inventory,
    /// What AWS has.
    pub aws: &'a AwsInventory,
    /// What changes the meaning of policies.
    pub options: &'a Options,
}

/// What lowering works with.
struct Lowerer<'a> {
    around: Surroundings<'a>,
    builder: PolicyBuilder,
    written: Vec<Written>,
    diagnostics: Vec<Diagnostic>,
}

/// So many objects are lowered in one go, and share tables from the start.
const RUN: usize = 128;

/// Lowers every policy among the resources, in order.
pub fn lower(resources: &[Resource], around: Surroundings<'_>) -> Lowered {
    let policies: Vec<&Resource> = resources.iter().filter(|r| is_policy(r, around.options)).collect();
    let runs: Vec<Lowered> = policies.par_chunks(RUN).map(|run| lower_run(run, around)).collect();
    let mut lowered = merge(runs, around.options);
    lowered.diagnostics.extend(conflict::conflicts(&lowered.policy, &lowered.written, around.inventory));
    lowered
}

/// Lowers one object, as if there were no other policy. An object of another kind, or of one that the options
/// turn off, has no rules.
pub fn lower_one(resource: &Resource, around: Surroundings<'_>) -> Lowered {
    let run = if is_policy(resource, around.options) { &[resource][..] } else { &[] };
    lower_run(run, around)
}

/// Lowers some policies, one behind the other.
fn lower_run(policies: &[&Resource], around: Surroundings<'_>) -> Lowered {
    let builder = PolicyBuilder::new(settings(around.options));
    let mut lowerer = Lowerer { around, builder, written: Vec::new(), diagnostics: Vec::new() };
    for Resource { object, place } in policies {
        match &**object {
            Object::CiliumPolicy(policy) => lowerer.cilium_policy(policy, place),
            Object::NetworkPolicy(policy) => lowerer.network_policy(policy, place),
            _ => {}
        }
    }
    let Lowerer { builder, written, diagnostics, .. } = lowerer;
    Lowered { policy: builder.finish(), written, diagnostics }
}

/// Puts the rules of objects behind each other. What only shows between them is not looked for.
pub fn merge(parts: Vec<Lowered>, options: &Options) -> Lowered {
    let mut builder = PolicyBuilder::new(settings(options));
    builder.reserve(parts.iter().map(|part| &part.policy));
    let mut written = Vec::with_capacity(parts.iter().map(|part| part.written.len()).sum());
    let mut diagnostics = Vec::new();
    for part in parts {
        builder.append(part.policy);
        written.extend(part.written);
        diagnostics.extend(part.diagnostics);
    }
    Lowered { policy: builder.finish(), written, diagnostics }
}

/// Whether an object is a policy of a kind that the options leave on.
pub(crate) fn is_policy(resource: &Resource, options: &Options) -> bool {
    match &*resource.object {
        Object::CiliumPolicy(policy) if policy.clusterwide => options.clusterwide_policies,
        Object::CiliumPolicy(_) => options.cilium_policies,
        Object::NetworkPolicy(_) => options.network_policies,
        _ => false,
    }
}

/// The settings that options mean for rules.
pub(crate) fn settings(options: &Options) -> Settings {
    Settings {
        enforcement: options.enforcement,
        allow_localhost: options.allow_localhost,
        host_firewall: options.host_firewall,
    }
}

/// An object's name, as origins keep it.
struct Named {
    kind: Arc<str>,
    namespace: Option<Arc<str>>,
    name: Arc<str>,
}

impl Lowerer<'_> {
    fn origin(&mut self, object: &Named, span: Span, path: Arc<str>) -> OriginId {
        let file = self.around.sources.file(span.file);
        let at = file.line_column(span.start);
        self.builder.origin(Origin {
            file: Arc::clone(file.name()),
            line: at.line,
            column: at.column,
            kind: Arc::clone(&object.kind),
            namespace: object.namespace.clone(),
            name: Arc::clone(&object.name),
            path,
        })
    }

    fn rule(&mut self, rule: Rule, written: Written) -> RuleId {
        self.written.push(written);
        self.builder.rule(rule)
    }

    fn report(&mut self, diagnostic: Diagnostic, place: &Place) {
        self.diagnostics.push(diagnostic.document(Some(Arc::clone(&place.document))));
    }
}
