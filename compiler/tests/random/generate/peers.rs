//! Peers of Cilium policies, and prefixes.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::selectors::{distinct, peer_selectors, requirement};
use super::some;
use crate::shape::*;

/// Prefixes of lengths 0 to 2, of single addresses, and with host bits.
pub(super) const CIDRS: [&str; 16] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "0.0.0.0/2",
    "64.0.0.0/2",
    "65.0.0.1/2",
    "128.0.0.0/2",
    "192.0.0.0/2",
    "1.0.0.1/32",
    "65.0.0.1/32",
    "70.0.0.1/32",
    "10.0.0.1/32",
    "::/0",
    "2000::/3",
    "2001:db8::/126",
    "2001:db8::1/128",
];

/// Prefixes, and prefixes inside them.
pub(super) const EXCEPTIONS: [(&str, &[&str]); 7] = [
    ("0.0.0.0/0", &["0.0.0.0/1", "64.0.0.0/2", "129.0.0.1/32", "65.0.0.2/32"]),
    ("0.0.0.0/1", &["0.0.0.0/2", "64.0.0.0/2", "65.0.0.1/32", "70.0.0.1/32"]),
    ("128.0.0.0/1", &["128.0.0.0/2", "200.0.0.1/32", "140.0.0.1/32", "130.0.0.0/7"]),
    ("64.0.0.0/2", &["65.0.0.1/32", "65.0.0.2/31", "64.0.0.0/2"]),
    ("192.0.0.0/2", &["200.0.0.1/32", "193.0.0.0/8"]),
    ("::/0", &["2000::/3", "2001:db8::1/128"]),
    ("2001:db8::/32", &["2001:db8::1/128", "2001:db8::/127"]),
];

pub(super) const ENTITIES: [&str; 11] = [
    "all",
    "world",
    "cluster",
    "host",
    "init",
    "ingress",
    "unmanaged",
    "remote-node",
    "health",
    "none",
    "kube-apiserver",
];

pub(super) fn peers(names: bool) -> impl Strategy<Value = Peers> {
    prop_oneof![
        5 => some(peer_selectors(), 2).prop_map(Peers::Endpoints),
        3 => some(prop_oneof![3 => select(CIDRS.to_vec()), 1 => select(OUTSIDE.to_vec())], 2).prop_map(Peers::Cidr),
        3 => some(cidr_items(), 2).prop_map(Peers::CidrSet),
        3 => some(select(ENTITIES.to_vec()), 3).prop_map(Peers::Entities),
        if names { 3 } else { 0 } => some(dns_names(), 2).prop_map(Peers::Names),
    ]
}

pub(super) fn cidr_items() -> impl Strategy<Value = CidrItem> {
    let cidr = excepting().prop_map(|(cidr, except)| CidrItem { base: CidrBase::Cidr(cidr), except });
    let any_except = || subsequence(vec!["64.0.0.0/2", "1.0.0.1/32", "2001:db8::1/128"], 0..=1);
    let group = (select(vec!["g0", "g1", "g2"]), any_except())
        .prop_map(|(name, except)| CidrItem { base: CidrBase::Group(name), except });
    let groups = (distinct(requirement(vec![None], vec!["tier", "zone"], vec!["x", "y"])), any_except())
        .prop_map(|(selector, except)| CidrItem { base: CidrBase::Groups(selector), except });
    prop_oneof![3 => cidr, 1 => group, 1 => groups]
}

/// A prefix and prefixes inside it.
pub(super) fn excepting() -> impl Strategy<Value = (&'static str, Vec<&'static str>)> {
    let alone = select(CIDRS.to_vec()).prop_map(|cidr| (cidr, Vec::new()));
    let with = select(EXCEPTIONS.to_vec())
        .prop_flat_map(|(cidr, inside)| (Just(cidr), subsequence(inside.to_vec(), 0..=2)));
    prop_oneof![1 => alone, 2 => with]
}

pub(super) fn dns_names() -> impl Strategy<Value = Name> {
    prop_oneof![select(NAMES.to_vec()).prop_map(Name::Is), (0..PATTERNS.len()).prop_map(Name::Like)]
}
