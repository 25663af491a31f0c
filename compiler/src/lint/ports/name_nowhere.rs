//! S1202: a port by a name that no pod has.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::policy::{Direction, Identity};

use crate::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use crate::lint::facts::{PortFact, PortKind};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::PortNameNowhere, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for port in &context.facts.ports {
        let PortKind::Name(name) = port.port else { continue };
        let pods = pods(context, port);
        let has = |identity: &&Arc<Identity>| {
            identity.ports.get(name).is_some_and(|(protocol, _)| port.protocols.contains(protocol))
        };
        if pods.is_empty() || pods.iter().any(has) {
            continue;
        }
        let known: BTreeSet<String> =
            pods.iter().flat_map(|identity| identity.ports.keys().map(ToString::to_string)).collect();
        let close = did_you_mean(name.as_str(), known.iter().map(String::as_str));
        let entry = context.facts.entry(port.entry);
        let whose = match entry.direction {
            Direction::Ingress => "no pod that is selected",
            Direction::Egress => "no pod among the peers",
        };
        let other = pods.iter().any(|identity| identity.ports.contains_key(name));
        let message = match other {
            true => format!("{whose} has a port `{name}` of this protocol"),
            false => format!("{whose} has a port `{name}`"),
        };
        let help = match close {
            Some(close) if !other => format!("did you mean `{close}`?"),
            _ if other => "correct the protocol: `TCP` where a container port says nothing".to_owned(),
            _ => "name the port under `ports` of the container, or write its number".to_owned(),
        };
        let stand_ins = || context.compiled.inventory.endpoints.iter().all(|pod| pod.stand_in);
        let severity = if known.is_empty() && stand_ins() { Severity::Info } else { Severity::Warning };
        let finding = context.finding(Code::PortNameNowhere, entry.resource, port.span, message);
        found.push(finding.severity(severity).help(help));
    }
}

/// The pods by whose names a port is read: the subject's on ingress, the peers' on egress (semantics.md 4.8).
/// None if a peer is meant that the input does not list.
pub(super) fn pods<'c>(context: &'c Context<'_>, port: &PortFact<'_>) -> Vec<&'c Arc<Identity>> {
    let entry = context.facts.entry(port.entry);
    match entry.direction {
        Direction::Ingress => context.facts.matches.of(&context.facts.subject(entry).selector),
        Direction::Egress if entry.every_peer => context.facts.matches.candidates(None).iter().collect(),
        Direction::Egress => {
            let peers = context.facts.labels_of(port.entry).iter();
            peers.flat_map(|peer| context.facts.matches.of(&peer.selector)).collect()
        }
    }
}
