//! Which labels make up an identity (semantics.md 3.2).

/// Prefixes of keys that count although an exclusion covers them.
const INCLUDED: [&str; 5] = [
    "io.kubernetes.pod.namespace",
    "io.cilium.k8s.namespace.labels",
    "app.kubernetes.io",
    "io.cilium.k8s.policy.cluster",
    "io.cilium.k8s.policy.serviceaccount",
];

/// Prefixes of keys that do not count.
const EXCLUDED: [&str; 14] = [
    "io.kubernetes",
    "kubernetes.io",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/controller-uid",
    "k8s.io",
    "pod-template-generation",
    "pod-template-hash",
    "controller-revision-hash",
    "controller-uid",
    "annotation",
    "etcd_node",
    "topology.kubernetes.io",
];

/// Excluded wherever it stands in a key.
const EXCLUDED_INSIDE: &str = "beta.kubernetes.io";

/// Whether a label with this key is part of an identity. Selecting on another one matches nothing.
///
/// Keys are held against prefixes, and the longest that matches decides; a key that none matches counts.
pub fn is_identity_label(key: &str) -> bool {
    let longest = |prefixes: &[&str]| prefixes.iter().filter(|p| key.starts_with(**p)).map(|p| p.len()).max();
    let inside = key.find(EXCLUDED_INSIDE).map(|at| at + EXCLUDED_INSIDE.len());
    match longest(&EXCLUDED).max(inside) {
        None => true,
        Some(excluded) => longest(&INCLUDED).is_some_and(|included| included > excluded),
    }
}

#[cfg(test)]
mod tests {
    use super::is_identity_label;

    #[test]
    fn the_longest_prefix_decides() {
        for key in [
            "app",
            "app.kubernetes.io/name",
            "io.kubernetes.pod.namespace",
            "foo.k8s.io/x",
            "tier",
            "io.cilium.k8s.namespace.labels.team",
        ] {
            assert!(is_identity_label(key), "{key}");
        }
        for key in [
            "pod-template-hash",
            "kubernetes.io/hostname",
            "io.kubernetes.other",
            "topology.kubernetes.io/zone",
            "statefulset.kubernetes.io/pod-name",
            "beta.kubernetes.io/arch",
            "k8s.io/x",
            "annotation.x",
        ] {
            assert!(!is_identity_label(key), "{key}");
        }
    }
}
