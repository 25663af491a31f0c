//! By what a policy is in force.

use std::collections::BTreeSet;
use std::fs;

use sluice_backends::datapath::entries;
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::prepare::{Settings, generation};

use crate::harness::network::Network;
use crate::rules;

/// By what a policy is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    Nothing,
    Sluice,
    IptablesIpset,
    Nftables,
}

/// The datapath of the node, which stays pinned while others have their turn.
pub(crate) struct Sluice {
    node: Node,
    ifindexes: [u32; 2],
    interfaces: BTreeSet<Interface>,
}

impl Sluice {
    pub(crate) fn new(network: &Network) -> Sluice {
        let ifindexes = [0, 1].map(|endpoint| network.ifindex(endpoint));
        let interface = |endpoint: usize| Interface {
            ifindex: ifindexes[endpoint],
            name: network.interface(endpoint),
            uplink: false,
        };
        let node = Node::open(network.pins(), &entries().unwrap(), Sizes::default()).unwrap();
        Sluice { node, ifindexes, interfaces: [0, 1].map(interface).into() }
    }
}

impl Means {
    pub(crate) const ALL: [Means; 4] = [Means::Nothing, Means::Sluice, Means::IptablesIpset, Means::Nftables];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Means::Nothing => "none",
            Means::Sluice => "sluice",
            Means::IptablesIpset => "iptables, ipset",
            Means::Nftables => "nftables, set",
        }
    }

    /// Puts the policy in force.
    pub(crate) fn begin(self, network: &Network, sluice: &mut Sluice, rules: usize) {
        match self {
            Means::Nothing => {}
            Means::Sluice => {
                let (images, checks) = rules::sluice(rules, sluice.ifindexes);
                let prepared = generation(sluice.node.next(), &images, &Settings::default(), checks).unwrap();
                sluice.node.publish(&prepared).unwrap();
                sluice.node.attach(&sluice.interfaces).unwrap();
            }
            Means::IptablesIpset => {
                let (set, rules) = rules::iptables(rules);
                feed(network, "ipset restore", &set);
                for rule in rules {
                    run(network, &format!("iptables -A FORWARD {rule}"));
                }
            }
            Means::Nftables => feed(network, "nft -f -", &rules::nftables(rules)),
        }
    }

    /// Takes it away.
    pub(crate) fn end(self, network: &Network, sluice: &mut Sluice) {
        match self {
            Means::Nothing => {}
            Means::Sluice => sluice.node.attach(&BTreeSet::new()).unwrap(),
            Means::IptablesIpset => run(network, "iptables -F FORWARD; ipset destroy; nft flush ruleset"),
            Means::Nftables => run(network, "nft flush ruleset"),
        }
    }
}

fn run(network: &Network, command: &str) {
    let out = network.on_node(command);
    assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
}

/// Runs a command on the node with a text as its input.
fn feed(network: &Network, command: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    fs::write(&file, text).unwrap();
    run(network, &format!("{command} < {}", file.display()));
}
