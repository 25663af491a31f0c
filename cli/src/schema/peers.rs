//! Peers of Cilium's policies (semantics.md 1.3 and 1.8).

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::common::LabelSelector;

/// A name for a set of peers.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entity {
    /// Everyone.
    All,
    /// Every address outside the cluster.
    World,
    /// Pods and nodes of this cluster, and nodes of connected ones.
    Cluster,
    /// The pod's own node, and pods that share its network.
    Host,
    /// Endpoints whose labels are not known yet.
    Init,
    /// Cilium's own ingress and gateway.
    Ingress,
    /// Pods that Cilium does not manage.
    Unmanaged,
    /// Every other node.
    RemoteNode,
    /// Cilium's health checks.
    Health,
    /// Nobody.
    None,
    /// The API server of Kubernetes.
    KubeApiserver,
}

/// Addresses: exactly one of `cidr`, `cidrGroupRef` and `cidrGroupSelector`.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CidrSet {
    /// A prefix such as `192.0.2.0/24`.
    pub(super) cidr: Option<String>,
    /// The name of a CiliumCIDRGroup.
    #[schemars(length(max = 253))]
    pub(super) cidr_group_ref: Option<String>,
    /// CiliumCIDRGroups by their labels.
    pub(super) cidr_group_selector: Option<LabelSelector>,
    /// Prefixes that are left out.
    pub(super) except: Option<Vec<String>>,
}

/// Instances in a cloud.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloudGroup {
    /// In AWS.
    pub(super) aws: Option<AwsGroup>,
}

/// Instances and interfaces in AWS that meet all of these conditions.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AwsGroup {
    /// Tags of the instance.
    pub(super) labels: Option<BTreeMap<String, String>>,
    /// Ids of security groups.
    pub(super) security_groups_ids: Option<Vec<String>>,
    /// Names of security groups.
    pub(super) security_groups_names: Option<Vec<String>>,
    /// Accepted and not used.
    pub(super) region: Option<String>,
}

/// A Service, by name or by labels; if both are written, the labels count.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ServiceReference {
    /// By name.
    pub(super) k8s_service: Option<NamedService>,
    /// By labels.
    pub(super) k8s_service_selector: Option<SelectedServices>,
}

/// A Service by name.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NamedService {
    /// Its name.
    pub(super) service_name: Option<String>,
    /// Its namespace. Left out: every namespace.
    pub(super) namespace: Option<String>,
}

/// Services by their labels.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SelectedServices {
    /// Their labels.
    pub(super) selector: LabelSelector,
    /// Their namespace. Left out: every namespace.
    pub(super) namespace: Option<String>,
}

/// Names in DNS: one of the two.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FqdnSelector {
    /// The whole name.
    #[schemars(length(max = 255), regex(pattern = r"^([-a-zA-Z0-9_]+[.]?)+$"))]
    pub(super) match_name: Option<String>,
    /// A pattern: `*` stands for any characters but a dot, `**.` at the beginning for one or more labels.
    #[schemars(length(max = 255), regex(pattern = r"^([-a-zA-Z0-9_*]+[.]?)+$"))]
    pub(super) match_pattern: Option<String>,
}
