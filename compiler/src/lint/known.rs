//! Which absences mean anything.
//!
//! A policy is often checked without the cluster that it is for, and then nothing can be said about who is
//! missing. The rule, for every lint:
//!
//! 1. Without a single object of a kind in the input, nobody of that kind is missed. (Pods are known by
//!    pods and by workloads alike.)
//! 2. Somebody missing from a namespace is a *warning* if the input has pods of that namespace and the policy
//!    names its namespace; an object without `metadata.namespace` may be applied to any.
//! 3. Somebody missing from the whole cluster is a *warning* if the input has Namespaces or Nodes, which stand
//!    for a whole cluster and not for one application.
//! 4. What resembles something that exists is a *warning* wherever it stands: that is a slip.
//! 5. Everything else is an *info*.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::Severity;
use crate::inventory::Inventory;
use crate::resource::{Object, Resource};

/// What the input claims to know.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Namespaces of which there is a pod or a workload.
    populated: BTreeSet<Arc<str>>,
    /// Namespaces that are objects themselves.
    declared: BTreeSet<Arc<str>>,
    /// Whether there is a node.
    pub nodes: bool,
    /// Whether there is a service.
    pub services: bool,
}

impl Known {
    pub(super) fn new(resources: &[Resource], inventory: &Inventory) -> Known {
        let mut known = Known {
            populated: inventory.endpoints.iter().map(|pod| Arc::clone(&pod.namespace)).collect(),
            services: !inventory.services.is_empty(),
            ..Known::default()
        };
        for resource in resources {
            let meta = resource.object.meta();
            match &*resource.object {
                Object::Namespace(_) => {
                    known.declared.insert(Arc::clone(&meta.name.value));
                }
                Object::Node(_) => known.nodes = true,
                Object::Pod(_) | Object::Workload(_) => known.populated.extend(meta.namespace.clone()),
                _ => {}
            }
        }
        known
    }

    /// Whether there is any pod or workload.
    pub fn pods(&self) -> bool {
        !self.populated.is_empty()
    }

    /// Whether the input stands for a whole cluster.
    pub fn whole_cluster(&self) -> bool {
        self.nodes || !self.declared.is_empty()
    }

    /// Namespaces that somebody is in, or that are objects, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.populated.union(&self.declared).map(|name| &**name)
    }

    /// Whether a namespace is one of them.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.populated.contains(name) || self.declared.contains(name)
    }

    /// How much it matters that nobody is found in a namespace, or without one in the cluster; `resembles` says
    /// that something very much like it exists.
    pub fn absence(&self, resource: &Resource, namespace: Option<&str>, resembles: bool) -> Option<Severity> {
        if !self.pods() {
            return None;
        }
        let namespaced = resource.object.meta().namespace.is_some();
        let named = !namespaced || resource.place.document.namespace.is_some();
        let complete = match namespace {
            Some(namespace) => named && self.populated.contains(namespace),
            None => named && self.whole_cluster(),
        };
        Some(if resembles || complete { Severity::Warning } else { Severity::Info })
    }
}
