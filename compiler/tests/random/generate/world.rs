//! Worlds.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sluice_compiler::options::{Accept, Enforcement, Options};

use super::maybe;
use crate::shape::*;

/// Prefixes that each group may hold. No prefix is in both, as no text says which would then count.
pub(super) const GROUP_CIDRS: [&[&str]; 2] = [
    &["0.0.0.0/1", "65.0.0.1/32", "140.0.0.1/32", "2000::/3", "129.0.0.0/8"],
    &["0.0.0.0/0", "64.0.0.0/2", "128.0.0.0/2", "1.0.0.1/32", "2001:db8::1/128", "70.0.0.0/8"],
];

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    let namespaces = [namespace_labels(), namespace_labels(), namespace_labels()];
    let api_server = select(vec!["70.0.0.1", "140.0.0.1", "200.0.0.1", "2001:db8::1", "10.0.0.1"]);
    let pods = [pod("p0"), pod("p1"), pod("p2"), pod("p3")].prop_map(Vec::from);
    let view = select(vec![None, None, Some("n0"), Some("n1")]);
    (namespaces, pods, maybe(api_server), groups(), answers(), options(), view).prop_map(
        |(namespaces, pods, api_server, groups, answers, options, view)| World {
            namespaces,
            pods,
            api_server,
            groups,
            answers,
            options,
            view,
        },
    )
}

pub(super) fn namespace_labels() -> impl Strategy<Value = Option<Labels>> {
    proptest::option::weighted(0.8, subsequence(vec![("team", "x"), ("stage", "y")], 0..=2))
}

pub(super) fn pod(name: &'static str) -> impl Strategy<Value = Pod> {
    (select(vec!["a", "a", "b", "c"]), pod_labels(), named_ports(), select(vec!["n0", "n1"]))
        .prop_map(move |(namespace, labels, ports, node)| Pod { namespace, name, labels, ports, node })
}

/// A few keys with two values; the last two never count, as they are filtered out and derived.
pub(super) fn pod_labels() -> impl Strategy<Value = Labels> {
    let value = || proptest::option::weighted(0.7, select(vec!["x", "y"]));
    let keys = ["app", "tier", "pod-template-hash", "io.kubernetes.pod.namespace"];
    (value(), value(), value(), maybe(select(vec!["a", "b"]))).prop_map(
        move |(app, tier, hash, namespace)| {
            let values = [app, tier, hash, namespace];
            keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()
        },
    )
}

pub(super) fn named_ports() -> impl Strategy<Value = Vec<NamedPort>> {
    let port = (select(vec!["web", "dns"]), select(vec!["TCP", "UDP"]), 4..=7u16);
    let port = port.prop_map(|(name, protocol, number)| NamedPort { name, protocol, number });
    // Kubernetes takes one name twice with a warning, but never one port and protocol twice.
    let unlike = |ports: &Vec<NamedPort>| {
        ports.iter().enumerate().all(|(at, one)| {
            ports[..at].iter().all(|other| (one.number, one.protocol) != (other.number, other.protocol))
        })
    };
    proptest::collection::vec(port, 0..=3).prop_filter("ports differ", unlike)
}

pub(super) fn groups() -> impl Strategy<Value = Vec<Group>> {
    // The keys are the same and the values are not, so that it shows which prefix is nearer.
    let labels = |value| subsequence(vec![("tier", value), ("zone", value)], 0..=2);
    let group = |name, at: usize, value| {
        let cidrs = GROUP_CIDRS[at].to_vec();
        let most = cidrs.len();
        maybe((labels(value), subsequence(cidrs, 0..=most)))
            .prop_map(move |group| group.map(|(labels, cidrs)| Group { name, labels, cidrs }))
    };
    (group("g0", 0, "x"), group("g1", 1, "y")).prop_map(|(one, two)| one.into_iter().chain(two).collect())
}

pub(super) fn answers() -> impl Strategy<Value = Vec<(&'static str, Vec<&'static str>)>> {
    let addresses = || subsequence(vec!["1.0.0.1", "65.0.0.1", "2001:db8::1", "70.0.0.1", "10.0.0.2"], 0..=2);
    (subsequence(NAMES.to_vec(), 0..=3), [addresses(), addresses(), addresses()])
        .prop_map(|(names, addresses)| names.into_iter().zip(addresses).collect())
}

pub(super) fn options() -> impl Strategy<Value = Options> {
    let enforcement = prop_oneof![
        8 => Just(Enforcement::Default),
        1 => Just(Enforcement::Always),
        1 => Just(Enforcement::Never),
    ];
    let on = || proptest::bool::weighted(0.8);
    let families = select(vec![(true, true), (true, true), (true, false), (false, true)]);
    (enforcement, on(), proptest::bool::weighted(0.3), on(), on(), families).prop_map(
        |(
            enforcement,
            allow_localhost,
            cidr_matches_nodes,
            default_local_cluster,
            non_default_deny,
            (ipv4, ipv6),
        )| {
            // The agent takes some forms that the API server refuses, and they mean something.
            Options {
                accept: Accept::Agent,
                enforcement,
                allow_localhost,
                cidr_matches_nodes,
                default_local_cluster,
                non_default_deny,
                ipv4,
                ipv6,
                ..Options::default()
            }
        },
    )
}
