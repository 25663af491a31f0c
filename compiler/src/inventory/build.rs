//! From objects to the inventory.
//!
//! Namespaces are worked out side by side: no two have a pod, a workload or an identity in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

use super::endpoints::{self, Settled, Space};
use super::{IdentityId, Inventory, Node, addresses, identity, keys};
use crate::diagnostic::Diagnostic;
use crate::options::Options;
use crate::resource::core::Pod;
use crate::resource::dns_answers::DnsAnswers;
use crate::resource::{Object, Resource};

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
            ..Inventory::default()
        };
        let ((), diagnostics) = rayon::join(
            || {
                inventory.add_spaces(spaces(resources));
                inventory.add_nodes(resources);
                inventory.owners = addresses::owners(&inventory.nodes, &inventory.endpoints);
                inventory.add_services(resources);
                inventory.add_groups(resources);
            },
            || addresses::shared(resources),
        );
        for (name, addresses) in &answers.0 {
            for address in addresses {
                inventory.names.entry(*address).or_default().push(name.clone());
            }
        }
        inventory.answers = answers;
        inventory.find_askers();
        (inventory, diagnostics)
    }

    /// Namespaces with their endpoints and workloads.
    fn add_spaces(&mut self, spaces: Vec<Space<'_>>) {
        let cluster = &self.cluster;
        let settled: Vec<Settled> =
            spaces.par_iter().map(|space| endpoints::settle(space, cluster)).collect();
        for (space, settled) in spaces.into_iter().zip(settled) {
            let (endpoints, identities) = (self.endpoints.len(), self.identities.len());
            self.endpoints.extend(settled.endpoints);
            for endpoint in &mut self.endpoints[endpoints..] {
                endpoint.identity_id = IdentityId::new(identities + endpoint.identity_id.index());
            }
            self.identities.extend(settled.identities);
            let shift = |set: Vec<usize>| set.into_iter().map(|place| endpoints + place).collect();
            let sets: Vec<Arc<[usize]>> = settled.sets.into_iter().map(shift).collect();
            let named =
                |(name, set): (Arc<str>, usize)| ((Arc::clone(&space.name), name), Arc::clone(&sets[set]));
            self.workloads.extend(settled.workloads.into_iter().map(named));
            self.namespaces.insert(space.name, space.labels);
        }
    }

    /// Nodes, and the ones that only a pod in the host's network tells of.
    fn add_nodes(&mut self, resources: &[Resource]) {
        let mut nodes: BTreeMap<Arc<str>, Node> = BTreeMap::new();
        for resource in resources {
            if let Object::Node(node) = &*resource.object {
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
        for resource in resources {
            if let Object::Workload(workload) = &*resource.object
                && workload.spec.host_network
            {
                let key = (namespace_of(&workload.meta.namespace), Arc::clone(&workload.meta.name.value));
                self.on_host_network.entry(key).or_default();
            }
        }
        self.nodes = nodes.into_values().collect();
    }
}

/// Pods that have not ended.
fn running_pods(resources: &[Resource]) -> impl Iterator<Item = &Pod> {
    resources.iter().filter_map(|resource| match &*resource.object {
        Object::Pod(pod) if !pod.ended => Some(pod),
        _ => None,
    })
}

const DEFAULT_NAMESPACE: &str = "default";

pub(super) fn namespace_of(namespace: &Option<Arc<str>>) -> Arc<str> {
    namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.into())
}

/// Namespaces in order of name, each with its labels, its pods and its workloads. Those that an object
/// only mentions have their name label.
fn spaces(resources: &[Resource]) -> Vec<Space<'_>> {
    let mut spaces = Spaces::default();
    for resource in resources {
        match &*resource.object {
            Object::Pod(pod) => {
                let space = spaces.enter(&pod.meta.namespace);
                if !pod.ended && !pod.spec.host_network {
                    space.pods.push(pod);
                }
            }
            Object::Workload(workload) => spaces.enter(&workload.meta.namespace).workloads.push(workload),
            Object::Service(service) => spaces.mention(&service.meta.namespace),
            Object::CiliumPolicy(policy) if policy.meta.namespace.is_none() => {}
            Object::CiliumPolicy(policy) => spaces.mention(&policy.meta.namespace),
            Object::NetworkPolicy(policy) => spaces.mention(&policy.meta.namespace),
            Object::Namespace(namespace) => {
                let space = spaces.space(&namespace.meta.name.value);
                space.labels.extend(namespace.meta.labels.iter().cloned());
            }
            Object::CidrGroup(_) | Object::ServiceAccount(_) | Object::Node(_) | Object::EndpointSlice(_) => {
            }
        }
    }
    spaces.0.sort_unstable_keys();
    spaces.0.into_values().collect()
}

#[derive(Default)]
struct Spaces<'r>(IndexMap<&'r str, Space<'r>, FxBuildHasher>);

impl<'r> Spaces<'r> {
    fn space(&mut self, name: &'r str) -> &mut Space<'r> {
        self.0.entry(name).or_insert_with(|| {
            let name: Arc<str> = name.into();
            let labels = BTreeMap::from([(keys::NAMESPACE_NAME.into(), Arc::clone(&name))]);
            Space { name, labels, pods: Vec::new(), workloads: Vec::new() }
        })
    }

    fn enter(&mut self, namespace: &'r Option<Arc<str>>) -> &mut Space<'r> {
        self.space(namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE))
    }

    fn mention(&mut self, namespace: &'r Option<Arc<str>>) {
        self.enter(namespace);
    }
}
