//! From an end of a connection to its identity.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sluice_ir::label::{Label, LabelSource};
use sluice_ir::net::{Cidr, PortName, Protocol};
use sluice_ir::policy::{Identity, NamedPorts};

use super::endpoints::{PodLabel, Space};
use super::{IdentityId, Inventory, Node, Owner, is_identity_label, keys};
use crate::options::Options;
use crate::resource::cilium::Entity;
use crate::resource::core::PodSpec;

/// Options that change identities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// The identities of a namespace's pods, each once.
pub(super) struct Identities<'r> {
    /// The labels that all of them have, those of the namespace first.
    common: Vec<Label>,
    account_key: Arc<str>,
    /// Most pods have a template that another had before.
    by_template: FxHashMap<Template<'r>, IdentityId>,
    /// Templates that differ only in what policy does not see have one identity.
    by_value: FxHashMap<Arc<Identity>, IdentityId>,
    table: Vec<Arc<Identity>>,
}

impl<'r> Identities<'r> {
    /// Nobody yet.
    pub(super) fn new(space: &Space<'_>, cluster: &Arc<str>) -> Identities<'r> {
        let of_namespace = |(key, value): (&Arc<str>, &Arc<str>)| {
            k8s(format!("{}{key}", keys::NAMESPACE_LABELS).into(), value)
        };
        let derived = [k8s(keys::NAMESPACE.into(), &space.name), k8s(keys::CLUSTER.into(), cluster)];
        let common = space.labels.iter().map(of_namespace).chain(derived);
        Identities {
            common: common.filter(|label| is_identity_label(&label.key)).collect(),
            account_key: keys::SERVICE_ACCOUNT.into(),
            by_template: FxHashMap::default(),
            by_value: FxHashMap::default(),
            table: Vec::new(),
        }
    }

    /// The identity of a pod with these labels of its own.
    pub(super) fn of(&mut self, labels: &'r [PodLabel], spec: &'r PodSpec) -> (IdentityId, Arc<Identity>) {
        let template = Template { labels, spec };
        let id = match self.by_template.get(&template) {
            Some(known) => *known,
            None => {
                let identity = Arc::new(self.make(labels, spec));
                let next = IdentityId::new(self.table.len());
                let id = *self.by_value.entry(Arc::clone(&identity)).or_insert(next);
                if id == next {
                    self.table.push(identity);
                }
                self.by_template.insert(template, id);
                id
            }
        };
        (id, Arc::clone(&self.table[id.index()]))
    }

    /// Derived labels win over a pod's own (semantics.md 12.2).
    fn make(&self, labels: &[PodLabel], spec: &PodSpec) -> Identity {
        let mut all = Vec::with_capacity(labels.len() + self.common.len() + 1);
        let own = labels.iter().filter(|(key, _)| is_identity_label(key));
        all.extend(own.map(|(key, value)| k8s(Arc::clone(key), value)));
        all.extend(self.common.iter().cloned());
        all.push(k8s(Arc::clone(&self.account_key), &spec.service_account));
        let labels = all.into_iter().collect();
        Identity { labels, address: None, names: Vec::new(), ports: named_ports(spec) }
    }

    /// The identities in the order in which they were first asked for.
    pub(super) fn into_table(self) -> Vec<Arc<Identity>> {
        self.table
    }
}

fn k8s(key: Arc<str>, value: &Arc<str>) -> Label {
    Label::new(LabelSource::K8s, key, Arc::clone(value))
}

/// What is written of a pod that its identity is made from.
struct Template<'r> {
    labels: &'r [PodLabel],
    spec: &'r PodSpec,
}

impl Template<'_> {
    fn ports(&self) -> impl Iterator<Item = (&str, Protocol, u16)> {
        self.spec.ports.iter().map(|port| (&*port.name.value, port.protocol, port.number))
    }
}

impl PartialEq for Template<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.labels == other.labels
            && self.spec.service_account == other.spec.service_account
            && self.ports().eq(other.ports())
    }
}

impl Eq for Template<'_> {}

impl Hash for Template<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Keys are long and mostly the same.
        self.labels.iter().for_each(|(_, value)| value.hash(state));
        self.spec.service_account.hash(state);
        self.ports().for_each(|(_, _, number)| number.hash(state));
    }
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
            Some(Owner::Endpoint(at)) => Identity::clone(&self.endpoints[at].identity),
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
    pub(crate) fn outside(&self, address: IpAddr) -> Identity {
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

    /// The labels of the prefixes around an address, of the shortest first.
    fn group_labels(&self, address: IpAddr) -> impl Iterator<Item = Label> {
        let around = self.group_lengths.iter().filter_map(move |length| Cidr::new(address, *length));
        let found = around.filter_map(|cidr| {
            let key = (cidr.length(), cidr);
            let at =
                self.group_prefixes.binary_search_by_key(&key, |(cidr, _)| (cidr.length(), *cidr)).ok()?;
            Some(&self.group_prefixes[at].1)
        });
        found.flatten().cloned()
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
