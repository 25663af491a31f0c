//! A policy about DNS, compiled for the endpoints of a network.

use std::fmt::Write as _;

use sluice_backends::image::Room;
use sluice_compiler::options::{Accept, Options};
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Extras, classify, compile, decide, load};
use sluice_loader::generation::{Number, Prepared};
use sluice_loader::prepare::{Local, Settings, checks, generation, images};

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
    let options = Options::read(&[], Accept::Agent).0;
    let mut sources = Sources::default();
    let texts = [("cluster.yaml", cluster()), ("policies.yaml", policy.to_owned())];
    let ids = texts.map(|(name, text)| sources.add(name.to_owned(), text));
    let loaded = load(&sources, &ids, &options, &Limits::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let compiled = compile(&loaded.resources, Extras::default(), &sources, &options).unwrap();
    let decided = decide(&compiled, Some("n1"), &classify::Limits::default(), &mut |_| {}).unwrap();
    let decision = decided.classified.decision;
    let names = decision.subjects.iter().flat_map(|subject| &subject.endpoints);
    let local = |name: &sluice_ir::decision::EndpointName| {
        let at = NAMES.iter().position(|known| **known == *name.name)?;
        let addresses = vec![Network::address4(at).into(), Network::address6(at).into()];
        Some(Local { name: name.clone(), ifindex: network.ifindex(at), addresses, is_host: false })
    };
    let locals: Vec<Local> = names.filter_map(local).collect();
    assert_eq!(locals.len(), NAMES.len());
    let images = images(&decision, &locals, settings, &Room::NONE).unwrap();
    let made = generation(number, &images, settings, checks(&decision, &locals, settings.checks)).unwrap();
    made.into_owned()
}
