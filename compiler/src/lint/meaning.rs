//! Whether two texts of policies say the same.

use std::collections::BTreeSet;

use sluice_ir::dns_name::{Asker, DnsPattern};
use sluice_ir::net::Cidr;
use sluice_ir::policy::{
    Action, Authentication, Direction, L7, Peer, Peers, Policy, PortMatch, PortSet, Ports, Rule, Subject,
    Tier,
};
use sluice_ir::selector::Selector;

/// A rule without its place, its lists in order and each element once.
type Plain<'p> = (
    (bool, &'p Selector),
    (Direction, Action, Tier, bool, Option<Authentication>),
    Option<BTreeSet<PlainPeer<'p>>>,
    Option<BTreeSet<PortMatch>>,
    Option<String>,
);

/// A peer without names of tables.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum PlainPeer<'p> {
    Labels(&'p Selector, &'p [Cidr]),
    Cidr(Cidr, &'p [Cidr]),
    Name(&'p DnsPattern, Option<&'p Asker>),
}

/// Whether two policies have the same rules, whatever their order, their places and how often one is written. It is
/// said of the rules themselves, so it holds for every cluster.
pub fn same_meaning(a: &Policy, b: &Policy) -> bool {
    a.settings == b.settings && plain_rules(a) == plain_rules(b)
}

fn plain_rules(policy: &Policy) -> BTreeSet<Plain<'_>> {
    policy.rules.iter().map(|rule| plain(policy, rule)).collect()
}

fn plain<'p>(policy: &'p Policy, rule: &'p Rule) -> Plain<'p> {
    let peers = match &rule.peers {
        Peers::Any => None,
        Peers::Of(peers) => Some(peers.iter().map(|peer| plain_peer(policy, peer)).collect()),
    };
    let ports = match &rule.ports {
        Ports::Any => None,
        Ports::Of(ports) => Some(ports.iter().map(|port| plain_port(rule.direction, port)).collect()),
    };
    let l7 = rule.l7.map(|id| printed(policy.l7(id)));
    let subject = (matches!(rule.subject, Subject::Nodes(_)), policy.selector(rule.subject.selector()));
    let how = (rule.direction, rule.action, rule.tier, rule.default_deny, rule.authentication);
    (subject, how, peers, ports, l7)
}

/// A port as far as it counts: behind the name of a peer's port an end says nothing (semantics.md 12).
fn plain_port(direction: Direction, port: &PortMatch) -> PortMatch {
    match (&port.ports, direction) {
        (PortSet::Named { name, .. }, Direction::Egress) => {
            PortMatch { ports: PortSet::Named { name: name.clone(), end: None }, ..port.clone() }
        }
        _ => port.clone(),
    }
}

fn plain_peer<'p>(policy: &'p Policy, peer: &'p Peer) -> PlainPeer<'p> {
    match peer {
        Peer::Labels { selector, except } => PlainPeer::Labels(policy.selector(*selector), except),
        Peer::Cidr { cidr, except } => PlainPeer::Cidr(*cidr, except),
        Peer::Name { pattern, by } => PlainPeer::Name(pattern, by.as_ref()),
    }
}

/// Layer 7 rules are compared as they stand: no fix touches them.
fn printed(l7: &L7) -> String {
    format!("{l7:?}")
}
