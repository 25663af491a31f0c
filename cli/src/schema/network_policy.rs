//! NetworkPolicy of Kubernetes (semantics.md 1.10).

use schemars::JsonSchema;

use super::common::{LabelSelector, Metadata, Status};

#[derive(JsonSchema)]
pub(super) enum NetworkPolicyVersion {
    #[serde(rename = "networking.k8s.io/v1")]
    V1,
}

#[derive(JsonSchema)]
pub(super) enum NetworkPolicyKind {
    NetworkPolicy,
}

/// Kubernetes' own policy: which traffic the selected pods of its namespace take and send.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NetworkPolicy {
    /// `networking.k8s.io/v1`.
    pub(super) api_version: NetworkPolicyVersion,
    /// `NetworkPolicy`.
    pub(super) kind: NetworkPolicyKind,
    /// Name and namespace.
    pub(super) metadata: Metadata,
    /// What is allowed, and for whom.
    pub(super) spec: NetworkPolicySpec,
    /// Written by the cluster.
    pub(super) status: Option<Status>,
}

/// What is allowed, and for whom.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NetworkPolicySpec {
    /// The pods of the policy's namespace that it is about; `{}` means all.
    pub(super) pod_selector: Option<LabelSelector>,
    /// The directions that are closed but for the rules. Left out: Ingress, and Egress if there are egress rules.
    pub(super) policy_types: Option<Vec<PolicyType>>,
    /// Traffic to the pods that is allowed. Empty: none.
    pub(super) ingress: Option<Vec<NetworkIngress>>,
    /// Traffic from the pods that is allowed. Empty: none.
    pub(super) egress: Option<Vec<NetworkEgress>>,
}

/// A direction.
#[derive(JsonSchema)]
pub(super) enum PolicyType {
    Ingress,
    Egress,
}

/// Traffic that is allowed in: from any of the peers to any of the ports.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkIngress {
    /// Who may connect. Empty or left out: anyone.
    pub(super) from: Option<Vec<NetworkPeer>>,
    /// To which ports. Empty or left out: any.
    pub(super) ports: Option<Vec<NetworkPort>>,
}

/// Traffic that is allowed out: to any of the peers and any of the ports.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkEgress {
    /// Where connections may go. Empty or left out: anywhere.
    pub(super) to: Option<Vec<NetworkPeer>>,
    /// To which ports. Empty or left out: any.
    pub(super) ports: Option<Vec<NetworkPort>>,
}

/// A peer: pods, or addresses; not both.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NetworkPeer {
    /// Pods with these labels: of the selected namespaces, or else of the policy's own.
    pub(super) pod_selector: Option<LabelSelector>,
    /// Namespaces with these labels; `{}` means all.
    pub(super) namespace_selector: Option<LabelSelector>,
    /// Addresses outside the cluster.
    pub(super) ip_block: Option<IpBlock>,
}

/// Addresses by prefix.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IpBlock {
    /// A prefix such as `192.0.2.0/24`.
    pub(super) cidr: String,
    /// Prefixes inside of it that are left out.
    pub(super) except: Option<Vec<String>>,
}

/// A port of a pod. It is the pod's own port, not that of a Service in front of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NetworkPort {
    /// TCP if left out.
    pub(super) protocol: Option<NetworkProtocol>,
    /// A number, or the name of a container port. Left out: every port.
    pub(super) port: Option<NumberOrName>,
    /// The last port of a range that begins with `port`.
    #[schemars(range(min = 1, max = 65535))]
    pub(super) end_port: Option<u32>,
}

/// A protocol with ports.
#[derive(JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum NetworkProtocol {
    Tcp,
    Udp,
    Sctp,
}

/// A port by number or by name.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum NumberOrName {
    Number(#[schemars(range(min = 1, max = 65535))] u32),
    Name(String),
}
