//! S1705: a global service, and peers of this cluster only.

use sluice_ir::label::{Label, LabelSet, LabelSource};
use sluice_ir::policy::{Action, Direction};
use sluice_ir::selector::{Operator, Requirement, Selector};

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{Service, keys};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::GlobalServiceLocalPeers, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let services = context.compiled.inventory.services.iter();
    let global: Vec<(&Service, LabelSet)> = services
        .filter(|service| service.global.is_some())
        .filter_map(|one| Some((one, backend(one)?)))
        .collect();
    if global.is_empty() || !context.options.default_local_cluster {
        return;
    }
    for peer in &context.facts.labels {
        let entry = context.facts.entry(peer.entry);
        let [Some(spec), _] = peer.specs else { continue };
        let names_cluster = spec.requirements.iter().any(|wanted| &*wanted.key == keys::CLUSTER);
        if entry.direction != Direction::Egress
            || entry.action != Action::Allow
            || names_cluster
            || spec.requirements.is_empty()
        {
            continue;
        }
        let wanted = peer.selector.requirements().iter().filter(|wanted| &*wanted.key != keys::CLUSTER);
        let wanted: Selector = wanted.cloned().collect();
        // By a label of its own: who means all pods of a namespace does not mean the service.
        let own = |wanted: &&Requirement| {
            !wanted.key.starts_with("io.") && !matches!(wanted.operator, Operator::Exists)
        };
        if !wanted.requirements().iter().any(|wanted| own(&wanted)) {
            continue;
        }
        let Some((service, _)) = global.iter().find(|(_, labels)| wanted.matches(labels)) else { continue };
        let message = format!(
            "service `{}/{}` is global, and this lets its backends of this cluster through only",
            service.namespace, service.name
        );
        found.push(context.finding(Code::GlobalServiceLocalPeers, entry.resource, peer.span, message).help(
            "add an element with `k8s:io.cilium.k8s.policy.cluster` of each cluster, and the namespace",
        ));
    }
}

/// The labels that a backend has at least.
fn backend(service: &Service) -> Option<LabelSet> {
    let own = service.selector.as_ref()?.iter();
    let own = own.map(|(key, value)| Label::new(LabelSource::K8s, key.clone(), value.clone()));
    let namespace = Label::new(LabelSource::K8s, keys::NAMESPACE, service.namespace.clone());
    Some(own.chain([namespace]).collect())
}
