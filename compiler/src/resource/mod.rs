//! Typed objects: what a document is, once it is read.

pub mod address;
mod advice;
pub mod aws;
pub mod cilium;
pub mod core;
pub mod decode;
pub mod dns_answers;
mod duplicate;
pub mod endpoint_interfaces;
pub mod flow;
pub(crate) mod icmp;
pub mod meta;
pub mod network_policy;
mod read;
pub mod selector;
mod strings;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

pub use duplicate::without_replaced;
pub use read::read;
pub use strings::Strings;

use crate::diagnostic::DocumentRef;
use crate::source::{FileId, Span};

/// An object that is valid by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Where it stands.
    pub place: Place,
    /// What it is. Who holds it in several sets, as both sides of a comparison, holds it once.
    pub object: Arc<Object>,
}

impl Resource {
    /// Puts an object that belongs to a namespace and names none into this one, as `kubectl apply -n` does.
    pub fn put_into(&mut self, namespace: &Arc<str>) {
        let meta = Arc::make_mut(&mut self.object).meta_mut();
        if meta.namespace.is_some() && self.place.document.namespace.is_none() {
            meta.namespace = Some(Arc::clone(namespace));
            Arc::make_mut(&mut self.place.document).namespace = Some(Arc::clone(namespace));
        }
    }
}

/// Where an object stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The object's first key; for an element of a `List`, the element's.
    pub span: Span,
    /// All of it.
    pub whole: Span,
    /// Kind, namespace, name, and index of its document.
    pub document: Arc<DocumentRef>,
}

/// The kinds of objects that policy is made of or resolved against.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.
    CiliumPolicy(cilium::CiliumPolicy),
    /// NetworkPolicy.
    NetworkPolicy(network_policy::NetworkPolicy),
    /// CiliumCIDRGroup.
    CidrGroup(cilium::CidrGroup),
    /// Pod.
    Pod(core::Pod),
    /// Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob.
    Workload(core::Workload),
    /// Namespace.
    Namespace(core::Namespace),
    /// ServiceAccount.
    ServiceAccount(core::ServiceAccount),
    /// Node.
    Node(core::Node),
    /// Service.
    Service(core::Service),
    /// EndpointSlice or Endpoints.
    EndpointSlice(core::EndpointSlice),
}

impl Object {
    /// Its metadata.
    pub fn meta(&self) -> &meta::Meta {
        match self {
            Object::CiliumPolicy(policy) => &policy.meta,
            Object::NetworkPolicy(policy) => &policy.meta,
            Object::CidrGroup(group) => &group.meta,
            Object::Pod(pod) => &pod.meta,
            Object::Workload(workload) => &workload.meta,
            Object::Namespace(namespace) => &namespace.meta,
            Object::Node(node) => &node.meta,
            Object::Service(service) => &service.meta,
            Object::EndpointSlice(slice) => &slice.meta,
            Object::ServiceAccount(account) => &account.meta,
        }
    }

    fn meta_mut(&mut self) -> &mut meta::Meta {
        match self {
            Object::CiliumPolicy(policy) => &mut policy.meta,
            Object::NetworkPolicy(policy) => &mut policy.meta,
            Object::CidrGroup(group) => &mut group.meta,
            Object::Pod(pod) => &mut pod.meta,
            Object::Workload(workload) => &mut workload.meta,
            Object::Namespace(namespace) => &mut namespace.meta,
            Object::Node(node) => &mut node.meta,
            Object::Service(service) => &mut service.meta,
            Object::EndpointSlice(slice) => &mut slice.meta,
            Object::ServiceAccount(account) => &mut account.meta,
        }
    }

    /// Its name as people say it: `shop/cart`, or `baseline` for what belongs to no namespace.
    pub fn name(&self) -> String {
        let meta = self.meta();
        match &meta.namespace {
            Some(namespace) => format!("{namespace}/{}", meta.name.value),
            None => meta.name.value.to_string(),
        }
    }
}
