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

impl Session {
    /// A pod came, went or is another.
    pub(super) fn pod(&mut self, key: &ObjectKey, before: Option<&Resource>) -> Result<Delta, SessionError> {
        let now = self.inputs.get(key).and_then(pod_of).cloned();
        let before = before.and_then(pod_of);
        let here = |pod: &Pod| pod.node.is_none() || pod.node.as_deref() == Some(&*self.node);
        let host = |pod: &Pod| pod.spec.host_network;
        if let Some(pod) = now.iter().chain(before).find(|pod| here(pod) || host(pod)) {
            let name = format!("{}/{}", lower_namespace(pod), pod.meta.name.value);
            return self.rebuilt(if host(pod) { Reason::Node(name) } else { Reason::LocalEndpoint(name) });
        }
        if let Some(pod) = now.as_ref().or(before)
            && !self.inventory.namespaces.contains_key(&lower_namespace(pod))
        {
            return self.rebuilt(Reason::Namespace(lower_namespace(pod).to_string()));
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

    pub(super) fn add_pod(
        &mut self,
        name: PodName,
        identity: &Arc<Identity>,
        addresses: Vec<IpAddr>,
        change: &mut live::Change,
    ) {
        for address in &addresses {
            self.pods.at.entry(*address).or_default().insert(name.clone(), Arc::clone(identity));
            self.live.edge(Cidr::host(*address), true, change);
        }
        let peer = self.live.join(identity);
        self.pods.by_name.insert(name, (peer, addresses));
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
    match &resource.object {
        Object::Pod(pod) => Some(pod),
        _ => None,
    }
}

fn lower_namespace(pod: &Pod) -> Arc<str> {
    pod.meta.namespace.clone().unwrap_or_else(|| "default".into())
}

fn pod_name(pod: &Pod) -> PodName {
    (lower_namespace(pod), Arc::clone(&pod.meta.name.value))
}
