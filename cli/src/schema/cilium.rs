//! CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup (semantics.md 1.1 and 1.2).

use schemars::JsonSchema;

use super::common::{LabelSelector, Metadata, Status};
use super::entries::{Egress, EgressDeny, Ingress, IngressDeny};
use super::network_policy::NetworkPolicy;

/// Any object that Sluice takes policy from.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(title = "Network policy")]
pub(super) enum AnyPolicy {
    Cilium(CiliumNetworkPolicy),
    Clusterwide(CiliumClusterwideNetworkPolicy),
    CidrGroup(CiliumCIDRGroup),
    Kubernetes(NetworkPolicy),
}

#[derive(JsonSchema)]
pub(super) enum CiliumVersion {
    #[serde(rename = "cilium.io/v2")]
    V2,
}

#[derive(JsonSchema)]
pub(super) enum CidrGroupVersion {
    #[serde(rename = "cilium.io/v2")]
    V2,
    #[serde(rename = "cilium.io/v2alpha1")]
    V2Alpha1,
}

#[derive(JsonSchema)]
pub(super) enum CiliumKind {
    CiliumNetworkPolicy,
}

#[derive(JsonSchema)]
pub(super) enum ClusterwideKind {
    CiliumClusterwideNetworkPolicy,
}

#[derive(JsonSchema)]
pub(super) enum CidrGroupKind {
    CiliumCIDRGroup,
}

/// Policy for pods of its namespace. `spec`, `specs` or both.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CiliumNetworkPolicy {
    /// `cilium.io/v2`.
    pub(super) api_version: CiliumVersion,
    /// `CiliumNetworkPolicy`.
    pub(super) kind: CiliumKind,
    /// Name and namespace.
    pub(super) metadata: Metadata,
    /// A rule.
    pub(super) spec: Option<Rule>,
    /// Several rules.
    pub(super) specs: Option<Vec<Rule>>,
    /// Written by the cluster.
    pub(super) status: Option<Status>,
}

/// Policy for any pod, or for nodes. `spec`, `specs` or both.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CiliumClusterwideNetworkPolicy {
    /// `cilium.io/v2`.
    pub(super) api_version: CiliumVersion,
    /// `CiliumClusterwideNetworkPolicy`.
    pub(super) kind: ClusterwideKind,
    /// Its name.
    pub(super) metadata: Metadata,
    /// A rule.
    pub(super) spec: Option<ClusterwideRule>,
    /// Several rules.
    pub(super) specs: Option<Vec<ClusterwideRule>>,
    /// Written by the cluster.
    pub(super) status: Option<Status>,
}

/// A named list of prefixes that policies refer to.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CiliumCIDRGroup {
    /// `cilium.io/v2`.
    pub(super) api_version: CidrGroupVersion,
    /// `CiliumCIDRGroup`.
    pub(super) kind: CidrGroupKind,
    /// Its name.
    pub(super) metadata: Metadata,
    /// The list.
    pub(super) spec: CidrGroupSpec,
}

/// The prefixes of a group.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CidrGroupSpec {
    /// Prefixes such as `192.0.2.0/24`; may be empty.
    #[serde(rename = "externalCIDRs")]
    pub(super) external_cidrs: Vec<String>,
}

/// What is allowed and denied for some pods of the policy's namespace.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rule {
    /// The pods of the namespace that the rule is about; `{}` means all.
    pub(super) endpoint_selector: LabelSelector,
    /// Traffic to the subject that is allowed. With any entry, other traffic to it is denied.
    pub(super) ingress: Option<Vec<Ingress>>,
    /// Traffic to the subject that is denied, whatever allows it.
    pub(super) ingress_deny: Option<Vec<IngressDeny>>,
    /// Traffic from the subject that is allowed. With any entry, other traffic from it is denied.
    pub(super) egress: Option<Vec<Egress>>,
    /// Traffic from the subject that is denied, whatever allows it.
    pub(super) egress_deny: Option<Vec<EgressDeny>>,
    /// Labels of the rule itself, for people and tools.
    pub(super) labels: Option<Vec<RuleLabel>>,
    /// Whether traffic that no rule allows is denied. Left out: where there is an entry for the direction.
    pub(super) enable_default_deny: Option<DefaultDeny>,
    /// A note for people.
    pub(super) description: Option<String>,
    /// What flow logs say when the rule decides.
    pub(super) log: Option<Log>,
}

/// What is allowed and denied for some pods or nodes: exactly one of the two selectors.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClusterwideRule {
    /// The pods that the rule is about; `{}` means every endpoint.
    pub(super) endpoint_selector: Option<LabelSelector>,
    /// The nodes that the rule is about.
    pub(super) node_selector: Option<LabelSelector>,
    /// Traffic to the subject that is allowed. With any entry, other traffic to it is denied.
    pub(super) ingress: Option<Vec<Ingress>>,
    /// Traffic to the subject that is denied, whatever allows it.
    pub(super) ingress_deny: Option<Vec<IngressDeny>>,
    /// Traffic from the subject that is allowed. With any entry, other traffic from it is denied.
    pub(super) egress: Option<Vec<Egress>>,
    /// Traffic from the subject that is denied, whatever allows it.
    pub(super) egress_deny: Option<Vec<EgressDeny>>,
    /// Labels of the rule itself, for people and tools.
    pub(super) labels: Option<Vec<RuleLabel>>,
    /// Whether traffic that no rule allows is denied. Left out: where there is an entry for the direction.
    pub(super) enable_default_deny: Option<DefaultDeny>,
    /// A note for people.
    pub(super) description: Option<String>,
    /// What flow logs say when the rule decides.
    pub(super) log: Option<Log>,
}

/// A label of a rule.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleLabel {
    /// Its key.
    pub(super) key: String,
    /// Its value.
    pub(super) value: Option<String>,
    /// Where it comes from.
    pub(super) source: Option<String>,
}

/// Whether a direction is closed but for the rules.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultDeny {
    /// Traffic to the subject.
    pub(super) ingress: Option<bool>,
    /// Traffic from the subject.
    pub(super) egress: Option<bool>,
}

/// What flow logs say.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// At most 32 printable characters.
    #[schemars(length(max = 32))]
    pub(super) value: Option<String>,
}
