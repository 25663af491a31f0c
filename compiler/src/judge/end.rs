//! The ends of a flow.

use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::dns_name::DnsName;
use sluice_ir::policy::Identity;

use crate::diagnostic::did_you_mean;
use crate::inventory::{Inventory, Owner};
use crate::resource::cilium::Entity;
use crate::resource::flow::EndRef;

/// One end of a flow, found in the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A pod: its place among the inventory's endpoints.
    Endpoint(usize),
    /// An address that no pod has.
    Address(IpAddr),
    /// A name that has no recorded answer: some address outside that it will have.
    Name(DnsName),
    /// A pod in its node's network: the node's name, if it is known.
    HostNetwork(Option<Arc<str>>),
    /// An entity.
    Entity(Entity),
}

/// An end that is not in the inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EndError {
    /// Which end: the destination of a flow, or else its source.
    pub destination: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl End {
    /// Finds an end.
    ///
    /// # Errors
    ///
    /// It is not there, or policy never sees it.
    pub(super) fn resolve(inventory: &Inventory, reference: &EndRef) -> Result<End, EndError> {
        match reference {
            EndRef::Named { namespace, name } => match inventory.endpoint(namespace, name) {
                Some(at) => Ok(End::Endpoint(at)),
                None => match inventory.host_network(namespace, name) {
                    Some(node) => Ok(End::HostNetwork(node.map(Into::into))),
                    None => Err(unknown(inventory, namespace, name)),
                },
            },
            EndRef::Address(address) => match (inventory.owner(*address), inventory.service_of(*address)) {
                (Some(Owner::Endpoint(at)), _) => Ok(End::Endpoint(at)),
                (None, Some(service)) => Err(EndError {
                    destination: false,
                    message: format!(
                        "{address} is the virtual address of the service `{}/{}`, which policy never sees",
                        service.namespace, service.name
                    ),
                    help: "ask for one of the pods behind it, with the port that they listen on".to_owned(),
                }),
                _ => Ok(End::Address(*address)),
            },
            EndRef::Name(name) => Ok(match inventory.addresses_of(name).first() {
                Some(address) => End::Address(*address),
                None => End::Name(name.clone()),
            }),
            EndRef::Entity(entity) => Ok(End::Entity(*entity)),
        }
    }

    /// The identity, seen from a node.
    pub(super) fn identity(&self, inventory: &Inventory, view: Option<&str>) -> Arc<Identity> {
        let identity = match self {
            End::Endpoint(at) => return Arc::clone(&inventory.endpoints[*at].identity),
            End::Address(address) => inventory.identity_of(*address, view),
            End::Name(name) => {
                let outside = inventory.entity(Entity::World, view);
                Identity { names: vec![name.clone().into()], ..outside }
            }
            // Of a workload nobody knows on which node: every node has one of a DaemonSet, this one too.
            End::HostNetwork(None) => inventory.entity(Entity::Host, view),
            End::HostNetwork(Some(name)) => match inventory.node(name) {
                Some(node) => inventory.node_identity(node, node.addresses.first().copied(), view),
                None => inventory.entity(Entity::RemoteNode, view),
            },
            End::Entity(entity) => inventory.entity(*entity, view),
        };
        Arc::new(identity)
    }

    /// The addresses that it is known to have.
    pub(super) fn addresses(&self, inventory: &Inventory) -> Vec<IpAddr> {
        match self {
            End::Endpoint(at) => inventory.endpoints[*at].addresses.clone(),
            End::Address(address) => vec![*address],
            End::HostNetwork(Some(name)) => {
                inventory.node(name).map(|node| node.addresses.clone()).unwrap_or_default()
            }
            End::HostNetwork(None) | End::Name(_) | End::Entity(_) => Vec::new(),
        }
    }

    /// Whether policy is enforced on it somewhere.
    pub fn is_endpoint(&self) -> bool {
        matches!(self, End::Endpoint(_))
    }

    /// The node that it lives on.
    pub(super) fn node<'i>(&self, inventory: &'i Inventory) -> Option<&'i str> {
        match self {
            End::Endpoint(at) => inventory.endpoints[*at].node.as_deref(),
            End::HostNetwork(Some(name)) => inventory.node(name).map(|node| &*node.name),
            _ => None,
        }
    }
}

fn unknown(inventory: &Inventory, namespace: &str, name: &str) -> EndError {
    let message = format!("there is no pod or workload `{namespace}/{name}` in the input");
    if inventory.service(namespace, name).is_some() {
        let help = "it is a service, which policy never sees: ask for one of the pods behind it".to_owned();
        return EndError { destination: false, message, help };
    }
    let pods = inventory.endpoints.iter().filter(|e| &*e.namespace == namespace).map(|e| &*e.name);
    let workloads = inventory.workloads().filter(|(ns, ..)| *ns == namespace).map(|(_, name, _)| name);
    let elsewhere = || {
        let found = inventory.endpoints.iter().find(|e| &*e.name == name).map(|e| &*e.namespace);
        found.or_else(|| inventory.workloads().find(|(_, n, _)| *n == name).map(|(ns, ..)| ns))
    };
    let help = if let Some(close) = did_you_mean(name, workloads.chain(pods)) {
        format!("did you mean `{namespace}/{close}`?")
    } else if let Some(other) = elsewhere() {
        format!("did you mean `{other}/{name}`?")
    } else if inventory.endpoints.is_empty() {
        "the input holds no pods or workloads: add their manifests to the command".to_owned()
    } else {
        "add the manifest of the pod or its workload to the command".to_owned()
    };
    EndError { destination: false, message, help }
}
