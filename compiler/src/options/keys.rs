//! The one table of options: their names in a file of options and in Cilium's own ConfigMap.

use super::{Enforcement, Options};

/// An option that a file may set.
#[derive(Clone, Copy, Debug)]
pub struct OptionKey {
    /// Its name in a file of options.
    pub name: &'static str,
    /// Another name that is taken there.
    pub alias: Option<&'static str>,
    /// Its name as a flag of the agent, which is its key in the ConfigMap `cilium-config`.
    pub flag: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
}

/// What an option takes, and where that goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// A boolean.
    Switch(fn(&mut Options, bool)),
    /// One of some words.
    Word(&'static [&'static str], fn(&mut Options, &str)),
    /// Any number of some words.
    Words(&'static [&'static str], fn(&mut Options, &[&str])),
    /// The name of a cluster (semantics.md 7.4).
    ClusterName,
}

impl OptionKey {
    /// What may be written, in words: `` `true` or `false` ``.
    pub fn values(&self) -> String {
        let listed =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match self.takes {
            Takes::Switch(_) => "`true` or `false`".to_owned(),
            Takes::Word(words, _) => listed(words),
            Takes::Words(words, _) => format!("a list, empty or with {}", listed(words)),
            Takes::ClusterName => {
                "at most 32 lower-case letters, digits and hyphens, with no hyphen at either end".to_owned()
            }
        }
    }
}

const fn key(name: &'static str, flag: &'static str, takes: Takes) -> OptionKey {
    OptionKey { name, alias: None, flag, takes }
}

/// Every option, in the order of [`Options`].
pub const KEYS: &[OptionKey] = &[
    key(
        "policyEnforcement",
        "enable-policy",
        Takes::Word(&["default", "always", "never"], |options, word| {
            options.enforcement = match word {
                "always" => Enforcement::Always,
                "never" => Enforcement::Never,
                _ => Enforcement::Default,
            };
        }),
    ),
    key(
        "allowLocalhost",
        "allow-localhost",
        Takes::Word(&["auto", "always", "policy"], |options, word| {
            options.allow_localhost = word != "policy";
        }),
    ),
    key(
        "policyCIDRMatchMode",
        "policy-cidr-match-mode",
        Takes::Words(&["nodes"], |options, words| {
            options.cidr_matches_nodes = words.contains(&"nodes");
        }),
    ),
    key(
        "policyDefaultLocalCluster",
        "policy-default-local-cluster",
        Takes::Switch(|options, on| options.default_local_cluster = on),
    ),
    key("clusterName", "cluster-name", Takes::ClusterName),
    OptionKey {
        alias: Some("enableIPv4"),
        ..key("ipv4", "enable-ipv4", Takes::Switch(|options, on| options.ipv4 = on))
    },
    OptionKey {
        alias: Some("enableIPv6"),
        ..key("ipv6", "enable-ipv6", Takes::Switch(|options, on| options.ipv6 = on))
    },
    key("enableICMPRules", "enable-icmp-rules", Takes::Switch(|options, on| options.icmp_rules = on)),
    key("enableL7Proxy", "enable-l7-proxy", Takes::Switch(|options, on| options.l7_proxy = on)),
    key(
        "enableNodeSelectorLabels",
        "enable-node-selector-labels",
        Takes::Switch(|options, on| options.node_selector_labels = on),
    ),
    key(
        "enableNonDefaultDenyPolicies",
        "enable-non-default-deny-policies",
        Takes::Switch(|options, on| options.non_default_deny = on),
    ),
    key(
        "enableExtendedIPProtocols",
        "enable-extended-ip-protocols",
        Takes::Switch(|options, on| options.extended_ip_protocols = on),
    ),
    key(
        "enableHostFirewall",
        "enable-host-firewall",
        Takes::Switch(|options, on| options.host_firewall = on),
    ),
    key(
        "enableK8sNetworkPolicy",
        "enable-k8s-networkpolicy",
        Takes::Switch(|options, on| options.network_policies = on),
    ),
    key(
        "enableCiliumNetworkPolicy",
        "enable-cilium-network-policy",
        Takes::Switch(|options, on| options.cilium_policies = on),
    ),
    key(
        "enableCiliumClusterwideNetworkPolicy",
        "enable-cilium-clusterwide-network-policy",
        Takes::Switch(|options, on| options.clusterwide_policies = on),
    ),
];
