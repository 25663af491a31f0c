//! Rules of NetworkPolicies.

use serde_json::{Map, Value, json};

use super::selector;
use crate::shape::*;

pub(super) fn network_rule(rule: &NetworkRule, side: &str) -> Value {
    let mut tree = json!({});
    if let Some(peers) = &rule.peers {
        tree[side] = peers.iter().map(network_peer).collect();
    }
    if let Some(ports) = &rule.ports {
        tree["ports"] = ports.iter().map(network_port).collect();
    }
    tree
}

pub(super) fn network_peer(peer: &NetworkPeer) -> Value {
    let mut tree = json!({});
    match peer {
        NetworkPeer::Pods(pods, namespaces) => {
            for (key, written) in [("podSelector", pods), ("namespaceSelector", namespaces)] {
                if let Some(written) = written {
                    tree[key] = selector(written);
                }
            }
        }
        NetworkPeer::Block(cidr, except) => {
            tree["ipBlock"] = json!({"cidr": cidr});
            if !except.is_empty() {
                tree["ipBlock"]["except"] = json!(except);
            }
        }
    }
    tree
}

pub(super) fn network_port(port: &NetworkPort) -> Value {
    let mut tree = Map::new();
    tree.extend(port.port.map(|port| {
        let port = match port {
            NumberOrName::Number(number) => json!(number),
            NumberOrName::Name(name) => json!(name),
        };
        ("port".to_owned(), port)
    }));
    tree.extend(port.end.map(|end| ("endPort".to_owned(), json!(end))));
    tree.extend(port.protocol.map(|word| ("protocol".to_owned(), json!(word))));
    tree.into()
}
