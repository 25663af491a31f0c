//! From policies and inventory to [`ir::Policy`](sluice_ir::policy::Policy).
//!
//! Here written form becomes meaning: namespaces and clusters are put into selectors (semantics.md
//! 3.3), empty lists become what they mean (3.4), entities, groups and services become peers, and
//! default deny is made explicit (2.1, 1.10). Each rule keeps the place it was written at.

mod cilium;
mod conflict;
mod network_policy;
mod peers;
mod scope;

use std::sync::Arc;

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

/// What lowering works with.
struct Lowerer<'a> {
    sources: &'a Sources,
    inventory: &'a Inventory,
    aws: &'a AwsInventory,
    options: &'a Options,
    builder: PolicyBuilder,
    written: Vec<Written>,
    diagnostics: Vec<Diagnostic>,
}

/// Lowers every policy among the resources, in order.
pub fn lower(
    resources: &[Resource],
    sources: &Sources,
    inventory: &Inventory,
    aws: &AwsInventory,
    options: &Options,
) -> Lowered {
    let settings = Settings {
        enforcement: options.enforcement,
        allow_localhost: options.allow_localhost,
        host_firewall: options.host_firewall,
    };
    let builder = PolicyBuilder::new(settings);
    let mut lowerer =
        Lowerer { sources, inventory, aws, options, builder, written: Vec::new(), diagnostics: Vec::new() };
    for resource in resources {
        match &resource.object {
            Object::CiliumPolicy(policy) if policy.clusterwide && !options.clusterwide_policies => {}
            Object::CiliumPolicy(policy) if !policy.clusterwide && !options.cilium_policies => {}
            Object::CiliumPolicy(policy) => lowerer.cilium_policy(policy, &resource.place),
            Object::NetworkPolicy(policy) if options.network_policies => {
                lowerer.network_policy(policy, &resource.place);
            }
            _ => {}
        }
    }
    let Lowerer { builder, written, mut diagnostics, .. } = lowerer;
    let policy = builder.finish();
    diagnostics.extend(conflict::conflicts(&policy, &written, inventory));
    Lowered { policy, written, diagnostics }
}

/// An object's name, as origins keep it.
struct Named {
    kind: Arc<str>,
    namespace: Option<Arc<str>>,
    name: Arc<str>,
}

impl Lowerer<'_> {
    fn origin(&mut self, object: &Named, span: Span, path: Arc<str>) -> OriginId {
        let file = self.sources.file(span.file);
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
