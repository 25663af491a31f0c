//! Packets between two endpoints of a node whose addresses others translate between the hooks, as rules for Services
//! do. Needs root and BPF; says so where they are missing.
//!
//! Where no mark says that a generation has let a packet pass, it is judged for its sender once more, behind the
//! translation. What its sender was asked about is another packet then.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod harness;

use std::mem::offset_of;
use std::net::IpAddr;

use harness::network::Network;
use harness::policies::in_force;
use harness::root;
use harness::traffic::Flow;
use sluice_backends::abi::{Word, map};
use sluice_loader::kernel::{Map, Memory};
use sluice_loader::node::Node;

/// The address of a Service, behind which the server is.
const SERVICE: [&str; 2] = ["10.96.0.10", "fd96::10"];

/// The address by which the server knows the client where it is masqueraded.
const MASQUERADE: [&str; 2] = ["10.97.0.1", "fd97::1"];

/// The port of the Service and that of the server behind it.
const SERVED: [u16; 2] = [80, 7000];

/// A port of the server to which the client comes masqueraded.
const MASQUERADED: u16 = 7001;

/// The client may send to the Service's address and to a port of the server, and nobody to it. To the server come the
/// client and who is masqueraded, and it sends to nobody.
const POLICIES: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: client}}
  egress:
    - toCIDR: [10.96.0.10/32, 'fd96::10/128']
    - toEndpoints: [{matchLabels: {app: server}}]
      toPorts: [{ports: [{port: \"7001\"}]}]
  ingress: [{fromEndpoints: [{matchLabels: {app: nobody}}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: server}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: client}}]
    - fromCIDR: [10.97.0.1/32, 'fd97::1/128']
  egress: [{toEndpoints: [{matchLabels: {app: nobody}}]}]
";

/// A node with the policies in force.
struct Bed {
    network: Network,
    node: Node,
}

impl Bed {
    fn new() -> Bed {
        let network = Network::new(2);
        let node = in_force(&network, POLICIES);
        for (at, family) in ["ip", "ip6"].iter().enumerate() {
            let server = Network::addresses(1)[at];
            let rules = format!(
                "nft 'table {family} services {{ \
                 chain before {{ type nat hook prerouting priority dstnat; \
                 {family} daddr {} udp dport {} dnat to {}; }}; \
                 chain behind {{ type nat hook postrouting priority srcnat; \
                 {family} daddr {server} udp dport {MASQUERADED} snat to {}; }}; }}'",
                SERVICE[at],
                SERVED[0],
                std::net::SocketAddr::from((server, SERVED[1])),
                MASQUERADE[at],
            );
            let made = network.on_node(&rules);
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        Bed { network, node }
    }

    /// No generation has a mark.
    fn unmark(&self) {
        let spec = map("sluice_word").unwrap();
        let word = Memory::of(&Map::open(spec, &self.network.pins().shared(spec)).unwrap()).unwrap();
        for bank in [0, 4] {
            word.store(offset_of!(Word, marks) + bank, 0).unwrap();
        }
    }
}

#[test]
fn what_is_translated_passes_both_ways_with_marks_and_without() {
    if !root("what_is_translated_passes_both_ways_with_marks_and_without") {
        return;
    }
    let bed = Bed::new();
    for marked in [true, false] {
        if !marked {
            bed.unmark();
        }
        for at in 0..2 {
            let (client, server) = (Network::addresses(0)[at], Network::addresses(1)[at]);
            let masquerade: IpAddr = MASQUERADE[at].parse().unwrap();
            let service = (SERVICE[at].parse().unwrap(), SERVED[0]);
            let flow = Flow::new(&bed.network, (server, MASQUERADED), (server, MASQUERADED));
            assert_eq!(flow.round(), (Some(masquerade), true), "{}, marked: {marked}", flow.what);
            let flow = Flow::new(&bed.network, service, (server, SERVED[1]));
            assert_eq!(flow.round(), (Some(client), true), "{}, marked: {marked}", flow.what);
            drop(flow);
            // What the client may not send is dropped where it comes in, and nobody has translated it.
            let flow = Flow::new(&bed.network, (server, SERVED[1]), (server, SERVED[1]));
            assert_eq!(flow.round(), (None, false), "{}, marked: {marked}", flow.what);
        }
    }
    bed.node.remove().unwrap();
}
