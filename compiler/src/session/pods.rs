//! Pods, by name and by address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::net::Cidr;
use sluice_ir::policy::Identity;

use super::peers::Peer;
use super::{Delta, ObjectKey, Reason, Session, SessionError, live};
use crate::inventory::{Inventory, Owner};
use crate::resource::core::Pod;
use crate::resource::{Object, Resource};

/// Pods by name, and who has their addresses.
#[derive(Debug, Default)]
pub(super) struct Pods {
    by_name: BTreeMap<PodName, (Peer, Vec<IpAddr>)>,
    at: BTreeMap<IpAddr, BTreeMap<PodName, Arc<Identity>>>,
}

/// Namespace and name.
pub(super) type PodName = (Arc<str>, Arc<str>);

impl Pods {
    pub(super) fn add(
        &mut self,
        name: PodName,
        peer: Peer,
        identity: &Arc<Identity>,
        addresses: Vec<IpAddr>,
    ) {
        for address in &addresses {
            self.at.entry(*address).or_default().insert(name.clone(), Arc::clone(identity));
        }
        self.by_name.insert(name, (peer, addresses));
    }
}

impl Session {
    /// A pod came, went or is another.
    pub(super) fn pod(&mut self, key: &ObjectKey, before: Option<&Resource>) -> Result<Delta, SessionError> {
        let now = self.inputs.get(key).and_then(pod_of).cloned();
        let before = before.and_then(pod_of);
        if let Some(reason) = now.iter().chain(before).find_map(|pod| self.reason_to_rebuild(pod)) {
            return self.rebuilt(reason);
        }
        let mut change = live::Change::default();
        if let Some(pod) = before {
            self.remove_pod(&pod_name(pod), &mut change);
        }
        if let Some(pod) = now.filter(|pod| !pod.ended) {
            let identity = self.inventory.identity_of_pod(&pod);
            let addresses = pod.addresses.iter().map(|address| address.value).collect();
            self.add_pod(pod_name(&pod), &identity, addresses, &mut change);
        }
        self.finish(change)
    }

    /// Why a pod that comes, goes or changes is more than a peer.
    pub(super) fn reason_to_rebuild(&self, pod: &Pod) -> Option<Reason> {
        let namespace = namespace_of(pod);
        let name = format!("{namespace}/{}", pod.meta.name.value);
        let here = pod.node.as_deref().is_none_or(|node| node == &*self.node);
        let stand_ins = || self.inputs.has_workload(&namespace);
        let api_server = |address: &IpAddr| self.inventory.api_servers().contains(address);
        match pod {
            _ if pod.spec.host_network => Some(Reason::Node(name)),
            _ if here => Some(Reason::LocalEndpoint(name)),
            _ if !self.inventory.namespaces.contains_key(&namespace) => {
                Some(Reason::Namespace(namespace.to_string()))
            }
            // A workload that has a pod needs nobody to stand for one.
            _ if stand_ins() => Some(Reason::Workload(name)),
            _ if pod.addresses.iter().any(|address| api_server(&address.value)) => Some(Reason::ApiServer),
            _ => None,
        }
    }

    fn add_pod(
        &mut self,
        name: PodName,
        identity: &Arc<Identity>,
        addresses: Vec<IpAddr>,
        change: &mut live::Change,
    ) {
        for address in &addresses {
            self.live.edge(Cidr::host(*address), true, change);
        }
        let peer = self.live.join(identity);
        self.pods.add(name, peer, identity, addresses);
    }

    fn remove_pod(&mut self, name: &PodName, change: &mut live::Change) {
        let Some((peer, addresses)) = self.pods.by_name.remove(name) else { return };
        self.live.peers.leave(peer);
        for address in addresses {
            if let Some(pods) = self.pods.at.get_mut(&address) {
                pods.remove(name);
                if pods.is_empty() {
                    self.pods.at.remove(&address);
                }
            }
            self.live.edge(Cidr::host(address), false, change);
        }
    }
}

/// Who is at an address, as a node sees it.
pub(super) fn identity_at(inventory: &Inventory, pods: &Pods, node: &str, address: IpAddr) -> Arc<Identity> {
    match inventory.owner(address) {
        Some(Owner::Node(_)) => return Arc::new(inventory.identity_of(address, Some(node))),
        Some(Owner::Endpoint(_)) | None => {}
    }
    match pods.at.get(&address).and_then(|pods| pods.values().next()) {
        Some(identity) => Arc::clone(identity),
        None => Arc::new(inventory.outside(address)),
    }
}

fn pod_of(resource: &Resource) -> Option<&Pod> {
    match &*resource.object {
        Object::Pod(pod) => Some(pod),
        _ => None,
    }
}

fn namespace_of(pod: &Pod) -> Arc<str> {
    pod.meta.namespace.clone().unwrap_or_else(|| "default".into())
}

fn pod_name(pod: &Pod) -> PodName {
    (namespace_of(pod), Arc::clone(&pod.meta.name.value))
}
