//! How the ends of a flow look to policy, and prefix arithmetic.

use std::net::IpAddr;

use super::End;
use crate::shape::*;

/// Source, key and value.
pub(super) type Label = (&'static str, String, String);

pub(super) const NAMESPACE: &str = "io.kubernetes.pod.namespace";

pub(super) const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";

pub(super) const CLUSTER: &str = "io.cilium.k8s.policy.cluster";

/// How an end looks to policy (3.1, 3.2, 3.6).
#[derive(Default)]
pub(super) struct Seen {
    pub(super) labels: Vec<Label>,
    /// The address that prefixes are held against.
    pub(super) address: Option<IpAddr>,
    pub(super) names: Vec<&'static str>,
    pub(super) ports: Vec<NamedPort>,
}

impl Seen {
    pub(super) fn is(&self, word: &str) -> bool {
        self.labels.iter().any(|(source, key, _)| *source == "reserved" && key == word)
    }
}

/// The pod that an end is, also by its address.
pub(super) fn pod_of(end: End) -> Option<usize> {
    match end {
        End::Pod(at) => Some(at),
        End::Address(address) => PODS.iter().position(|of_pod| *of_pod == address),
        _ => None,
    }
}

/// 3.2: own labels without those that are filtered out, and derived ones, which win (12.2).
pub(super) fn labels_of_pod(world: &World, pod: &Pod) -> Vec<Label> {
    let at = NAMESPACES.iter().position(|name| *name == pod.namespace).unwrap();
    let mut labels = vec![
        ("k8s", NAMESPACE.to_owned(), pod.namespace.to_owned()),
        ("k8s", "io.cilium.k8s.policy.serviceaccount".to_owned(), "default".to_owned()),
        ("k8s", CLUSTER.to_owned(), "default".to_owned()),
        ("k8s", format!("{NAMESPACE_LABELS}kubernetes.io/metadata.name"), pod.namespace.to_owned()),
    ];
    for (key, value) in world.namespaces[at].iter().flatten() {
        labels.push(("k8s", format!("{NAMESPACE_LABELS}{key}"), (*value).to_owned()));
    }
    for (key, value) in &pod.labels {
        if *key != "pod-template-hash" && !labels.iter().any(|(_, derived, _)| derived == key) {
            labels.push(("k8s", (*key).to_owned(), (*value).to_owned()));
        }
    }
    labels
}

/// How an end looks from a node.
pub(super) fn seen(world: &World, end: End, from: &str) -> Seen {
    match end {
        End::Pod(at) => {
            let pod = &world.pods[at];
            Seen { labels: labels_of_pod(world, pod), ports: pod.ports.clone(), ..Seen::default() }
        }
        End::Address(text) => match (pod_of(end), NODES.iter().find(|(_, address)| *address == text)) {
            (Some(at), _) => seen(world, End::Pod(at), from),
            (None, Some((node, address))) => seen_node(world, node, address, from),
            (None, None) => outside(world, text),
        },
        End::Name(name) => {
            let answered = world.answers.iter().filter(|(answered, _)| *answered == name);
            match answered.flat_map(|(_, addresses)| addresses).next() {
                Some(address) => seen(world, End::Address(address), from),
                None => Seen { names: vec![name], ..reserved(world_entity(world, true)) },
            }
        }
        End::Entity("host") => {
            let (node, address) = NODES.iter().find(|(node, _)| *node == from).unwrap();
            seen_node(world, node, address, from)
        }
        End::Entity("world") => reserved(world_entity(world, true)),
        End::Entity("kube-apiserver") => match world.api_server {
            Some(address) => seen(world, End::Address(address), from),
            None => reserved("kube-apiserver"),
        },
        End::Entity(word) => reserved(word),
    }
}

pub(super) fn reserved(word: &str) -> Seen {
    Seen { labels: vec![("reserved", word.to_owned(), String::new())], ..Seen::default() }
}

/// 3.1: two worlds only where there are two families.
pub(super) fn world_entity(world: &World, ipv4: bool) -> &'static str {
    match (world.options.ipv4 && world.options.ipv6, ipv4) {
        (false, _) => "world",
        (true, true) => "world-ipv4",
        (true, false) => "world-ipv6",
    }
}

/// 1.8, 3.6: a node keeps its address and its groups only with `policy-cidr-match-mode=nodes`.
pub(super) fn seen_node(world: &World, node: &str, text: &'static str, from: &str) -> Seen {
    let mut seen = reserved(if node == from { "host" } else { "remote-node" });
    if world.api_server == Some(text) {
        seen.labels.extend(reserved("kube-apiserver").labels);
    }
    if world.options.cidr_matches_nodes {
        seen.address = Some(address(text));
        seen.labels.extend(group_labels(world, text));
    }
    seen
}

pub(super) fn outside(world: &World, text: &'static str) -> Seen {
    let mut seen = reserved(world_entity(world, address(text).is_ipv4()));
    if world.api_server == Some(text) {
        seen.labels.extend(reserved("kube-apiserver").labels);
    }
    seen.labels.extend(group_labels(world, text));
    seen.address = Some(address(text));
    seen.names = world.answers.iter().filter(|(_, all)| all.contains(&text)).map(|(name, _)| *name).collect();
    seen
}

/// 1.9, 3.6: of labels with one key that of the nearest prefix counts.
pub(super) fn group_labels(world: &World, text: &str) -> Vec<Label> {
    let mut found: Vec<(u32, &'static str, String, String)> = Vec::new();
    for group in &world.groups {
        let member = format!("io.cilium.policy.cidrgroupname/{}", group.name);
        for cidr in group.cidrs.iter().filter(|cidr| contains(cidr, address(text))) {
            found.push((length(cidr), "cidrgroup", member.clone(), String::new()));
            for (key, value) in &group.labels {
                found.push((length(cidr), "cidrgroup", (*key).to_owned(), (*value).to_owned()));
            }
        }
    }
    found.sort();
    found.reverse();
    let mut nearest: Vec<Label> = Vec::new();
    for (_, source, key, value) in found {
        if !nearest.iter().any(|(_, taken, _)| *taken == key) {
            nearest.push((source, key, value));
        }
    }
    nearest
}

/// The length of a prefix; that of an address is all of it.
pub(super) fn length(cidr: &str) -> u32 {
    match cidr.split_once('/') {
        Some((_, length)) => length.parse().unwrap(),
        None => width(address(cidr)),
    }
}

pub(super) fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

pub(super) fn contains(cidr: &str, inner: IpAddr) -> bool {
    let outer = address(cidr.split_once('/').map_or(cidr, |(address, _)| address));
    let first = |address: IpAddr| {
        let text: u128 = match address {
            IpAddr::V4(address) => address.to_bits().into(),
            IpAddr::V6(address) => address.to_bits(),
        };
        text.checked_shr(width(address) - length(cidr)).unwrap_or(0)
    };
    outer.is_ipv4() == inner.is_ipv4() && first(outer) == first(inner)
}
