//! Names and lookups.

mod apex_left_out;
mod dns_blocked;
mod dns_over_tcp_only;
mod double_star_inside;
mod empty_l7;
mod every_name;
mod name_in_cluster;
mod name_not_asked;
mod names_without_lookup;
mod shared_address;
mod short_name;

use sluice_ir::net::Protocol;
use sluice_ir::policy::{Action, Direction, L7Rules, Policy, PortSet, Ports, Rule};

use super::{Context, Lint};
use crate::source::Span;

pub(super) const LINTS: &[Lint] = &[
    names_without_lookup::LINT,
    name_not_asked::LINT,
    apex_left_out::LINT,
    short_name::LINT,
    name_in_cluster::LINT,
    dns_blocked::LINT,
    dns_over_tcp_only::LINT,
    every_name::LINT,
    double_star_inside::LINT,
    empty_l7::LINT,
    shared_address::LINT,
];

/// The port of DNS servers (RFC 1035, 4.2).
const DNS: u16 = 53;

/// The patterns of a rule that sends lookups through the proxy.
fn dns_rules<'p>(policy: &'p Policy, rule: &Rule) -> Option<&'p [sluice_ir::policy::DnsRule]> {
    match rule.l7.map(|l7| &policy.l7(l7).rules) {
        Some(L7Rules::Dns(rules)) => Some(rules),
        _ => None,
    }
}

/// Whether a rule lets lookups out, over one of these protocols.
fn allows_dns(rule: &Rule, protocols: &[Protocol]) -> bool {
    let nobody = matches!(&rule.peers, sluice_ir::policy::Peers::Of(peers) if peers.is_empty());
    let port = match &rule.ports {
        Ports::Any => true,
        Ports::Of(ports) => ports.iter().any(|port| {
            protocols.contains(&port.protocol)
                && match &port.ports {
                    PortSet::Range(range) => range.contains(DNS),
                    // By a name the server is meant as well as by its number.
                    PortSet::Named { name, .. } => name.as_str().starts_with("dns"),
                }
        }),
    };
    rule.direction == Direction::Egress && rule.action == Action::Allow && !nobody && port
}

/// Whether a peer of the rule is a name.
fn has_names(rule: &Rule) -> bool {
    matches!(&rule.peers, sluice_ir::policy::Peers::Of(peers)
        if peers.iter().any(|peer| matches!(peer, sluice_ir::policy::Peer::Name { .. })))
}

/// A name or pattern under `toFQDNs`, with the object, the element, and the key of its list.
struct Name<'c> {
    resource: &'c crate::resource::Resource,
    pattern: &'c sluice_ir::dns_name::DnsPattern,
    span: Span,
}

/// Every element of `toFQDNs` that can match.
fn names<'c>(context: &'c Context<'_>) -> impl Iterator<Item = Name<'c>> {
    let lists = context.facts.entries.iter().flat_map(|entry| {
        entry.cilium.into_iter().flat_map(|spec| &spec.peers).map(move |list| (entry, list))
    });
    lists.flat_map(|(entry, list)| {
        let items = match &list.items {
            crate::resource::cilium::PeerItems::Names(names) => names.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(move |item| {
            let pattern = item.value.as_ref()?;
            Some(Name { resource: entry.resource, pattern, span: item.span })
        })
    })
}
