//! S1306: pods whose egress is restricted, and who may not ask for any name.

use std::collections::BTreeSet;

use sluice_ir::net::Protocol;
use sluice_ir::policy::{Action, Direction, Peer, Peers, Ports};

use super::allows_dns;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::DnsBlocked, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    let lookups =
        Others::new(context, Direction::Egress, |rule| allows_dns(rule, &[Protocol::UDP, Protocol::TCP]));
    let mut told = BTreeSet::new();
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        let allows =
            rule.direction == Direction::Egress && rule.action == Action::Allow && has_ports(&rule.ports);
        if !allows || !rule.default_deny || told.contains(&rule.subject) || !goes_by_name(&rule.peers) {
            continue;
        }
        if lookups.is_for(rule.subject) {
            continue;
        }
        told.insert(rule.subject);
        let Some(entry) = context.facts.entry_of(written.span) else { continue };
        let place = entry.section.map_or(entry.span, |section| section.key_span);
        let message = "egress of these pods is restricted, and no rule lets them reach a DNS server";
        found.push(context.finding(Code::DnsBlocked, entry.resource, place, message).help(
            "allow port 53, UDP and TCP, to the pods of `kube-dns` in `kube-system`; where programs use addresses only, allow this finding with that reason",
        ));
    }
}

/// Whether programs connect there, and nobody just pings.
fn has_ports(ports: &Ports) -> bool {
    match ports {
        Ports::Any => true,
        Ports::Of(ports) => ports.iter().any(|port| port.protocol.has_ports()),
    }
}

/// Whether peers are of a kind that is reached by names. Whoever writes prefixes may use addresses.
fn goes_by_name(peers: &Peers) -> bool {
    match peers {
        Peers::Any => true,
        Peers::Of(peers) => peers.iter().any(|peer| matches!(peer, Peer::Labels { .. } | Peer::Name { .. })),
    }
}
