//! What policy is resolved against: pods, nodes, namespaces, services, groups of prefixes, DNS answers.
//!
//! Offline it is built from ordinary manifests, live from watches; the type is the same. A workload
//! without pods stands for one pod of its template, so a repository of manifests is enough. Pods need
//! no address, and a namespace that is only mentioned exists with its name label.
//!
//! An *end* of a connection becomes an [`Identity`] here (semantics.md 3): its labels are filtered,
//! what derives from namespace, service account and cluster is added, and addresses outside the
//! cluster get the labels and names that cover them.

mod addresses;
mod build;
mod endpoints;
mod filter;
mod identity;
mod services;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::dns_name::{DnsName, LearnedName};
use sluice_ir::label::{Label, LabelSet};
use sluice_ir::net::Cidr;
use sluice_ir::policy::Identity;
use sluice_ir::selector::{Operator, Selector};

use crate::askers::AskingEndpoint;
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::resource::core::{GlobalService, Pod, ServicePort};
use crate::resource::dns_answers::DnsAnswers;

pub use filter::is_identity_label;

/// Labels of pods and namespaces that are derived and not written (semantics.md 3.2).
pub mod keys {
    /// The pod's namespace.
    pub const NAMESPACE: &str = "io.kubernetes.pod.namespace";
    /// Before each label of the pod's namespace.
    pub const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";
    /// The pod's service account.
    pub const SERVICE_ACCOUNT: &str = "io.cilium.k8s.policy.serviceaccount";
    /// The cluster.
    pub const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
    /// Before the name of a CIDR group.
    pub const CIDR_GROUP: &str = "io.cilium.policy.cidrgroupname/";
    /// A namespace's own name, as Kubernetes puts it on each.
    pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
}

/// The namespace that a selector is confined to, if it says so in so many words.
pub fn confined_to(selector: &Selector) -> Option<&Arc<str>> {
    selector.requirements().iter().find_map(|r| match &r.operator {
        Operator::In(values) if &*r.key == keys::NAMESPACE && values.len() == 1 => values.first(),
        _ => None,
    })
}

/// Namespace and name.
type NamespacedName = (Arc<str>, Arc<str>);

/// A pod, or what stands for one.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name: the pod's, or the workload's.
    pub name: Arc<str>,
    /// Whether it stands for the pods of a workload that has none in the input.
    pub stand_in: bool,
    /// Its node; none if it is not known.
    pub node: Option<Arc<str>>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// What tells it from another one of its name; none if the input does not say.
    pub uid: Option<Arc<str>>,
    /// As policy sees it. Endpoints that policy cannot tell apart share it.
    pub identity: Arc<Identity>,
    /// The place of its identity in [`Inventory::identities`].
    pub identity_id: IdentityId,
}

/// Names one of [`Inventory::identities`]. Two endpoints have the same exactly if their identities are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(u32);

impl IdentityId {
    fn new(index: usize) -> IdentityId {
        IdentityId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The place in the table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Endpoint {
    /// Whether it runs on a node, or may: nobody knows where it runs.
    pub fn may_run_on(&self, node: &str) -> bool {
        self.node.as_deref().is_none_or(|known| known == node)
    }

    /// Its name in a decision.
    pub fn endpoint_name(&self) -> EndpointName {
        EndpointName { namespace: Some(Arc::clone(&self.namespace)), name: Arc::clone(&self.name) }
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// Its own labels.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its own labels.
    pub labels: LabelSet,
    /// Which pods are behind it; none if its endpoints are made by hand.
    pub selector: Option<Vec<(Arc<str>, Arc<str>)>>,
    /// Its virtual addresses. Policy never sees them (semantics.md 4.7).
    pub cluster_addresses: Vec<IpAddr>,
    /// Addresses of its endpoint slices.
    pub backends: Vec<IpAddr>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// Whether it spans clusters.
    pub global: Option<GlobalService>,
}

/// What owns an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The pod at this place of [`Inventory::endpoints`].
    Endpoint(usize),
    /// The node at this place of [`Inventory::nodes`].
    Node(usize),
}

/// Everything that policy is resolved against.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The name of the cluster.
    pub cluster: Arc<str>,
    /// Namespaces with their labels, the mentioned ones included.
    pub namespaces: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<str>>>,
    /// Pods, in order of namespace and name.
    pub endpoints: Vec<Endpoint>,
    /// The identities of the endpoints, each once, in the order of the first endpoint that has it.
    pub identities: Vec<Arc<Identity>>,
    /// Nodes, in order of name.
    pub nodes: Vec<Node>,
    /// Services, in order of namespace and name.
    pub services: Vec<Service>,
    /// Pods and workloads in their nodes' networks with their node, if it is known, by namespace and name.
    on_host_network: BTreeMap<NamespacedName, Option<Arc<str>>>,
    /// The pods of each workload, in order of namespace and name of the workload.
    workloads: Vec<(NamespacedName, Arc<[usize]>)>,
    /// Who has an address, in order of addresses.
    owners: Vec<(IpAddr, Owner)>,
    /// The service that has a virtual address; of several the first.
    virtual_addresses: BTreeMap<IpAddr, usize>,
    /// Addresses of the API server.
    api_servers: Vec<IpAddr>,
    /// Names of the CIDR groups that exist.
    groups: Vec<Arc<str>>,
    /// Prefixes of CIDR groups with the labels that they give, shortest first: of two labels with
    /// one key the nearest prefix wins (semantics.md 3.6).
    group_prefixes: Vec<(Cidr, Vec<Label>)>,
    /// The lengths that those prefixes have, in order.
    group_lengths: Vec<u8>,
    /// Names that an address was learned for.
    names: BTreeMap<IpAddr, Vec<LearnedName>>,
    /// Addresses that a name was learned to have.
    answers: DnsAnswers,
    /// The places of endpoints for which those answers count that they got themselves.
    pub(crate) asking: BTreeMap<usize, AskingEndpoint>,
    settings: identity::Settings,
}

impl Inventory {
    /// The endpoint of a pod, or of a workload: the first of its pods.
    pub fn endpoint(&self, namespace: &str, name: &str) -> Option<usize> {
        let of_workload = || self.workload(namespace, name).and_then(|pods| pods.first().copied());
        self.endpoint_named(namespace, name).or_else(of_workload)
    }

    /// The endpoint of this very name.
    pub fn endpoint_named(&self, namespace: &str, name: &str) -> Option<usize> {
        self.endpoints.binary_search_by(|e| (&*e.namespace, &*e.name).cmp(&(namespace, name))).ok()
    }

    /// The node of a pod in its node's network; `Some(None)` where it has one and nobody knows which.
    pub fn host_network(&self, namespace: &str, name: &str) -> Option<Option<&str>> {
        self.on_host_network.get(&(namespace.into(), name.into())).map(Option::as_deref)
    }

    /// The places of a namespace's endpoints.
    pub fn of_namespace(&self, namespace: &str) -> Range<usize> {
        let place = |from: &[Endpoint], below: fn(&str, &str) -> bool| {
            from.partition_point(|endpoint| below(&endpoint.namespace, namespace))
        };
        place(&self.endpoints, |a, b| a < b)..place(&self.endpoints, |a, b| a <= b)
    }

    /// The services of a namespace, or all.
    pub fn services_of(&self, namespace: Option<&str>) -> &[Service] {
        let Some(namespace) = namespace else { return &self.services };
        let from = self.services.partition_point(|service| *service.namespace < *namespace);
        let to = self.services.partition_point(|service| *service.namespace <= *namespace);
        &self.services[from..to]
    }

    /// A service by its namespace and name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        let found = self.services.binary_search_by(|s| (&*s.namespace, &*s.name).cmp(&(namespace, name)));
        found.ok().map(|at| &self.services[at])
    }

    /// The pods of a workload.
    pub fn workload(&self, namespace: &str, name: &str) -> Option<&[usize]> {
        let found = self.workloads.binary_search_by(|((ns, n), _)| (&**ns, &**n).cmp(&(namespace, name)));
        found.ok().map(|at| &*self.workloads[at].1)
    }

    /// Every workload with its namespace and pods.
    pub fn workloads(&self) -> impl Iterator<Item = (&str, &str, &[usize])> {
        self.workloads.iter().map(|((namespace, name), pods)| (&**namespace, &**name, &**pods))
    }

    /// Who has an address.
    pub fn owner(&self, address: IpAddr) -> Option<Owner> {
        self.owners.binary_search_by_key(&address, |(address, _)| *address).ok().map(|at| self.owners[at].1)
    }

    /// As [`owner`](Inventory::owner), quicker for addresses that mostly come in order: `next` is the place where
    /// the one behind the last is looked for first, at the start 0.
    pub(crate) fn owner_near(&self, address: IpAddr, next: &mut usize) -> Option<Owner> {
        let here = self.owners.get(*next).filter(|(owned, _)| *owned == address);
        let place = match here {
            Some(_) => Ok(*next),
            None => self.owners.binary_search_by_key(&address, |(owned, _)| *owned),
        };
        *next = place.map_or_else(|place| place, |place| place + 1);
        place.ok().map(|at| self.owners[at].1)
    }

    /// The node of a name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.binary_search_by(|node| (*node.name).cmp(name)).ok().map(|at| &self.nodes[at])
    }

    /// The finding that a node is nowhere in the input, neither itself nor by a pod on it.
    pub fn unknown_node(&self, name: &str) -> Option<Diagnostic> {
        let on_it = |endpoint: &Endpoint| endpoint.node.as_deref() == Some(name);
        if self.node(name).is_some() || self.endpoints.iter().any(on_it) {
            return None;
        }
        let known = self.nodes.iter().map(|node| &*node.name);
        let help = match did_you_mean(name, known) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "without it no pod is local; add the Node or the pods that run on it to the command"
                .to_owned(),
        };
        Some(
            Diagnostic::new(Code::UnknownNode, None, format!("there is no node `{name}` in the input"))
                .help(help),
        )
    }

    /// Whether a CIDR group of this name exists.
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.binary_search_by(|group| (**group).cmp(name)).is_ok()
    }

    /// Whether there is any CIDR group.
    pub fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The CIDR group whose name resembles this one most.
    pub fn close_group(&self, name: &str) -> Option<&str> {
        did_you_mean(name, self.groups.iter().map(|group| &**group))
    }

    /// The addresses of the API server, in order.
    pub fn api_servers(&self) -> &[IpAddr] {
        &self.api_servers
    }

    /// The addresses that a name was learned to have.
    pub fn addresses_of(&self, name: &DnsName) -> &[IpAddr] {
        let first = LearnedName::from(name.clone());
        let mut learned = self.answers.0.range(first..).take_while(|(learned, _)| learned.name == *name);
        learned.find(|(_, addresses)| !addresses.is_empty()).map_or(&[], |(_, addresses)| addresses)
    }

    /// Whether an address was learned for a name.
    pub(crate) fn knows(&self, name: &LearnedName, address: IpAddr) -> bool {
        self.answers.0.get(name).is_some_and(|addresses| addresses.contains(&address))
    }

    /// Every answer that is known.
    pub fn answers(&self) -> &DnsAnswers {
        &self.answers
    }

    /// As [`distinct_prefixes`](Self::distinct_prefixes), without the addresses of pods: one for each reason,
    /// which for an answer is each name that it is known for.
    pub(crate) fn edges_beside_pods(&self) -> impl Iterator<Item = Cidr> {
        let groups = self.group_prefixes.iter().map(|(cidr, _)| *cidr);
        let nodes = self.nodes.iter().flat_map(|node| &node.addresses);
        let names = self.names.iter().flat_map(|(address, names)| names.iter().map(move |_| address));
        groups.chain(nodes.chain(names).chain(&self.api_servers).copied().map(Cidr::host))
    }

    /// Whether addresses that belong to nobody have the same identities here as in another inventory.
    pub(crate) fn tells_addresses_apart_as(&self, other: &Inventory) -> bool {
        self.group_prefixes == other.group_prefixes
            && self.names == other.names
            && self.api_servers == other.api_servers
            && self.settings == other.settings
    }

    /// The prefixes at whose edge an address's identity can change: those of groups, and every address
    /// that is known by itself.
    pub fn distinct_prefixes(&self) -> impl Iterator<Item = Cidr> {
        let groups = self.group_prefixes.iter().map(|(cidr, _)| *cidr);
        let owned = self.owners.iter().map(|(address, _)| address);
        let known = owned.chain(self.names.keys()).chain(&self.api_servers);
        groups.chain(known.copied().map(Cidr::host))
    }

    /// The identity of a pod that need not be here yet. A namespace that nobody has mentioned has its name
    /// label.
    pub fn identity_of_pod(&self, pod: &Pod) -> Arc<Identity> {
        let name = build::namespace_of(&pod.meta.namespace);
        let mentioned = || BTreeMap::from([(keys::NAMESPACE_NAME.into(), Arc::clone(&name))]);
        let labels = self.namespaces.get(&name).cloned().unwrap_or_else(mentioned);
        endpoints::identity_of(pod, &name, labels, &self.cluster)
    }

    /// Notes that an address was, or no longer is, an answer for a name; whether that is news.
    pub fn set_answer(&mut self, name: &LearnedName, address: IpAddr, known: bool) -> bool {
        let names = self.names.entry(address).or_default();
        let news = match (names.binary_search(name), known) {
            (Err(place), true) => {
                names.insert(place, name.clone());
                self.answers.0.entry(name.clone()).or_default().push(address);
                true
            }
            (Ok(place), false) => {
                names.remove(place);
                if let Some(addresses) = self.answers.0.get_mut(name) {
                    addresses.retain(|other| *other != address);
                }
                true
            }
            _ => false,
        };
        if self.names.get(&address).is_some_and(Vec::is_empty) {
            self.names.remove(&address);
        }
        news
    }

    /// The service with a virtual address.
    pub fn service_of(&self, address: IpAddr) -> Option<&Service> {
        self.virtual_addresses.get(&address).map(|at| &self.services[*at])
    }
}
