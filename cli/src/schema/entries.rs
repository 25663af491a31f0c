//! Entries of Cilium's rules: peers with ports (semantics.md 1.3 to 1.6).

use schemars::JsonSchema;

use super::common::LabelSelector;
use super::layer7::{IcmpRule, PortDenyRule, PortRule};
use super::peers::{CidrSet, CloudGroup, Entity, FqdnSelector, ServiceReference};

/// Traffic that is allowed in. At most one list of peers; left out beside ports, anyone is meant.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ingress {
    /// Pods by their labels: of the policy's namespace unless the labels name another.
    pub(super) from_endpoints: Option<Vec<LabelSelector>>,
    /// Prefixes or addresses outside the cluster.
    #[serde(rename = "fromCIDR")]
    pub(super) from_cidr: Option<Vec<String>>,
    /// Prefixes with exceptions, and groups of prefixes.
    #[serde(rename = "fromCIDRSet")]
    pub(super) from_cidr_set: Option<Vec<CidrSet>>,
    /// Sets of peers by name.
    pub(super) from_entities: Option<Vec<Entity>>,
    /// Nodes by their labels, if the agent has `enableNodeSelectorLabels`.
    pub(super) from_nodes: Option<Vec<LabelSelector>>,
    /// Instances in a cloud.
    pub(super) from_groups: Option<Vec<CloudGroup>>,
    /// Ports. Left out: every port and protocol.
    pub(super) to_ports: Option<Vec<PortRule>>,
    /// ICMP messages, in place of ports.
    pub(super) icmps: Option<Vec<IcmpRule>>,
    /// Whether peers have to prove who they are.
    pub(super) authentication: Option<Authentication>,
}

/// Traffic that is denied from coming in. At most one list of peers; left out beside ports, anyone is meant.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IngressDeny {
    /// Pods by their labels: of the policy's namespace unless the labels name another.
    pub(super) from_endpoints: Option<Vec<LabelSelector>>,
    /// Prefixes or addresses outside the cluster.
    #[serde(rename = "fromCIDR")]
    pub(super) from_cidr: Option<Vec<String>>,
    /// Prefixes with exceptions, and groups of prefixes.
    #[serde(rename = "fromCIDRSet")]
    pub(super) from_cidr_set: Option<Vec<CidrSet>>,
    /// Sets of peers by name.
    pub(super) from_entities: Option<Vec<Entity>>,
    /// Nodes by their labels, if the agent has `enableNodeSelectorLabels`.
    pub(super) from_nodes: Option<Vec<LabelSelector>>,
    /// Instances in a cloud.
    pub(super) from_groups: Option<Vec<CloudGroup>>,
    /// Ports. Left out: every port and protocol.
    pub(super) to_ports: Option<Vec<PortDenyRule>>,
    /// ICMP messages, in place of ports.
    pub(super) icmps: Option<Vec<IcmpRule>>,
}

/// Traffic that is allowed out. At most one list of peers; left out beside ports, anyone is meant.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Egress {
    /// Pods by their labels: of the policy's namespace unless the labels name another.
    pub(super) to_endpoints: Option<Vec<LabelSelector>>,
    /// Prefixes or addresses outside the cluster.
    #[serde(rename = "toCIDR")]
    pub(super) to_cidr: Option<Vec<String>>,
    /// Prefixes with exceptions, and groups of prefixes.
    #[serde(rename = "toCIDRSet")]
    pub(super) to_cidr_set: Option<Vec<CidrSet>>,
    /// Sets of peers by name.
    pub(super) to_entities: Option<Vec<Entity>>,
    /// Nodes by their labels, if the agent has `enableNodeSelectorLabels`.
    pub(super) to_nodes: Option<Vec<LabelSelector>>,
    /// Instances in a cloud.
    pub(super) to_groups: Option<Vec<CloudGroup>>,
    /// Services, whose endpoints are meant.
    pub(super) to_services: Option<Vec<ServiceReference>>,
    /// Names, whose addresses as seen in DNS answers are meant. A rule for DNS is needed beside it.
    #[serde(rename = "toFQDNs")]
    pub(super) to_fqdns: Option<Vec<FqdnSelector>>,
    /// Ports. Left out: every port and protocol.
    pub(super) to_ports: Option<Vec<PortRule>>,
    /// ICMP messages, in place of ports.
    pub(super) icmps: Option<Vec<IcmpRule>>,
    /// Whether peers have to prove who they are.
    pub(super) authentication: Option<Authentication>,
}

/// Traffic that is denied from going out. At most one list of peers; left out beside ports, anyone is meant.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EgressDeny {
    /// Pods by their labels: of the policy's namespace unless the labels name another.
    pub(super) to_endpoints: Option<Vec<LabelSelector>>,
    /// Prefixes or addresses outside the cluster.
    #[serde(rename = "toCIDR")]
    pub(super) to_cidr: Option<Vec<String>>,
    /// Prefixes with exceptions, and groups of prefixes.
    #[serde(rename = "toCIDRSet")]
    pub(super) to_cidr_set: Option<Vec<CidrSet>>,
    /// Sets of peers by name.
    pub(super) to_entities: Option<Vec<Entity>>,
    /// Nodes by their labels, if the agent has `enableNodeSelectorLabels`.
    pub(super) to_nodes: Option<Vec<LabelSelector>>,
    /// Instances in a cloud.
    pub(super) to_groups: Option<Vec<CloudGroup>>,
    /// Services, whose endpoints are meant.
    pub(super) to_services: Option<Vec<ServiceReference>>,
    /// Ports. Left out: every port and protocol.
    pub(super) to_ports: Option<Vec<PortDenyRule>>,
    /// ICMP messages, in place of ports.
    pub(super) icmps: Option<Vec<IcmpRule>>,
}

/// Mutual authentication.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authentication {
    /// Whether it is needed.
    pub(super) mode: AuthenticationMode,
}

/// Whether peers have to prove who they are.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AuthenticationMode {
    Disabled,
    Required,
    TestAlwaysFail,
}
