//! CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies.

use proptest::prelude::*;
use proptest::sample::select;

use super::peers::peers;
use super::selectors::subjects;
use super::{few, some};
use crate::shape::*;

pub(crate) fn cilium_policies() -> impl Strategy<Value = CiliumPolicy> {
    let namespace = prop_oneof![2 => select(vec!["a", "a", "b", "c"]).prop_map(Some), 1 => Just(None)];
    (namespace, some(rules(), 2), 0..=1usize).prop_map(|(namespace, rules, in_spec)| CiliumPolicy {
        namespace,
        rules,
        in_spec,
    })
}

pub(super) fn rules() -> impl Strategy<Value = Rule> {
    let default_deny = || prop_oneof![6 => Just(None), 1 => Just(Some(true)), 3 => Just(Some(false))];
    let section =
        |direction, deny, weight| proptest::option::weighted(weight, few(entries(direction, deny), 3));
    let allow = [section(0, false, 0.6).boxed(), section(1, false, 0.6).boxed()];
    let deny = [section(0, true, 0.2).boxed(), section(1, true, 0.2).boxed()];
    (subjects(), [default_deny(), default_deny()], allow, deny).prop_map(
        |(subject, default_deny, mut allow, deny)| {
            // A rule without any entry is refused.
            if allow.iter().chain(&deny).flatten().all(Vec::is_empty) {
                let nothing = Entry { peers: None, empty: Vec::new(), traffic: Traffic::Absent };
                allow[0] = Some(vec![nothing]);
            }
            Rule { subject, default_deny, allow, deny }
        },
    )
}

/// Entries; the direction is 0 for ingress and 1 for egress.
pub(super) fn entries(direction: usize, deny: bool) -> impl Strategy<Value = Entry> {
    let mut kinds = vec!["Endpoints", "CIDR", "CIDRSet", "Entities", "Groups"];
    if direction == 1 {
        kinds.push("Services");
    }
    if direction == 1 && !deny {
        kinds.push("FQDNs");
    }
    let empty = prop_oneof![15 => Just(Vec::new()), 1 => select(kinds).prop_map(|kind| vec![kind])];
    let names = direction == 1 && !deny;
    (proptest::option::weighted(0.75, peers(names)), empty, traffic(direction, deny)).prop_map(
        |(peers, mut empty, traffic)| {
            empty.retain(|kind| peers.as_ref().is_none_or(|peers| peers.kind() != *kind));
            Entry { peers, empty, traffic }
        },
    )
}

pub(super) fn traffic(direction: usize, deny: bool) -> impl Strategy<Value = Traffic> {
    let rule = if deny {
        (proptest::option::weighted(0.95, few(ports(), 3)))
            .prop_map(|ports| PortRule { ports, l7: L7::Absent })
            .boxed()
    } else {
        port_rules(direction).boxed()
    };
    let family = select(vec![None, Some("IPv4"), Some("IPv6")]);
    let icmp = (family, select(vec![0, 3, 8, 128u16]), any::<bool>())
        .prop_map(|(family, number, by_name)| Icmp { family, number, by_name });
    let icmps = proptest::collection::vec(proptest::collection::vec(icmp, 0..=2), 0..=2);
    prop_oneof![
        4 => Just(Traffic::Absent),
        6 => few(rule, 2).prop_map(Traffic::Ports),
        1 => icmps.prop_map(Traffic::Icmps),
    ]
}

pub(super) fn ports() -> impl Strategy<Value = Port> {
    let number = prop_oneof![1 => Just(0u16), 8 => 4..=7u16];
    let named = select(vec!["web", "dns", "WEB"]);
    let port = prop_oneof![
        4 => number.prop_map(NumberOrName::Number),
        1 => named.prop_map(NumberOrName::Name),
    ];
    let protocol = select(vec![None, None, Some("ANY"), Some("TCP"), Some("TCP"), Some("UDP"), Some("SCTP")]);
    (port, proptest::option::weighted(0.5, 4..=8u16), protocol).prop_map(|(port, end, protocol)| Port {
        port,
        end,
        protocol,
    })
}

/// Elements of `toPorts`, with layer 7 rules only where they are valid.
pub(super) fn port_rules(direction: usize) -> impl Strategy<Value = PortRule> {
    let plain = proptest::option::weighted(0.95, few(ports(), 3))
        .prop_map(|ports| PortRule { ports, l7: L7::Absent });
    let of_tcp = |mut port: Port| {
        port.protocol = Some("TCP");
        if port.port == NumberOrName::Number(0) {
            port.port = NumberOrName::Number(5);
        }
        port
    };
    let l7 = select(vec![
        L7::Empty { http: false },
        L7::Empty { http: true },
        L7::Http,
        L7::Http,
        L7::ServerNames,
    ]);
    let http =
        (some(ports().prop_map(of_tcp), 2), l7).prop_map(|(ports, l7)| PortRule { ports: Some(ports), l7 });
    let dns = (4..=7u16, select(vec![None, Some("ANY"), Some("TCP"), Some("UDP")])).prop_map(
        |(number, protocol)| {
            let port = Port { port: NumberOrName::Number(number), end: None, protocol };
            PortRule { ports: Some(vec![port]), l7: L7::Dns }
        },
    );
    prop_oneof![4 => plain, 3 => http, if direction == 1 { 1 } else { 0 } => dns]
}
