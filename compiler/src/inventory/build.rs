//! From objects to the inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sluice_ir::label::{Label, LabelSource};
use sluice_ir::net::Cidr;

use super::{Endpoint, Inventory, NamespacedName, Node, Owner, Service, identity, keys};
use crate::diagnostic::{Code, Diagnostic};
use crate::options::Options;
use crate::resource::core::{Pod, Workload};
use crate::resource::dns_answers::DnsAnswers;
use crate::resource::network_policy::NetworkPolicy;
use crate::resource::{Object, Resource};
use crate::source::Span;

/// Kind and name of the owners of a workload, by its namespace, kind and name.
type Owners = BTreeMap<(Arc<str>, Arc<str>, Arc<str>), Vec<(Arc<str>, Arc<str>)>>;

impl Inventory {
    /// Builds the inventory of a set of objects and the DNS answers seen so far.
    pub fn build(
        resources: &[Resource],
        answers: DnsAnswers,
        options: &Options,
    ) -> (Inventory, Vec<Diagnostic>) {
        let mut inventory = Inventory {
            cluster: options.cluster_name.as_str().into(),
            settings: identity::Settings::from(options),
            namespaces: namespaces(resources),
            ..Inventory::default()
        };
        inventory.add_nodes(resources);
        inventory.add_pods(resources);
        let diagnostics = inventory.index_addresses(resources);
        inventory.add_services(resources);
        inventory.add_groups(resources);
        for (name, addresses) in &answers.0 {
            for address in addresses {
                inventory.names.entry(*address).or_default().push(name.clone());
            }
        }
        inventory.answers = answers;
        (inventory, diagnostics)
    }

    /// Nodes, and the ones that only a pod in the host's network tells of.
    fn add_nodes(&mut self, resources: &[Resource]) {
        let mut nodes: BTreeMap<Arc<str>, Node> = BTreeMap::new();
        for resource in resources {
            if let Object::Node(node) = &resource.object {
                let name = Arc::clone(&node.meta.name.value);
                let addresses = node.addresses.iter().map(|address| address.value).collect();
                let labels = node.meta.labels.clone();
                nodes.insert(Arc::clone(&name), Node { name, labels, addresses });
            }
        }
        for pod in running_pods(resources).filter(|pod| pod.spec.host_network) {
            let key = (namespace_of(&pod.meta.namespace), Arc::clone(&pod.meta.name.value));
            self.on_host_network.insert(key, pod.node.clone());
            let Some(name) = &pod.node else { continue };
            let mentioned = || Node { name: Arc::clone(name), labels: Vec::new(), addresses: Vec::new() };
            let node = nodes.entry(Arc::clone(name)).or_insert_with(mentioned);
            for address in pod.addresses.iter().map(|address| address.value) {
                if !node.addresses.contains(&address) {
                    node.addresses.push(address);
                }
            }
        }
        self.nodes = nodes.into_values().collect();
    }

    fn add_pods(&mut self, resources: &[Resource]) {
        let pods: Vec<&Pod> = running_pods(resources).filter(|pod| !pod.spec.host_network).collect();
        let owners = owners(resources);
        let mut endpoints: BTreeMap<NamespacedName, Endpoint> = BTreeMap::new();
        let mut of_workload: BTreeMap<NamespacedName, PodNames> = BTreeMap::new();
        for pod in &pods {
            let key = key_of(pod);
            for name in workload_names(pod, &owners) {
                let pods = of_workload.entry((Arc::clone(&key.0), name)).or_default();
                Arc::make_mut(pods).insert(key.clone());
            }
            endpoints.insert(key, self.pod_endpoint(pod));
        }
        let mut orphans = Orphans::new(&pods);
        for workload in resources.iter().filter_map(|resource| match &resource.object {
            Object::Workload(workload) => Some(workload),
            _ => None,
        }) {
            let key = (namespace_of(&workload.meta.namespace), Arc::clone(&workload.meta.name.value));
            if workload.spec.host_network {
                self.on_host_network.entry(key).or_default();
                continue;
            }
            if of_workload.contains_key(&key) || is_owned(workload) {
                continue;
            }
            // Pods that carry the template's labels are its pods, even where nobody wrote who owns them.
            let mut names = orphans.like(workload);
            if names.is_empty() {
                endpoints.entry(key.clone()).or_insert_with(|| self.stand_in(workload));
                names = Arc::new(BTreeSet::from([key.clone()]));
            }
            of_workload.insert(key, names);
        }
        self.workloads = places(&endpoints, of_workload);
        self.endpoints = endpoints.into_values().collect();
    }

    fn pod_endpoint(&self, pod: &Pod) -> Endpoint {
        let namespace = namespace_of(&pod.meta.namespace);
        Endpoint {
            identity: self.pod_identity(&namespace, &pod.meta.labels, &pod.spec),
            name: Arc::clone(&pod.meta.name.value),
            stand_in: false,
            node: pod.node.clone(),
            addresses: pod.addresses.iter().map(|address| address.value).collect(),
            namespace,
        }
    }

    fn stand_in(&self, workload: &Workload) -> Endpoint {
        let namespace = namespace_of(&workload.meta.namespace);
        Endpoint {
            identity: self.pod_identity(&namespace, &workload.labels, &workload.spec),
            name: Arc::clone(&workload.meta.name.value),
            stand_in: true,
            node: None,
            addresses: Vec::new(),
            namespace,
        }
    }

    fn pod_identity(
        &self,
        namespace: &Arc<str>,
        labels: &[(Arc<str>, Arc<str>)],
        spec: &crate::resource::core::PodSpec,
    ) -> sluice_ir::policy::Identity {
        static NONE: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        let of_namespace = self.namespaces.get(namespace).unwrap_or(&NONE);
        identity::pod(namespace, of_namespace, &self.cluster, labels, spec)
    }

    /// Notes who has which address; one that two have is reported, and the first keeps it.
    fn index_addresses(&mut self, resources: &[Resource]) -> Vec<Diagnostic> {
        for (at, node) in self.nodes.iter().enumerate() {
            for address in &node.addresses {
                self.owners.entry(*address).or_insert(Owner::Node(at));
            }
        }
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            for address in &endpoint.addresses {
                self.owners.entry(*address).or_insert(Owner::Endpoint(at));
            }
        }
        let mut first: BTreeMap<IpAddr, (Span, String)> = BTreeMap::new();
        let mut diagnostics = Vec::new();
        for resource in resources {
            let (addresses, who) = match &resource.object {
                Object::Pod(pod) if !pod.ended && !pod.spec.host_network => (
                    &pod.addresses,
                    format!("pod `{}/{}`", namespace_of(&pod.meta.namespace), pod.meta.name.value),
                ),
                Object::Node(node) => (&node.addresses, format!("node `{}`", node.meta.name.value)),
                _ => continue,
            };
            for address in addresses {
                match first.get(&address.value) {
                    None => {
                        first.insert(address.value, (address.span, who.clone()));
                    }
                    Some((_, other)) if *other == who => {}
                    Some((span, other)) => diagnostics.push(
                        Diagnostic::new(Code::SharedAddress, address.span, format!("{who} and {other} both have the address {}", address.value))
                            .related(*span, format!("{other} has it here"))
                            .help("leave out the object that is gone; the verdict for the address is that of only one of them")
                            .document(Some(Arc::clone(&resource.place.document))),
                    ),
                }
            }
        }
        diagnostics
    }

    fn add_services(&mut self, resources: &[Resource]) {
        let mut backends: BTreeMap<NamespacedName, BTreeSet<IpAddr>> = BTreeMap::new();
        for resource in resources {
            if let Object::EndpointSlice(slice) = &resource.object
                && let Some(service) = &slice.service
            {
                let key = (namespace_of(&slice.meta.namespace), Arc::clone(service));
                backends.entry(key).or_default().extend(slice.addresses.iter().map(|address| address.value));
            }
        }
        let api_server = (Arc::from("default"), Arc::from("kubernetes"));
        self.api_servers = backends.get(&api_server).into_iter().flatten().copied().collect();
        let mut services: BTreeMap<NamespacedName, Service> = BTreeMap::new();
        for resource in resources {
            let Object::Service(service) = &resource.object else { continue };
            let key = (namespace_of(&service.meta.namespace), Arc::clone(&service.meta.name.value));
            let backends = backends.get(&key).into_iter().flatten().copied().collect();
            let labels = service.meta.labels.iter();
            let labels =
                labels.map(|(key, value)| Label::new(LabelSource::K8s, Arc::clone(key), Arc::clone(value)));
            let service = Service {
                namespace: Arc::clone(&key.0),
                name: Arc::clone(&key.1),
                labels: labels.collect(),
                selector: service.selector.clone(),
                cluster_addresses: service.cluster_addresses.clone(),
                backends,
                global: service.global,
            };
            services.insert(key, service);
        }
        self.services = services.into_values().collect();
        for (at, service) in self.services.iter().enumerate() {
            for address in &service.cluster_addresses {
                self.virtual_addresses.entry(*address).or_insert(at);
            }
        }
    }

    fn add_groups(&mut self, resources: &[Resource]) {
        let mut prefixes: Vec<(Cidr, Arc<str>, Vec<Label>)> = Vec::new();
        for resource in resources {
            let Object::CidrGroup(group) = &resource.object else { continue };
            let name = &group.meta.name.value;
            let member = Label::new(LabelSource::CidrGroup, format!("{}{name}", keys::CIDR_GROUP), "");
            let own =
                group.meta.labels.iter().map(|(key, value)| {
                    Label::new(LabelSource::CidrGroup, Arc::clone(key), Arc::clone(value))
                });
            let labels: Vec<Label> = own.chain([member]).collect();
            prefixes.extend(group.cidrs.iter().map(|cidr| (cidr.value, Arc::clone(name), labels.clone())));
            self.groups.push(Arc::clone(name));
        }
        self.groups.sort();
        self.groups.dedup();
        prefixes.sort_by(|a, b| (a.0.length(), a.0, &a.1).cmp(&(b.0.length(), b.0, &b.1)));
        self.group_prefixes = prefixes.into_iter().map(|(cidr, _, labels)| (cidr, labels)).collect();
    }
}

/// Pods that have not ended.
fn running_pods(resources: &[Resource]) -> impl Iterator<Item = &Pod> {
    resources.iter().filter_map(|resource| match &resource.object {
        Object::Pod(pod) if !pod.ended => Some(pod),
        _ => None,
    })
}

fn namespace_of(namespace: &Option<Arc<str>>) -> Arc<str> {
    namespace.clone().unwrap_or_else(|| "default".into())
}

/// Namespaces with their labels; those that an object only mentions have their name label.
fn namespaces(resources: &[Resource]) -> BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<str>>> {
    let mut namespaces: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<str>>> = BTreeMap::new();
    let mut mention = |name: &Option<Arc<str>>| {
        if let Some(name) = name
            && !namespaces.contains_key(name)
        {
            namespaces
                .insert(Arc::clone(name), BTreeMap::from([(keys::NAMESPACE_NAME.into(), Arc::clone(name))]));
        }
    };
    for resource in resources {
        match &resource.object {
            Object::Pod(pod) => mention(&pod.meta.namespace),
            Object::Workload(workload) => mention(&workload.meta.namespace),
            Object::Service(service) => mention(&service.meta.namespace),
            Object::CiliumPolicy(policy) => mention(&policy.meta.namespace),
            Object::NetworkPolicy(NetworkPolicy { meta, .. }) => mention(&meta.namespace),
            Object::Namespace(namespace) => mention(&Some(Arc::clone(&namespace.meta.name.value))),
            _ => {}
        }
    }
    for resource in resources {
        if let Object::Namespace(namespace) = &resource.object
            && let Some(labels) = namespaces.get_mut(&namespace.meta.name.value)
        {
            labels.extend(namespace.meta.labels.iter().cloned());
        }
    }
    namespaces
}

/// Owners of workloads, so that a pod of a ReplicaSet is found under its Deployment too.
fn owners(resources: &[Resource]) -> Owners {
    let workload = |resource: &Resource| match &resource.object {
        Object::Workload(workload) if !workload.meta.owners.is_empty() => Some((
            (
                namespace_of(&workload.meta.namespace),
                Arc::clone(&workload.kind),
                Arc::clone(&workload.meta.name.value),
            ),
            workload.meta.owners.clone(),
        )),
        _ => None,
    };
    resources.iter().filter_map(workload).collect()
}

/// The names of the workloads that a pod belongs to, nearest first.
fn workload_names(pod: &Pod, owners: &Owners) -> Vec<Arc<str>> {
    let namespace = namespace_of(&pod.meta.namespace);
    let mut names = Vec::new();
    for (kind, name) in &pod.meta.owners {
        names.push(Arc::clone(name));
        let above = owners.get(&(Arc::clone(&namespace), Arc::clone(kind), Arc::clone(name)));
        match above {
            Some(above) => names.extend(above.iter().map(|(_, name)| Arc::clone(name))),
            // A ReplicaSet that is not in the input is named after its Deployment and the template's hash.
            None => names.extend(deployment_of(pod, kind, name)),
        }
    }
    names
}

fn deployment_of(pod: &Pod, kind: &str, name: &str) -> Option<Arc<str>> {
    let hash =
        pod.meta.labels.iter().find(|(key, _)| &**key == "pod-template-hash").map(|(_, value)| value)?;
    let stem = name.strip_suffix(&**hash)?.strip_suffix('-')?;
    (kind == "ReplicaSet").then(|| stem.into())
}

/// Whether another workload of the input's clusters makes this one: a ReplicaSet's pods are its Deployment's.
fn is_owned(workload: &Workload) -> bool {
    !workload.meta.owners.is_empty()
}

/// Names of pods, shared by the workloads that have the same.
type PodNames = Arc<BTreeSet<NamespacedName>>;

/// Pods without an owner, by their namespace and each of their labels.
struct Orphans<'r> {
    by_label: FxHashMap<(&'r Option<Arc<str>>, &'r PodLabel), Vec<&'r Pod>>,
    /// What was found for the labels of a template: many workloads may have the same.
    found: FxHashMap<(&'r Option<Arc<str>>, &'r [PodLabel]), PodNames>,
}

/// Key and value.
type PodLabel = (Arc<str>, Arc<str>);

impl<'r> Orphans<'r> {
    fn new(pods: &[&'r Pod]) -> Orphans<'r> {
        let mut by_label: FxHashMap<_, Vec<&Pod>> = FxHashMap::default();
        for pod in pods.iter().filter(|pod| pod.meta.owners.is_empty()) {
            for label in &pod.meta.labels {
                by_label.entry((&pod.meta.namespace, label)).or_default().push(pod);
            }
        }
        Orphans { by_label, found: FxHashMap::default() }
    }

    /// The pods in a workload's namespace that have every label of its template.
    fn like(&mut self, workload: &'r Workload) -> PodNames {
        let (namespace, labels) = (&workload.meta.namespace, workload.labels.as_slice());
        let by_label = &self.by_label;
        let found = self.found.entry((namespace, labels)).or_insert_with(|| {
            let of_label = |label| by_label.get(&(namespace, label)).map_or(&[][..], Vec::as_slice);
            let rarest = labels.iter().map(of_label).min_by_key(|pods| pods.len()).unwrap_or_default();
            let has_all = |pod: &&&Pod| labels.iter().all(|label| pod.meta.labels.contains(label));
            Arc::new(rarest.iter().filter(has_all).map(|pod| key_of(pod)).collect())
        });
        Arc::clone(found)
    }
}

fn key_of(pod: &Pod) -> NamespacedName {
    (namespace_of(&pod.meta.namespace), Arc::clone(&pod.meta.name.value))
}

/// The places of workloads' pods among the endpoints. Workloads with the same pods share them.
fn places(
    endpoints: &BTreeMap<NamespacedName, Endpoint>,
    of_workload: BTreeMap<NamespacedName, PodNames>,
) -> BTreeMap<NamespacedName, Arc<[usize]>> {
    let order: FxHashMap<&NamespacedName, usize> =
        endpoints.keys().enumerate().map(|(at, key)| (key, at)).collect();
    let mut shared: FxHashMap<*const BTreeSet<NamespacedName>, Arc<[usize]>> = FxHashMap::default();
    let mut place = |pods: &PodNames| {
        let places = || pods.iter().filter_map(|pod| order.get(pod).copied()).collect();
        Arc::clone(shared.entry(Arc::as_ptr(pods)).or_insert_with(places))
    };
    of_workload.iter().map(|(key, pods)| (key.clone(), place(pods))).collect()
}
