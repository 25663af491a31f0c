//! Two policies for a client (endpoint 0) and a server (endpoint 1) that let what a mix of them would let pass, and
//! neither alone.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use sluice_backends::datapath::entries;
use sluice_backends::image::{Images, Room};
use sluice_loader::generation::{Check, Number, Prepared};
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::prepare::{Settings, checks, generation, generation_with, images};

use super::case::{decision_of, locals_of, of_agent, owned};
use super::network::Network;

/// Which ports a policy lets pass from the client to the server. All else is denied, whoever sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    /// What the client may send.
    egress: &'static [u16],
    /// What the server may get.
    ingress: &'static [u16],
}

/// Both [`A`] and [`B`] let it pass.
pub(crate) const KEPT: u16 = 7000;
/// Likewise, for a flow beside others.
pub(crate) const KEPT_BESIDE: u16 = 7010;
/// [`A`] lets it leave the client and [`B`] lets it come to the server.
pub(crate) const MIX_AB: u16 = 7001;
/// [`B`] lets it leave the client and [`A`] lets it come to the server.
pub(crate) const MIX_BA: u16 = 7002;
/// [`A`] alone lets it pass, and [`C`].
pub(crate) const ONLY_A: u16 = 7003;
/// [`B`] alone lets it pass.
pub(crate) const ONLY_B: u16 = 7004;
/// None lets it pass.
pub(crate) const NEVER: u16 = 7005;

pub(crate) const A: Policy = Policy {
    name: "A",
    egress: &[KEPT, KEPT_BESIDE, MIX_AB, ONLY_A],
    ingress: &[KEPT, KEPT_BESIDE, MIX_BA, ONLY_A],
};
pub(crate) const B: Policy = Policy {
    name: "B",
    egress: &[KEPT, KEPT_BESIDE, MIX_BA, ONLY_B],
    ingress: &[KEPT, KEPT_BESIDE, MIX_AB, ONLY_B],
};
/// What it does not let pass any more was let pass by the others.
pub(crate) const C: Policy = Policy { name: "C", egress: &[ONLY_A], ingress: &[ONLY_A] };

const CLUSTER: &str = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status:
  addresses:
    - {type: InternalIP, address: 192.0.2.1}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
";

fn cluster() -> String {
    let mut text = CLUSTER.to_owned();
    for (at, name) in NAMES.iter().enumerate() {
        let (four, six) = (Network::address4(at), Network::address6(at));
        writeln!(
            text,
            "---\n\
             apiVersion: v1\n\
             kind: Pod\n\
             metadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\n\
             spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/c}}]}}\n\
             status: {{phase: Running, podIP: \"{four}\", podIPs: [{{ip: \"{four}\"}}, {{ip: \"{six}\"}}]}}"
        )
        .unwrap();
    }
    text
}

const NAMES: [&str; 2] = ["client", "server"];

/// Each side's policy, with nobody allowed the other way.
fn policies(policy: &Policy) -> String {
    let ports = |ports: &[u16]| {
        let ports: Vec<String> = ports.iter().map(|port| format!("{{port: \"{port}\"}}")).collect();
        format!("[{{ports: [{}]}}]", ports.join(", "))
    };
    let nobody = "{matchLabels: {app: nobody}}";
    format!(
        "apiVersion: cilium.io/v2\n\
         kind: CiliumNetworkPolicy\n\
         metadata: {{name: client, namespace: shop}}\n\
         spec:\n  \
           endpointSelector: {{matchLabels: {{app: client}}}}\n  \
           egress: [{{toEndpoints: [{{matchLabels: {{app: server}}}}], toPorts: {}}}]\n  \
           ingress: [{{fromEndpoints: [{nobody}]}}]\n\
         ---\n\
         apiVersion: cilium.io/v2\n\
         kind: CiliumNetworkPolicy\n\
         metadata: {{name: server, namespace: shop}}\n\
         spec:\n  \
           endpointSelector: {{matchLabels: {{app: server}}}}\n  \
           ingress: [{{fromEndpoints: [{{matchLabels: {{app: client}}}}], toPorts: {}}}]\n  \
           egress: [{{toEndpoints: [{nobody}]}}]\n",
        ports(policy.egress),
        ports(policy.ingress),
    )
}

/// What texts of policies for the two mean to a node.
pub(crate) struct Decided {
    images: Images,
    checks: Vec<Check>,
}

impl Decided {
    /// Compiles for the endpoints with these numbers of interfaces.
    pub(crate) fn new(policies: &str, ifindexes: [u32; 2]) -> Decided {
        let decision = decision_of(&[&cluster(), policies], &of_agent());
        let pod = |(at, name): (usize, &'static str)| (name, ifindexes[at], Network::addresses(at));
        let locals = locals_of(&decision, NAMES.into_iter().enumerate().map(pod));
        let settings = Settings::default();
        let images = images(&decision, &locals, &settings, &Room::NONE).unwrap();
        let checks = checks(&decision, &locals, settings.checks);
        assert!(!checks.is_empty());
        Decided { images, checks }
    }

    /// The generation of a number, with programs of its own.
    pub(crate) fn prepared(&self, number: Number) -> Prepared<'static> {
        owned(generation(number, &self.images, &Settings::default(), self.checks.clone()).unwrap())
    }
}

/// A node on which policies for the two are in force.
pub(crate) fn in_force(network: &Network, policies: &str) -> Node {
    let ifindexes = [0, 1].map(|endpoint| network.ifindex(endpoint));
    let sizes = Sizes { connections: Some(1_024) };
    let mut node = Node::open(network.pins(), &entries().unwrap(), sizes).unwrap();
    node.publish(&Decided::new(policies, ifindexes).prepared(node.next())).unwrap();
    let interface =
        |endpoint: usize| Interface { ifindex: ifindexes[endpoint], name: network.interface(endpoint) };
    node.attach(&BTreeSet::from([0, 1].map(interface))).unwrap();
    node
}

/// A policy that has been compiled for a node.
pub(crate) struct Compiled {
    pub(crate) policy: Policy,
    decided: Decided,
    /// Its programs and images, once they are made, for any generation.
    known: OnceCell<Prepared<'static>>,
}

impl Policy {
    /// The ports that it lets pass, of those that are probed.
    pub(crate) fn passing(&self) -> Vec<u16> {
        let passes = |port: &u16| *port != KEPT_BESIDE && self.ingress.contains(port);
        self.egress.iter().copied().filter(passes).collect()
    }
}

impl Compiled {
    /// Compiles for the endpoints with these numbers of interfaces.
    pub(crate) fn new(policy: Policy, ifindexes: [u32; 2]) -> Compiled {
        let decided = Decided::new(&policies(&policy), ifindexes);
        Compiled { policy, decided, known: OnceCell::new() }
    }

    /// The generation of a number. Making programs is slow where nothing is optimised, so that is done once.
    pub(crate) fn prepared(&self, number: Number) -> Prepared<'static> {
        let known = self.known.get_or_init(|| self.decided.prepared(number));
        let Decided { images, checks } = &self.decided;
        owned(generation_with(number, images, Arc::clone(&known.programs), checks.clone()))
    }
}
