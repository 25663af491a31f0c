//! The one table of options: their names in a file of options and in Cilium's own ConfigMap.

use std::time::Duration;

use super::{Enforcement, OnTimeout, Options, Reject, Scope};

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
    /// A whole number up to some bound.
    Number(u32, fn(&mut Options, u32)),
    /// A time, as `100ms`.
    Time(fn(&mut Options, Duration)),
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
            Takes::Number(most, _) => format!("a whole number from 0 to {most}"),
            Takes::Time(_) => "a time such as `100ms`, `30s` or `1m30s`".to_owned(),
        }
    }
}

const fn key(name: &'static str, flag: &'static str, takes: Takes) -> OptionKey {
    OptionKey { name, alias: None, flag, takes }
}

/// An option of the DNS proxy: it has one name, that of the flag.
const fn same(flag: &'static str, takes: Takes) -> OptionKey {
    key(flag, flag, takes)
}

/// A hundred years.
const MOST_SECONDS: u32 = 3_155_760_000;

/// More than a node can hold.
const MOST_ADDRESSES: u32 = 1_000_000;

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
    key("policyAuditMode", "policy-audit-mode", Takes::Switch(|options, on| options.packets.audit = on)),
    key(
        "allowICMPFragNeeded",
        "allow-icmp-frag-needed",
        Takes::Switch(|options, on| options.packets.allow_frag_needed = on),
    ),
    same(
        "tofqdns-min-ttl",
        Takes::Number(MOST_SECONDS, |options, seconds| {
            options.dns.min_ttl = Duration::from_secs(seconds.into());
        }),
    ),
    same(
        "tofqdns-dns-reject-response-code",
        Takes::Word(&["refused", "nameError"], |options, word| {
            options.dns.reject = if word == "nameError" { Reject::NameError } else { Reject::Refused };
        }),
    ),
    same(
        "tofqdns-endpoint-max-ip-per-hostname",
        Takes::Number(MOST_ADDRESSES, |options, most| {
            options.dns.addresses_per_name = most as usize;
        }),
    ),
    same(
        "tofqdns-max-deferred-connection-deletes",
        Takes::Number(MOST_ADDRESSES, |options, most| {
            options.dns.deferred_deletes = most as usize;
        }),
    ),
    same("tofqdns-idle-connection-grace-period", Takes::Time(|options, time| options.dns.idle_grace = time)),
    same("tofqdns-collection-interval", Takes::Time(|options, time| options.dns.collection_interval = time)),
    same(
        "tofqdns-proxy-response-max-delay",
        Takes::Time(|options, time| options.dns.response_max_delay = time),
    ),
    same(
        "tofqdns-proxy-response-on-timeout",
        Takes::Word(&["release", "servfail"], |options, word| {
            options.dns.on_timeout =
                if word == "servfail" { OnTimeout::ServFail } else { OnTimeout::Release };
        }),
    ),
    same(
        "dns-proxy-scope",
        Takes::Word(&["node", "pod"], |options, word| {
            options.dns.scope = if word == "pod" { Scope::Pod } else { Scope::Node };
        }),
    ),
    same(
        "dnsproxy-concurrency-limit",
        Takes::Number(MOST_ADDRESSES, |options, most| {
            options.dns.concurrency = most as usize;
        }),
    ),
];
