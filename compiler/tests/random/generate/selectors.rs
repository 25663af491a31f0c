//! Label selectors.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::few;
use crate::shape::*;

/// Subjects. Of the namespace only equality is asked, as no text says what else would mean.
pub(super) fn subjects() -> impl Strategy<Value = Selector> {
    let source = select(vec![None, Some("k8s"), Some("any")]);
    let namespace = (source, select(NAMESPACES.to_vec())).prop_map(|(source, value)| Requirement {
        source,
        key: "io.kubernetes.pod.namespace",
        operator: Operator::Equals(value),
    });
    let init = Just(Requirement { source: Some("reserved"), key: "init", operator: Operator::DoesNotExist });
    let requirement = prop_oneof![9 => own_label(), 1 => namespace, 1 => init, 1 => namespace_label()];
    prop_oneof![1 => Just(Vec::new()), 1 => distinct(requirement)]
}

/// At most two requirements, with different keys where both ask for equality.
pub(super) fn distinct(requirement: impl Strategy<Value = Requirement>) -> impl Strategy<Value = Selector> {
    few(requirement, 2)
}

pub(super) fn operators(values: Vec<&'static str>) -> impl Strategy<Value = Operator> {
    let some = subsequence(values.clone(), 1..=values.len());
    prop_oneof![
        4 => select(values).prop_map(Operator::Equals),
        1 => some.clone().prop_map(Operator::In),
        1 => some.prop_map(Operator::NotIn),
        1 => Just(Operator::Exists),
        1 => Just(Operator::DoesNotExist),
    ]
}

pub(super) fn requirement(
    sources: Vec<Option<&'static str>>,
    keys: Vec<&'static str>,
    values: Vec<&'static str>,
) -> impl Strategy<Value = Requirement> {
    (select(sources), select(keys), operators(values)).prop_map(|(source, key, operator)| Requirement {
        source,
        key,
        operator,
    })
}

pub(super) fn own_label() -> impl Strategy<Value = Requirement> {
    let sources = vec![
        None,
        None,
        None,
        None,
        Some("k8s"),
        Some("k8s"),
        Some("any"),
        Some("unspec"),
        Some("container"),
    ];
    requirement(
        sources,
        vec!["app", "app", "app", "tier", "tier", "tier", "pod-template-hash"],
        vec!["x", "y"],
    )
}

pub(super) fn namespace_label() -> impl Strategy<Value = Requirement> {
    let keys = vec![
        "io.cilium.k8s.namespace.labels.team",
        "io.cilium.k8s.namespace.labels.stage",
        "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name",
    ];
    requirement(vec![None, Some("k8s"), Some("any")], keys, vec!["x", "y", "a"])
}

/// Selectors of label peers, with everything that changes which namespaces they reach.
pub(super) fn peer_selectors() -> impl Strategy<Value = Selector> {
    let sources = || vec![None, Some("k8s"), Some("any")];
    let words = vec!["host", "remote-node", "world", "world-ipv4", "kube-apiserver", "health"];
    let requirement = prop_oneof![
        5 => own_label(),
        2 => requirement(sources(), vec!["io.kubernetes.pod.namespace"], NAMESPACES.to_vec()),
        2 => namespace_label(),
        1 => requirement(sources(), vec!["io.cilium.k8s.policy.cluster"], vec!["default", "other"]),
        1 => requirement(vec![Some("reserved")], words, vec!["x"]),
        1 => requirement(vec![Some("cidrgroup"), Some("any")], vec!["tier", "zone"], vec!["x", "y"]),
    ];
    distinct(requirement)
}

pub(super) fn network_selectors() -> impl Strategy<Value = Selector> {
    let namespace = select(NAMESPACES.to_vec()).prop_map(|value| Requirement {
        source: None,
        key: "io.kubernetes.pod.namespace",
        operator: Operator::Equals(value),
    });
    let own = requirement(vec![None], vec!["app", "app", "tier", "pod-template-hash"], vec!["x", "y"]);
    distinct(prop_oneof![9 => own, 1 => namespace])
}
