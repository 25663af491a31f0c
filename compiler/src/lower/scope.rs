//! Which namespaces and clusters a selector reaches (semantics.md 3.3).

use std::sync::Arc;

use sluice_ir::label::LabelSource;
use sluice_ir::selector::{Requirement, Selector};

use crate::inventory::keys;
use crate::options::Options;
use crate::resource::selector::SelectorSpec;

/// Under these sources a key means a pod's own label of that name.
const POD_SOURCES: [LabelSource; 2] = [LabelSource::K8s, LabelSource::Any];

/// The selector of a policy's subject: a namespaced policy is confined to its namespace, whatever
/// its selector says.
pub(crate) fn subject(spec: &SelectorSpec, namespace: Option<&Arc<str>>) -> Selector {
    match namespace {
        None => spec.selector(),
        Some(namespace) => confined(spec, namespace),
    }
}

/// A selector with the namespace set to this one.
///
/// Only the label `k8s:io.kubernetes.pod.namespace` of `matchLabels` is overwritten. Another namespace
/// that is asked for in an expression, or without the source, must hold beside it, and never does.
pub(crate) fn confined(spec: &SelectorSpec, namespace: &Arc<str>) -> Selector {
    let overwritten = |(at, requirement): &(usize, &Requirement)| {
        *at < spec.from_labels
            && &*requirement.key == keys::NAMESPACE
            && requirement.source == LabelSource::K8s
    };
    let others = spec.requirements.iter().enumerate().filter(|entry| !overwritten(entry));
    others.map(|(_, requirement)| requirement.clone()).chain([in_namespace(namespace)]).collect()
}

/// `io.kubernetes.pod.namespace` must be this.
pub(crate) fn in_namespace(namespace: &Arc<str>) -> Requirement {
    Requirement::equals(LabelSource::K8s, keys::NAMESPACE, Arc::clone(namespace))
}

/// `io.kubernetes.pod.namespace` must be there: a pod of any namespace.
pub(crate) fn any_namespace() -> Requirement {
    Requirement::exists(LabelSource::K8s, keys::NAMESPACE)
}

/// `io.cilium.k8s.policy.cluster` must be the local cluster, where the options ask for it.
pub(crate) fn local_cluster(options: &Options) -> Option<Requirement> {
    let cluster = options.cluster_name.as_str();
    options.default_local_cluster.then(|| Requirement::equals(LabelSource::K8s, keys::CLUSTER, cluster))
}

/// The selector of a label peer.
///
/// `namespace` is the policy's; none for a cluster-wide policy. `of_init` says that its subject is
/// endpoints without labels, whose peers are not asked for a namespace.
pub(crate) fn peer(
    spec: &SelectorSpec,
    namespace: Option<&Arc<str>>,
    of_init: bool,
    options: &Options,
) -> Selector {
    if spec.names_source(&LabelSource::Reserved) {
        return spec.selector();
    }
    let names_namespace = spec.names(keys::NAMESPACE, &POD_SOURCES);
    let by_namespace_labels = spec.names_prefix(keys::NAMESPACE_LABELS);
    let scope = match namespace {
        Some(_) if names_namespace || by_namespace_labels => None,
        Some(namespace) => Some(in_namespace(namespace)),
        None if names_namespace || of_init => None,
        None => Some(any_namespace()),
    };
    let names_cluster = spec.names(keys::CLUSTER, &POD_SOURCES);
    let cluster = if names_cluster { None } else { local_cluster(options) };
    spec.requirements.iter().cloned().chain(scope).chain(cluster).collect()
}
