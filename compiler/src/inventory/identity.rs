//! From an end of a connection to its identity.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::label::{Label, LabelSet, LabelSource};
use sluice_ir::net::PortName;
use sluice_ir::policy::{Identity, NamedPorts};

use super::{Inventory, Node, Owner, is_identity_label, keys};
use crate::options::Options;
use crate::resource::cilium::Entity;
use crate::resource::core::PodSpec;

/// Options that change identities.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    dual_stack: bool,
    cidr_matches_nodes: bool,
    node_labels: bool,
}

impl From<&Options> for Settings {
    fn from(options: &Options) -> Settings {
        Settings {
            dual_stack: options.dual_stack(),
            cidr_matches_nodes: options.cidr_matches_nodes,
            node_labels: options.node_selector_labels,
        }
    }
}

/// The identity of a pod. Derived labels win over a pod's own (semantics.md 12.2).
pub(super) fn pod(
    namespace: &Arc<str>,
    namespace_labels: &BTreeMap<Arc<str>, Arc<str>>,
    cluster: &Arc<str>,
    labels: &[(Arc<str>, Arc<str>)],
    spec: &PodSpec,
) -> Identity {
    let k8s = |key: Arc<str>, value: &Arc<str>| Label::new(LabelSource::K8s, key, Arc::clone(value));
    let own = labels.iter().map(|(key, value)| k8s(Arc::clone(key), value));
    let of_namespace = namespace_labels
        .iter()
        .map(|(key, value)| k8s(format!("{}{key}", keys::NAMESPACE_LABELS).into(), value));
    let derived = [
        k8s(keys::NAMESPACE.into(), namespace),
        k8s(keys::SERVICE_ACCOUNT.into(), &spec.service_account),
        k8s(keys::CLUSTER.into(), cluster),
    ];
    let labels: LabelSet =
        own.chain(of_namespace).chain(derived).filter(|label| is_identity_label(&label.key)).collect();
    Identity { labels, address: None, names: Vec::new(), ports: named_ports(spec) }
}

/// Named ports by name alone: of two with one name the last counts (semantics.md 12.1).
fn named_ports(spec: &PodSpec) -> NamedPorts {
    let port = |port: &crate::resource::core::ContainerPort| {
        Some((PortName::parse(&port.name.value)?, (port.protocol, port.number)))
    };
    spec.ports.iter().filter_map(port).collect()
}

impl Inventory {
    /// The identity of an address, seen from a node: its own address is `host`.
    pub fn identity_of(&self, address: IpAddr, view: Option<&str>) -> Identity {
        match self.owner(address) {
            Some(Owner::Endpoint(at)) => self.endpoints[at].identity.clone(),
            Some(Owner::Node(at)) => self.node_identity(&self.nodes[at], Some(address), view),
            None => self.outside(address),
        }
    }

    /// The identity of a node, seen from another or from itself.
    pub fn node_identity(&self, node: &Node, address: Option<IpAddr>, view: Option<&str>) -> Identity {
        let place = if view == Some(&*node.name) { "host" } else { "remote-node" };
        let mut labels = vec![Label::reserved(place)];
        if node.addresses.iter().any(|address| self.api_servers.contains(address)) {
            labels.push(Label::reserved("kube-apiserver"));
        }
        if self.settings.node_labels {
            let node_label = |(key, value): &(Arc<str>, Arc<str>)| {
                Label::new(LabelSource::Node, Arc::clone(key), Arc::clone(value))
            };
            labels.extend(node.labels.iter().map(node_label));
            labels.push(Label::new(LabelSource::K8s, keys::CLUSTER, Arc::clone(&self.cluster)));
        }
        let address = address.filter(|_| self.settings.cidr_matches_nodes);
        labels.extend(address.iter().flat_map(|address| self.group_labels(*address)));
        Identity { labels: labels.into_iter().collect(), address, ..Identity::default() }
    }

    /// The host of a node as the subject of node policies: beside its identity it has its node's labels,
    /// which `nodeSelector` looks at (semantics.md 1.2, 4.11). Peers do not see them.
    pub fn host_subject(&self, identity: &Identity, node: Option<&str>) -> Identity {
        let own = node.and_then(|name| self.node(name)).map_or(&[][..], |node| &node.labels);
        let label = |(key, value): &(Arc<str>, Arc<str>)| {
            Label::new(LabelSource::K8s, Arc::clone(key), Arc::clone(value))
        };
        let labels = own.iter().map(label).chain(identity.labels.iter().cloned()).collect();
        Identity { labels, ..identity.clone() }
    }

    /// The identity of an address that neither a pod nor a node has.
    fn outside(&self, address: IpAddr) -> Identity {
        let mut labels = vec![Label::reserved(self.world(address.is_ipv4()))];
        labels.extend(self.group_labels(address));
        if self.api_servers.contains(&address) {
            labels.push(Label::reserved("kube-apiserver"));
        }
        let names = self.names.get(&address).cloned().unwrap_or_default();
        Identity {
            labels: labels.into_iter().collect(),
            address: Some(address),
            names,
            ..Identity::default()
        }
    }

    /// The entity of addresses outside the cluster (semantics.md 1.8).
    pub fn world(&self, ipv4: bool) -> &'static str {
        match (self.settings.dual_stack, ipv4) {
            (false, _) => "world",
            (true, true) => "world-ipv4",
            (true, false) => "world-ipv6",
        }
    }

    fn group_labels(&self, address: IpAddr) -> impl Iterator<Item = Label> {
        self.group_prefixes
            .iter()
            .filter(move |(cidr, _)| cidr.contains(address))
            .flat_map(|(_, labels)| labels.iter().cloned())
    }

    /// The identity that an entity stands for, seen from a node. Sets of identities (`all`, `cluster`,
    /// `none`) stand for none: they have no labels.
    pub fn entity(&self, entity: Entity, view: Option<&str>) -> Identity {
        let reserved = |word: &str| {
            let labels = [Label::reserved(word)].into_iter().collect();
            Identity { labels, ..Identity::default() }
        };
        match entity {
            Entity::All | Entity::Cluster | Entity::None => Identity::default(),
            Entity::Host => match view.and_then(|name| self.node(name)) {
                Some(node) => self.node_identity(node, node.addresses.first().copied(), view),
                None => reserved("host"),
            },
            Entity::World | Entity::WorldIpv4 => reserved(self.world(true)),
            Entity::WorldIpv6 => reserved(self.world(false)),
            Entity::KubeApiserver => match self.api_servers.first() {
                Some(address) => self.identity_of(*address, view),
                None => reserved("kube-apiserver"),
            },
            Entity::Init | Entity::Ingress | Entity::Unmanaged | Entity::RemoteNode | Entity::Health => {
                reserved(entity.word())
            }
        }
    }
}
