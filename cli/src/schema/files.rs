//! The files beside manifests: flows, DNS answers, options of the agent.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;

/// A flow to decide: a line of the file given with `--flows`.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Flow {
    /// Comes back with the answer.
    pub(super) id: Option<String>,
    /// `namespace/pod`, `namespace/workload`, an address, `fqdn:` and a name, or an entity such as `host`.
    pub(super) from: String,
    /// As `from`.
    pub(super) to: String,
    /// The protocol.
    pub(super) proto: FlowProtocol,
    /// The destination's port, with a protocol that has ports.
    #[schemars(range(min = 0, max = 65535))]
    pub(super) port: Option<u32>,
    /// The type of message, with ICMP.
    #[schemars(range(min = 0, max = 255))]
    pub(super) icmp_type: Option<u32>,
}

/// A protocol of a flow.
#[derive(JsonSchema)]
pub(super) enum FlowProtocol {
    #[serde(rename = "TCP")]
    Tcp,
    #[serde(rename = "UDP")]
    Udp,
    #[serde(rename = "SCTP")]
    Sctp,
    #[serde(rename = "ICMP")]
    Icmp,
    #[serde(rename = "ICMPv6")]
    Icmpv6,
    #[serde(rename = "VRRP")]
    Vrrp,
    #[serde(rename = "IGMP")]
    Igmp,
    #[serde(rename = "GRE")]
    Gre,
    #[serde(rename = "IPIP")]
    Ipip,
    #[serde(rename = "IPV6")]
    Ipv6,
    #[serde(rename = "ESP")]
    Esp,
    #[serde(rename = "AH")]
    Ah,
}

/// DNS answers seen so far. What `sluice monitor` and `sluice fqdn list` print with `--format json` is read as well.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(title = "DNS answers")]
#[allow(dead_code, reason = "the schema is made of it")]
pub(super) enum DnsAnswers {
    /// For each name that was asked for, its addresses.
    Names(BTreeMap<String, Vec<IpAddr>>),
    /// What was recorded, in any order.
    Recorded(Vec<DnsAnswer>),
}

/// A question, and what was answered.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DnsAnswer {
    /// The name that was asked for.
    pub(super) query: String,
    /// When it was answered; left out, it always holds. All times are of a calendar, or none is.
    pub(super) time: Option<DnsTime>,
    /// Who asked, as `namespace/pod`; left out, anybody.
    pub(super) endpoint: Option<String>,
    /// The addresses.
    pub(super) ips: Option<Vec<IpAddr>>,
    /// For how many seconds they hold; left out, for ever.
    #[schemars(range(min = 0))]
    pub(super) ttl: Option<f64>,
    /// The response code: `NOERROR` by default, `REFUSED` if the rules did not allow the question.
    pub(super) rcode: Option<String>,
    /// Names that the answer leads over.
    pub(super) cnames: Option<Vec<String>>,
}

/// A time of a recording.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the schema is made of it")]
pub(super) enum DnsTime {
    /// Of a calendar (RFC 3339), such as `2026-05-01T09:30:00Z`.
    Dated(String),
    /// In seconds since the recording began.
    Counted(f64),
}

/// Where endpoints meet the node: for each `namespace/pod`, its interface.
#[derive(JsonSchema)]
#[serde(transparent)]
#[schemars(title = "Interfaces of endpoints")]
pub(super) struct EndpointInterfaces(pub(super) BTreeMap<String, EndpointInterface>);

/// How an endpoint's interface is found; one of the two.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct EndpointInterface {
    /// The name of the interface on the node's side.
    #[schemars(length(min = 1, max = 15))]
    pub(super) interface: Option<String>,
    /// The endpoint's network namespace: a name as `ip netns` has it, or the path of a file.
    #[schemars(length(min = 1))]
    pub(super) netns: Option<String>,
}

/// Options of the agent that change what a policy means. Left out, an option has the agent's default.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Agent options")]
pub(super) struct Config {
    /// When a direction of an endpoint is closed.
    pub(super) policy_enforcement: Option<PolicyEnforcement>,
    /// Whether a node may reach its own pods unless a policy denies it.
    pub(super) allow_localhost: Option<AllowLocalhost>,
    /// With `nodes`, prefixes match nodes too.
    #[serde(rename = "policyCIDRMatchMode")]
    pub(super) policy_cidr_match_mode: Option<Vec<CidrMatchMode>>,
    /// Whether peers by labels mean this cluster unless they name another; true by default.
    pub(super) policy_default_local_cluster: Option<bool>,
    /// The name of this cluster; `default` by default.
    #[schemars(length(max = 32), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub(super) cluster_name: Option<String>,
    /// Whether the cluster has IPv4; true by default.
    pub(super) ipv4: Option<bool>,
    /// Whether the cluster has IPv6; true by default.
    pub(super) ipv6: Option<bool>,
    /// Whether rules may name ICMP types; true by default.
    #[serde(rename = "enableICMPRules")]
    pub(super) enable_icmp_rules: Option<bool>,
    /// Whether rules may look into connections; true by default.
    #[serde(rename = "enableL7Proxy")]
    pub(super) enable_l7_proxy: Option<bool>,
    /// Whether rules may select nodes as peers; false by default.
    pub(super) enable_node_selector_labels: Option<bool>,
    /// Whether `enableDefaultDeny` in a policy counts; true by default.
    pub(super) enable_non_default_deny_policies: Option<bool>,
    /// Whether rules may name protocols without ports, such as GRE; false by default.
    #[serde(rename = "enableExtendedIPProtocols")]
    pub(super) enable_extended_ip_protocols: Option<bool>,
    /// Whether policies for nodes count; false by default.
    pub(super) enable_host_firewall: Option<bool>,
    /// Whether NetworkPolicy counts; true by default.
    pub(super) enable_k8s_network_policy: Option<bool>,
    /// Whether CiliumNetworkPolicy counts; true by default.
    pub(super) enable_cilium_network_policy: Option<bool>,
    /// Whether CiliumClusterwideNetworkPolicy counts; true by default.
    pub(super) enable_cilium_clusterwide_network_policy: Option<bool>,
    /// Whether what policy would drop is told and let pass; false by default.
    pub(super) policy_audit_mode: Option<bool>,
    /// Whether ICMP "fragmentation needed" always passes; true by default.
    #[serde(rename = "allowICMPFragNeeded")]
    pub(super) allow_icmp_frag_needed: Option<bool>,
    /// Seconds that the addresses of an answer are known for at least; 0 by default.
    #[serde(rename = "tofqdns-min-ttl")]
    #[schemars(range(max = 3_155_760_000_u32))]
    pub(super) min_ttl: Option<u32>,
    /// How the DNS proxy answers for a name that is not allowed.
    #[serde(rename = "tofqdns-dns-reject-response-code")]
    pub(super) reject: Option<Reject>,
    /// Addresses of one name that an endpoint may know; 1000 by default.
    #[serde(rename = "tofqdns-endpoint-max-ip-per-hostname")]
    #[schemars(range(max = 1_000_000))]
    pub(super) addresses_per_name: Option<u32>,
    /// Expired addresses of an endpoint that are kept for connections in use; 10000 by default.
    #[serde(rename = "tofqdns-max-deferred-connection-deletes")]
    #[schemars(range(max = 1_000_000))]
    pub(super) deferred_deletes: Option<u32>,
    /// How long an expired address is kept at least, such as `30s`; `0s` by default.
    #[serde(rename = "tofqdns-idle-connection-grace-period")]
    pub(super) idle_grace: Option<String>,
    /// How often names are looked through for addresses that have expired, such as `1m`, the default.
    #[serde(rename = "tofqdns-collection-interval")]
    pub(super) collection_interval: Option<String>,
    /// How long an answer waits at most until it is enforced, such as `100ms`, the default.
    #[serde(rename = "tofqdns-proxy-response-max-delay")]
    pub(super) response_max_delay: Option<String>,
    /// What becomes of an answer that waited too long.
    #[serde(rename = "tofqdns-proxy-response-on-timeout")]
    pub(super) on_timeout: Option<OnTimeout>,
    /// For whom an answer counts: for all pods of the node, the default, or for the pod that asked.
    #[serde(rename = "dns-proxy-scope")]
    pub(super) scope: Option<Scope>,
    /// Queries that the DNS proxy works on at a time; 0, the default, leaves it to the proxy.
    #[serde(rename = "dnsproxy-concurrency-limit")]
    #[schemars(range(max = 1_000_000))]
    pub(super) concurrency: Option<u32>,
}

/// How the DNS proxy answers for a name that is not allowed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reject {
    /// It refuses.
    Refused,
    /// There is no such name.
    NameError,
}

/// What becomes of an answer that waited too long.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnTimeout {
    /// The client gets it all the same.
    Release,
    /// The client is told that the server failed.
    ServFail,
}

/// For whom an answer counts.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    /// For every endpoint of the node whose rules allow the name.
    Node,
    /// For the endpoint that asked.
    Pod,
}

/// When a direction of an endpoint is closed.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PolicyEnforcement {
    /// Where a policy selects it.
    Default,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whether a node may reach its own pods.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AllowLocalhost {
    /// Yes.
    Auto,
    /// Yes.
    Always,
    /// As policies say.
    Policy,
}

/// What prefixes match besides addresses outside the cluster.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum CidrMatchMode {
    /// Nodes.
    Nodes,
}

/// `sluice.yaml`: what a repository asks of Sluice.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Project {
    /// Which findings count, and how much.
    pub(super) lints: Option<Lints>,
}

/// Which findings count, and how much.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Lints {
    /// Levels by code (`S1101`), name (`selects-nothing`), group of codes (`S11xx`) or `all`; the narrowest holds.
    pub(super) levels: Option<BTreeMap<String, Level>>,
    /// Levels for some files; of several elements that fit the last holds.
    pub(super) paths: Option<Vec<LintsOfPaths>>,
    /// Whether `check` also finds rules that say nothing, by tables; false by default.
    pub(super) prove: Option<bool>,
}

/// Levels for some files.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LintsOfPaths {
    /// Patterns, from the folder of `sluice.yaml`.
    #[schemars(length(min = 1))]
    pub(super) files: Vec<String>,
    /// As for all files.
    pub(super) levels: Option<BTreeMap<String, Level>>,
}

/// How much a finding counts.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Error,
    Warning,
    Info,
    Off,
}
