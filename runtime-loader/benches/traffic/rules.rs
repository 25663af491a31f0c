//! The same policy in the language of each means: the server may be reached from so many networks, each at one port,
//! of which the client's is the last; all else that goes to the server is dropped.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use sluice_backends::image::{Images, Room};
use sluice_loader::generation::Check;
use sluice_loader::prepare::{Settings, checks, images};

use crate::harness::case::{decision_of, locals_of, of_agent};
use crate::harness::network::Network;
use crate::load::PORTS;

/// The networks and ports of which nobody is here, for so many rules in all.
fn others(rules: usize) -> impl Iterator<Item = (Ipv4Addr, usize)> {
    // The client's ports are rules too.
    (0..rules.saturating_sub(PORTS.len())).map(|at| {
        let [.., third, fourth] = (at as u32).to_be_bytes();
        (Ipv4Addr::new(172, 16 + third, fourth, 0), 1_000 + at)
    })
}

/// With sets, as is best for them: one rule asks for address, protocol and port at once.
pub(crate) fn nftables(rules: usize) -> String {
    let (client, server) = (Network::address4(0), Network::address4(1));
    let mut elements: Vec<String> =
        others(rules).map(|(network, port)| format!("{network}/24 . tcp . {port}")).collect();
    elements.extend(PORTS.map(|(protocol, port)| format!("{client} . {protocol} . {port}")));
    format!(
        "table ip of_pods {{\n\
           set allowed {{ type ipv4_addr . inet_proto . inet_service; flags interval; elements = {{ {} }} }}\n\
           chain forward {{\n\
             type filter hook forward priority 0; policy accept;\n\
             ct state established,related accept\n\
             ip daddr {server} ip saddr . meta l4proto . th dport @allowed accept\n\
             ip daddr {server} drop\n\
           }}\n\
         }}\n",
        elements.join(", ")
    )
}

/// The set, and the rules that ask it.
pub(crate) fn iptables(rules: usize) -> (String, [String; 3]) {
    let (client, server) = (Network::address4(0), Network::address4(1));
    let mut set = "create allowed hash:net,port\n".to_owned();
    for (network, port) in others(rules) {
        writeln!(set, "add allowed {network}/24,tcp:{port}").unwrap();
    }
    for (protocol, port) in PORTS {
        writeln!(set, "add allowed {client},{protocol}:{port}").unwrap();
    }
    let rules = [
        "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT".to_owned(),
        format!("-d {server} -m set --match-set allowed src,dst -j ACCEPT"),
        format!("-d {server} -j DROP"),
    ];
    (set, rules)
}

fn manifests(rules: usize) -> String {
    let mut text = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"
    .to_owned();
    for (at, name) in ["client", "server"].iter().enumerate() {
        let address = Network::address4(at);
        writeln!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\n\
             spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/c}}]}}\n\
             status: {{phase: Running, podIP: {address}, podIPs: [{{ip: {address}}}]}}"
        )
        .unwrap();
    }
    text.push_str(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: server, namespace: shop}\n\
         spec:\n  endpointSelector: {matchLabels: {app: server}}\n  ingress:\n",
    );
    for (network, port) in others(rules) {
        writeln!(
            text,
            "  - {{fromCIDR: [{network}/24], toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]}}"
        )
        .unwrap();
    }
    for (protocol, port) in PORTS {
        let (peer, protocol) = ("{matchLabels: {app: client}}", protocol.to_uppercase());
        writeln!(
            text,
            "  - {{fromEndpoints: [{peer}], toPorts: [{{ports: [{{port: '{port}', protocol: {protocol}}}]}}]}}"
        )
        .unwrap();
    }
    text
}

/// Images for the client and the server, by the numbers of their interfaces, and what their programs must answer.
pub(crate) fn sluice(rules: usize, ifindexes: [u32; 2]) -> (Images, Vec<Check>) {
    let decision = decision_of(&[&manifests(rules)], &of_agent());
    let pod = |(at, name): (usize, &'static str)| (name, ifindexes[at], vec![Network::address4(at).into()]);
    let locals = locals_of(&decision, ["client", "server"].into_iter().enumerate().map(pod));
    let settings = Settings::default();
    let images = images(&decision, &locals, &settings, &Room::NONE).unwrap();
    (images, checks(&decision, &locals, settings.checks))
}
