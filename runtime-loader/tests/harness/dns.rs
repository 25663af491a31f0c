//! A policy about DNS, compiled for the endpoints of a network.

use std::fmt::Write as _;

use sluice_backends::image::Room;
use sluice_loader::generation::{Number, Prepared};
use sluice_loader::prepare::{Settings, checks, generation, images};

use super::case::{decision_of, locals_of, of_agent, owned};
use super::network::Network;

/// The pods, in the order of the network's endpoints: one that has rules about DNS, one that has none, and a server.
pub(crate) const NAMES: [&str; 3] = ["asker", "other", "server"];
/// See [`NAMES`].
pub(crate) const ASKER: usize = 0;
/// See [`NAMES`].
pub(crate) const OTHER: usize = 1;
/// See [`NAMES`].
pub(crate) const SERVER: usize = 2;

/// Names that the asker may ask for, at ports of the server.
pub(crate) const RULES: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: asker, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: asker}}
  egress:
    - toEndpoints: [{matchLabels: {app: server}}]
      toPorts:
        - ports: [{port: \"53\"}, {port: \"5353\"}]
          rules: {dns: [{matchPattern: '*.example.com'}]}
    - toEndpoints: [{matchLabels: {app: server}}]
      toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]
";

/// The same without names: the server itself is asked.
pub(crate) fn without_names() -> String {
    RULES.lines().filter(|line| !line.contains("dns:")).collect::<Vec<_>>().join("\n")
}

fn cluster() -> String {
    let mut text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n\
        apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n\
        status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n"
        .to_owned();
    for (at, name) in NAMES.iter().enumerate() {
        let (four, six) = (Network::address4(at), Network::address6(at));
        writeln!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\n\
             spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/c}}]}}\n\
             status: {{podIP: {four}, podIPs: [{{ip: {four}}}, {{ip: \"{six}\"}}]}}"
        )
        .unwrap();
    }
    text
}

/// The generation of a policy for endpoints of a network.
pub(crate) fn prepared(
    network: &Network,
    policy: &str,
    number: Number,
    settings: &Settings,
) -> Prepared<'static> {
    let decision = decision_of(&[&cluster(), policy], &of_agent());
    let pod = |(at, name): (usize, &'static str)| (name, network.ifindex(at), Network::addresses(at));
    let locals = locals_of(&decision, NAMES.into_iter().enumerate().map(pod));
    let images = images(&decision, &locals, settings, &Room::NONE).unwrap();
    owned(generation(number, &images, settings, checks(&decision, &locals, settings.checks)).unwrap())
}
