//! NetworkPolicies.

use proptest::prelude::*;
use proptest::sample::select;

use super::maybe;
use super::peers::excepting;
use super::selectors::{distinct, network_selectors, requirement};
use crate::shape::*;

pub(crate) fn network_policies() -> impl Strategy<Value = NetworkPolicy> {
    let types =
        select(vec![None, Some(vec!["Ingress"]), Some(vec!["Egress"]), Some(vec!["Ingress", "Egress"])]);
    let rules = || maybe(proptest::collection::vec(network_rules(), 0..=2));
    (select(vec!["a", "a", "b", "c"]), network_selectors(), types, [rules(), rules()])
        .prop_map(|(namespace, subject, types, rules)| NetworkPolicy { namespace, subject, types, rules })
}

pub(super) fn network_rules() -> impl Strategy<Value = NetworkRule> {
    let of_namespace =
        requirement(vec![None], vec!["team", "stage", "kubernetes.io/metadata.name"], vec!["x", "y", "a"]);
    let pods = (maybe(network_selectors()), maybe(distinct(of_namespace))).prop_map(|(pods, namespaces)| {
        let pods = if namespaces.is_none() { Some(pods.unwrap_or_default()) } else { pods };
        NetworkPeer::Pods(pods, namespaces)
    });
    let peer = prop_oneof![
        2 => pods,
        1 => excepting().prop_map(|(cidr, except)| NetworkPeer::Block(cidr, except)),
    ];
    let peers = maybe(proptest::collection::vec(peer, 0..=2));
    let ports = maybe(proptest::collection::vec(network_ports(), 0..=2));
    (peers, ports).prop_map(|(peers, ports)| NetworkRule { peers, ports })
}

pub(super) fn network_ports() -> impl Strategy<Value = NetworkPort> {
    let range = (4..=7u16, maybe(0..=2u16))
        .prop_map(|(first, more)| (Some(NumberOrName::Number(first)), more.map(|more| first + more)));
    let port = prop_oneof![
        4 => range,
        1 => select(vec!["web", "dns"]).prop_map(|name| (Some(NumberOrName::Name(name)), None)),
        1 => Just((None, None)),
    ];
    (port, select(vec![None, Some("TCP"), Some("UDP"), Some("SCTP")]))
        .prop_map(|((port, end), protocol)| NetworkPort { port, end, protocol })
}
