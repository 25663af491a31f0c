//! Options that change what policy means, under Cilium's names.

mod dns;
mod keys;
mod packets;
mod read;

pub use dns::{DnsOptions, OnTimeout, Reject, Scope};
pub use keys::{KEYS, OptionKey};
pub use packets::PacketOptions;

/// Whose acceptance makes a document valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// The API server's: an unknown field or a value outside the schema is an error.
    #[default]
    ApiServer,
    /// The agent's: these are warnings, and the document means what the agent makes of it.
    Agent,
}

/// When a direction of an endpoint is isolated; `enable-policy` (semantics.md 4.1).
pub use sluice_ir::policy::Enforcement;

/// Options of the agent that change acceptance or meaning (semantics.md 4.12). The defaults are Cilium's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whose acceptance counts.
    pub accept: Accept,
    /// `policyEnforcement`.
    pub enforcement: Enforcement,
    /// `allowLocalhost`: whether the host may reach its pods unless denied; `auto` means yes.
    pub allow_localhost: bool,
    /// `policyCIDRMatchMode` contains `nodes`: prefixes match nodes too.
    pub cidr_matches_nodes: bool,
    /// `policyDefaultLocalCluster`: label peers without a cluster mean this cluster.
    pub default_local_cluster: bool,
    /// `clusterName`.
    pub cluster_name: String,
    /// `ipv4`: whether the cluster has IPv4.
    pub ipv4: bool,
    /// `ipv6`: whether the cluster has IPv6.
    pub ipv6: bool,
    /// `enableICMPRules`.
    pub icmp_rules: bool,
    /// `enableL7Proxy`.
    pub l7_proxy: bool,
    /// `enableNodeSelectorLabels`: `fromNodes` and `toNodes`.
    pub node_selector_labels: bool,
    /// `enableNonDefaultDenyPolicies`: whether `enableDefaultDeny` counts.
    pub non_default_deny: bool,
    /// `enableExtendedIPProtocols`.
    pub extended_ip_protocols: bool,
    /// `enableHostFirewall`.
    pub host_firewall: bool,
    /// `enableK8sNetworkPolicy`.
    pub network_policies: bool,
    /// `enableCiliumNetworkPolicy`.
    pub cilium_policies: bool,
    /// `enableCiliumClusterwideNetworkPolicy`.
    pub clusterwide_policies: bool,
    /// What becomes of packets beside policy.
    pub packets: PacketOptions,
    /// The DNS proxy.
    pub dns: DnsOptions,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            accept: Accept::ApiServer,
            enforcement: Enforcement::Default,
            allow_localhost: true,
            cidr_matches_nodes: false,
            default_local_cluster: true,
            cluster_name: "default".to_owned(),
            ipv4: true,
            ipv6: true,
            icmp_rules: true,
            l7_proxy: true,
            node_selector_labels: false,
            non_default_deny: true,
            extended_ip_protocols: false,
            host_firewall: false,
            network_policies: true,
            cilium_policies: true,
            clusterwide_policies: true,
            packets: PacketOptions::default(),
            dns: DnsOptions::default(),
        }
    }
}

impl Options {
    /// Whether addresses outside the cluster are told apart by family (`world-ipv4`, `world-ipv6`).
    pub fn dual_stack(&self) -> bool {
        self.ipv4 && self.ipv6
    }
}
